package authz_test

import (
	"errors"
	"strings"
	"testing"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/fault"
)

const (
	owner = "444455556666"
	key   = "arn:aws:kms:eu-west-1:" + account + ":key/k"
)

// grant is a resource's one grant, which lets its grantee in with a grade.
type grant struct {
	grade  policy.Grade
	issuer string
	err    error
	asked  int
}

func (g *grant) Find(j *authz.Judge) (bool, error) {
	g.asked++
	if g.err != nil || g.grade == policy.None {
		return false, g.err
	}
	return j.Admits(g.grade, g.issuer), nil
}

// TestGrants: a grant lets in whom no policy lets in, within all that limits the
// caller, and never against an explicit Deny.
func TestGrants(t *testing.T) {
	t.Parallel()
	allow := func(kind policy.Kind, who string) *policy.Policy {
		return compile(t, kind, `{"Effect":"Allow",`+who+`"Action":"kms:*","Resource":"*"}`)
	}
	deny := func(kind policy.Kind, who string) *policy.Policy {
		return compile(t, kind, `{"Effect":"Deny",`+who+`"Action":"kms:Encrypt","Resource":"*"}`)
	}
	const everybody, nobody = `"Principal":"*",`, `"Principal":{"AWS":"777788889999"},`
	list := func(p ...*policy.Policy) []*policy.Policy { return p }
	all, none := list(allow(policy.Identity, "")), []*policy.Policy{}
	cause := errors.New("disk on fire")
	type change func(c *authz.Caller, a *authz.Ask)
	identity := func(p []*policy.Policy) change { return func(c *authz.Caller, _ *authz.Ask) { c.Identity = p } }
	keyPolicy := func(p *policy.Policy) change { return func(_ *authz.Caller, a *authz.Ask) { a.Policy = p } }
	boundary := func(p []*policy.Policy) change { return func(c *authz.Caller, _ *authz.Ask) { c.Boundary = p } }
	sessionPolicy := func(p []*policy.Policy) change { return func(c *authz.Caller, _ *authz.Ask) { c.Session = p } }
	foreign := func(_ *authz.Caller, a *authz.Ask) { a.Account = owner }
	tests := map[string]struct {
		caller  *authz.Caller
		grant   grant
		changes []change
		asked   int
		refusal string // "" where the call is allowed
	}{
		"a policy allows":                {user(), grant{grade: policy.Direct}, []change{keyPolicy(allow(policy.KeyPolicy, everybody))}, 0, ""},
		"none found":                     {user(), grant{}, nil, 1, "because no resource-based policy allows"},
		"to the user":                    {user(), grant{grade: policy.Direct, issuer: account}, nil, 1, ""},
		"to the account":                 {user(), grant{grade: policy.Account, issuer: account}, []change{identity(all)}, 1, ""},
		"to the account alone":           {user(), grant{grade: policy.Account, issuer: account}, nil, 1, "because no resource-based policy allows"},
		"against the key policy":         {user(), grant{grade: policy.Direct}, []change{keyPolicy(deny(policy.KeyPolicy, everybody))}, 0, "explicit deny in a resource-based"},
		"beside a key policy":            {user(), grant{grade: policy.Direct}, []change{keyPolicy(allow(policy.KeyPolicy, nobody))}, 1, ""},
		"against the user's policy":      {user(), grant{grade: policy.Direct}, []change{identity(list(deny(policy.Identity, "")))}, 0, "explicit deny in an identity-based"},
		"against the boundary":           {user(), grant{grade: policy.Direct}, []change{boundary(list(deny(policy.Identity, "")))}, 0, "explicit deny in a permissions boundary"},
		"against the session policy":     {session(), grant{grade: policy.Role}, []change{sessionPolicy(list(deny(policy.Identity, "")))}, 0, "explicit deny in a session policy"},
		"to the user, bounded":           {user(), grant{grade: policy.Direct}, []change{boundary(none)}, 1, ""},
		"to the role":                    {session(), grant{grade: policy.Role}, nil, 1, ""},
		"to the role, bounded":           {session(), grant{grade: policy.Role}, []change{boundary(none)}, 1, "because no"},
		"to the role, in its session":    {session(), grant{grade: policy.Role}, []change{sessionPolicy(all)}, 1, ""},
		"to the role, beyond its ses.":   {session(), grant{grade: policy.Role}, []change{sessionPolicy(none)}, 1, "because no"},
		"to the session":                 {session(), grant{grade: policy.Direct}, []change{sessionPolicy(none)}, 1, ""},
		"to a service":                   {service(), grant{grade: policy.Direct, issuer: account}, nil, 1, ""},
		"to nobody the service is":       {service(), grant{}, nil, 1, "User: " + vault + " is not authorized to perform: kms:Encrypt on resource: " + key + " because no resource-based policy"},
		"through a service":              {through(user()), grant{grade: policy.Direct, issuer: account}, nil, 1, ""},
		"foreign, to the user":           {user(), grant{grade: policy.Direct, issuer: owner}, []change{foreign, identity(all)}, 1, ""},
		"foreign, to the user alone":     {user(), grant{grade: policy.Direct, issuer: owner}, []change{foreign}, 1, "because no resource-based policy"},
		"foreign, of the user's own":     {user(), grant{grade: policy.Direct, issuer: account}, []change{foreign}, 1, ""},
		"foreign, bounded":               {user(), grant{grade: policy.Direct, issuer: owner}, []change{foreign, identity(all), boundary(none)}, 1, "because no resource-based policy"},
		"foreign, not for others":        {user(), grant{grade: policy.Direct, issuer: account}, []change{foreign, func(_ *authz.Caller, a *authz.Ask) { a.CrossAccount = false }}, 1, "because no resource-based policy"},
		"of a resource that has none":    {user(), grant{grade: policy.Direct, issuer: account}, []change{func(_ *authz.Caller, a *authz.Ask) { a.Rule = policy.IdentityOnly }}, 1, "because no identity-based policy"},
		"failure":                        {user(), grant{err: cause}, nil, 1, "disk on fire"},
		"failure behind a policy":        {user(), grant{err: cause}, []change{keyPolicy(allow(policy.KeyPolicy, everybody))}, 0, ""},
		"words of the service's own":     {user(), grant{}, []change{func(_ *authz.Caller, a *authz.Ask) { a.Refusal = fault.New(fault.AccessDenied, "no more than this") }}, 1, "no more than this"},
		"failure before words":           {user(), grant{err: cause}, []change{func(_ *authz.Caller, a *authz.Ask) { a.Refusal = fault.New(fault.AccessDenied, "no more than this") }}, 1, "disk on fire"},
		"about somebody else":            {service(), grant{grade: policy.Account}, []change{func(_ *authz.Caller, a *authz.Ask) { a.Caller = user(); a.Caller.Identity = all }}, 1, ""},
		"about somebody else, who lacks": {service(), grant{grade: policy.Account}, []change{func(_ *authz.Caller, a *authz.Ask) { a.Caller = user() }}, 1, "User: " + user().Principal.ARN},
	}
	var judge authz.Judge // one for all: nothing of a question is left for the next
	for name, test := range tests {
		question := &authz.Ask{
			Action: "kms:Encrypt", Resource: key, Account: account, Rule: policy.ExplicitTrust, CrossAccount: true, Grants: &test.grant,
		}
		for _, c := range test.changes {
			c(test.caller, question)
		}
		err := judge.Allow(&authz.Facts{Time: noon}, test.caller, question)
		if test.refusal == "" && err != nil || test.refusal != "" && (err == nil || !strings.Contains(err.Error(), test.refusal)) {
			t.Errorf("%s: %v, want %q", name, err, test.refusal)
		}
		if test.grant.err != nil && err != nil && !errors.Is(err, cause) {
			t.Errorf("%s: %v lost its cause", name, err)
		}
		if test.grant.asked != test.asked {
			t.Errorf("%s: grants were asked %d times, want %d", name, test.grant.asked, test.asked)
		}
	}
	if len(tests) != 31 {
		t.Errorf("%d cases ran", len(tests))
	}
}

// crowd is very many grants, of every grade and of several issuers, of which the
// last one lets the caller in if any does.
type crowd struct {
	grades  []policy.Grade
	issuers []string
}

func (c *crowd) Find(j *authz.Judge) (bool, error) {
	for range 1000 {
		for _, grade := range c.grades {
			for _, issuer := range c.issuers {
				if j.Admits(grade, issuer) {
					return true, nil
				}
			}
		}
	}
	return false, nil
}

// meter counts how often a condition is looked at.
type meter struct{ lookups int }

func (m *meter) Lookup(*policy.Key) policy.Values {
	m.lookups++
	return policy.Values{}
}

// TestManyGrants: the work of a decision does not grow with the number of grants
// that are shown, and each kind of grant has its own answer.
func TestManyGrants(t *testing.T) {
	t.Parallel()
	allow := []*policy.Policy{compile(t, policy.Identity, `{"Effect":"Allow","Action":"kms:*","Resource":"*"}`)}
	grades := []policy.Grade{policy.Account, policy.Role, policy.UserOf, policy.Direct}
	tests := map[string]struct {
		crowd    crowd
		owner    string
		identity []*policy.Policy
		session  []*policy.Policy
		allowed  bool
	}{
		"none suffices":               {crowd{grades, []string{owner}}, owner, nil, nil, false},
		"issued at home":              {crowd{grades, []string{owner, account}}, owner, nil, nil, true},
		"to the account, at home":     {crowd{grades[:1], []string{owner, account}}, owner, nil, nil, false},
		"to the account, and allowed": {crowd{grades[:1], []string{owner}}, owner, allow, nil, true},
		"limited":                     {crowd{grades, []string{owner, account}}, owner, allow, []*policy.Policy{}, false},
		"all but direct, limited":     {crowd{grades[:3], []string{account}}, account, nil, []*policy.Policy{}, false},
		"the last is direct":          {crowd{grades, []string{account}}, account, nil, []*policy.Policy{}, true},
	}
	var judge authz.Judge
	for name, test := range tests {
		m := new(meter)
		who := session()
		who.Identity, who.Session = test.identity, test.session
		err := judge.Allow(&authz.Facts{Time: noon}, who, &authz.Ask{
			Action: "kms:Encrypt", Resource: key, Account: test.owner, Rule: policy.ExplicitTrust, CrossAccount: true,
			Policy:  compile(t, policy.KeyPolicy, `{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"x"}}}`),
			Context: m, Grants: &test.crowd,
		})
		if (err == nil) != test.allowed {
			t.Errorf("%s: %v", name, err)
		}
		if m.lookups == 0 || m.lookups > 20 {
			t.Errorf("%s: a condition was looked at %d times", name, m.lookups)
		}
	}
}

// TestRefusalNames: a refusal names a session by its own ARN, and a service by
// its name.
func TestRefusalNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		caller *authz.Caller
		want   string
	}{
		{session(), "User: arn:aws:sts::" + account + ":assumed-role/Worker/one is not authorized to perform: kms:Encrypt on resource: " + key + " because no resource-based policy allows the kms:Encrypt action"},
		{since(user(), true), "User: arn:aws:iam::" + account + ":user/team/ann is not"},
		{through(user()), "User: arn:aws:iam::" + account + ":user/team/ann is not"},
		{root(), "User: arn:aws:iam::" + account + ":root is not"},
		{service(), "User: " + vault + " is not authorized to perform: kms:Encrypt on resource: " + key + " because no resource-based policy allows the kms:Encrypt action"},
	} {
		var judge authz.Judge
		err := judge.Allow(&authz.Facts{}, test.caller, &authz.Ask{Action: "kms:Encrypt", Resource: key, Account: account, Rule: policy.ExplicitTrust, CrossAccount: true})
		if !fault.Is(err, fault.AccessDenied) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("refused with %v, want %s", err, test.want)
		}
	}
}

// TestGrantAllocatesNothing measures the decision by a grant.
func TestGrantAllocatesNothing(t *testing.T) {
	facts, judge, who := &authz.Facts{Region: "eu-west-1"}, new(authz.Judge), session()
	question := &authz.Ask{
		Action: "kms:Encrypt", Resource: key, Account: account, Rule: policy.ExplicitTrust, CrossAccount: true,
		Policy: compile(t, policy.KeyPolicy, `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+account+`:root"},"Action":"kms:*","Resource":"*"}`),
		Grants: &grant{grade: policy.Role, issuer: account},
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := judge.Allow(facts, who, question); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("allowing by a grant allocates %v times", n)
	}
}

func BenchmarkAllow(b *testing.B) {
	facts, judge, who := &authz.Facts{Region: "eu-west-1"}, new(authz.Judge), session()
	p, err := policy.Compile(policy.KeyPolicy, "default", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+who.Principal.IssuerARN+`"},"Action":"kms:Encrypt","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue"}}}}`), nil)
	if err != nil {
		b.Fatal(err)
	}
	for name, action := range map[string]string{"policy": "kms:Encrypt", "grant": "kms:Decrypt"} {
		question := &authz.Ask{
			Action: action, Resource: key, Account: account, Rule: policy.ExplicitTrust, CrossAccount: true,
			Policy: p, Grants: &grant{grade: policy.Role, issuer: account},
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := judge.Allow(facts, who, question); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
