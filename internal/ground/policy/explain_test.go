package policy_test

import (
	"reflect"
	"slices"
	"testing"

	"claviger/internal/ground/policy"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	key, err := policy.Compile(policy.KeyPolicy, "default", []byte(modern(`
		{"Sid":"Root","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
		{"Sid":"Other","Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"kms:Encrypt","Resource":"*"},
		{"Sid":"Far","Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"kms:Decrypt","Resource":"*"},
		{"Sid":"TLS","Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}},
		{"Sid":"Inert","Effect":"Allow","Principal":"*","Action":"kms:*"}`)), nil)
	if err != nil {
		t.Fatal(err)
	}
	team, err := policy.Compile(policy.Identity, "team", []byte(modern(`
		{"Sid":"Tag","Effect":"Allow","Action":"kms:Encrypt","Resource":"*","Condition":{
			"StringEquals":{"kms:EncryptionContext:App":"secret value"},"StringLike":{"aws:PrincipalTag/team":["red","${aws:username}","${aws:PrincipalTag/Team}"]},
			"ForAllValues:StringEquals":{"aws:TagKeys":"a"},"Null":{"aws:SourceIp":true}}},
		{"Sid":"Key","Effect":"Allow","Action":"kms:Encrypt","Resource":"arn:aws:kms:*:*:key/other"},
		{"Sid":"Act","Effect":"Allow","Action":"kms:Decrypt","Resource":"*"},
		{"Sid":"No","Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::x"}`)), nil)
	if err != nil {
		t.Fatal(err)
	}
	in := policy.Input{
		Request: policy.Request{Action: "kms:Encrypt", Resource: keyARN, Caller: user(), Context: facts{
			"kms:encryptioncontext:app": one("my value"), "aws:principaltag/team": one("red"), "aws:tagkeys": policy.Texts([]string{"a", "a"}),
		}},
		Rule:            policy.ExplicitTrust,
		ResourceAccount: home,
		ResourcePolicy:  key,
		Identity:        []*policy.Policy{team},
		Boundary:        identityAllowing(t, "kms:*"),
		Session:         []*policy.Policy{},
		Service:         [][]*policy.Policy{identityAllowing(t, "*")},
		Control:         [][]*policy.Policy{{compile(t, policy.ResourceControl, modern(`{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*"}`))}},
		Grant:           policy.Account,
	}
	const caller, resource = policy.CallerSide, policy.ResourceSide
	star, kms := []string{"*"}, []string{"kms:*"}
	want := []policy.Premise{
		{Gate: policy.ByResourceControl, Side: resource, Policy: "the policy", Effect: "Deny", Failed: "Action"},
		{Gate: policy.ByServiceControl, Side: caller, Statement: -1, Effect: "Allow", Matched: true},
		{Gate: policy.ByServiceControl, Side: caller, Policy: "the policy", Sid: "Mine", Effect: "Allow", Matched: true, Actions: star, Resources: star},
		{Gate: policy.ByIdentity, Side: caller, Statement: -1, Effect: "Allow"},
		{Gate: policy.ByIdentity, Side: caller, Policy: "team", Statement: 0, Sid: "Tag", Effect: "Allow", Failed: "Condition:StringEquals:kms:EncryptionContext:App", Compared: []policy.Comparison{
			{Operator: "StringEquals", Key: "kms:EncryptionContext:App", Wanted: []string{"secret value"}, Present: true, Got: []string{"my value"}},
			{Operator: "StringLike", Key: "aws:PrincipalTag/team", Wanted: []string{"red", "${aws:username}", "${aws:PrincipalTag/Team}"}, Present: true, Got: []string{"red"}, Met: true, Variables: []policy.Variable{
				{Key: "aws:username"}, {Key: "aws:principaltag/team", Present: true, Value: "red"},
			}},
			{Operator: "ForAllValues:StringEquals", Key: "aws:TagKeys", Wanted: []string{"a"}, Present: true, Got: []string{"a", "a"}, Met: true},
			{Operator: "Null", Key: "aws:SourceIp", Wanted: []string{"true"}, Met: true},
		}},
		{Gate: policy.ByIdentity, Side: caller, Policy: "team", Statement: 1, Sid: "Key", Effect: "Allow", Failed: "Resource"},
		{Gate: policy.ByIdentity, Side: caller, Policy: "team", Statement: 2, Sid: "Act", Effect: "Allow", Failed: "Action"},
		{Gate: policy.ByResource, Side: resource, Statement: -1, Effect: "Allow", Matched: true},
		{Gate: policy.ByResource, Side: resource, Policy: "default", Statement: 0, Sid: "Root", Effect: "Allow", Matched: true, Actions: kms, Resources: star},
		{Gate: policy.ByResource, Side: resource, Policy: "default", Statement: 1, Sid: "Other", Effect: "Allow", Failed: "Principal"},
		{Gate: policy.ByResource, Side: resource, Policy: "default", Statement: 3, Sid: "TLS", Effect: "Deny", Failed: "Condition:Bool:aws:SecureTransport", Compared: []policy.Comparison{
			{Operator: "Bool", Key: "aws:SecureTransport", Wanted: []string{"false"}},
		}},
		{Gate: policy.ByResource, Side: resource, Policy: "default", Statement: 4, Sid: "Inert", Effect: "Allow", Failed: "Resource"},
		{Gate: policy.ByBoundary, Side: caller, Statement: -1, Effect: "Allow", Matched: true},
		{Gate: policy.ByBoundary, Side: caller, Policy: "the policy", Sid: "Mine", Effect: "Allow", Matched: true, Actions: kms, Resources: star},
		{Gate: policy.BySession, Side: caller, Statement: -1, Effect: "Allow"},
		{Gate: policy.ByGrant, Side: resource, Statement: -1, Effect: "Allow", Matched: true},
	}
	got := policy.Explain(&in)
	if !reflect.DeepEqual(got, want) {
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || !reflect.DeepEqual(got[i], want[i]) {
				t.Errorf("premise %d of %d (want %d):\n got %+v\nwant %+v", i, len(got), len(want), got[min(i, len(got)-1)], want[min(i, len(want)-1)])
			}
		}
	}
	in.Caller = &policy.Caller{}
	if got := policy.Explain(&in); got != nil {
		t.Errorf("an anonymous caller is told %v", got)
	}
}

// TestExplainKnowsTheVerdict looks for the statement of every verdict of a part
// of the matrix among the premises.
func TestExplainKnowsTheVerdict(t *testing.T) {
	t.Parallel()
	d := newDocuments(t)
	named := 0
	for name, c := range matrixCallers() {
		for _, resource := range []string{"none", "self", "issuer", "account", "everyone", "unmet", "deny"} {
			for _, identity := range []string{"none", "allow", "deny"} {
				for _, limit := range []string{"absent", "nothing", "allow", "deny"} {
					s := situation{name, policy.ExplicitTrust, "same", resource, identity, limit, limit, limit, "none", "owner"}
					in := s.input(d, c)
					v := policy.Decide(&in)
					if v.Statement < 0 {
						continue
					}
					named++
					if !slices.ContainsFunc(policy.Explain(&in), func(p policy.Premise) bool {
						return p.Matched && p.Gate == v.Gate && p.Policy == v.Policy && p.Statement == v.Statement && (p.Effect == "Deny") == v.Explicit
					}) {
						t.Errorf("%+v: %+v isn't explained by %+v", s, v, policy.Explain(&in))
					}
				}
			}
		}
	}
	if named < 100 {
		t.Errorf("only %d verdicts name a statement", named)
	}
}
