package e2e

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

var update = flag.Bool("update", false, "print the page of what is missing anew")

// shape is an operation of the newest SDK, or of ours: the members of its input and output.
type shape struct{ in, out []string }

// TestModel compares what the newest SDK knows with what we offer, and keeps
// the printed page of what is missing true.
func TestModel(t *testing.T) {
	t.Parallel()
	ours := offered(t)
	var b bytes.Buffer
	b.WriteString("# What is missing\n\nOperations, members and errors that the newest AWS SDK for Go knows and this version does not offer; printed by\n" +
		"`make golden`. An operation that is missing is answered as unknown (`UnknownOperationException`, `InvalidAction`) and recorded;\n" +
		"a member that is missing is ignored, as AWS ignores members that it does not know.\n")
	operations := 0
	for _, service := range []struct {
		name   string
		client reflect.Type
		inside any // the client, where structures in answers are compared too
	}{
		{"kms", reflect.TypeFor[*kms.Client](), silentKMS},
		{"iam", reflect.TypeFor[*iam.Client](), silentIAM},
		{"organizations", reflect.TypeFor[*organizations.Client](), nil},
		{"sts", reflect.TypeFor[*sts.Client](), silentSTS},
	} {
		var missing, members []string
		for name, theirs := range known(service.client) {
			operations++
			mine, ok := ours[service.name+":"+name]
			if !ok {
				missing = append(missing, "`"+name+"`")
				continue
			}
			for _, side := range []struct {
				what         string
				theirs, mine []string
			}{{"input", theirs.in, mine.in}, {"output", theirs.out, mine.out}} {
				for _, m := range side.theirs {
					if !slices.Contains(side.mine, m) {
						members = append(members, fmt.Sprintf("- `%s` of the %s of `%s`", m, side.what, name))
					}
				}
			}
		}
		if service.inside != nil {
			members = append(members, missingInside(t, service.name, service.inside, ours)...)
		}
		slices.Sort(missing)
		slices.Sort(members)
		fmt.Fprintf(&b, "\n## %s\n", service.name)
		if len(missing) > 0 {
			fmt.Fprintf(&b, "\nOperations: %s.\n", strings.Join(missing, ", "))
		}
		if len(members) > 0 {
			fmt.Fprintf(&b, "\nMembers:\n\n%s\n", strings.Join(members, "\n"))
		}
		if service.name == "kms" {
			fmt.Fprintf(&b, "\nErrors that nothing here answers: %s.\n", strings.Join(missingErrors(t), ", "))
		}
	}
	if operations < 200 {
		t.Errorf("the SDK knows only %d operations", operations)
	}
	const page = "../docs/reference/missing.md"
	if *update {
		if err := os.WriteFile(page, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if printed, err := os.ReadFile(page); err != nil || !bytes.Equal(printed, b.Bytes()) {
		t.Errorf("%s is stale (%v): run make golden", page, err)
	}
}

// missingInside lists the members that structures in answers of a service do not have.
func missingInside(t *testing.T, service string, client any, ours map[string]shape) []string {
	t.Helper()
	source := readOurs(t, service)
	c := &conformance{t: t, m: &published{client: client}, found: make(map[string]string)}
	theirs := known(reflect.TypeOf(client))
	for name := range ours {
		operation, is := strings.CutPrefix(name, service+":")
		if model, has := theirs[operation]; is && has && model.out != nil {
			c.op = operation
			c.output(source, ast.NewIdent(operation+"Output"), c.m.output(operation))
		}
	}
	return c.absent
}

// missingErrors lists the errors of KMS that the newest SDK knows and our source
// does not name. An error that our source names and the SDK does not know is none.
func missingErrors(t *testing.T) []string {
	t.Helper()
	ours := codes(t, "../internal/service/kms", "../internal/service/kms/xksproxy")
	theirs := modelErrors()
	for _, code := range strange(ours, theirs) {
		t.Errorf("%s is no error of the model", code)
	}
	ours = append(ours, codes(t, "../internal/words/fault")...)
	ours = append(ours, "KMSInternalException") // stands for every internal failure
	var missing []string
	for _, code := range theirs {
		if !slices.Contains(ours, code) && !slices.Contains(ours, strings.TrimSuffix(code, "Exception")) {
			missing = append(missing, "`"+code+"`")
		}
	}
	return missing
}

// modelErrors lists the errors that the newest SDK knows.
func modelErrors() []string {
	var names []string
	for name, entry := range kms.TypeRegistry.Entries {
		if _, is := entry.New().(error); is {
			names = append(names, strings.TrimPrefix(name, "com.amazonaws.kms#"))
		}
	}
	slices.Sort(names)
	return names
}

var declaredCode = regexp.MustCompile(`(?:fault\.)?Code\s*= "(\w+)"`)

// codes reads the codes that packages declare.
func codes(t *testing.T, folders ...string) []string {
	t.Helper()
	var files []string
	for _, folder := range folders {
		found, err := filepath.Glob(folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	var list []string
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range declaredCode.FindAllStringSubmatch(string(source), -1) {
			list = append(list, match[1])
		}
	}
	if len(list) < 14 {
		t.Fatalf("%s declare only %d codes", folders, len(list))
	}
	return list
}

// known reads the operations of an SDK client by reflection.
func known(client reflect.Type) map[string]shape {
	operations := make(map[string]shape)
	for i := range client.NumMethod() {
		m := client.Method(i)
		if m.Type.NumIn() != 4 || m.Type.NumOut() != 2 || !strings.HasSuffix(m.Type.In(2).String(), m.Name+"Input") {
			continue
		}
		operations[m.Name] = shape{fields(m.Type.In(2).Elem()), fields(m.Type.Out(0).Elem())}
	}
	return operations
}

func fields(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Name != "ResultMetadata" {
			names = append(names, f.Name)
		}
	}
	return names
}

var ticked = regexp.MustCompile("`([^`]+)`")

// offered reads our operations from the printed reference page.
func offered(t *testing.T) map[string]shape {
	t.Helper()
	page, err := os.ReadFile("../docs/reference/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	operations := make(map[string]shape)
	service, name := "", ""
	for line := range strings.Lines(string(page)) {
		line = strings.TrimRight(line, "\n")
		if s, ok := strings.CutPrefix(line, "## "); ok {
			service = s
		}
		if n, ok := strings.CutPrefix(line, "### "); ok {
			name = service + ":" + n
			operations[name] = shape{}
		}
		o := operations[name]
		if strings.HasPrefix(line, "- input: ") {
			o.in = names(line)
			operations[name] = o
		}
		if strings.HasPrefix(line, "- output: ") {
			o.out = names(line)
			operations[name] = o
		}
	}
	if len(operations) < 30 {
		t.Fatalf("the reference page lists only %d operations", len(operations))
	}
	return operations
}

func names(line string) []string {
	var list []string
	for _, m := range ticked.FindAllStringSubmatch(line, -1) {
		list = append(list, m[1])
	}
	return list
}
