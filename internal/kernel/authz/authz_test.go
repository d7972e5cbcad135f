package authz_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/fault"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

const account = "111122223333"

func user() *authz.Caller {
	p := principal.Principal{
		Kind: principal.User, Partition: "aws", Account: account, ARN: "arn:aws:iam::" + account + ":user/team/ann",
		ID: "AIDAANN", Name: "ann", AccessKeyID: "AKIAANN",
	}
	return &authz.Caller{
		Principal: p,
		Policy:    policy.Caller{Kind: p.Kind, Partition: p.Partition, Account: p.Account, ARN: p.ARN, ID: p.ID},
		Tags:      pairs.Of(map[string]string{"Team": "red"}),
	}
}

func root() *authz.Caller {
	p := principal.Principal{Kind: principal.Root, Partition: "aws", Account: account, ARN: "arn:aws:iam::" + account + ":root", ID: account}
	return &authz.Caller{Principal: p, Policy: policy.Caller{Kind: p.Kind, Partition: p.Partition, Account: p.Account, ARN: p.ARN}}
}

// TestContextKeys: each global condition key has the value that AWS documents,
// for those principals that have it, and none for others.
func TestContextKeys(t *testing.T) {
	t.Parallel()
	facts := &authz.Facts{
		Time: time.Date(2026, 3, 1, 12, 30, 45, 0, time.UTC), Region: "eu-west-1", Source: netip.MustParseAddr("::ffff:192.0.2.7"),
		Secure: true, UserAgent: "cli/2", Referer: "https://example.org/",
	}
	const absent = "\x00"
	for _, test := range []struct{ key, user, root string }{
		{"aws:CurrentTime", "2026-03-01T12:30:45Z", "2026-03-01T12:30:45Z"},
		{"aws:EpochTime", "1772368245", "1772368245"},
		{"aws:SecureTransport", "true", "true"},
		{"aws:SourceIp", "192.0.2.7", "192.0.2.7"},
		{"aws:UserAgent", "cli/2", "cli/2"},
		{"aws:Referer", "https://example.org/", "https://example.org/"},
		{"aws:RequestedRegion", "eu-west-1", "eu-west-1"},
		{"aws:PrincipalArn", "arn:aws:iam::" + account + ":user/team/ann", "arn:aws:iam::" + account + ":root"},
		{"aws:PrincipalAccount", account, account},
		{"aws:PrincipalType", "User", "Account"},
		{"aws:PrincipalIsAWSService", "false", "false"},
		{"aws:ViaAWSService", "false", "false"},
		{"aws:userid", "AIDAANN", account},
		{"aws:username", "ann", absent},
		{"aws:PrincipalTag/team", "red", absent},
		{"aws:PrincipalTag/TEAM", "red", absent},
		{"aws:PrincipalTag/other", absent, absent},
		{"aws:ResourceAccount", "444455556666", "444455556666"},
		{"aws:MultiFactorAuthPresent", absent, absent},
		{"aws:TokenIssueTime", absent, absent},
		{"aws:PrincipalOrgID", absent, absent},
		{"aws:SourceArn", absent, absent},
		{"service:Key", "from the service", "from the service"},
		{"service:Other", absent, absent},
	} {
		for _, who := range []struct {
			caller *authz.Caller
			want   string
		}{{user(), test.user}, {root(), test.root}} {
			condition := `{"StringEquals":{"` + test.key + `":"` + who.want + `"}}`
			if who.want == absent {
				condition = `{"Null":{"` + test.key + `":"true"}}`
			}
			if err := ask(t, facts, who.caller, condition); err != nil {
				t.Errorf("%s of %s is not %q", test.key, who.caller.Principal.ARN, who.want)
			}
			if err := ask(t, facts, who.caller, `{"StringEquals":{"`+test.key+`":"something else"}}`); err == nil {
				t.Errorf("%s of %s equals something else", test.key, who.caller.Principal.ARN)
			}
		}
	}
}

// ask has a resource policy with a condition judge the caller.
func ask(t *testing.T, facts *authz.Facts, caller *authz.Caller, condition string) error {
	t.Helper()
	p, err := policy.Compile(policy.KeyPolicy, "default", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":`+condition+`}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := policy.Compile(policy.Identity, "all", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	caller.Identity = []*policy.Policy{identity}
	var judge authz.Judge
	return judge.Allow(facts, caller, &authz.Ask{
		Action: "kms:Encrypt", Resource: "arn:aws:kms:eu-west-1:444455556666:key/k", Account: "444455556666",
		Rule: policy.ExplicitTrust, CrossAccount: true, Policy: p, Context: fromService{},
	})
}

type fromService struct{}

func (fromService) Lookup(k *policy.Key) policy.Values {
	if k.Name == "service:key" {
		return policy.Values{Present: true, One: "from the service"}
	}
	return policy.Values{}
}

// TestRefusal: the refusal names caller, action, resource and reason, unless the
// ask has words of its own.
func TestRefusal(t *testing.T) {
	t.Parallel()
	var judge authz.Judge
	a := authz.Ask{Action: "kms:CreateKey", Resource: "*", Account: account, Rule: policy.IdentityOnly}
	err := judge.Allow(&authz.Facts{}, user(), &a)
	want := "AccessDenied: User: arn:aws:iam::" + account + ":user/team/ann is not authorized to perform: kms:CreateKey on resource: * because no identity-based policy allows the kms:CreateKey action"
	if err == nil || err.Error() != want {
		t.Errorf("refused with %v, want %s", err, want)
	}
	if why := judge.Explain(); why.Account != account || why.Owner != "" || len(why.Own.Premises) == 0 || why.Own.Verdict != judge.Verdict() {
		t.Errorf("explained by %+v", why)
	}
	a.Refusal = fault.New(fault.AccessDenied, "no more than this")
	if err := judge.Allow(&authz.Facts{}, user(), &a); err != a.Refusal {
		t.Errorf("refused with %v", err)
	}
	if err := judge.Allow(&authz.Facts{}, root(), &a); err != nil {
		t.Errorf("the root user may not make keys: %v", err)
	}
}

// TestAllowAllocatesNothing measures the decision on the hot path.
func TestAllowAllocatesNothing(t *testing.T) {
	p, err := policy.Compile(policy.KeyPolicy, "default", []byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+account+`:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue"}}},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+account+`:user/team/ann"},"Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*","Condition":{"StringLike":{"service:key":"from*"}}}]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	caller, facts, judge := user(), &authz.Facts{Region: "eu-west-1"}, new(authz.Judge)
	question := &authz.Ask{
		Action: "kms:Encrypt", Resource: "arn:aws:kms:eu-west-1:" + account + ":key/k", Account: account,
		Rule: policy.ExplicitTrust, CrossAccount: true, Policy: p, Context: fromService{},
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := judge.Allow(facts, caller, question); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("allowing allocates %v times", n)
	}
}

// TestForeignResource: a caller whom a resource of another account does not let
// in gets one answer, whatever conditions on the resource its own policies have;
// one who is let in is told which policy refuses.
func TestForeignResource(t *testing.T) {
	t.Parallel()
	const owner, key = "444455556666", "arn:aws:kms:us-east-1:444455556666:key/x"
	compile := func(kind policy.Kind, statement string) *policy.Policy {
		p, err := policy.Compile(kind, key, []byte(`{"Version":"2012-10-17","Statement":`+statement+`}`), map[string]string{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	closed := compile(policy.KeyPolicy, `{"Effect":"Allow","Principal":{"AWS":"`+owner+`"},"Action":"kms:*","Resource":"*"}`)
	open := compile(policy.KeyPolicy, `{"Effect":"Allow","Principal":{"AWS":"`+account+`"},"Action":"kms:*","Resource":"*"}`)
	denying := compile(policy.KeyPolicy, `[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"kms:Encrypt","Resource":"*"}]`)
	spying := compile(policy.Identity, `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringLike":{"service:Key":"from *"}}}`)
	const unknown, identity, resource = "because no resource-based policy allows", "with an explicit deny in an identity-based", "with an explicit deny in a resource-based"
	for name, test := range map[string]struct {
		policy   *policy.Policy
		identity *policy.Policy
		want     string
	}{
		"no such key":                     {nil, nil, unknown},
		"no such key, spying":             {nil, spying, unknown},
		"not let in":                      {closed, nil, unknown},
		"not let in, spying":              {closed, spying, unknown},
		"let in, refused by its own":      {open, spying, identity},
		"let in and refused by the owner": {denying, nil, resource},
	} {
		caller := user()
		if test.identity != nil {
			caller.Identity = []*policy.Policy{test.identity}
		}
		var judge authz.Judge
		err := judge.Allow(&authz.Facts{Time: time.Now()}, caller, &authz.Ask{
			Action: "kms:Encrypt", Resource: key, Account: owner, Rule: policy.ExplicitTrust, CrossAccount: true,
			Policy: test.policy, Context: fromService{},
		})
		if !fault.Is(err, fault.AccessDenied) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
