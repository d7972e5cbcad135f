package policy_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"claviger/internal/ground/policy"
)

// A draft is a statement that is yet to be written.
type draft struct {
	Effect       string                         `json:",omitempty"`
	Principal    any                            `json:",omitempty"`
	Action       []string                       `json:",omitempty"`
	NotAction    []string                       `json:",omitempty"`
	Resource     []string                       `json:",omitempty"`
	NotResource  []string                       `json:",omitempty"`
	Condition    map[string]map[string][]string `json:",omitempty"`
	NotPrincipal any                            `json:",omitempty"`
}

func write(t *rapid.T, kind policy.Kind, drafts []draft) *policy.Policy {
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": drafts})
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Compile(kind, "drawn", text, nil)
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return p
}

var (
	drawActions   = rapid.SliceOfN(rapid.SampledFrom([]string{"kms:Encrypt", "kms:Decrypt", "kms:*", "kms:En*", "kms:?ncrypt", "s3:*", "*"}), 1, 3)
	drawResources = rapid.SliceOfN(rapid.SampledFrom([]string{
		"*", keyARN, "arn:aws:kms:*:*:key/*", "arn:aws:kms:eu-west-1:*:key/*", "arn:aws:kms", "arn:aws:kms:*:*:key/${tag}", "arn:aws:kms:*:*:${none}"}), 1, 3)
	drawPrincipal = rapid.SampledFrom([]any{"*",
		map[string]any{"AWS": []string{home}}, map[string]any{"AWS": []string{userARN, roleARN}}, map[string]any{"AWS": sessionARN},
		map[string]any{"AWS": federatedARN}, map[string]any{"Service": "logs.amazonaws.com"}, map[string]any{"AWS": abroad}})
	drawOperator = rapid.SampledFrom([]string{"StringEquals", "StringNotEquals", "StringLike", "StringNotLikeIfExists", "ForAnyValue:StringLike",
		"ForAllValues:StringNotEquals", "StringEqualsIgnoreCase", "StringEqualsIfExists"})
	drawKey    = rapid.SampledFrom([]string{"Tag", "several", "none", "aws:PrincipalTag/Team"})
	drawValues = rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "A", "a*", "?", "*", "${tag}", "${none}", "${tag, 'b'}"}), 0, 3)
)

func drawDraft(t *rapid.T, kind policy.Kind) draft {
	d := draft{Effect: rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, "effect")}
	if rapid.IntRange(0, 4).Draw(t, "notAction") == 0 {
		d.NotAction = drawActions.Draw(t, "actions")
	} else {
		d.Action = drawActions.Draw(t, "actions")
	}
	if rapid.IntRange(0, 4).Draw(t, "notResource") == 0 {
		d.NotResource = drawResources.Draw(t, "resources")
	} else {
		d.Resource = drawResources.Draw(t, "resources")
	}
	if kind == policy.Resource {
		if d.Effect == "Deny" && rapid.IntRange(0, 3).Draw(t, "notPrincipal") == 0 {
			d.NotPrincipal = drawPrincipal.Draw(t, "principal")
		} else {
			d.Principal = drawPrincipal.Draw(t, "principal")
		}
	}
	d.Condition = map[string]map[string][]string{}
	for range rapid.IntRange(0, 2).Draw(t, "operators") {
		d.Condition[drawOperator.Draw(t, "operator")] = map[string][]string{drawKey.Draw(t, "key"): drawValues.Draw(t, "values")}
	}
	return d
}

func drawDrafts(t *rapid.T, kind policy.Kind) []draft {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) draft { return drawDraft(t, kind) }), 1, 4).Draw(t, "statements")
}

// A drawn situation: everything but the policies under change.
func drawInput(t *rapid.T) *policy.Input {
	in := &policy.Input{
		Request: policy.Request{
			Action:   rapid.SampledFrom([]string{"kms:Encrypt", "kms:Decrypt"}).Draw(t, "action"),
			Resource: rapid.SampledFrom([]string{keyARN, "*"}).Draw(t, "resource"),
			Caller:   rapid.SampledFrom([]*policy.Caller{user(), session(), federated(), root(), service()}).Draw(t, "caller"),
			Context: facts{
				"tag":                   one(rapid.SampledFrom([]string{"a", "b", "*", "?", "0a1b2c3d"}).Draw(t, "tag")),
				"aws:principaltag/team": one("a"),
				"several":               many("a", "b"),
				"aws:requestedregion":   one("us-east-1"),
			},
		},
		Rule:            rapid.SampledFrom([]policy.Rule{policy.Standard, policy.ExplicitTrust, policy.IdentityOnly}).Draw(t, "rule"),
		ResourceAccount: rapid.SampledFrom([]string{home, abroad}).Draw(t, "account"),
		CrossAccount:    rapid.Bool().Draw(t, "cross"),
		Grant:           rapid.SampledFrom([]policy.Grade{policy.None, policy.None, policy.Account, policy.Role, policy.Direct}).Draw(t, "grant"),
		GrantIssuer:     home,
	}
	if rapid.Bool().Draw(t, "bounded") {
		in.Boundary = []*policy.Policy{write(t, policy.Identity, drawDrafts(t, policy.Identity))}
	}
	if rapid.Bool().Draw(t, "session") {
		in.Session = []*policy.Policy{write(t, policy.Identity, drawDrafts(t, policy.Identity))}
	}
	return in
}

// judge decides with the given statements as identity and resource policy.
func judge(t *rapid.T, in *policy.Input, identity, resource []draft) policy.Verdict {
	in.Identity = []*policy.Policy{write(t, policy.Identity, identity)}
	in.ResourcePolicy = write(t, policy.Resource, resource)
	return policy.Decide(in)
}

// with adds a statement of the given effect at a drawn place.
func with(t *rapid.T, drafts []draft, kind policy.Kind, effect string) []draft {
	d := drawDraft(t, kind)
	if d.Effect = effect; d.NotPrincipal != nil {
		d.Principal, d.NotPrincipal = d.NotPrincipal, nil
	}
	return slices.Insert(slices.Clone(drafts), rapid.IntRange(0, len(drafts)).Draw(t, "place"), d)
}

func TestAddingDenyNeverEnlarges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		identity, resource := drawDrafts(t, policy.Identity), drawDrafts(t, policy.Resource)
		before := judge(t, in, identity, resource)
		after := judge(t, in, with(t, identity, policy.Identity, "Deny"), with(t, resource, policy.Resource, "Deny"))
		if after.Allowed && !before.Allowed || before.Explicit && !after.Explicit {
			t.Fatalf("before %+v, after %+v", before, after)
		}
	})
}

func TestAddingAllowNeverShrinks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		identity, resource := drawDrafts(t, policy.Identity), drawDrafts(t, policy.Resource)
		before := judge(t, in, identity, resource)
		after := judge(t, in, with(t, identity, policy.Identity, "Allow"), with(t, resource, policy.Resource, "Allow"))
		if before.Allowed && !after.Allowed || before.Explicit != after.Explicit {
			t.Fatalf("before %+v, after %+v", before, after)
		}
	})
}

// TestCaseIsNeutral changes the case of actions, of operators and of the names
// of condition keys and variables.
func TestCaseIsNeutral(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		identity, resource := drawDrafts(t, policy.Identity), drawDrafts(t, policy.Resource)
		before := judge(t, in, identity, resource)
		in.Action = strings.ToUpper(in.Action)
		after := judge(t, in, upper(identity), upper(resource))
		if before != after {
			t.Fatalf("before %+v, after %+v", before, after)
		}
	})
}

func upper(drafts []draft) []draft {
	changed := slices.Clone(drafts)
	for i := range changed {
		d := &changed[i]
		d.Action, d.NotAction = mapped(d.Action, strings.ToUpper), mapped(d.NotAction, strings.ToUpper)
		variables := strings.NewReplacer("${tag", "${TAG", "${none", "${NONE").Replace
		d.Resource, d.NotResource = mapped(d.Resource, variables), mapped(d.NotResource, variables)
		condition := map[string]map[string][]string{}
		for operator, keys := range d.Condition {
			condition[strings.ToUpper(operator)] = map[string][]string{}
			for key, values := range keys {
				condition[strings.ToUpper(operator)][strings.ToUpper(key)] = mapped(values, variables)
			}
		}
		d.Condition = condition
	}
	return changed
}

func mapped(list []string, f func(string) string) []string {
	var out []string
	for _, s := range list {
		out = append(out, f(s))
	}
	if list != nil && out == nil {
		out = []string{}
	}
	return out
}

// TestSplittingIsNeutral makes a statement of each action and resource.
func TestSplittingIsNeutral(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		identity, resource := drawDrafts(t, policy.Identity), drawDrafts(t, policy.Resource)
		before := judge(t, in, identity, resource)
		after := judge(t, in, split(identity), split(resource))
		if before.Allowed != after.Allowed || before.Explicit != after.Explicit || before.Gate != after.Gate {
			t.Fatalf("before %+v, after %+v", before, after)
		}
	})
}

func split(drafts []draft) []draft {
	var parts []draft
	for _, d := range drafts {
		for _, a := range append([]string{""}, d.Action...) {
			for _, r := range append([]string{""}, d.Resource...) {
				if (a == "") != (d.Action == nil) || (r == "") != (d.Resource == nil) {
					continue
				}
				part := d
				if a != "" {
					part.Action = []string{a}
				}
				if r != "" {
					part.Resource = []string{r}
				}
				parts = append(parts, part)
			}
		}
	}
	return parts
}

func TestOrderIsNeutral(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		identity, resource := drawDrafts(t, policy.Identity), drawDrafts(t, policy.Resource)
		before := judge(t, in, identity, resource)
		seed := rapid.Uint64().Draw(t, "seed")
		after := judge(t, in, shuffled(identity, seed), shuffled(resource, seed))
		if before.Allowed != after.Allowed || before.Explicit != after.Explicit || before.Gate != after.Gate {
			t.Fatalf("before %+v, after %+v", before, after)
		}
	})
}

func shuffled(drafts []draft, seed uint64) []draft {
	r := rand.New(rand.NewPCG(seed, 0))
	mix := func(list []string) []string {
		list = slices.Clone(list)
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		return list
	}
	changed := slices.Clone(drafts)
	for i := range changed {
		d := &changed[i]
		d.Action, d.NotAction, d.Resource, d.NotResource = mix(d.Action), mix(d.NotAction), mix(d.Resource), mix(d.NotResource)
		condition := map[string]map[string][]string{}
		for operator, keys := range d.Condition {
			condition[operator] = map[string][]string{}
			for key, values := range keys {
				condition[operator][key] = mix(values)
			}
		}
		d.Condition = condition
	}
	r.Shuffle(len(changed), func(i, j int) { changed[i], changed[j] = changed[j], changed[i] })
	return changed
}

// TestSubstitutionNeverWidens compares a variable with its value written out and
// every special character of it escaped.
func TestSubstitutionNeverWidens(t *testing.T) {
	t.Parallel()
	text := rapid.StringOfN(rapid.RuneFrom([]rune("ab*?$:/{}é")), 1, 6, -1)
	rapid.Check(t, func(t *rapid.T) {
		value, got := text.Draw(t, "value"), text.Draw(t, "got")
		before := rapid.StringOfN(rapid.RuneFrom([]rune("ab*?:/")), 0, 4, -1).Draw(t, "before")
		after := rapid.StringOfN(rapid.RuneFrom([]rune("ab*?:/")), 0, 4, -1).Draw(t, "after")
		escaped := strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}").Replace(value)
		f := facts{"v": one(value), "k": one(got)}
		condition := func(v string) string {
			b, err := json.Marshal(map[string]any{"StringLike": map[string]any{"k": before + v + after}})
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		substituted := metRapid(t, condition("${v}"), f)
		if literal := metRapid(t, condition(escaped), f); substituted != literal {
			t.Fatalf("%s with %q: %v, written out as %q: %v", condition("${v}"), value, substituted, escaped, literal)
		}
		if raw := metRapid(t, condition(strings.ReplaceAll(value, "$", "${$}")), f); substituted && !raw {
			t.Fatalf("%s with %q matches %q, its value doesn't", condition("${v}"), value, got)
		}
	})
}

func metRapid(t *rapid.T, condition string, f facts) bool {
	p, err := policy.Compile(policy.Identity, "", []byte(modern(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":`+condition+`}`)), nil)
	if err != nil {
		t.Fatalf("%v in %s", err, condition)
	}
	return policy.Decide(&policy.Input{
		Request:         policy.Request{Action: "x:Do", Resource: "arn:aws:x:::y", Caller: user(), Context: f},
		ResourceAccount: home,
		Identity:        []*policy.Policy{p},
	}).Allowed
}
