package policy_test

import (
	"slices"
	"strings"
	"testing"

	"claviger/internal/ground/policy"
)

// TestSimulationDecides: a simulated decision is that of Decide, the statement that
// decided is among those that matched, and no gate contradicts it.
func TestSimulationDecides(t *testing.T) {
	t.Parallel()
	d := newDocuments(t)
	ran, named := 0, 0
	for name, c := range matrixCallers() {
		for _, relation := range []string{"same", "other"} {
			for _, resource := range []string{"none", "self", "issuer", "account", "everyone", "unmet", "deny"} {
				for _, identity := range []string{"none", "allow", "deny"} {
					for _, limit := range []string{"absent", "nothing", "allow", "deny"} {
						s := situation{name, policy.ExplicitTrust, relation, resource, identity, limit, limit, limit, "none", "owner"}
						in := s.input(d, c)
						o, ok := policy.NewSimulation(1 << 20).Decide(&in)
						v := policy.Decide(&in)
						if !ok || o.Verdict != v {
							t.Fatalf("%+v: simulated as %+v, decided as %+v", s, o, v)
						}
						ran++
						if v.Statement >= 0 {
							named++
							if !slices.ContainsFunc(o.Matched, func(m policy.Match) bool { return m.Gate == v.Gate && m.Statement == v.Statement }) {
								t.Errorf("%+v: %+v is not among %+v", s, v, o.Matched)
							}
						}
						if v.Allowed && (o.Identity == policy.ExplicitDeny || o.Boundary == policy.ExplicitDeny || o.Resource == policy.ExplicitDeny || o.Service != policy.Allowed) {
							t.Errorf("%+v: allowed, while %+v", s, o)
						}
					}
				}
			}
		}
	}
	if ran < 500 || named < 100 {
		t.Errorf("%d cases ran, %d of them named a statement", ran, named)
	}
}

// TestSimulationIsBounded: what one decision takes, the next ones lack.
func TestSimulationIsBounded(t *testing.T) {
	t.Parallel()
	in := policy.Input{Request: policy.Request{Action: "kms:Encrypt", Resource: keyARN, Caller: user()}, ResourceAccount: home, Identity: identityAllowing(t, "kms:*")}
	simulation := policy.NewSimulation(100_000)
	n := 0
	for ; n < 1000; n++ {
		if _, ok := simulation.Decide(&in); !ok {
			break
		}
	}
	if n < 10 || n > 98 { // a decision costs 1,024 steps at least
		t.Errorf("%d decisions", n)
	}
	if _, ok := simulation.Decide(&in); ok {
		t.Error("a spent simulation goes on")
	}
}

func TestPlaceOf(t *testing.T) {
	t.Parallel()
	const text = "a\nbc\r\n\r\u00e4e"
	for offset, want := range map[int]policy.Place{
		0: {1, 1}, 1: {1, 2}, 2: {2, 1}, 4: {2, 3}, 6: {3, 1}, 7: {4, 1}, 9: {4, 2}, 10: {4, 3}, 99: {4, 3}, -1: {1, 1},
	} {
		if got := policy.PlaceOf(text, offset); got != want {
			t.Errorf("%d is at %v, want %v", offset, got, want)
		}
	}
}

// TestSpans: where statements stand does not depend on those before them.
func TestSpans(t *testing.T) {
	t.Parallel()
	const text = "{\"Version\": \"2012-10-17\",\r\n \"Statement\": [\r{\"Effect\":\"Allow\",\n\"Action\":\"*\",\"Resource\":\"\u00e4\"}, {\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}]}"
	p, err := policy.Compile(policy.KeyPolicy, "", []byte(strings.ReplaceAll(text, `"Effect"`, `"Principal":"*","Effect"`)), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []policy.Span{{policy.Place{2, 16}, policy.Place{4, 29}}, {policy.Place{4, 29}, policy.Place{4, 92}}}
	if got := p.Spans(); !slices.Equal(got, want) {
		t.Errorf("statements stand at %v, want %v", got, want)
	}
}
