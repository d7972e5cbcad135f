package house_test

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// serial lists tests that run alone, each with its reason.
var serial = map[string]string{
	"internal/app/xks_cost_test.go:TestProxyMemory":                        "what it measures is the memory of the whole process",
	"internal/ground/sealed/key_test.go:TestWipe":                          "a parallel test could fill the freed slot again",
	"internal/ground/sealed/root/passphrase_unix_test.go:TestPassphraseFD": "numbers of descriptors belong to the whole process",
	"internal/service/kms/grant_volume_test.go:TestVolume":                 "what it measures is the memory of the whole process",
}

func TestExceptionsAreStillNeeded(t *testing.T) {
	t.Parallel()
	tr, err := house()
	if err != nil {
		t.Fatal(err)
	}
	for name, reason := range serial {
		file, test, _ := strings.Cut(name, ":")
		if reason == "" || !slices.ContainsFunc(serialTests(tr, nil), func(found string) bool {
			return strings.HasPrefix(found, file) && strings.Contains(found, " "+test+" ")
		}) {
			t.Errorf("%s is listed as running alone, without a reason or without need: strike it off", name)
		}
	}
}

func TestTestsRunInParallel(t *testing.T) {
	hold(t, rule{
		check: func(t tree) []string { return serialTests(t, serial) },
		bad: []example{
			bad("TestA", "internal/words/arn/a_test.go", `package arn_test; import "testing"; func TestA(t *testing.T) {}`),
			bad("TestA", "internal/words/arn/a_test.go", `package arn_test; import "testing"; func TestA(t *testing.T) { t.Run("x", func(t *testing.T) { t.Parallel() }) }`),
		},
		good: []example{
			good("internal/words/arn/a_test.go", `package arn_test; import "testing"; func TestA(t *testing.T) { t.Parallel() }`),
			good("internal/words/arn/a_test.go", `package arn_test; import "testing"; func TestA(t *testing.T) { t.Setenv("A", "b") }`),
			good("internal/words/arn/a_test.go", `package arn_test; import "testing"; func TestA(t *testing.T) { testing.AllocsPerRun(1, f) }`),
			good("internal/words/arn/a_test.go", `package arn_test; import "testing"; func TestMain(m *testing.M) {}`),
			good("internal/house/a_test.go", `package house_test; import "testing"; func TestA(t *testing.T) { hold(t, rule{}) }`),
		},
	})
}

// serialTests finds tests that don't say t.Parallel() themselves. Those that
// count allocations or change the environment can't: the testing package
// forbids it.
func serialTests(t tree, serial map[string]string) []string {
	var found []string
	for _, f := range t.goFiles() {
		if !f.test() {
			continue
		}
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !isTest(fn) {
				continue
			}
			name := f.path + ":" + fn.Name.Name
			if _, listed := serial[name]; !listed && !runsInParallel(fn, f.pkg() == "house") {
				found = append(found, fmt.Sprintf("%s: %s does not call t.Parallel", f.at(fn), fn.Name.Name))
			}
		}
	}
	return found
}

func isTest(fn *ast.FuncDecl) bool {
	if fn.Recv != nil || !strings.HasPrefix(fn.Name.Name, "Test") || fn.Name.Name == "TestMain" || len(fn.Type.Params.List) != 1 {
		return false
	}
	star, ok := fn.Type.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	sel, ok := star.X.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "T"
}

// runsInParallel looks for t.Parallel() in the body of the test itself, not in
// its subtests; in this package hold calls it for its caller. What forbids it
// may stand deeper.
func runsInParallel(fn *ast.FuncDecl, inHouse bool) bool {
	for _, s := range fn.Body.List {
		e, ok := s.(*ast.ExprStmt)
		if !ok {
			continue
		}
		call, ok := e.X.(*ast.CallExpr)
		if !ok {
			continue
		}
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Parallel" || inHouse && isIdent(call.Fun, "hold") {
			return true
		}
	}
	forbidden := false
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && slices.Contains([]string{"Setenv", "Chdir", "AllocsPerRun"}, sel.Sel.Name) {
			forbidden = true
		}
		return !forbidden
	})
	return forbidden
}

func TestTestsDoNotSleep(t *testing.T) {
	hold(t, rule{
		check: sleepingTests,
		bad: []example{
			bad("sleeps", "internal/words/arn/a_test.go", `package arn_test; import "time"; func f() { time.Sleep(1) }`),
		},
		good: []example{
			good("internal/words/arn/a_test.go", `package arn_test; import ("testing/synctest"; "time"); func f() { synctest.Wait(); time.Sleep(1) }`),
		},
	})
}

// sleepingTests finds tests that wait for real time to pass. In a bubble of
// synctest time is not real.
func sleepingTests(t tree) []string {
	var found []string
	for _, f := range t.goFiles() {
		if !f.test() || f.imported("testing/synctest") != "" {
			continue
		}
		for _, n := range named(f, "time", []string{"Sleep"}) {
			found = append(found, f.at(n)+" sleeps: wait for what the test is about")
		}
	}
	return found
}

// parses matches the names of functions that take foreign bytes apart.
var parses = regexp.MustCompile(`^(Parse|Decode|Peek)([A-Z]|$)`)

func TestParsersAreFuzzed(t *testing.T) {
	hold(t, rule{
		check: unfuzzed,
		bad: []example{
			bad("words/arn", "internal/words/arn/a.go", `package arn; func Parse(s string) {}`),
			bad("words/arn", "internal/words/arn/a.go", `package arn; func ParseList(b []byte) {}`, "internal/words/arn/a_test.go", `package arn; func TestA() {}`),
			bad("edge/awsjson", "internal/edge/awsjson/a.go", `package awsjson; func (s *Shape) Decode(b []byte, into any) {}`),
		},
		good: []example{
			good("internal/words/arn/a.go", `package arn; func Parse(s string) {}`, "internal/words/arn/a_test.go", `package arn; func FuzzParse() {}`),
			good("internal/words/arn/a.go", `package arn; func parse(s string) {}`),
			good("internal/words/arn/a.go", `package arn; func Parser(n int) {}; func Parse(n int) {}`),
		},
	})
}

// unfuzzed finds packages that offer to parse strings or bytes and have no fuzz test.
func unfuzzed(t tree) []string {
	parsers := make(map[string]string)
	fuzzed := make(map[string]bool)
	for _, f := range t.goFiles() {
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			switch {
			case !ok:
			case f.test() && strings.HasPrefix(fn.Name.Name, "Fuzz"):
				fuzzed[path.Dir(f.path)] = true
			case !f.test() && parses.MatchString(fn.Name.Name) && takesBytes(fn):
				parsers[path.Dir(f.path)] = fn.Name.Name
			}
		}
	}
	var found []string
	for folder, name := range parsers {
		if !fuzzed[folder] {
			found = append(found, fmt.Sprintf("%s offers %s and has no fuzz test", folder, name))
		}
	}
	return found
}

// takesBytes reports whether a parameter of fn is a string, a slice of bytes or a reader.
func takesBytes(fn *ast.FuncDecl) bool {
	return slices.ContainsFunc(fn.Type.Params.List, func(p *ast.Field) bool {
		switch x := p.Type.(type) {
		case *ast.Ident:
			return x.Name == "string"
		case *ast.ArrayType:
			return isIdent(x.Elt, "byte")
		case *ast.SelectorExpr:
			return x.Sel.Name == "Reader"
		}
		return false
	})
}
