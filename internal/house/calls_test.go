package house_test

import (
	"fmt"
	"go/ast"
	"strconv"
	"strings"
	"testing"
)

// A ban says which functions of a package of the standard library only some
// packages may name.
type ban struct {
	path      string
	names     []string // all, if empty
	why       string
	importers []string
}

var bans = []ban{
	{"time", []string{"Now", "Since", "Until"}, "time comes in as a value or a func: there is one clock", []string{
		"app", "cmd/claviger-bench",
	}},
	{"time", []string{"Sleep"}, "wait for what you wait for, not for time to pass", []string{
		"ground/audit", // a reader may hold the lock for a moment, and no system tells when it lets go
		"cmd/claviger-bench",
	}},
	{"time", []string{"Tick"}, "a ticker has an owner who stops it", nil},
	{"fmt", []string{"Print", "Printf", "Println"}, "the terminal belongs to the command", []string{"app", "cmd/claviger", "cmd/claviger-bench", "cmd/claviger-release"}},
	{"os", []string{"Exit"}, "only main ends the program", []string{"cmd/claviger", "cmd/claviger-bench", "cmd/claviger-release"}},
	{"context", []string{"TODO"}, "a context comes from the call, or from the start", nil},
	{"runtime/debug", []string{"PrintStack", "Stack"}, "a stack may show arguments", []string{"app"}},
}

func TestBannedCalls(t *testing.T) {
	hold(t, rule{
		check: bannedCalls,
		bad: []example{
			bad("time.Now", "internal/ground/audit/a.go", `package audit; import "time"; var now = time.Now`),
			bad("time.Since", "internal/service/kms/a.go", `package kms; import "time"; func age(t time.Time) any { return time.Since(t) }`),
			bad("time.Now", "internal/service/kms/a.go", `package kms; import clock "time"; func f() any { return clock.Now() }`),
			bad("time.Sleep", "internal/app/a.go", `package app; import "time"; func f() { time.Sleep(1) }`),
			bad("fmt.Println", "internal/service/kms/a.go", `package kms; import "fmt"; func f() { fmt.Println() }`),
			bad("os.Exit", "internal/app/a.go", `package app; import "os"; func f() { os.Exit(1) }`),
		},
		good: []example{
			good("internal/app/a.go", `package app; import "time"; var now = time.Now`),
			good("internal/service/kms/a.go", `package kms; import "time"; func f(now func() time.Time) any { return now() }`),
			good("internal/service/kms/a_test.go", `package kms; import "time"; var now = time.Now`),
		},
	})
}

func bannedCalls(t tree) []string {
	var found []string
	for _, f := range t.source() {
		for _, b := range bans {
			if covers(b.importers, f.pkg()) {
				continue
			}
			for _, n := range named(f, b.path, b.names) {
				found = append(found, fmt.Sprintf("%s names %s.%s: %s", f.at(n), b.path, n.Sel.Name, b.why))
			}
		}
	}
	return found
}

// named finds where f names one of the given names of a package.
func named(f *file, importPath string, names []string) []*ast.SelectorExpr {
	local := f.imported(importPath)
	if local == "" {
		return nil
	}
	var found []*ast.SelectorExpr
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == local && covers(names, sel.Sel.Name) {
			found = append(found, sel)
		}
		return true
	})
	return found
}

func TestNoInit(t *testing.T) {
	hold(t, rule{
		check: inits,
		bad: []example{
			bad("init", "internal/service/kms/a.go", `package kms; func init() {}`),
		},
		good: []example{
			good("internal/service/kms/a.go", `package kms; type t int; func (t) init() {}`),
		},
	})
}

// inits finds init functions: what the program does is called from main.
func inits(t tree) []string {
	var found []string
	for _, f := range t.source() {
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				found = append(found, f.at(fn)+" declares an init function: say in the open what happens at start")
			}
		}
	}
	return found
}

func TestPanics(t *testing.T) {
	hold(t, rule{
		check: wrongPanics,
		bad: []example{
			bad("begin with", "internal/ground/sealed/a.go", `package sealed; func f() { panic("bad length") }`),
			bad("begin with", "internal/ground/sealed/a.go", `package sealed; func f(s string) { panic("policy: bad length " + s) }`),
			bad("begin with", "internal/ground/sealed/a.go", `package sealed; func f(err error) { panic(err) }`),
			bad("begin with", "internal/ground/sealed/a.go", `package sealed; import "fmt"; func f() { panic(fmt.Sprintf("length %d", 1)) }`),
			bad("leftover", "internal/ground/sealed/a.go", `package sealed; func f() { panic("sealed: not implemented") }`),
			bad("leftover", "internal/ground/sealed/a.go", `package sealed; func f() { panic("TODO") }`),
		},
		good: []example{
			good("internal/ground/sealed/a.go", `package sealed; func f() { panic("sealed: stored key has the wrong length") }`),
			good("internal/ground/sealed/a.go", `package sealed; import "fmt"; func f(n int) { panic(fmt.Sprintf("sealed: length %d", n)) }`),
			good("internal/ground/sealed/a.go", `package sealed; func f(s string) { panic("sealed: length " + s + ".") }`),
			good("internal/ground/sealed/a_test.go", `package sealed; func f() { panic("x") }`),
			good("internal/ground/store/storetest/a.go", `package storetest; func f() { panic("x") }`),
			good("internal/ground/sealed/a.go", `package sealed; func f() { defer func() { if p := recover(); p != nil { panic(p) } }() }`),
		},
	})
}

// wrongPanics finds panics whose message does not begin with the package's
// name, and those that stand where code is missing. Passing on what was
// recovered is no panic of ours.
func wrongPanics(t tree) []string {
	var found []string
	for _, f := range t.source() {
		if strings.HasSuffix(f.pkg(), "test") { // as storetest, which is for tests
			continue
		}
		recovered := recoveries(f)
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 || !isIdent(call.Fun, "panic") {
				return true
			}
			if x, ok := call.Args[0].(*ast.Ident); ok && recovered[x.Name] {
				return true
			}
			text := beginning(call.Args[0])
			switch {
			case isLeftover(text):
				found = append(found, f.at(n)+" panics where code is missing: a leftover")
			case !strings.HasPrefix(text, f.syntax.Name.Name+": "):
				found = append(found, fmt.Sprintf("%s panics with a message that does not begin with %q", f.at(n), f.syntax.Name.Name+": "))
			}
			return true
		})
	}
	return found
}

// recoveries names the variables of f that hold a recovered value.
func recoveries(f *file) map[string]bool {
	names := make(map[string]bool)
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok || len(a.Lhs) != 1 || len(a.Rhs) != 1 {
			return true
		}
		call, isCall := a.Rhs[0].(*ast.CallExpr)
		if x, isName := a.Lhs[0].(*ast.Ident); isCall && isName && isIdent(call.Fun, "recover") {
			names[x.Name] = true
		}
		return true
	})
	return names
}

func isIdent(e ast.Expr, name string) bool {
	x, ok := e.(*ast.Ident)
	return ok && x.Name == name
}

// beginning returns the string literal with which the text of e begins: e
// itself, the left end of a sum, or the format of a call.
func beginning(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		if err == nil {
			return s
		}
	case *ast.BinaryExpr:
		return beginning(e.X)
	case *ast.CallExpr:
		if len(e.Args) > 0 {
			return beginning(e.Args[0])
		}
	}
	return ""
}

func isLeftover(message string) bool {
	m := strings.ToLower(message)
	for _, words := range []string{"not implemented", "unimplemented", "not yet", "todo"} {
		if strings.Contains(m, words) {
			return true
		}
	}
	return false
}
