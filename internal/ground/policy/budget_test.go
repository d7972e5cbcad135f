package policy_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"claviger/internal/ground/policy"
)

// A counter counts what a decision asks for.
type counter struct {
	facts   facts
	lookups int
}

func (c *counter) Lookup(k *policy.Key) policy.Values {
	c.lookups++
	return c.facts.Lookup(k)
}

// glutton is a pattern whose search through greed never ends: every a of greed may
// be its beginning, and no glance at its end rules it out.
var (
	glutton = "*" + strings.Repeat("a?", 2000) + "b*"
	greed   = strings.Repeat("a", 8000)
)

// array writes values as a JSON array.
func array(t testing.TB, values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = mustJSON(t, v)
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

func numbered(format string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(format, i)
	}
	return list
}

// TestTypicalSteps keeps the limit far from what a decision needs.
func TestTypicalSteps(t *testing.T) {
	t.Parallel()
	in := typical(t)
	v, steps := policy.DecideWithin(in, policy.MaxSteps)
	_, explaining := policy.ExplainWithin(in, policy.MaxSteps)
	t.Logf("%d steps, explained in %d", steps, explaining)
	if !v.Allowed || steps == 0 || steps > 5000 || explaining > 10_000 {
		t.Errorf("%+v after %d steps, explained in %d", v, steps, explaining)
	}
}

// TestCheapPatterns has patterns that once took the product of both lengths, and
// are decided.
func TestCheapPatterns(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		condition string
		value     string
		want      bool
	}{
		"many ?":            {`{"StringLike":{"k":"*` + strings.Repeat("?", 4000) + `b"}}`, greed, false},
		"many ?, matched":   {`{"StringLike":{"k":"*` + strings.Repeat("?", 4000) + `b"}}`, greed + "b", true},
		"eight patterns":    {`{"StringLike":{"k":` + array(t, slices.Repeat([]string{"*" + strings.Repeat("?", 4000) + "b"}, 8)) + `}}`, greed, false},
		"? and *":           {`{"StringLike":{"k":"` + strings.Repeat("?*", 2000) + `b"}}`, greed, false},
		"too long":          {`{"StringLike":{"k":"` + strings.Repeat("*a?", 4001) + `"}}`, greed, false},
		"many *":            {`{"StringLike":{"k":"` + strings.Repeat("*a", 4000) + `*b"}}`, greed, false},
		"a variable":        {`{"StringLike":{"k":"` + strings.Repeat("*${v}", 1000) + `*b"}}`, greed, false},
		"a variable, found": {`{"StringLike":{"k":"` + strings.Repeat("*${v}", 1000) + `*b"}}`, greed + "b", true},
	} {
		c := &counter{facts: facts{"k": one(test.value), "v": one("a")}}
		in := allowing(t, test.condition, c)
		v, steps := policy.DecideWithin(in, policy.MaxSteps)
		if v.Allowed != test.want || steps > 100_000 || c.lookups > 2 {
			t.Errorf("%s: %+v after %d steps and %d lookups", name, v, steps, c.lookups)
		}
	}
}

// allowing is a request under an identity policy that allows all, under a
// condition.
func allowing(t testing.TB, condition string, c policy.Context) *policy.Input {
	return &policy.Input{
		Request:         policy.Request{Action: "x:Do", Resource: "arn:aws:x:::y", Caller: user(), Context: c},
		ResourceAccount: home,
		Identity:        []*policy.Policy{compile(t, policy.Identity, modern(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":`+condition+`}`))},
	}
}

// TestExhaustion has conditions that cost more than a decision may. Each would
// let the request in, and does where the work is less.
func TestExhaustion(t *testing.T) {
	t.Parallel()
	names, digits := numbered("n%d", 1600), strings.Repeat("0", 4000)
	all := facts{"several": many(names...)}
	for i := range 6000 {
		all[fmt.Sprintf("v%d", i)] = one("x")
	}
	tests := map[string]struct {
		condition string
		got       policy.Values
		cheap     policy.Values // passes as well
	}{
		"glob":                {`{"StringNotLike":{"k":"` + glutton + `"}}`, one(greed), one("x")},
		"eight globs":         {`{"StringNotLike":{"k":` + array(t, slices.Repeat([]string{glutton}, 8)) + `}}`, one(greed), one("x")},
		"ARN":                 {`{"ArnNotLike":{"k":"arn:aws:x:` + glutton + `::b"}}`, one("arn:aws:x:" + greed + "::b"), one("arn:aws:x:::b")},
		"ARN, last part":      {`{"ArnNotLike":{"k":"arn:aws:x:::` + glutton + `"}}`, one("arn:aws:x:::" + greed), one("arn:aws:x:::b")},
		"glob and variable":   {`{"StringNotLike":{"k":"*` + strings.Repeat("${v0}?", 2000) + `b*"}}`, one(strings.Repeat("x", 8000)), one("y")},
		"values":              {`{"ForAllValues:StringNotEquals":{"k":` + array(t, numbered("m%d", 4500)) + `}}`, many(names...), many("x")},
		"values, any":         {`{"ForAnyValue:StringEquals":{"k":` + array(t, append(numbered("m%d", 4500), "z")) + `}}`, many(append(names, "z")...), many("z")},
		"values, short globs": {`{"ForAllValues:StringNotLike":{"k":` + array(t, slices.Repeat([]string{"??????"}, 3000)) + `}}`, many(names...), many("x")},
		"letter case":         {`{"ForAllValues:StringNotEqualsIgnoreCase":{"k":` + array(t, numbered("M%d", 4500)) + `}}`, many(names...), many("x")},
		"numbers":             {`{"ForAllValues:NumericNotEquals":{"k":` + array(t, slices.Repeat([]string{"1" + digits + "1"}, 8)) + `}}`, many(slices.Repeat([]string{"1e4001"}, 1000)...), many("1")},
		"many digits":         {`{"NumericNotEquals":{"k":` + array(t, slices.Repeat([]string{"1e4001"}, 1000)) + `}}`, one("1" + digits + "1"), one("1")},
		"dates":               {`{"ForAllValues:DateNotEquals":{"k":` + array(t, numbered("%d", 4500)) + `}}`, many(slices.Repeat([]string{"5000"}, 1600)...), many("5000")},
		"addresses":           {`{"ForAllValues:NotIpAddress":{"k":` + array(t, slices.Repeat([]string{"10.0.0.1"}, 3000)) + `}}`, many(slices.Repeat([]string{"::1"}, 1600)...), many("::1")},
		"blobs":               {`{"ForAnyValue:BinaryEquals":{"k":` + array(t, append(slices.Repeat([]string{"QUI="}, 4500), "QQ==")) + `}}`, many(append(names, "A")...), many("A")},
		"variables":           {`{"StringNotLike":{"k":"` + strings.Join(numbered("*${v%d}", 6000), "") + `"}}`, one("y"), policy.Values{}},
		"variables, each":     {`{"ForAllValues:StringNotEquals":{"k":` + array(t, numbered("${v%d}", 100)) + `}}`, many(names...), many("y")},
		"variables, searched": {`{"StringNotLike":{"k":"*` + strings.Join(numbered("${v%d}?", 100), "") + `b*"}}`, one(strings.Repeat("x", 8000)), one("y")},
		"nothing to compare":  {empties(800), many(names...), many("y")},
	}
	for name, test := range tests {
		all["k"] = test.cheap
		c := &counter{facts: all}
		in := allowing(t, test.condition, c)
		if v := policy.Decide(in); !v.Allowed {
			t.Errorf("%s, cheap: %+v", name, v)
		}
		all["k"] = test.got
		c.lookups = 0
		v, steps := policy.DecideWithin(in, policy.MaxSteps)
		if v != spent {
			t.Errorf("%s: %+v after %d steps", name, v, steps)
		}
		if c.lookups > policy.MaxSteps/policy.LookupSteps {
			t.Errorf("%s: %d lookups", name, c.lookups)
		}
		if got := policy.Explain(in); len(got) > 1 {
			t.Errorf("%s: explained by %+v", name, got)
		}
	}
}

// spent is the verdict when the steps don't suffice.
var spent = policy.Verdict{Gate: policy.ByNothing, Statement: -1}

// empties is a condition of n operators that have no values. They differ in the
// case of their letters, since none may stand twice.
func empties(n int) string {
	list := make([]string, n)
	for i := range list {
		operator := []byte("forallvalues:stringnotequals")
		for bit := range 10 {
			operator[bit] -= byte(i>>bit&1) * ('a' - 'A')
		}
		list[i] = `"` + string(operator) + `":{"k":[]}`
	}
	return "{" + strings.Join(list, ",") + "}"
}

// TestExhaustionAtEachGate spends the budget in each place where a statement may
// stand, on a request that is allowed where the work is less.
func TestExhaustionAtEachGate(t *testing.T) {
	t.Parallel()
	const open = `,"Action":"*","Resource":"*"`
	never := open + `,"Condition":{"StringLike":{"k":"` + glutton + `"}}` // it costs, and then isn't met
	allow, deny := `{"Effect":"Allow"`+open, `{"Effect":"Deny"`
	after := "}," + allow + "}" // what comes next would allow
	identity := func(text string) []*policy.Policy {
		return []*policy.Policy{compile(t, policy.Identity, modern(text))}
	}
	control := func(text string) []*policy.Policy {
		return []*policy.Policy{compile(t, policy.ServiceControl, modern(text))}
	}
	resource := func(text string) *policy.Policy {
		return compile(t, policy.Resource, modern(strings.ReplaceAll(text, `"Action"`, `"Principal":"*","Action"`)))
	}
	tests := map[string]policy.Input{
		"identity, Allow": {Identity: identity(`{"Effect":"Allow"` + never + after)},
		"identity, Deny":  {Identity: identity(deny + never + after)},
		"identity, Deny of nothing else": {Identity: identity(deny +
			`,"Action":"*","Resource":"*","Condition":{"StringNotLike":{"k":"` + glutton + `"},"Bool":{"no":"true"}}` + after)},
		"identity, Resource":          {Identity: identity(`{"Effect":"Allow","Action":"*","Resource":"arn:aws:x:::` + glutton + `"` + after)},
		"identity, NotResource":       {Identity: identity(`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:x:::` + glutton + `"}`)},
		"identity, NotResource, Deny": {Identity: identity(deny + `,"Action":"*","NotResource":["arn:aws:x:::` + glutton + `","*"]` + after)},
		"identity, unresolved":        {Identity: identity(`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:x:::` + strings.Join(numbered("${v%d, 'z'}", 5000), "") + `"}`)},
		"resource, Allow":             {ResourcePolicy: resource(`{"Effect":"Allow"` + never + after)},
		"resource, Deny":              {ResourcePolicy: resource(deny + never + after)},
		"boundary":                    {Identity: identity(allow + "}"), Boundary: identity(`{"Effect":"Allow"` + never + after)},
		"session":                     {Identity: identity(allow + "}"), Session: identity(deny + never + after)},
		"service control":             {Identity: identity(allow + "}"), Service: [][]*policy.Policy{control(`{"Effect":"Allow"` + never + after)}},
		"resource control": {Identity: identity(allow + "}"), Control: [][]*policy.Policy{{compile(t, policy.ResourceControl,
			modern(strings.Replace(deny+never+"}", `"Action":"*"`, `"Principal":"*","Action":"kms:*"`, 1)))}}},
	}
	for name, in := range tests {
		in.Request = policy.Request{Action: "kms:Encrypt", Resource: "arn:aws:x:::" + greed, Caller: user(), Context: facts{"k": one(greed)}}
		in.ResourceAccount = home
		v, _ := policy.DecideWithin(&in, policy.MaxSteps)
		if v != spent {
			t.Errorf("%s: %+v", name, v)
		}
		for _, p := range policy.Explain(&in) {
			if p.Matched && p.Statement >= 0 && p.Effect == "Deny" {
				t.Errorf("%s: explained by %+v", name, p)
			}
		}
		in.Resource, in.Context = "arn:aws:x:::y", facts{"k": one("x")}
		if name == "identity, unresolved" {
			in.Identity = identity(`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:x:::${v0, 'z'}"}`)
		}
		if v := policy.Decide(&in); !v.Allowed {
			t.Errorf("%s, cheap: %+v", name, v)
		}
	}
	if got, want := spent.Reason("kms:Encrypt"), "because no identity-based policy allows the kms:Encrypt action"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
}

// TestExhaustionAfterDeny has a Deny that is found before the budget is spent.
func TestExhaustionAfterDeny(t *testing.T) {
	t.Parallel()
	in := allowing(t, `{"StringNotLike":{"k":"`+glutton+`"}}`, facts{"k": one(greed)})
	in.Boundary = []*policy.Policy{compile(t, policy.Identity, modern(`{"Effect":"Deny","Action":"*","Resource":"*"}`))}
	if v := policy.Decide(in); !v.Explicit || v.Gate != policy.ByBoundary {
		t.Errorf("%+v", v)
	}
}

// TestSmallerBudgets gives drawn decisions less than they need: what comes of it
// is the refusal, never another answer, and of an explanation the beginning.
func TestSmallerBudgets(t *testing.T) {
	t.Parallel()
	cut, whole := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		v := judge(t, in, drawDrafts(t, policy.Identity), drawDrafts(t, policy.Resource))
		_, steps := policy.DecideWithin(in, policy.MaxSteps)
		premises, explaining := policy.ExplainWithin(in, policy.MaxSteps)
		for range 20 {
			limit := rapid.IntRange(0, max(steps, explaining)).Draw(t, "limit")
			want := v
			if whole++; limit < steps {
				want = spent
				cut++
			}
			if got, _ := policy.DecideWithin(in, limit); got != want {
				t.Fatalf("%+v within %d of %d steps, want %+v", got, limit, steps, want)
			}
			got, _ := policy.ExplainWithin(in, limit)
			if len(got) > len(premises) || len(got) > 0 && !reflect.DeepEqual(got, premises[:len(got)]) || limit >= explaining && len(got) < len(premises) {
				t.Fatalf("within %d of %d steps explained by %+v, want %+v", limit, explaining, got, premises)
			}
		}
	})
	if cut < whole/10 || cut == whole {
		t.Errorf("%d of %d budgets were too small", cut, whole)
	}
}
