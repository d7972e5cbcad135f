package authz_test

import (
	"reflect"
	"slices"
	"testing"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/explanation"
	"claviger/internal/words/fault"
)

// ofKey answers for a key that speaks of the resource.
type ofKey map[string]string

func (k ofKey) Lookup(key *policy.Key) policy.Values { return policy.Text(k[key.Name]) }

const foreign = "444455556666"

// foreignAsk is about a key of another account whose policy has one statement.
func foreignAsk(t *testing.T, statement string) *authz.Ask {
	return &authz.Ask{
		Action: "kms:Encrypt", Resource: "arn:aws:kms:eu-west-1:" + foreign + ":key/k", Account: foreign,
		Rule: policy.ExplicitTrust, CrossAccount: true, Policy: compile(t, policy.KeyPolicy, statement),
		Context: ofKey{"aws:resourcetag/team": "red", "kms:keyspec": "HMAC_256", "kms:encryptioncontext:a": "b"},
	}
}

// values lists what an explanation shows of the request, by condition key.
func values(e *explanation.Explanation) map[string][]string {
	found := make(map[string][]string)
	for _, p := range e.Premises {
		for _, c := range p.Compared {
			if c.Present {
				found[c.Key] = append(found[c.Key], c.Got...)
			}
			for _, v := range c.Variables {
				if v.Present {
					found["${"+v.Key+"}"] = append(found["${"+v.Key+"}"], v.Value)
				}
			}
		}
	}
	return found
}

// TestEachSideItsOwn: of a call across accounts each account learns what its own
// policies said and compared, without what is the other's business.
func TestEachSideItsOwn(t *testing.T) {
	t.Parallel()
	const conditions = `"Condition":{"StringEquals":{"aws:ResourceTag/team":"red","kms:KeySpec":"HMAC_256","kms:EncryptionContext:a":"b","aws:username":"ann","aws:PrincipalAccount":["111122223333","${aws:username}","${aws:ResourceTag/team}"]}}}`
	caller := user()
	caller.Identity = []*policy.Policy{compile(t, policy.Identity, `{"Effect":"Deny","Action":"kms:*","Resource":"*",`+conditions)}
	var judge authz.Judge
	err := judge.Allow(&authz.Facts{}, caller, foreignAsk(t, `{"Effect":"Allow","Principal":{"AWS":"`+account+`"},"Action":"kms:*","Resource":"*",`+conditions))
	if !fault.Is(err, fault.AccessDenied) {
		t.Fatal(err)
	}
	why := judge.Explain()
	if why.Account != account || why.Owner != foreign || why.Of(account) != why.Own || why.Of(foreign) != why.OfOwner || why.Of("") != nil || why.Of("777788889999") != nil {
		t.Errorf("%+v", why)
	}
	for _, p := range why.Own.Premises {
		if p.Side != policy.CallerSide {
			t.Errorf("the caller sees %+v", p)
		}
	}
	for _, p := range why.OfOwner.Premises {
		if p.Side != policy.ResourceSide {
			t.Errorf("the owner sees %+v", p)
		}
	}
	own := map[string][]string{"aws:ResourceTag/team": nil, "kms:KeySpec": nil, "kms:EncryptionContext:a": {"b"}, "aws:username": {"ann"}, "aws:PrincipalAccount": {account}, "${aws:username}": {"ann"}}
	if got := values(why.Own); !reflect.DeepEqual(got, own) {
		t.Errorf("the caller sees the values %v", got)
	}
	owners := map[string][]string{"aws:ResourceTag/team": {"red"}, "kms:KeySpec": {"HMAC_256"}, "kms:EncryptionContext:a": {"b"}, "aws:username": nil, "aws:PrincipalAccount": {account}, "${aws:resourcetag/team}": {"red"}}
	if got := values(why.OfOwner); !reflect.DeepEqual(got, owners) {
		t.Errorf("the owner sees the values %v", got)
	}
	if v := why.Own.Verdict; !v.Explicit || v.Gate != policy.ByIdentity {
		t.Errorf("the caller is told %+v", v)
	}
	if v := why.OfOwner.Verdict; v != (policy.Verdict{Gate: policy.ByNothing, Statement: -1}) {
		t.Errorf("the owner is told %+v", v)
	}
}

// TestForeignDeny: the caller's account learns that the resource denies, and not by
// which statement.
func TestForeignDeny(t *testing.T) {
	t.Parallel()
	var judge authz.Judge
	denying := foreignAsk(t, `[{"Effect":"Allow","Principal":{"AWS":"`+account+`"},"Action":"kms:*","Resource":"*"},{"Sid":"Secret","Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}]`)
	if err := judge.Allow(&authz.Facts{}, user(), denying); err == nil {
		t.Fatal("allowed")
	}
	why := judge.Explain()
	if why.Own.Verdict != (policy.Verdict{Explicit: true, Gate: policy.ByResource, Statement: -1}) {
		t.Errorf("the caller is told %+v", why.Own.Verdict)
	}
	if v := why.OfOwner.Verdict; !v.Explicit || v.Sid != "Secret" || v.Statement != 1 {
		t.Errorf("the owner is told %+v", v)
	}
}

// TestStrangersLearnNothing: whom the resource lets in by nothing, it is explained
// the same whether the resource exists, and is what the caller's policy asks for.
func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	caller := user()
	caller.Identity = []*policy.Policy{compile(t, policy.Identity, `{"Effect":"Deny","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}}`)}
	closed := foreignAsk(t, `{"Effect":"Allow","Principal":{"AWS":"777788889999"},"Action":"kms:*","Resource":"*"}`)
	absent := *closed
	absent.Policy, absent.Context = nil, nil
	var told []*explanation.Explanation
	for _, a := range []*authz.Ask{closed, &absent} {
		var judge authz.Judge
		if err := judge.Allow(&authz.Facts{}, caller, a); err == nil {
			t.Fatal("allowed")
		}
		why := judge.Explain()
		told = append(told, why.Own)
		if !slices.ContainsFunc(why.Own.Premises, func(p policy.Premise) bool { return p.Policy != "" && !p.Matched }) {
			t.Errorf("explained by %+v", why.Own.Premises)
		}
	}
	if !reflect.DeepEqual(told[0], told[1]) || told[0].Verdict != (policy.Verdict{Gate: policy.ByResource, Statement: -1}) {
		t.Errorf("of a key\n%+v\nof none\n%+v", told[0], told[1])
	}
}

// TestHidden: where the refusal hides which resource it is about, so does the
// explanation.
func TestHidden(t *testing.T) {
	t.Parallel()
	var judge authz.Judge
	hidden := foreignAsk(t, `{"Effect":"Allow","Principal":{"AWS":"`+account+`"},"Action":"kms:*","Resource":"*"}`)
	hidden.Refusal = fault.New(fault.AccessDenied, "no more than this")
	if err := judge.Allow(&authz.Facts{}, user(), hidden); err != hidden.Refusal {
		t.Fatal(err)
	}
	if why := judge.Explain(); why.Own != nil || why.Of(account) != nil || len(why.OfOwner.Premises) == 0 {
		t.Errorf("%+v", why)
	}
	hidden.Account = account
	if err := judge.Allow(&authz.Facts{}, user(), hidden); err != hidden.Refusal {
		t.Fatal(err)
	}
	if why := judge.Explain(); why.Own == nil || len(why.Own.Premises) == 0 {
		t.Errorf("an account learns nothing of its own: %+v", why)
	}
}

// TestVerdict: what allowed can be had, a grant included.
func TestVerdict(t *testing.T) {
	t.Parallel()
	caller := user()
	caller.Identity = []*policy.Policy{compile(t, policy.Identity, `{"Sid":"All","Effect":"Allow","Action":"kms:*","Resource":"*"}`)}
	var judge authz.Judge
	a := foreignAsk(t, `{"Effect":"Allow","Principal":{"AWS":"`+account+`"},"Action":"kms:*","Resource":"*"}`)
	if err := judge.Allow(&authz.Facts{}, caller, a); err != nil {
		t.Fatal(err)
	}
	if v := judge.Verdict(); !v.Allowed || v.Gate != policy.ByResource || v.Statement != 0 {
		t.Errorf("allowed by %+v", v)
	}
	own := &authz.Ask{Action: "kms:ListKeys", Resource: "*", Account: account, Rule: policy.IdentityOnly}
	if err := judge.Allow(&authz.Facts{}, caller, own); err != nil {
		t.Fatal(err)
	}
	if v := judge.Verdict(); !v.Allowed || v.Gate != policy.ByIdentity || v.Sid != "All" {
		t.Errorf("allowed by %+v", v)
	}
}
