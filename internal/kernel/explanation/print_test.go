package explanation_test

import (
	"strings"
	"testing"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/explanation"
)

func printed(e *explanation.Explanation) string {
	var b strings.Builder
	explanation.Print(&b, e)
	return b.String()
}

func TestPrint(t *testing.T) {
	t.Parallel()
	const explicit = `kms:Encrypt on arn:aws:kms:eu-west-1:444455556666:key/k
  refused with an explicit deny in an identity-based policy: statement 2 (No) of own
  identity-based policies: do not allow
    statement 1 (Tag) of own: Allow, does not match by its condition
      - StringEquals aws:PrincipalTag/team: policy has "red" or "${aws:resourcetag/team}" where ${aws:resourcetag/team} is "blue" where ${a:b} is nothing, request has "green"
      + Null aws:SourceIp: policy has "true", request has no such key
    statement 2 (No) of own: Deny, matches
      + StringEquals aws:ResourceTag/a: policy has "b", request has a value that only the other account may see
  what would have to change:
    - statement 2 (No) of own must not deny it, or the request must differ in aws:ResourceTag/a
`
	if got := printed(refusal()); got != explicit {
		t.Errorf("printed\n%s\nwant\n%s", got, explicit)
	}
	e := refusal()
	e.Verdict = policy.Verdict{Gate: policy.ByIdentity, Statement: -1}
	e.Premises = append(e.Premises[:2],
		policy.Premise{Gate: policy.ByIdentity, Policy: "own", Statement: 2, Effect: "Allow", Failed: "Action"},
		policy.Premise{Gate: policy.ByIdentity, Policy: "own", Statement: 3, Effect: "Allow", Failed: "Resource"},
		policy.Premise{Gate: policy.ByIdentity, Policy: "own", Statement: 4, Effect: "Deny", Failed: "Resource"})
	const implicit = `kms:Encrypt on arn:aws:kms:eu-west-1:444455556666:key/k
  refused because no identity-based policy allows the kms:Encrypt action
  identity-based policies: do not allow
    statement 1 (Tag) of own: Allow, does not match by its condition
      - StringEquals aws:PrincipalTag/team: policy has "red" or "${aws:resourcetag/team}" where ${aws:resourcetag/team} is "blue" where ${a:b} is nothing, request has "green"
      + Null aws:SourceIp: policy has "true", request has no such key
    statement 3 of own: Allow, does not match by its Action
    statement 4 of own: Allow, does not match by its Resource
    statement 5 of own: Deny, does not match by its Resource
  what would have to change:
    - for statement 1 (Tag) of own, StringEquals "red" or "${aws:resourcetag/team}" must hold of aws:PrincipalTag/team, which is "green"
    - statement 3 of own must name the action kms:Encrypt
    - statement 4 of own must cover the resource arn:aws:kms:eu-west-1:444455556666:key/k
    - or identity-based policies: a statement must allow kms:Encrypt on arn:aws:kms:eu-west-1:444455556666:key/k
`
	if got := printed(e); got != implicit {
		t.Errorf("printed\n%s\nwant\n%s", got, implicit)
	}
	e.Verdict, e.Premises, e.Resource = policy.Verdict{Gate: policy.ByResource, Statement: -1}, []policy.Premise{
		{Gate: policy.ByResource, Side: policy.ResourceSide, Policy: "k", Statement: 0, Effect: "Allow", Failed: "Principal"},
	}, "k"
	const stranger = `kms:Encrypt on k
  refused because no resource-based policy allows the kms:Encrypt action
  policy of the resource
    statement 1: Allow, does not match by its Principal
  what would have to change:
    - statement 1 must name the caller
    - or policy of the resource: a statement must allow kms:Encrypt on k
`
	if got := printed(e); got != stranger {
		t.Errorf("printed\n%s\nwant\n%s", got, stranger)
	}
	for want, v := range map[string]policy.Verdict{
		"allowed by the account: its root user needs no policy there": {Allowed: true, Statement: -1},
		"allowed by a grant": {Allowed: true, Gate: policy.ByGrant, Statement: -1},
		"allowed by statement 1 (All) of own among the identity-based policies":   {Allowed: true, Gate: policy.ByIdentity, Policy: "own", Sid: "All"},
		"allowed by statement 2 in the policy of the resource":                    {Allowed: true, Gate: policy.ByResource, Statement: 1},
		"refused with an explicit deny in a resource-based policy":                {Explicit: true, Gate: policy.ByResource, Statement: -1},
		"refused by the side of the other account":                                {Statement: -1},
		"refused because no permissions boundary allows the kms:Encrypt action":   {Gate: policy.ByBoundary, Statement: -1},
		"refused because no session policy allows the kms:Encrypt action":         {Gate: policy.BySession, Statement: -1},
		"refused because no service control policy allows the kms:Encrypt action": {Gate: policy.ByServiceControl, Statement: -1},
	} {
		e := &explanation.Explanation{Action: "kms:Encrypt", Resource: "*", Verdict: v}
		got := printed(e)
		if lines := strings.Split(got, "\n"); len(lines) < 3 || lines[1] != "  "+want {
			t.Errorf("printed\n%s\nwant %s", got, want)
		}
		if changes := strings.Contains(got, "what would have to change"); changes != (!v.Allowed && !v.Explicit && v.Gate != policy.ByNothing) {
			t.Errorf("of %+v it says\n%s", v, got)
		}
	}
}

// TestSpent: a decision that took too long is told from the other account's refusal.
func TestSpent(t *testing.T) {
	t.Parallel()
	e := refusal()
	e.Verdict = policy.Verdict{Statement: -1}
	if got := printed(e); !strings.Contains(got, "  refused: its policies take more steps to decide than a decision may have\n") {
		t.Errorf("printed\n%s", got)
	}
	if got := printed(ofOwner()); !strings.Contains(got, "  refused by the side of the other account\n") {
		t.Errorf("printed\n%s", got)
	}
}
