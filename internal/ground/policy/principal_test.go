package policy_test

import (
	"fmt"
	"slices"
	"testing"

	"claviger/internal/ground/policy"
	"claviger/internal/words/principal"
)

// gradeOf finds by decisions how a Principal element lets a caller in: what a
// resource demands in addition tells the grades apart.
func gradeOf(t testing.TB, element string, bound map[string]string, c *policy.Caller) policy.Grade {
	t.Helper()
	p := compileBound(t, policy.Resource, modern(`{"Effect":"Allow",`+element+`,"Action":"*","Resource":"*"}`), bound)
	all := []*policy.Policy{compile(t, policy.Identity, modern(`{"Effect":"Allow","Action":"*","Resource":"*"}`))}
	in := policy.Input{
		Request:         policy.Request{Action: "x:Do", Resource: "arn:aws:x:::y", Caller: c},
		Rule:            policy.ExplicitTrust,
		ResourceAccount: c.Account,
		ResourcePolicy:  p,
		Boundary:        []*policy.Policy{},
	}
	if policy.Decide(&in).Allowed {
		return policy.Direct
	}
	in.Boundary, in.Session = all, all
	if policy.Decide(&in).Allowed {
		switch {
		case c.Kind == principal.RoleSession:
			return policy.Role
		case c.Kind == principal.FederatedUser:
			return policy.UserOf
		}
		return policy.Direct // a root user is limited even where it is named
	}
	in.Identity = all
	if policy.Decide(&in).Allowed {
		return policy.Account
	}
	return policy.None
}

func TestPrincipals(t *testing.T) {
	t.Parallel()
	other := func(c *policy.Caller, change func(*policy.Caller)) *policy.Caller { change(c); return c }
	callers := map[string]*policy.Caller{
		"user":      user(),
		"session":   session(),
		"federated": federated(),
		"root":      root(),
		"service":   service(),
		"reborn":    other(user(), func(c *policy.Caller) { c.ID = "AIDANEWALICENEWALIC1" }),
		"renamed":   other(user(), func(c *policy.Caller) { c.ARN = "arn:aws:iam::111122223333:user/al" }),
		"rerole":    other(session(), func(c *policy.Caller) { c.ID = "AROANEWNEWNEWNEWNEW1" }),
		"foreign": other(user(), func(c *policy.Caller) {
			c.Account = abroad
			c.ARN = "arn:aws:iam::444455556666:user/alice"
			c.ID = "AIDAFOREIGNFOREIGN01"
		}),
		"china":    other(user(), func(c *policy.Caller) { c.Partition = "aws-cn" }),
		"pathless": other(session(), func(c *policy.Caller) { c.IssuerARN = "" }),
	}
	const (
		none    = policy.None
		account = policy.Account
		role    = policy.Role
		userOf  = policy.UserOf
		direct  = policy.Direct
	)
	bound := map[string]string{userARN: userID, roleARN: roleID, sessionARN: roleID}
	tests := []struct {
		element string
		bound   map[string]string
		want    map[string]policy.Grade // those not listed: None
	}{
		{`"Principal":"*"`, nil, map[string]policy.Grade{"user": direct, "session": direct, "federated": direct, "root": direct,
			"service": direct, "reborn": direct, "renamed": direct, "rerole": direct, "foreign": direct, "china": direct, "pathless": direct}},
		{`"Principal":{"AWS":"*"}`, bound, map[string]policy.Grade{"user": direct, "session": direct, "federated": direct, "root": direct,
			"service": direct, "reborn": direct, "renamed": direct, "rerole": direct, "foreign": direct, "china": direct, "pathless": direct}},
		{`"Principal":{"AWS":"111122223333"}`, nil, map[string]policy.Grade{"user": account, "session": account, "federated": account, "root": direct,
			"reborn": account, "renamed": account, "rerole": account, "china": account, "pathless": account}},
		{`"Principal":{"AWS":"arn:aws:iam::111122223333:root"}`, bound, map[string]policy.Grade{"user": account, "session": account, "federated": account, "root": direct,
			"reborn": account, "renamed": account, "rerole": account, "pathless": account}},
		{`"Principal":{"AWS":"444455556666"}`, nil, map[string]policy.Grade{"foreign": account}},
		{`"Principal":{"AWS":"` + userARN + `"}`, nil, map[string]policy.Grade{"user": direct, "federated": userOf, "reborn": direct, "china": direct}},
		{`"Principal":{"AWS":"` + userARN + `"}`, bound, map[string]policy.Grade{"user": direct, "federated": userOf, "renamed": direct, "china": direct}},
		{`"Principal":{"AWS":"` + userARN + `"}`, map[string]string{}, nil},
		{`"Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"}`, nil, nil},
		{`"Principal":{"AWS":"arn:aws:iam::111122223333:user/staff/Alice"}`, nil, nil},
		{`"Principal":{"AWS":"` + roleARN + `"}`, nil, map[string]policy.Grade{"session": role, "rerole": role, "pathless": role}},
		{`"Principal":{"AWS":"` + roleARN + `"}`, bound, map[string]policy.Grade{"session": role, "pathless": role}},
		{`"Principal":{"AWS":"arn:aws:iam::111122223333:role/web"}`, nil, map[string]policy.Grade{"pathless": role}},
		{`"Principal":{"AWS":"arn:aws-cn:iam::111122223333:role/web"}`, nil, nil},
		{`"Principal":{"AWS":"arn:aws:iam::444455556666:role/apps/web"}`, nil, nil},
		{`"Principal":{"AWS":"` + sessionARN + `"}`, nil, map[string]policy.Grade{"session": direct, "rerole": direct, "pathless": direct}},
		{`"Principal":{"AWS":"` + sessionARN + `"}`, bound, map[string]policy.Grade{"session": direct, "pathless": direct}},
		{`"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/web/two"}`, nil, nil},
		{`"Principal":{"AWS":"` + federatedARN + `"}`, bound, map[string]policy.Grade{"federated": direct}},
		{`"Principal":{"AWS":"` + userID + `"}`, nil, map[string]policy.Grade{"user": direct, "federated": userOf, "renamed": direct, "china": direct}},
		{`"Principal":{"AWS":"` + roleID + `"}`, bound, map[string]policy.Grade{"session": role, "pathless": role}},
		{`"Principal":{"AWS":"AIDAGONEGONEGONEGONE"}`, nil, nil},
		{`"Principal":{"Service":"logs.us-east-1.amazonaws.com"}`, bound, map[string]policy.Grade{"service": direct}},
		{`"Principal":{"Service":"s3.amazonaws.com"}`, nil, nil},
		{`"Principal":{"Federated":"logs.amazonaws.com"}`, nil, nil},
		{`"Principal":{"AWS":["111122223333","` + roleARN + `"]}`, nil, map[string]policy.Grade{"user": account, "session": role, "federated": account,
			"root": direct, "reborn": account, "renamed": account, "rerole": role, "china": account, "pathless": role}},
		// NotPrincipal with Allow: nobody of whom any part is named.
		{`"NotPrincipal":{"AWS":"111122223333"}`, nil, map[string]policy.Grade{"service": direct, "foreign": direct}},
		{`"NotPrincipal":{"AWS":"` + roleARN + `"}`, nil, map[string]policy.Grade{"user": direct, "federated": direct, "root": direct,
			"service": direct, "reborn": direct, "renamed": direct, "foreign": direct, "china": direct}},
		{`"NotPrincipal":"*"`, nil, nil},
	}
	cases := 0
	for _, test := range tests {
		for name, c := range callers {
			cases++
			if c.Kind == principal.Service {
				// Services come through one door only.
				in := policy.Input{Request: policy.Request{Action: "x:Do", Resource: "arn:aws:x:::y", Caller: c}, ResourceAccount: home,
					ResourcePolicy: compileBound(t, policy.Resource, modern(`{"Effect":"Allow",`+test.element+`,"Action":"*","Resource":"*"}`), test.bound)}
				if got := policy.Decide(&in).Allowed; got != (test.want[name] == direct) {
					t.Errorf("%s: %s is let in: %v", test.element, name, got)
				}
			} else if got := gradeOf(t, test.element, test.bound, c); got != test.want[name] {
				t.Errorf("%s (bound %v): %s has grade %d, want %d", test.element, test.bound != nil, name, got, test.want[name])
			}
		}
	}
	if cases != len(tests)*11 {
		t.Errorf("%d cases", cases)
	}
}

// TestDenyPrincipals has whom a Deny hits.
func TestDenyPrincipals(t *testing.T) {
	t.Parallel()
	allow := compile(t, policy.Identity, modern(`{"Effect":"Allow","Action":"*","Resource":"*"}`))
	tests := []struct {
		element                              string
		user, session, federated, root, logs bool // hit?
	}{
		{`"Principal":"*"`, true, true, true, true, true},
		{`"Principal":{"AWS":"111122223333"}`, true, true, true, true, false},
		{`"Principal":{"AWS":"` + userARN + `"}`, true, false, true, false, false},
		{`"Principal":{"AWS":"` + roleARN + `"}`, false, true, false, false, false},
		{`"Principal":{"AWS":"` + sessionARN + `"}`, false, true, false, false, false},
		{`"Principal":{"AWS":"444455556666"}`, false, false, false, false, false},
		{`"Principal":{"Service":"logs.amazonaws.com"}`, false, false, false, false, true},
		{`"NotPrincipal":"*"`, false, false, false, false, false},
		{`"NotPrincipal":{"AWS":"111122223333"}`, true, true, true, false, true},
		{`"NotPrincipal":{"AWS":"` + userARN + `"}`, false, true, true, true, true},
		{`"NotPrincipal":{"AWS":["` + userARN + `","` + federatedARN + `"]}`, false, true, false, true, true},
		{`"NotPrincipal":{"AWS":"` + federatedARN + `"}`, true, true, true, true, true},
		{`"NotPrincipal":{"AWS":"` + roleARN + `"}`, true, true, true, true, true},
		{`"NotPrincipal":{"AWS":"` + sessionARN + `"}`, true, true, true, true, true},
		{`"NotPrincipal":{"AWS":["` + roleARN + `","` + sessionARN + `"]}`, true, false, true, true, true},
		{`"NotPrincipal":{"AWS":["` + roleARN + `","arn:aws:sts::111122223333:assumed-role/web/two"]}`, true, true, true, true, true},
		{`"NotPrincipal":{"Service":"logs.amazonaws.com"}`, true, true, true, true, false},
	}
	for _, test := range tests {
		p := compile(t, policy.Resource, modern(
			`{"Effect":"Deny",`+test.element+`,"Action":"*","Resource":"*"},{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`))
		for i, c := range []*policy.Caller{user(), session(), federated(), root(), service()} {
			want := []bool{test.user, test.session, test.federated, test.root, test.logs}[i]
			in := policy.Input{Request: policy.Request{Action: "x:Do", Resource: "arn:aws:x:::y", Caller: c}, ResourceAccount: home, ResourcePolicy: p}
			if v := policy.Decide(&in); v.Allowed == want || v.Explicit != want {
				t.Errorf("%s: %s: %+v", test.element, c.ARN, v)
			}
			// A permissions boundary takes every exemption of a NotPrincipal away.
			in.Boundary = []*policy.Policy{allow}
			if negated := test.element[1:13] == "NotPrincipal"; policy.Decide(&in).Explicit != (want || negated) {
				t.Errorf("%s with a boundary: %s: %+v", test.element, c.ARN, policy.Decide(&in))
			}
		}
	}
}

// TestProvider has callers for whom an identity provider vouches.
func TestProvider(t *testing.T) {
	t.Parallel()
	const provider = "arn:aws:iam::111122223333:oidc-provider/token.example.org"
	c := &policy.Caller{Provider: provider}
	for element, want := range map[string]bool{
		`"Principal":{"Federated":"` + provider + `"}`:                                          true,
		`"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.example.com"}`: false,
		`"Principal":{"AWS":"*"}`:               false,
		`"Principal":{"AWS":"111122223333"}`:    false,
		`"Principal":{"Service":"example.org"}`: false,
	} {
		p := compile(t, policy.Trust, modern(`{"Effect":"Allow",`+element+`,"Action":"sts:AssumeRoleWithWebIdentity"}`))
		in := policy.Input{
			Request:         policy.Request{Action: "sts:AssumeRoleWithWebIdentity", Resource: roleARN, Caller: c},
			Rule:            policy.ExplicitTrust,
			ResourceAccount: home,
			ResourcePolicy:  p,
		}
		if v := policy.Decide(&in); v.Allowed != want {
			t.Errorf("%s: %+v", element, v)
		}
	}
	p := compile(t, policy.Trust, modern(`{"Effect":"Allow","Principal":{"Federated":"`+provider+`"},"Action":"sts:AssumeRoleWithWebIdentity"},
		{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringNotEquals":{"token.example.org:sub":"me"}}}`))
	in := policy.Input{
		Request:         policy.Request{Action: "sts:AssumeRoleWithWebIdentity", Resource: roleARN, Caller: c, Context: facts{"token.example.org:sub": one("me")}},
		Rule:            policy.ExplicitTrust,
		ResourceAccount: home,
		ResourcePolicy:  p,
	}
	if v := policy.Decide(&in); !v.Allowed {
		t.Errorf("me: %+v", v)
	}
	in.Context = facts{"token.example.org:sub": one("you")}
	if v := policy.Decide(&in); !v.Explicit {
		t.Errorf("you: %+v", v)
	}
}

// TestAnonymous has callers that no policy may let in.
func TestAnonymous(t *testing.T) {
	t.Parallel()
	p := compile(t, policy.Resource, modern(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`))
	all := []*policy.Policy{compile(t, policy.Identity, modern(`{"Effect":"Allow","Action":"*","Resource":"*"}`))}
	for _, rule := range []policy.Rule{policy.Standard, policy.ExplicitTrust, policy.IdentityOnly} {
		for name, c := range map[string]*policy.Caller{
			"nil":                  nil,
			"zero":                 {},
			"unknown of a account": {Account: home},
			"operator":             {Kind: principal.Operator, Account: home},
			"user of no account":   {Kind: principal.User},
			"kind to come":         {Kind: 200, Account: home},
		} {
			in := policy.Input{
				Request: policy.Request{Action: "x:Do", Resource: "arn:aws:x:::y", Caller: c},
				Rule:    rule, CrossAccount: true, ResourcePolicy: p, Identity: all, Grant: policy.Direct,
			}
			for _, account := range []string{"", home} {
				in.ResourceAccount = account
				if v := policy.Decide(&in); v.Allowed {
					t.Errorf("%s, rule %d: %+v", name, rule, v)
				}
			}
		}
	}
}

func TestPrincipalsOfPolicy(t *testing.T) {
	t.Parallel()
	p := compile(t, policy.KeyPolicy, modern(fmt.Sprintf(`
		{"Effect":"Allow","Principal":{"AWS":[%q,"111122223333","*"],"Service":"logs.amazonaws.com"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Deny","NotPrincipal":{"AWS":[%q,%q]},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}`, userARN, userARN, roleARN)))
	want := []policy.NamedPrincipal{
		{Type: "AWS", Name: userARN}, {Type: "AWS", Name: home}, {Type: "Service", Name: "logs.amazonaws.com"}, {Type: "AWS", Name: roleARN},
	}
	if got := p.Principals(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
