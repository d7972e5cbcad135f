package house_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// root is the folder of the module, seen from this package.
const root = "../.."

// internal is how the import paths of our own packages begin.
const internal = "claviger/internal/"

// A file of the tree. syntax is nil for what is not Go.
type file struct {
	path   string // from the root of the repository, with slashes
	text   string
	syntax *ast.File
	pos    *token.FileSet
}

// A tree is what the rules look at: the repository, or a bad example.
type tree []*file

// test reports whether f is compiled for tests only.
func (f *file) test() bool { return strings.HasSuffix(f.path, "_test.go") }

// pkg is the folder of f as the rules name it: below internal without that
// word ("ground/store"), elsewhere as it stands ("cmd/claviger").
func (f *file) pkg() string { return strings.TrimPrefix(path.Dir(f.path), "internal/") }

// at names the file and line of a node.
func (f *file) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.path, f.pos.Position(n.Pos()).Line)
}

// imports returns the paths that f imports.
func (f *file) imports() []string {
	var paths []string
	for _, spec := range f.syntax.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}

// imported returns the name under which f knows a package, "" if it does not
// import it. The name of a package is taken to be the end of its path.
func (f *file) imported(importPath string) string {
	for _, spec := range f.syntax.Imports {
		if strings.Trim(spec.Path.Value, `"`) != importPath {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(importPath)
	}
	return ""
}

// source returns the Go files of the module itself, without tests. The module
// of the end-to-end tests answers to its own rules.
func (t tree) source() []*file {
	return t.where(func(f *file) bool { return f.syntax != nil && !f.test() && !f.apart() })
}

// apart reports whether f is of another module: the end-to-end tests, the client
// for services, the examples.
func (f *file) apart() bool {
	return slices.ContainsFunc([]string{"e2e/", "client/", "examples/"}, func(m string) bool { return strings.HasPrefix(f.path, m) })
}

// goFiles returns all Go files.
func (t tree) goFiles() []*file {
	return t.where(func(f *file) bool { return f.syntax != nil })
}

func (t tree) where(ok func(*file) bool) []*file {
	var files []*file
	for _, f := range t {
		if ok(f) {
			files = append(files, f)
		}
	}
	return files
}

// packages groups the Go files that are not tests by folder.
func (t tree) packages() map[string][]*file {
	folders := make(map[string][]*file)
	for _, f := range t.goFiles() {
		if !f.test() {
			folders[path.Dir(f.path)] = append(folders[path.Dir(f.path)], f)
		}
	}
	return folders
}

func parse(name, text string) (*file, error) {
	f := &file{path: name, text: text, pos: token.NewFileSet()}
	if path.Ext(name) != ".go" {
		return f, nil
	}
	var err error
	f.syntax, err = parser.ParseFile(f.pos, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return f, err
}

// house is the tree of this repository, read once.
var house = sync.OnceValues(func() (tree, error) {
	var t tree
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != root && skipped(d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		f, err := readFile(name, d)
		if f != nil {
			t = append(t, f)
		}
		return err
	})
	return t, err
})

// skipped names folders that hold nothing written by hand.
func skipped(folder string) bool {
	return folder == "bin" || folder == "claviger-data" ||
		strings.HasPrefix(folder, ".") && folder != ".ci" && folder != ".github"
}

// readFile reads a file of text, and returns nil for any other.
func readFile(name string, d fs.DirEntry) (*file, error) {
	const largest = 4 << 20
	info, err := d.Info()
	if err != nil || !info.Mode().IsRegular() || info.Size() > largest {
		return nil, err
	}
	text, err := os.ReadFile(name)
	if err != nil || bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0 {
		return nil, err
	}
	rel, err := filepath.Rel(root, name)
	if err != nil {
		return nil, err
	}
	return parse(filepath.ToSlash(rel), string(text))
}

// A rule is something that is true of the whole tree. check returns one
// sentence for each place where it is not, beginning with the place.
type rule struct {
	check func(tree) []string
	bad   []example // each must be caught
	good  []example // each must pass
}

// An example is a small tree: names of files and their text, one after the
// other. The one finding about a bad example must contain want.
type example struct {
	want  string
	files []string
}

func bad(want string, files ...string) example { return example{want, files} }

func good(files ...string) example { return example{files: files} }

func (e example) tree(t *testing.T) tree {
	t.Helper()
	var tr tree
	for pair := range slices.Chunk(e.files, 2) {
		f, err := parse(pair[0], pair[1])
		if err != nil {
			t.Fatalf("example: %v", err)
		}
		tr = append(tr, f)
	}
	return tr
}

// hold checks the checker on its examples, and then the house.
func hold(t *testing.T, r rule) {
	t.Helper()
	t.Parallel()
	if len(r.bad) == 0 {
		t.Fatal("a rule without a bad example may catch nothing")
	}
	for _, e := range r.bad {
		found := r.check(e.tree(t))
		if len(found) != 1 || !strings.Contains(found[0], e.want) {
			t.Errorf("about a bad example the rule said %q, want one sentence with %q\n%s", found, e.want, e.files)
		}
	}
	for _, e := range r.good {
		if found := r.check(e.tree(t)); len(found) > 0 {
			t.Errorf("about a good example the rule said %q\n%s", found, e.files)
		}
	}
	tr, err := house()
	if err != nil {
		t.Fatalf("reading the tree: %v", err)
	}
	found := r.check(tr)
	slices.Sort(found)
	for _, sentence := range slices.Compact(found) {
		t.Error(sentence)
	}
}

// The rules are worth nothing if the tree that they see is empty or cut off.
func TestTreeIsSeen(t *testing.T) {
	t.Parallel()
	tr, err := house()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, f := range tr.source() {
		floor, _, _ := strings.Cut(f.pkg(), "/")
		seen[floor] = true
	}
	for _, floor := range append(slices.Clone(floors), "cmd") {
		if !seen[floor] {
			t.Errorf("no source seen on floor %s", floor)
		}
	}
	if n := len(tr.source()); n < 50 {
		t.Errorf("only %d files of source seen", n)
	}
}

// covers reports whether a list names pkg: by its path, or by the path of a
// folder above it that ends in a slash.
func covers(list []string, pkg string) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		return entry == pkg || strings.HasSuffix(entry, "/") && strings.HasPrefix(pkg, entry)
	})
}
