package house_test

import (
	"fmt"
	"go/ast"
	"go/doc"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// drawers are names of packages into which anything fits.
var drawers = []string{"util", "common", "misc", "base", "manager", "helper", "impl", "shared", "stuff", "lib"}

// grammar are names of files that say what kind of word is inside, not what it is about.
var grammar = []string{"types", "interfaces", "constants", "consts", "helpers", "helper", "utils", "util", "api", "common", "misc", "errors", "impl"}

func TestPackageNames(t *testing.T) {
	hold(t, rule{
		check: wrongNames,
		bad: []example{
			bad("a drawer", "internal/ground/util/a.go", `package util`),
			bad("a drawer", "internal/edge/httputil/a.go", `package httputil`),
			bad("a drawer", "internal/ground/keymanager/a.go", `package keymanager`),
			bad("its folder", "internal/ground/audit/a.go", `package trail`),
			bad("lower case", "internal/ground/auditLog/a.go", `package auditLog`),
			bad("the grammar", "internal/ground/audit/types.go", `package audit`),
			bad("the grammar", "internal/ground/audit/helpers_test.go", `package audit_test`),
			bad("the grammar", "internal/ground/audit/api.go", `package audit`),
		},
		good: []example{
			good("internal/ground/audit/segment.go", `package audit`, "internal/ground/audit/segment_test.go", `package audit_test`),
			good("cmd/claviger/main.go", `package main`),
			good("internal/ground/database/a.go", `package database`),
		},
	})
}

func wrongNames(t tree) []string {
	var found []string
	for _, f := range t.goFiles() {
		stem := strings.TrimSuffix(strings.TrimSuffix(path.Base(f.path), ".go"), "_test")
		if slices.Contains(grammar, stem) {
			found = append(found, f.path+" names the grammar, not the thing: call it after the noun that it holds")
		}
		folder, name := path.Base(path.Dir(f.path)), strings.TrimSuffix(f.syntax.Name.Name, "_test")
		switch {
		case isDrawer(name):
			found = append(found, fmt.Sprintf("%s is in package %s: a drawer", f.path, name))
		case name != strings.ToLower(name) || strings.Contains(name, "_"):
			found = append(found, fmt.Sprintf("%s is in package %s: names of packages are one word in lower case", f.path, name))
		case name != "main" && name != folder:
			found = append(found, fmt.Sprintf("%s is in package %s, which is not called as its folder", f.path, name))
		}
	}
	return found
}

// isDrawer reports whether a package's name is that of a drawer, or ends in one.
func isDrawer(name string) bool {
	return slices.ContainsFunc(drawers, func(drawer string) bool {
		return name == drawer || name == drawer+"s" || len(drawer) > 4 && strings.HasSuffix(name, drawer) ||
			drawer == "util" && (strings.HasSuffix(name, "util") || strings.HasSuffix(name, "utils"))
	})
}

func TestPackageComments(t *testing.T) {
	hold(t, rule{
		check: wrongComments,
		bad: []example{
			bad("no package comment", "internal/words/arn/a.go", `package arn`),
			bad("no package comment", "internal/words/arn/a.go", "// Copyright.\n\npackage arn"),
			bad(`"Package arn`, "internal/words/arn/a.go", "// Names of resources.\npackage arn"),
			bad(`"Package arn`, "internal/words/arn/a.go", "// Package pairs holds names of resources.\npackage arn"),
			bad("various", "internal/words/arn/a.go", "// Package arn holds various names.\npackage arn"),
			bad(`"Claviger-bench`, "cmd/claviger-bench/a.go", "// Measures.\npackage main"),
			bad("2 package comments", "internal/words/arn/a.go", "// Package arn is a name.\npackage arn", "internal/words/arn/b.go", "// Package arn is an alias.\npackage arn"),
		},
		good: []example{
			good("internal/words/arn/a.go", "// Package arn holds the names of resources.\npackage arn", "internal/words/arn/b.go", "package arn"),
			good("cmd/claviger/a.go", "// Claviger keeps keys.\npackage main"),
			good("cmd/claviger/a.go", "// Command claviger keeps keys.\npackage main"),
		},
	})
}

// wrongComments checks that each package says once, in its first sentence, what it is.
func wrongComments(t tree) []string {
	var found []string
	for folder, files := range t.packages() {
		var comments []string
		for _, f := range files {
			if f.syntax.Doc != nil {
				comments = append(comments, f.syntax.Doc.Text())
			}
		}
		switch len(comments) {
		case 0:
			found = append(found, folder+" has no package comment")
		case 1:
			found = append(found, wrongComment(folder, files[0].syntax.Name.Name, comments[0])...)
		default:
			found = append(found, fmt.Sprintf("%s has %d package comments: one is enough", folder, len(comments)))
		}
	}
	return found
}

func wrongComment(folder, name, comment string) []string {
	var found []string
	begins := []string{"Package " + name + " "}
	if name == "main" {
		command := path.Base(folder)
		begins = []string{strings.ToUpper(command[:1]) + command[1:] + " ", "Command " + command + " "}
	}
	first := new(doc.Package).Synopsis(comment)
	if !slices.ContainsFunc(begins, func(b string) bool { return strings.HasPrefix(first, b) }) {
		found = append(found, fmt.Sprintf("%s has a package comment that does not begin with %q", folder, begins[0]))
	}
	for _, word := range []string{"various", "helper", "utilit", "miscellaneous"} {
		if strings.Contains(strings.ToLower(first), word) {
			found = append(found, fmt.Sprintf("%s says in its package comment %q: a package is one thing", folder, word))
		}
	}
	return found
}

// undocumented lists exported names that say nothing yet. The list only gets shorter.
var undocumented = []string{}

func TestExportedNamesAreDocumented(t *testing.T) {
	hold(t, rule{
		check: silentNames,
		bad: []example{
			bad("Parse", "internal/words/arn/a.go", `package arn; func Parse() {}`),
			bad("ARN", "internal/words/arn/a.go", `package arn; type ARN struct{}`),
		},
		good: []example{
			good("internal/words/arn/a.go", "package arn\n// Parse parses.\nfunc Parse() {}\nfunc helper() {}\ntype t int\nfunc (t) String() {}"),
			good("internal/words/arn/a.go", "package arn\n// The kinds.\ntype (\n\tA int\n\t// B is b.\n\tB int\n)"),
			good("internal/words/arn/a_test.go", `package arn; func Parse() {}`),
		},
	})
}

// silentNames finds exported functions and types without a comment. What a
// method promises is often its interface's business, so methods are left to review.
func silentNames(t tree) []string {
	var found []string
	report := func(f *file, n ast.Node, name string) {
		if place := f.path + ":" + name; !slices.Contains(undocumented, place) {
			found = append(found, fmt.Sprintf("%s exports %s and does not say what it promises", f.at(n), name))
		}
	}
	for _, f := range t.source() {
		for _, d := range f.syntax.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.IsExported() && d.Doc == nil {
					report(f, d, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if s, ok := s.(*ast.TypeSpec); ok && s.Name.IsExported() && s.Doc == nil && d.Doc == nil {
						report(f, s, s.Name.Name)
					}
				}
			}
		}
	}
	return found
}

func TestOperationsAreInFilesOfTheirName(t *testing.T) {
	declare := func(service, declaration string) string {
		return "package " + service + `; import "claviger/internal/kernel/operation"; func (s *Service) op() operation.Operation { return ` + declaration + `.Operation() }`
	}
	hold(t, rule{
		check: lostOperations,
		bad: []example{
			bad("re_encrypt.go", "internal/service/kms/encrypt.go", declare("kms", `operation.Use[In, Out, *Key, *In]{Name: "ReEncrypt"}`)),
			bad("create_key.go", "internal/service/kms/keys.go", declare("kms", `operation.Change[In, Out, None, *In]{Name: "CreateKey"}`)),
			bad("create_key.go", "internal/service/kms/keys.go", declare("kms", `operation.Change[In]{Name: "CreateKey"}`)),
			bad("not a literal", "internal/service/kms/keys.go", declare("kms", `operation.Change[In, Out, None, *In]{Name: name}`)),
		},
		good: []example{
			good("internal/service/kms/re_encrypt.go", declare("kms", `operation.Use[In, Out, *Key, *In]{Name: "ReEncrypt"}`)),
			good("internal/service/iam/create_saml_provider.go", declare("iam", `operation.Change[In, Out, *Key, *In]{Name: "CreateSAMLProvider"}`)),
			good("internal/service/sts/assume_role_with_saml.go", declare("sts", `operation.Use[In, Out, *Key, *In]{Name: "AssumeRoleWithSAML"}`)),
			good("internal/service/kms/generate_data_key.go", declare("kms", `operation.Use[In, Out, *Key, *In]{Name: "GenerateDataKey"}`)),
		},
	})
}

func TestOperationsAreSeen(t *testing.T) {
	t.Parallel()
	tr, err := house()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range tr.source() {
		seen += len(declaredOperations(f))
	}
	if seen < 10 {
		t.Errorf("only %d declarations of operations seen", seen)
	}
}

// lostOperations finds operations that don't stand in the file of their name.
func lostOperations(t tree) []string {
	var found []string
	for _, f := range t.source() {
		if !strings.HasPrefix(f.pkg(), "service/") {
			continue
		}
		for _, lit := range declaredOperations(f) {
			name := operationName(lit)
			switch want := snake(name) + ".go"; {
			case name == "":
				found = append(found, f.at(lit)+" declares an operation whose name is not a literal")
			case want != path.Base(f.path):
				found = append(found, fmt.Sprintf("%s declares %s, which belongs into %s", f.at(lit), name, want))
			}
		}
	}
	return found
}

// declaredOperations returns the literals of operation.Use and operation.Change in f.
func declaredOperations(f *file) []*ast.CompositeLit {
	local := f.imported(internal + "kernel/operation")
	if local == "" {
		return nil
	}
	var found []*ast.CompositeLit
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		generic := lit.Type
		switch x := generic.(type) {
		case *ast.IndexExpr:
			generic = x.X
		case *ast.IndexListExpr:
			generic = x.X
		}
		if sel, ok := generic.(*ast.SelectorExpr); ok && isIdent(sel.X, local) && (sel.Sel.Name == "Use" || sel.Sel.Name == "Change") {
			found = append(found, lit)
		}
		return true
	})
	return found
}

func operationName(lit *ast.CompositeLit) string {
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok && isIdent(kv.Key, "Name") {
			return beginning(kv.Value)
		}
	}
	return ""
}

// snake spells a name in snake case: a word begins at a capital that follows a
// small letter or a digit, or that a small letter follows.
func snake(name string) string {
	var b strings.Builder
	letters := []rune(name)
	for i, r := range letters {
		if i > 0 && unicode.IsUpper(r) &&
			(!unicode.IsUpper(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func TestTableNames(t *testing.T) {
	table := func(decl string) string {
		return `package kms; import ("claviger/internal/ground/store"; "claviger/internal/ground/store/driver"); ` + decl
	}
	hold(t, rule{
		check: wrongTables,
		bad: []example{
			bad("begins with kms_", "internal/service/kms/key.go", table(`var keys = &store.Table[Key]{Schema: driver.Schema{Name: "key"}}`)),
			bad("begins with kms_", "internal/service/kms/key.go", table(`var keys = store.Table[Key]{Schema: driver.Schema{Name: "iam_key"}}`)),
			bad("exports", "internal/service/kms/key.go", table(`var Keys = &store.Table[Key]{Schema: driver.Schema{Name: "kms_key"}}`)),
		},
		good: []example{
			good("internal/service/kms/key.go", table(`var keys = &store.Table[Key]{Schema: driver.Schema{Name: "kms_key"}}`)),
		},
	})
}

// wrongTables finds tables that a service would share: they are its own, by
// the name in the database and by being unexported.
func wrongTables(t tree) []string {
	var found []string
	for _, f := range t.source() {
		service, ok := strings.CutPrefix(f.pkg(), "service/")
		local := f.imported(internal + "ground/store")
		if !ok || local == "" {
			continue
		}
		service, _, _ = strings.Cut(service, "/")
		for _, d := range f.syntax.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range gen.Specs {
				v, ok := s.(*ast.ValueSpec)
				if !ok || !holdsTable(v, local) {
					continue
				}
				if v.Names[0].IsExported() {
					found = append(found, fmt.Sprintf("%s exports the table %s", f.at(v), v.Names[0].Name))
				}
				if name := schemaName(v); !strings.HasPrefix(name, service+"_") {
					found = append(found, fmt.Sprintf("%s declares the table %q: the name of a table begins with %s_", f.at(v), name, service))
				}
			}
		}
	}
	return found
}

func holdsTable(v *ast.ValueSpec, local string) bool {
	holds := false
	for _, value := range v.Values {
		ast.Inspect(value, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if x, ok := lit.Type.(*ast.IndexExpr); ok {
				if sel, ok := x.X.(*ast.SelectorExpr); ok && isIdent(sel.X, local) && sel.Sel.Name == "Table" {
					holds = true
				}
			}
			return !holds
		})
	}
	return holds
}

// schemaName returns the first Name in a declaration, which is the schema's.
func schemaName(v *ast.ValueSpec) string {
	name := ""
	ast.Inspect(v, func(n ast.Node) bool {
		if kv, ok := n.(*ast.KeyValueExpr); ok && name == "" && isIdent(kv.Key, "Name") {
			name = beginning(kv.Value)
		}
		return name == ""
	})
	return name
}
