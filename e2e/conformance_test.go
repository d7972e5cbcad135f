package e2e

import (
	"cmp"
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
)

// A speech is how a service is spoken to and how it answers, and where the shapes
// of its operations differ from the published model on purpose.
type speech struct {
	service    string // before the colon on the reference page
	model      string // folder of the older model
	client     any    // of the newest SDK
	request    func(operation string, in structure) raw
	namespace  string // of XML answers
	invalid    string // code of what breaks a constraint
	malformed  string // code of what has another type
	text       bool   // all values are text, so that no single one is of another type than a string
	hides      bool   // texts of violations show neither values nor what an enum allows
	common     []string
	own        map[string]own // by pattern, or by a member's path and its pattern
	deviations []deviation
	withheld   deviation // members whose values are not shown, against the model
	operations int       // at least
	probes     int
	successes  int // operations that answer some probe with success
}

// own is how a service words what breaks a pattern itself, with the member for %s.
type own struct {
	words string
	empty bool // also for what is empty
}

// A deviation is where shapes differ, with the words of the page of divergences
// that say so. A place is an operation, the path of a member, and what of it differs.
type deviation struct {
	places *regexp.Regexp
	words  string
}

// TestConformance holds every operation of KMS to the published model.
func TestConformance(t *testing.T) {
	t.Parallel()
	conform(t, dev(t), speech{
		service: "kms", model: modelOfKMS, client: silentKMS,
		request: func(operation string, in structure) raw {
			body, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			return raw{target: "TrentService." + operation, body: string(body)}
		},
		invalid: "ValidationException", malformed: "SerializationException",
		// https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
		common: []string{"AccessDeniedException"},
		deviations: []deviation{
			{regexp.MustCompile(`^\w+ grantToken(s\.1\.member)? length of \d+$`), "**The value of a grant token**"},
			{regexp.MustCompile(`^(Decrypt|ReEncrypt)$`), "**`CiphertextBlob` of Decrypt and ReEncrypt**"},
			{regexp.MustCompile(`^(ListAliases|ListGrants|ListResourceTags|ListRetirableGrants) limit value of 100[01]$`), "**A `Limit` above the documented maximum**"},
		},
		operations: 30, probes: 500,
	}, nil)
}

// conform holds every operation of a service that we offer to the published model:
// for each member its type, whether it is required, its limits one below, on and
// one above, its pattern and its enum, by what the server answers. An operation
// that is added is probed without being told of it. values are those that members
// of a name, or of an operation and a name, have in requests that do not probe them.
func conform(t *testing.T, p *process, spoken speech, values structure) {
	m := readPublished(t, spoken.client, spoken.model)
	theirs, ours := known(reflect.TypeOf(spoken.client)), offered(t)
	source := readOurs(t, spoken.service)
	c := &conformance{t: t, p: p, m: m, speech: spoken, values: values, shown: make(map[string]bool), found: make(map[string]string)}
	operations := 0
	for _, name := range slices.SortedFunc(maps.Keys(ours), inTurn) {
		mine := ours[name]
		operation, ok := strings.CutPrefix(name, spoken.service+":")
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
		c.operation(operation, mine.in)
		if model.out != nil {
			c.output(source, ast.NewIdent(operation+"Output"), m.output(operation))
		}
	}
	if operations < spoken.operations || c.probes < spoken.probes || len(c.shown) < spoken.successes {
		t.Errorf("%d operations, %d probes, success of %d", operations, c.probes, len(c.shown))
	}
	page, err := os.ReadFile("../docs/divergences.md")
	if err != nil {
		t.Fatal(err)
	}
	if w := spoken.withheld; w.places != nil && !strings.Contains(string(page), w.words) {
		t.Errorf("%s: the page of divergences does not say %q", w.places, w.words)
	}
	for _, d := range spoken.deviations {
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
	t.Logf("%d operations, %d probes, success of %d", operations, c.probes, len(c.shown))
}

// Operations by what they do to what others are about.
var (
	reading    = regexp.MustCompile(`:(Describe|Generate|Get|List|Simulate)`)
	takingAway = regexp.MustCompile(`:(Deactivate|Detach|Disable|Remove|Reset|Retire|Revoke|Untag)`)
	emptying   = regexp.MustCompile(`:Delete.*(Policy|Version|Boundary|Profile|Key|Credential)$`)
	deleting   = regexp.MustCompile(`:Delete`)
)

// inTurn is the order in which operations are probed: what takes things away comes
// when others have found them.
func inTurn(a, b string) int {
	turn := func(name string) int {
		switch {
		case reading.MatchString(name):
			return 0
		case takingAway.MatchString(name):
			return 2
		case emptying.MatchString(name):
			return 3
		case deleting.MatchString(name):
			return 4
		}
		return 1
	}
	return cmp.Or(turn(a)-turn(b), strings.Compare(a, b))
}

// strange lists what the model does not have.
func strange(ours, model []string) []string {
	return slices.DeleteFunc(slices.Clone(ours), func(name string) bool { return slices.Contains(model, name) })
}

// conformance is a run of conform.
type conformance struct {
	speech
	t      *testing.T
	p      *process
	m      *published
	values structure
	op     string
	probes int
	shown  map[string]bool   // operations that answered with success
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

// operation probes all members of an operation that are offered.
func (c *conformance) operation(name string, offered []string) {
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
		if _, has := c.given(f); has {
			base[f.name] = c.valid(f)
		}
	}
	for _, f := range input.members(c.m) {
		if !slices.Contains(offered, f.name) {
			continue // it stands on the page of what is missing
		}
		if slices.Contains(needed, f.name) {
			c.refuses(f, "is required", base.with(f.name, nil), "Member must not be null")
		}
		c.member(f, func(value any) structure { return base.with(f.name, value) })
	}
}

// member probes one member, and what is inside. in makes the request that has a value there.
func (c *conformance) member(f *member, in func(any) structure) {
	if wrong := c.wrong(f); wrong != nil {
		if r := c.send(in(wrong)); r.code != c.malformed {
			c.differs(c.place(f, "type"), fmt.Sprintf("takes another type: %s %s", r.code, r.message))
		}
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
	what := "length"
	if f.kind() == "integer" {
		what = "value"
	}
	if least := f.shape.Min; least != nil {
		c.limit(f, in, what, *least, "")
		if what == "value" || *least > 0 {
			text := fmt.Sprintf("Member must have %s greater than or equal to %d", what, *least)
			if own := c.worded(f); own.empty && *least == 1 {
				text = own.words
			}
			c.limit(f, in, what, *least-1, text)
		}
	}
	if most := f.shape.Max; most != nil && *most < requestMax {
		c.limit(f, in, what, *most, "")
		c.limit(f, in, what, *most+1, fmt.Sprintf("Member must have %s less than or equal to %d", what, *most))
	}
	c.pattern(f, in)
}

// requestMax is the length of a value that no request has room for.
const requestMax = 1 << 20

// limit probes a length, size or number, which violates what a text says, or, where
// that is empty, nothing.
func (c *conformance) limit(f *member, in func(any) structure, what string, n int, violated string) {
	request := in(c.sized(f, n))
	if violated != "" {
		c.refuses(f, fmt.Sprintf("%s of %d", what, n), request, violated)
		return
	}
	if r := c.send(request); strings.Contains(r.message, "at '"+f.path+"' failed to satisfy constraint: Member must have "+what) {
		c.differs(c.place(f, fmt.Sprintf("%s of %d", what, n)), "is refused: "+r.message)
	}
}

// pattern probes a value of a good length that the pattern does not match.
func (c *conformance) pattern(f *member, in func(any) structure) {
	if f.shape.Pattern == "" {
		return
	}
	text := c.worded(f).words
	if text == "" {
		text = "Member must satisfy regular expression pattern: " + f.shape.Pattern
	}
	least := 1
	if f.shape.Min != nil {
		least = max(1, *f.shape.Min)
	}
	re := regexp.MustCompile("^(?:" + regexp.MustCompile(`\\u([0-9A-F]{4})`).ReplaceAllString(withoutLookahead(f.shape.Pattern), `\x{$1}`) + ")$")
	for _, r := range []string{"\u4e00", "\x01", "!"} {
		if value := strings.Repeat(r, least); !re.MatchString(value) {
			c.refuses(f, "pattern", in(value), text)
			return
		}
	}
	c.t.Fatalf("no text is refused by %s", f.shape.Pattern)
}

// withoutLookahead is a wider pattern, which Go can read.
func withoutLookahead(pattern string) string { return strings.ReplaceAll(pattern, "(?!-)", "") }

var valueSet = regexp.MustCompile(`Member must satisfy enum value set: \[([^\]]*)\]`)

// enum compares the values that the server names with those of the model.
func (c *conformance) enum(f *member, in func(any) structure) {
	const none = "NO_SUCH_VALUE"
	if c.hides {
		const text = "Member must satisfy enum value set"
		c.refuses(f, "enum", in(none), text)
		for _, value := range f.enum() {
			if r := c.send(in(value)); strings.Contains(r.message, text) {
				c.differs(c.place(f, "enum"), "does not have "+value)
			}
		}
		return
	}
	r := c.send(in(none))
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

// refuses demands a violation at a member.
func (c *conformance) refuses(f *member, what string, request structure, text string) {
	if r := c.send(request); r.code != c.invalid || !c.says(f, r, text) {
		c.differs(c.place(f, what), fmt.Sprintf("answers %q, in the model %q", r.code+": "+shortened(r.message), text))
	}
}

// says reports whether an answer has a violation of a member, or of the list
// whose element it is, in AWS's words. The value of a blob and of a sensitive
// member is not shown.
func (c *conformance) says(f *member, r reply, text string) bool {
	list, isElement := strings.CutSuffix(f.path, ".1.member")
	path := f.path
	if isElement && c.hides {
		path = list
	}
	if text == c.worded(f).words {
		return r.message == fmt.Sprintf(text, path)
	}
	if isElement && strings.Contains(r.message, "at '"+list+"' failed to satisfy constraint: Member must satisfy constraint: [") && strings.Contains(r.message, text) {
		return true
	}
	clause := "at '" + regexp.QuoteMeta(path) + "' failed to satisfy constraint: " + regexp.QuoteMeta(text) + "(;|$)"
	switch {
	case text == "Member must not be null":
		clause = "Value null " + clause
	case f.kind() == "blob" || f.shape.Sensitive || c.hides || c.withheld.places != nil && c.withheld.places.MatchString(f.path):
		clause = "Value " + clause
	case f.kind() != "list": // whether AWS shows the value of a list is not known
		clause = "(?s)Value '.*' " + clause
	}
	return regexp.MustCompile(clause).MatchString(r.message)
}

// worded is what the service has of its own to say about a pattern, zero where that
// is nothing. Of secrets nothing is said but the model's words.
func (c *conformance) worded(f *member) own {
	if f.shape.Sensitive {
		return own{}
	}
	if o, has := c.own[f.path+" "+f.shape.Pattern]; has {
		return o
	}
	return c.own[f.shape.Pattern]
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
	r := c.request(c.op, request).send(c.t, c.p)
	c.code(r)
	if c.text {
		c.document(r)
	}
	if r.code == "" {
		c.shown[c.op] = true
	}
	return r
}

// code demands an error that is of every operation, or that the model lists for
// this one, with the status that the model has for it. What the older model does
// not have is not known to fail in any way.
func (c *conformance) code(r reply) {
	model, has := c.m.constraints.Operations[c.op]
	if !has || r.code == "" || r.code == c.invalid || r.code == c.malformed || slices.Contains(c.common, r.code) {
		return
	}
	for _, listed := range model.Errors {
		e := c.m.shape(listed.Shape).Error
		if or(e.Code, listed.Shape) != r.code {
			continue
		}
		if e.HTTPStatusCode != 0 && e.HTTPStatusCode != r.status {
			c.differs(c.op+" "+r.code, fmt.Sprintf("has status %d, in the model %d", r.status, e.HTTPStatusCode))
		}
		return
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
	`(\u002F)|(\u002F[\u0021-\u007E]+\u002F)`:                            "/",
	`((/[A-Za-z0-9\.,\+@=_-]+)*)/`:                                       "/",
	`\u002F[\u0021-\u007F]*`:                                             "/",
	`v[1-9][0-9]*(\.[A-Za-z0-9-]*)?`:                                     "v1",
	`[\d]+`:                                                              "000000",
	`[\d]*`:                                                              "000000",
}

// given is the value that the run gives a member.
func (c *conformance) given(f *member) (value any, has bool) {
	if value, has = c.values[c.op+"."+f.name]; !has {
		value, has = c.values[f.name]
	}
	return value, has
}

// valid is a value that the model allows.
func (c *conformance) valid(f *member) any {
	if value, has := c.given(f); has {
		return value
	}
	switch f.kind() {
	case "structure":
		o := structure{}
		for _, inner := range f.members(c.m) {
			// An empty structure is no parameter of a form.
			if slices.Contains(f.shape.Required, inner.name) || c.text && len(o) == 0 && f.shape.Required == nil {
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

// wrong is a value of a type that a member does not have, nil where there is none.
func (c *conformance) wrong(f *member) any {
	switch f.kind() {
	case "structure", "list", "map":
		return 1
	case "string", "enum":
		if c.text {
			return nil
		}
		return structure{}
	}
	if c.text {
		return "*"
	}
	return []any{}
}
