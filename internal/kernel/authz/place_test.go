package authz_test

import (
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/fault"
)

const (
	home  = "o-exampleorgid"
	under = home + "/r-ab12/ou-ab12-11111111/"
)

func at(service, control [][]*policy.Policy) *authz.Place {
	return &authz.Place{Organization: home, Paths: []string{under}, Service: service, Control: control}
}

func level(t *testing.T, kind policy.Kind, name string, statements ...string) [][]*policy.Policy {
	t.Helper()
	p, err := policy.Compile(kind, name, []byte(`{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	return [][]*policy.Policy{{p}}
}

// TestControlPolicies: policies of an organization limit the principals and the
// resources of its members, root users too, and no service-linked role; the
// policy that denies is named to members alone.
func TestControlPolicies(t *testing.T) {
	t.Parallel()
	const all, nothing = `{"Effect":"Allow","Action":"*","Resource":"*"}`, `{"Effect":"Allow","Action":"sts:*","Resource":"*"}`
	const deny = `{"Effect":"Deny","Action":"kms:Encrypt","Resource":"*"}`
	const outsiders = `{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"` + home + `"}}}`
	scp := func(statements ...string) *authz.Place {
		return at(level(t, policy.ServiceControl, "arn:scp", statements...), nil)
	}
	rcp := at(nil, level(t, policy.ResourceControl, "arn:rcp", outsiders))
	linked := session()
	linked.Principal.IssuerARN = "arn:aws:iam::" + account + ":role/aws-service-role/vault.amazonaws.com/Worker"
	feigned := session()
	feigned.Principal.IssuerARN = "arn:aws:iam::" + account + ":role/a:role/aws-service-role/vault.amazonaws.com/Worker"
	ofOrganization, elsewhere := at(nil, nil), &authz.Place{Organization: "o-anotherorgid"}
	for name, test := range map[string]struct {
		caller *authz.Caller
		place  *authz.Place // of the caller
		owner  *authz.Place
		exempt bool
		want   string // "" where it is allowed
	}{
		"nothing":                     {user(), nil, nil, false, ""},
		"allowed":                     {user(), scp(all), nil, false, ""},
		"not allowed":                 {user(), scp(nothing), nil, false, "because no service control policy allows the kms:Encrypt action"},
		"denied":                      {user(), scp(all, deny), nil, false, "with an explicit deny in a service control policy: arn:scp"},
		"a root user, denied":         {root(), scp(all, deny), nil, false, "with an explicit deny in a service control policy: arn:scp"},
		"a role, denied":              {session(), scp(all, deny), nil, false, "with an explicit deny in a service control policy: arn:scp"},
		"a service-linked role":       {linked, scp(all, deny), nil, false, ""},
		"one that looks like it":      {feigned, scp(all, deny), nil, false, "with an explicit deny in a service control policy: arn:scp"},
		"through a service, denied":   {through(user()), scp(all, deny), nil, false, "with an explicit deny in a service control policy: arn:scp"},
		"resource, member":            {user(), ofOrganization, rcp, false, ""},
		"resource, outsider":          {user(), elsewhere, rcp, false, "with an explicit deny in a resource control policy"},
		"resource, of no account":     {service(), nil, rcp, false, "with an explicit deny in a resource control policy"},
		"resource, outside of any":    {root(), nil, rcp, false, "with an explicit deny in a resource control policy"},
		"resource, service-linked":    {linked, elsewhere, rcp, false, ""},
		"resource that is not one":    {user(), elsewhere, rcp, true, ""},
		"resource, denied to members": {user(), at(nil, nil), at(nil, level(t, policy.ResourceControl, "arn:rcp", `{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}`)), false, "with an explicit deny in a resource control policy: arn:rcp"},
	} {
		caller := *test.caller
		caller.Place = test.place
		caller.Identity = []*policy.Policy{compile(t, policy.Identity, all)}
		var judge authz.Judge
		err := judge.Allow(&authz.Facts{Time: noon}, &caller, &authz.Ask{
			Action: "kms:Encrypt", Resource: "arn:aws:kms:us-east-1:444455556666:key/x", Account: "444455556666", Rule: policy.ExplicitTrust, CrossAccount: true,
			Policy: compile(t, policy.KeyPolicy, `{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}`),
			Place:  test.owner, Uncontrolled: test.exempt,
		})
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (!fault.Is(err, fault.AccessDenied) || !strings.HasSuffix(err.Error(), " "+test.want)):
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

// TestOrganizationKeys: the condition keys that speak of organizations.
func TestOrganizationKeys(t *testing.T) {
	t.Parallel()
	mine, theirs, source := at(nil, nil), &authz.Place{Organization: "o-anotherorgid", Paths: []string{"o-anotherorgid/r-cd34/"}}, at(nil, nil)
	for _, test := range []struct {
		key, value  string
		list, found bool
		who         func() *authz.Caller
		facts       authz.Facts
	}{
		{"aws:PrincipalOrgID", home, false, true, user, authz.Facts{}},
		{"aws:PrincipalOrgPaths", under, true, true, user, authz.Facts{}},
		{"aws:ResourceOrgID", "o-anotherorgid", false, true, user, authz.Facts{}},
		{"aws:ResourceOrgPaths", "o-anotherorgid/r-cd34/", true, true, user, authz.Facts{}},
		{"aws:SourceOrgID", home, false, true, service, authz.Facts{SourcePlace: source}},
		{"aws:SourceOrgPaths", under, true, true, service, authz.Facts{SourcePlace: source}},
		{"aws:SourceOrgID", "", false, false, user, authz.Facts{}},
		{"aws:SourceOrgPaths", "", true, false, user, authz.Facts{}},
	} {
		caller := test.who()
		caller.Place = mine
		operator := "StringEquals"
		if test.list {
			operator = "ForAnyValue:StringEquals"
		}
		condition := `{"` + operator + `":{"` + test.key + `":"` + test.value + `"}}`
		if !test.found {
			condition = `{"Null":{"` + test.key + `":"true"}}`
		}
		for wanted, c := range map[bool]string{true: condition, false: `{"` + operator + `":{"` + test.key + `":"something else"}}`} {
			var judge authz.Judge
			caller.Identity = []*policy.Policy{compile(t, policy.Identity, `{"Effect":"Allow","Action":"*","Resource":"*"}`)}
			err := judge.Allow(&test.facts, caller, &authz.Ask{
				Action: "kms:Encrypt", Resource: "arn:aws:kms:us-east-1:444455556666:key/x", Account: "444455556666", Rule: policy.ExplicitTrust, CrossAccount: true,
				Policy: compile(t, policy.KeyPolicy, `{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":`+c+`}`), Place: theirs,
			})
			if (err == nil) != wanted {
				t.Errorf("%s under %s: %v", test.key, c, err)
			}
		}
	}
}

// TestControlAllocatesNothing measures the decision under the policies of an
// organization, on its own and from another account.
func TestControlAllocatesNothing(t *testing.T) {
	linked := session()
	linked.Principal.IssuerARN = "arn:aws:iam::" + account + ":role/aws-service-role/vault.amazonaws.com/Worker"
	for _, caller := range []*authz.Caller{user(), root(), session(), linked} {
		caller.Place = at(append(
			level(t, policy.ServiceControl, "one", `{"Effect":"Allow","Action":"kms:*","Resource":"*"}`, `{"Effect":"Deny","Action":"kms:ScheduleKeyDeletion","Resource":"*"}`),
			level(t, policy.ServiceControl, "two", `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`)...), nil)
		caller.Identity = []*policy.Policy{compile(t, policy.Identity, `{"Effect":"Allow","Action":"*","Resource":"*"}`)}
		facts, judge := &authz.Facts{Region: "eu-west-1"}, new(authz.Judge)
		question := &authz.Ask{
			Action: "kms:Encrypt", Resource: "arn:aws:kms:eu-west-1:444455556666:key/k", Account: "444455556666", Rule: policy.ExplicitTrust, CrossAccount: true,
			Policy: compile(t, policy.KeyPolicy, `{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"`+home+`/r-ab12/*"}}}`),
			Place:  at(nil, level(t, policy.ResourceControl, "three", `{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"${aws:ResourceOrgID}"}}}`)),
		}
		if n := testing.AllocsPerRun(100, func() {
			if err := judge.Allow(facts, caller, question); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: allowing allocates %v times", caller.Principal.ARN, n)
		}
	}
}

// BenchmarkOrganization judges in turns with and without an organization whose root, four units
// below each other and account have two service control policies each, of the caller's own, and
// two resource control policies, of the key's. "÷without" is the ratio.
func BenchmarkOrganization(b *testing.B) {
	const all = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	const guard = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Deny","Action":["kms:ScheduleKeyDeletion","kms:DisableKey"],"Resource":"*"},
		{"Effect":"Deny","Action":["organizations:LeaveOrganization","cloudtrail:StopLogging"],"Resource":"*"},
		{"Effect":"Deny","NotAction":["iam:*","kms:*","sts:*"],"Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-west-1"]}}}]}`
	const perimeter = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{
		"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"` + home + `"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}}`
	compiled := func(kind policy.Kind, text string) *policy.Policy {
		p, err := policy.Compile(kind, "p", []byte(text), nil)
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	var service, control [][]*policy.Policy
	for range 6 {
		service = append(service, []*policy.Policy{compiled(policy.ServiceControl, all), compiled(policy.ServiceControl, guard)})
		control = append(control, []*policy.Policy{compiled(policy.ResourceControl, perimeter), compiled(policy.ResourceControl, perimeter)})
	}
	place := at(service, control)
	without, within := session(), session()
	within.Place = place
	key := compiled(policy.KeyPolicy, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+account+`:root"},"Action":"kms:*","Resource":"*"}}`)
	identity := []*policy.Policy{compiled(policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*"}}`)}
	without.Identity, within.Identity = identity, identity
	facts, judge := &authz.Facts{Region: "eu-west-1"}, new(authz.Judge)
	question := &authz.Ask{
		Action: "kms:Encrypt", Resource: "arn:aws:kms:eu-west-1:" + account + ":key/k", Account: account,
		Rule: policy.ExplicitTrust, CrossAccount: true, Policy: key,
	}
	hundred := func(caller *authz.Caller, p *authz.Place) time.Duration {
		question.Place = p
		start := time.Now()
		for range 100 {
			if err := judge.Allow(facts, caller, question); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(start)
	}
	var base, took time.Duration
	b.ReportAllocs()
	for b.Loop() {
		base += hundred(without, nil)
		took += hundred(within, place)
	}
	b.ReportMetric(float64(took)/float64(base), "÷without")
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N)/100, "ns/decision")
}
