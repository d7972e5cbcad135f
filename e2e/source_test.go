package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// ours are the structures of a service as our source declares them, by their names:
// what the reference page does not print, the types of members and what is in
// structures.
type ours map[string]ast.Expr

func readOurs(t *testing.T, service string) ours {
	t.Helper()
	files, err := filepath.Glob("../internal/service/" + service + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := make(ours)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			if spec, is := n.(*ast.TypeSpec); is {
				declared[spec.Name.Name] = spec.Type
			}
			return true
		})
	}
	return declared
}

// members of a structure by their names on the wire.
func (o ours) members(name string) map[string]ast.Expr {
	s, is := o[name].(*ast.StructType)
	if !is {
		return nil
	}
	list := make(map[string]ast.Expr)
	for _, field := range s.Fields.List {
		if field.Tag == nil {
			continue
		}
		wire, option, _ := strings.Cut(reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("aws"), ",")
		if wire == "" {
			continue
		}
		list[wire] = field.Type
		if option == "text" { // confidential.Bytes that are a string
			list[wire] = ast.NewIdent("string")
		}
	}
	return list
}

// kind is the type of a member in the words of the model, where an enum is a
// string, and the type of its elements or its structure.
func (o ours) kind(e ast.Expr) (kind string, inner ast.Expr) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return o.kind(e.X)
	case *ast.IndexExpr: // optional.Of
		return o.kind(e.Index)
	case *ast.ArrayType:
		if id, is := e.Elt.(*ast.Ident); is && id.Name == "byte" {
			return "blob", nil
		}
		return "list", e.Elt
	case *ast.SelectorExpr:
		return map[string]string{"Bytes": "blob", "Time": "timestamp", "Map": "map"}[e.Sel.Name], nil
	case *ast.Ident:
		switch e.Name {
		case "string":
			return "string", nil
		case "bool":
			return "boolean", nil
		case "int", "int64":
			return "integer", nil
		}
		if _, is := o[e.Name].(*ast.StructType); is {
			return "structure", e
		}
		return o.kind(o[e.Name])
	}
	return "", nil
}
