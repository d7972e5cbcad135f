package house_test

import (
	"fmt"
	"go/ast"
	"testing"
)

// longest is how many lines a function may have without being listed.
const longest = 120

// long lists functions that may be longer, with their length when they were
// listed: they may shrink, not grow. Long is allowed for a story told in order
// with its steps numbered, and for tables.
var long = map[string]int{}

func TestFunctionLengths(t *testing.T) {
	lines := func(n int) string {
		text := "package arn; func f() {"
		for range n - 1 {
			text += "\n"
		}
		return text + "}"
	}
	hold(t, rule{
		check: func(t tree) []string { return longFunctions(t, long) },
		bad: []example{
			bad("arn/a.go:f has 121 lines", "internal/words/arn/a.go", lines(longest+1)),
		},
		good: []example{
			good("internal/words/arn/a.go", lines(longest)),
			good("internal/words/arn/a_test.go", lines(2*longest)),
		},
	})
}

// The list is a ratchet: what has become short leaves it.
func TestLongFunctionsAreStillLong(t *testing.T) {
	t.Parallel()
	short, err := parse("internal/words/arn/a.go", "package arn; func f() {}")
	if err != nil {
		t.Fatal(err)
	}
	if found := noLongerLong(tree{short}, map[string]int{"internal/words/arn/a.go:f": 200}); len(found) != 1 {
		t.Errorf("about a stale list the rule said %q", found)
	}
	tr, err := house()
	if err != nil {
		t.Fatal(err)
	}
	for _, sentence := range noLongerLong(tr, long) {
		t.Error(sentence)
	}
}

func longFunctions(t tree, listed map[string]int) []string {
	var found []string
	for name, n := range functionLengths(t) {
		if n > max(longest, listed[name]) {
			found = append(found, fmt.Sprintf("%s has %d lines: more than %d want a second look", name, n, max(longest, listed[name])))
		}
	}
	return found
}

func noLongerLong(t tree, listed map[string]int) []string {
	var found []string
	lengths := functionLengths(t)
	for name := range listed {
		if n := lengths[name]; n <= longest {
			found = append(found, fmt.Sprintf("%s is listed as long and has %d lines: strike it off", name, n))
		}
	}
	return found
}

// functionLengths counts the lines of every function, named file:function or
// file:Receiver.method.
func functionLengths(t tree) map[string]int {
	lengths := make(map[string]int)
	for _, f := range t.source() {
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				lengths[f.path+":"+receiver(fn)+fn.Name.Name] = f.pos.Position(fn.End()).Line - f.pos.Position(fn.Pos()).Line + 1
			}
		}
	}
	return lengths
}

func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return ""
	}
	e := fn.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name + "."
		default:
			return ""
		}
	}
}
