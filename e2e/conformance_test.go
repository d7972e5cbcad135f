package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"go/ast"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// deviations lists where the shapes of our operations differ from the published
// model on purpose, with the words of the page of divergences that say so. A
// place is an operation, the path of a member, and what of it differs.
var deviations = []struct {
	places *regexp.Regexp
	words  string
}{
	{regexp.MustCompile(`^\w+ grantToken(s\.1\.member)? length of \d+$`), "**The value of a grant token**"},
	{regexp.MustCompile(`^(Decrypt|ReEncrypt)$`), "**`CiphertextBlob` of Decrypt and ReEncrypt**"},
	{regexp.MustCompile(`^(ListAliases|ListGrants|ListResourceTags|ListRetirableGrants) limit value of 100[01]$`), "**A `Limit` above the documented maximum**"},
}

// TestConformance holds every operation that we offer to the published model:
// for each member its type, whether it is required, its limits one below, on and
// one above, its pattern and its enum, by what the server answers. An operation
// that is added is probed without being told of it.
func TestConformance(t *testing.T) {
	t.Parallel()
	m := readPublished(t)
	p := dev(t)
	theirs, ours := known(reflect.TypeFor[*kms.Client]()), offered(t)
	source := readOurs(t)
	c := &conformance{t: t, p: p, m: m, found: make(map[string]string)}
	operations := 0
	for name, mine := range ours {
		operation, ok := strings.CutPrefix(name, "kms:")
		if !ok {
			continue
		}
		operations++
		model, known := theirs[operation]
		if !known {
			c.differs(operation, "is no operation of the model")
			continue
		}
		for _, invented := range append(strange(mine.in, model.in), strange(mine.out, model.out)...) {
			c.differs(operation+" "+invented, "is no member of the model")
		}
		c.operation(operation)
		if model.out != nil {
			c.output(source, ast.NewIdent(operation+"Output"), m.output(operation))
		}
	}
	if operations < 30 || c.probes < 500 {
		t.Errorf("%d operations, %d probes", operations, c.probes)
	}
	page, err := os.ReadFile("../docs/divergences.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range deviations {
		before := len(c.found)
		maps.DeleteFunc(c.found, func(place, _ string) bool { return d.places.MatchString(place) })
		if len(c.found) == before {
			t.Errorf("nothing differs any more at %s: strike it from the list", d.places)
		}
		if !strings.Contains(string(page), d.words) {
			t.Errorf("%s: the page of divergences does not say %q", d.places, d.words)
		}
	}
	for _, place := range slices.Sorted(maps.Keys(c.found)) {
		t.Errorf("%s: %s", place, c.found[place])
	}
	t.Logf("%d operations, %d probes", operations, c.probes)
}

// strange lists what the model does not have.
func strange(ours, model []string) []string {
	return slices.DeleteFunc(slices.Clone(ours), func(name string) bool { return slices.Contains(model, name) })
}

// conformance is a run of TestConformance.
type conformance struct {
	t      *testing.T
	p      *process
	m      *published
	op     string
	probes int
	found  map[string]string // differences by their place
	absent []string          // members inside of answers that are not there, for the page of what is missing
}

func (c *conformance) differs(place, how string) { c.found[place] = how }

// A structure of a request, by the names of its members.
type structure map[string]any

// with returns o with another value of a member; without one, without it.
func (o structure) with(name string, value any) structure {
	o = maps.Clone(o)
	delete(o, name)
	if value != nil {
		o[name] = value
	}
	return o
}

// operation probes all members of an operation.
func (c *conformance) operation(name string) {
	c.op = name
	input := c.m.input(name)
	needed := c.m.required(name)
	base := structure{}
	for _, f := range input.members(c.m) {
		if slices.Contains(needed, f.name) {
			base[f.name] = c.valid(f)
		}
	}
	if r := c.send(base); strings.Contains(r.message, "failed to satisfy constraint") {
		c.differs(name, "refuses what the model allows: "+r.message)
	}
	for _, f := range input.members(c.m) {
		if slices.Contains(needed, f.name) {
			c.refuses(f, "is required", base.with(f.name, nil), "Member must not be null")
		}
		c.member(f, func(value any) structure { return base.with(f.name, value) })
	}
}

// member probes one member, and what is inside. in makes the request that has a value there.
func (c *conformance) member(f *member, in func(any) structure) {
	if r := c.send(in(c.wrong(f))); r.code != "SerializationException" {
		c.differs(c.place(f, "type"), fmt.Sprintf("takes another type: %s %s", r.code, r.message))
	}
	c.limits(f, in)
	switch f.kind() {
	case "enum":
		c.enum(f, in)
	case "structure":
		for _, inner := range f.members(c.m) {
			c.member(inner, func(value any) structure { return in(c.valid(f).(structure).with(inner.name, value)) })
			if slices.Contains(f.shape.Required, inner.name) {
				c.refuses(inner, "is required", in(c.valid(f).(structure).with(inner.name, nil)), "Member must not be null")
			}
		}
	case "list":
		c.member(f.element(c.m), func(value any) structure { return in([]any{value}) })
	}
}

// output compares what our source says of a structure in an answer with the
// model. What is not there at all is no difference: a page lists it.
func (c *conformance) output(source ours, mine ast.Expr, theirs *member) {
	declared := source.members(mine.(*ast.Ident).Name)
	model := make(map[string]bool)
	for _, f := range theirs.members(c.m) {
		model[f.name] = true
		if e, has := declared[f.name]; has {
			c.answered(source, e, f)
		} else if theirs.path != "" {
			c.absent = append(c.absent, fmt.Sprintf("- `%s` of the output of `%s`", f.wire(), c.op))
		}
	}
	for name := range declared {
		if !model[name] {
			c.differs(c.op+" "+theirs.below(name)+" of the answer", "is no member of the model")
		}
	}
}

// answered compares the types of one member of an answer.
func (c *conformance) answered(source ours, mine ast.Expr, f *member) {
	kind, inner := source.kind(mine)
	if want := f.kind(); kind != want && (want != "enum" || kind != "string") {
		c.differs(c.place(f, "of the answer"), "is a "+kind+", in the model a "+want)
		return
	}
	switch kind {
	case "structure":
		c.output(source, inner, f)
	case "list":
		c.answered(source, inner, f.element(c.m))
	}
}

// limits probes length, size or range.
func (c *conformance) limits(f *member, in func(any) structure) {
	s := f.shape
	if s.Min == nil || s.Max == nil {
		c.pattern(f, in)
		return
	}
	what := "length"
	if f.kind() == "integer" {
		what = "value"
	}
	low := fmt.Sprintf("Member must have %s greater than or equal to %d", what, *s.Min)
	high := fmt.Sprintf("Member must have %s less than or equal to %d", what, *s.Max)
	for n, violated := range map[int]string{*s.Min - 1: low, *s.Min: "", *s.Max: "", *s.Max + 1: high} {
		if n < 0 {
			continue
		}
		request := in(c.sized(f, n))
		if violated != "" {
			c.refuses(f, fmt.Sprintf("%s of %d", what, n), request, violated)
			continue
		}
		if r := c.send(request); strings.Contains(r.message, "at '"+f.path+"' failed to satisfy constraint: Member must have "+what) {
			c.differs(c.place(f, fmt.Sprintf("%s of %d", what, n)), "is refused: "+r.message)
		}
	}
	c.pattern(f, in)
}

// pattern probes a value of a good length that the pattern does not match.
func (c *conformance) pattern(f *member, in func(any) structure) {
	if f.shape.Pattern == "" {
		return
	}
	re := regexp.MustCompile("^(?:" + regexp.MustCompile(`\\u([0-9A-F]{4})`).ReplaceAllString(f.shape.Pattern, `\x{$1}`) + ")$")
	for _, r := range []string{"\u4e00", "\x01", "!"} {
		if value := strings.Repeat(r, max(1, *f.shape.Min)); !re.MatchString(value) {
			c.refuses(f, "pattern", in(value), "Member must satisfy regular expression pattern: "+f.shape.Pattern)
			return
		}
	}
	c.t.Fatalf("no text is refused by %s", f.shape.Pattern)
}

var valueSet = regexp.MustCompile(`Member must satisfy enum value set: \[([^\]]*)\]`)

// enum compares the values that the server names with those of the model.
func (c *conformance) enum(f *member, in func(any) structure) {
	r := c.send(in("NO_SUCH_VALUE"))
	match := valueSet.FindStringSubmatch(r.message)
	if match == nil {
		c.differs(c.place(f, "enum"), "is not held to its values: "+r.code+" "+r.message)
		return
	}
	values := strings.Split(match[1], ", ")
	slices.Sort(values)
	if !slices.Equal(values, f.enum()) {
		c.differs(c.place(f, "enum"), fmt.Sprintf("has the values %q, in the model %q", values, f.enum()))
	}
	if !c.says(f, r, match[0]) {
		c.differs(c.place(f, "enum"), "is refused in other words: "+r.message)
	}
}

// refuses demands a ValidationException with a violation at a member.
func (c *conformance) refuses(f *member, what string, request object, text string) {
	if r := c.send(request); r.code != "ValidationException" || !c.says(f, r, text) {
		c.differs(c.place(f, what), fmt.Sprintf("answers %q, in the model %q", r.code+": "+shortened(r.message), text))
	}
}

// says reports whether an answer has a violation of a member, or of the list
// whose element it is, in AWS's words. The value of a blob and of a sensitive
// member is not shown.
func (c *conformance) says(f *member, r reply, text string) bool {
	list, isElement := strings.CutSuffix(f.path, ".1.member")
	if isElement && strings.Contains(r.message, "at '"+list+"' failed to satisfy constraint: Member must satisfy constraint: [") && strings.Contains(r.message, text) {
		return true
	}
	clause := "at '" + regexp.QuoteMeta(f.path) + "' failed to satisfy constraint: " + regexp.QuoteMeta(text) + "(;|$)"
	switch {
	case text == "Member must not be null":
		clause = "Value null " + clause
	case f.kind() == "blob" || f.shape.Sensitive:
		clause = "Value " + clause
	case f.kind() != "list": // whether AWS shows the value of a list is not known
		clause = "(?s)Value '.*' " + clause
	}
	return regexp.MustCompile(clause).MatchString(r.message)
}

func (c *conformance) place(f *member, what string) string { return c.op + " " + f.path + " " + what }

func shortened(s string) string {
	if len(s) > 300 {
		return s[:150] + "..." + s[len(s)-150:]
	}
	return s
}

func (c *conformance) send(request structure) reply {
	c.t.Helper()
	c.probes++
	body, err := json.Marshal(request)
	if err != nil {
		c.t.Fatal(err)
	}
	r := raw{target: "TrentService." + c.op, body: string(body)}.send(c.t, c.p)
	c.code(r)
	return r
}

// common are errors of every operation, which the model does not list.
// https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
var common = []string{"", "AccessDeniedException", "SerializationException", "ValidationException"}

// code demands an error that the model lists for the operation. What the older
// model does not have is not known to fail in any way.
func (c *conformance) code(r reply) {
	model, has := c.m.constraints.Operations[c.op]
	if !has || slices.Contains(common, r.code) {
		return
	}
	for _, listed := range model.Errors {
		if listed.Shape == r.code {
			return
		}
	}
	c.differs(c.op+" "+r.code, "is no error of the operation: "+r.message)
}

// samples are texts that patterns match, by the pattern.
var samples = map[string]string{
	`cluster-[2-7a-zA-Z]{11,16}`: "cluster-aaaaaaaaaaa",
	`^([a-z]+-){2,3}\d+$`:        "eu-west-1",
	`^[A-Z2-7]+$`:                "AAAAAAAAAAAAAAAAAAAA",
	`^[a-zA-Z0-9\/+=]+$`:         strings.Repeat("a", 43),
	`^https://[a-zA-Z0-9.-]+$`:   "https://example.com",
	`^(com|eu)\.amazonaws\.vpce\.([a-z]+-){2,3}\d+\.vpce-svc-[0-9a-z]+$`: "com.amazonaws.vpce.us-east-1.vpce-svc-0",
	`^(/[a-zA-Z0-9\/_-]+/kms/xks/v\d{1,2})$|^(/kms/xks/v\d{1,2})$`:       "/kms/xks/v1",
}

// valid is a value that the model allows.
func (c *conformance) valid(f *member) any {
	switch f.kind() {
	case "structure":
		o := structure{}
		for _, inner := range f.members(c.m) {
			if slices.Contains(f.shape.Required, inner.name) {
				o[inner.name] = c.valid(inner)
			}
		}
		return o
	case "list":
		return []any{c.valid(f.element(c.m))}
	case "map":
		return structure{"a": "b"}
	case "enum":
		return f.enum()[0]
	case "boolean":
		return true
	case "timestamp":
		return 1893456000
	}
	if sample := samples[f.shape.Pattern]; sample != "" {
		return sample
	}
	n := 1
	if f.shape.Min != nil {
		n = max(n, *f.shape.Min)
	}
	return c.sized(f, n)
}

// sized is a value of a length, or a number.
func (c *conformance) sized(f *member, n int) any {
	switch f.kind() {
	case "integer":
		return n
	case "blob":
		return base64.StdEncoding.EncodeToString(make([]byte, n))
	case "list":
		return slices.Repeat([]any{c.valid(f.element(c.m))}, n)
	}
	return strings.Repeat("a", n)
}

// wrong is a value of a type that a member does not have.
func (c *conformance) wrong(f *member) any {
	switch f.kind() {
	case "structure", "list", "map":
		return 1
	case "string", "enum":
		return structure{}
	}
	return []any{}
}
