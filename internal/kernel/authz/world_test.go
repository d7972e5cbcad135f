package authz_test

import (
	"net/netip"
	"testing"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

const vault = "vault.amazonaws.com"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// session is a session of a role.
func session() *authz.Caller {
	p := principal.Principal{
		Kind: principal.RoleSession, Partition: "aws", Account: account,
		ARN: "arn:aws:sts::" + account + ":assumed-role/Worker/one", ID: "AROAWORKER:one",
		IssuerARN: "arn:aws:iam::" + account + ":role/team/Worker", IssuerID: "AROAWORKER", IssuerName: "Worker",
		AccessKeyID: "ASIAROLE", Since: noon.Add(-time.Hour), SourceIdentity: "ann",
	}
	return &authz.Caller{
		Principal: p,
		Policy:    policy.Caller{Kind: p.Kind, Partition: p.Partition, Account: p.Account, ARN: p.ARN, IssuerARN: p.IssuerARN, ID: p.IssuerID},
		Tags:      pairs.Of(map[string]string{"Team": "blue"}),
		Expires:   noon.Add(time.Hour),
	}
}

// since is a caller with temporary credentials of its own, such as
// GetSessionToken's.
func since(c *authz.Caller, mfa bool) *authz.Caller {
	c.Principal.Since, c.Principal.MFA = noon.Add(-90*time.Second), mfa
	return c
}

// through is a caller for whom a service acts.
func through(c *authz.Caller) *authz.Caller {
	c.Via = &authz.Via{
		Registration: &authz.Registration{Name: vault, SigningName: "vault"}, Services: []string{vault}, Region: "eu-west-1",
		Address: netip.MustParseAddr("198.51.100.1"), UserAgent: "browser",
	}
	c.Principal.InvokedBy = vault
	return c
}

// service is a service in its own name.
func service() *authz.Caller {
	p := principal.Principal{Kind: principal.Service, Partition: "aws", ARN: vault, Name: vault, AccessKeyID: "AKIAVAULT"}
	return &authz.Caller{
		Principal:    p,
		Policy:       policy.Caller{Kind: p.Kind, Partition: p.Partition, Services: []string{vault}},
		Registration: &authz.Registration{Name: vault},
	}
}

// TestCallerKeys: the global condition keys that speak of the caller, for callers
// of every kind. "" is a key that is absent.
func TestCallerKeys(t *testing.T) {
	t.Parallel()
	callers := []struct {
		name string
		make func() *authz.Caller
	}{
		{"root", root},
		{"user", user},
		{"role", session},
		{"session of a user", func() *authz.Caller { return since(user(), false) }},
		{"session with a second factor", func() *authz.Caller { return since(user(), true) }},
		{"session of a root user", func() *authz.Caller { return since(root(), true) }},
		{"user through a service", func() *authz.Caller { return through(user()) }},
		{"role through a service", func() *authz.Caller { return through(session()) }},
		{"service", service},
	}
	const (
		userARN = "arn:aws:iam::" + account + ":user/team/ann"
		rootARN = "arn:aws:iam::" + account + ":root"
		roleARN = "arn:aws:iam::" + account + ":role/team/Worker"
		began   = "2026-03-01T11:00:00Z" // the session of the role
		asked   = "2026-03-01T11:58:30Z" // that of the user
		agent   = "sdk"
		source  = "arn:aws:vault:eu-west-1:" + account + ":document/1"
	)
	all := func(v string) [9]string { return [9]string{v, v, v, v, v, v, v, v, v} }
	keys := []struct {
		key  string
		want [9]string // in the order of callers
	}{
		{"aws:PrincipalArn", [9]string{rootARN, userARN, roleARN, userARN, userARN, rootARN, userARN, roleARN, ""}},
		{"aws:PrincipalAccount", [9]string{account, account, account, account, account, account, account, account, ""}},
		{"aws:PrincipalType", [9]string{"Account", "User", "AssumedRole", "User", "User", "Account", "User", "AssumedRole", ""}},
		{"aws:PrincipalIsAWSService", [9]string{"false", "false", "false", "false", "false", "false", "false", "false", "true"}},
		{"aws:PrincipalServiceName", [9]string{8: vault}},
		{"aws:PrincipalServiceNamesList", [9]string{8: vault}},
		{"aws:PrincipalTag/team", [9]string{"", "red", "blue", "red", "red", "", "red", "blue", ""}},
		{"aws:userid", [9]string{account, "AIDAANN", "AROAWORKER:one", "AIDAANN", "AIDAANN", account, "AIDAANN", "AROAWORKER:one", ""}},
		{"aws:username", [9]string{"", "ann", "", "ann", "ann", "", "ann", "", ""}},
		{"aws:TokenIssueTime", [9]string{"", "", began, asked, asked, asked, "", began, ""}},
		{"aws:MultiFactorAuthPresent", [9]string{"", "", "false", "false", "true", "true", "", "false", ""}},
		{"aws:MultiFactorAuthAge", [9]string{4: "90", 5: "90"}},
		{"aws:SourceIdentity", [9]string{2: "ann", 7: "ann"}},
		{"aws:ViaAWSService", [9]string{"false", "false", "false", "false", "false", "false", "true", "true", "false"}},
		{"aws:CalledVia", [9]string{6: vault, 7: vault}},
		{"aws:CalledViaFirst", [9]string{6: vault, 7: vault}},
		{"aws:CalledViaLast", [9]string{6: vault, 7: vault}},
		{"aws:SourceIp", [9]string{"192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.2.7", "", "", ""}},
		{"aws:UserAgent", all(agent)},
		{"aws:Referer", all("page")},
		{"aws:RequestedRegion", all("eu-west-1")},
		{"aws:SecureTransport", all("true")},
		{"aws:CurrentTime", all("2026-03-01T12:00:00Z")},
		{"aws:EpochTime", all("1772366400")},
		{"aws:ResourceAccount", all("444455556666")},
		{"aws:SourceArn", all(source)}, // the gateway lets services alone name one
		{"aws:SourceAccount", all(account)},
		{"aws:FederatedProvider", all("")},
	}
	facts := &authz.Facts{
		Time: noon, Region: "eu-west-1", Source: netip.MustParseAddr("192.0.2.7"), Secure: true,
		UserAgent: agent, Referer: "page", SourceARN: source, SourceAccount: account,
	}
	cases := 0
	for _, k := range keys {
		for i, who := range callers {
			cases++
			value := k.want[i]
			equals := `"StringEquals"`
			if k.key == "aws:CalledVia" || k.key == "aws:PrincipalServiceNamesList" {
				equals = `"ForAllValues:StringEquals"`
				if value != "" && ask(t, facts, who.make(), `{"StringEquals":{"`+k.key+`":"`+value+`"}}`) == nil {
					t.Errorf("%s of %s is a single value", k.key, who.name)
				}
			}
			condition := `{` + equals + `:{"` + k.key + `":"` + value + `"},"Null":{"` + k.key + `":"false"}}`
			if value == "" {
				condition = `{"Null":{"` + k.key + `":"true"}}`
			}
			if err := ask(t, facts, who.make(), condition); err != nil {
				t.Errorf("%s of %s is not %q", k.key, who.name, value)
			}
			if err := ask(t, facts, who.make(), `{`+equals+`:{"`+k.key+`":"something else"},"Null":{"`+k.key+`":"false"}}`); err == nil {
				t.Errorf("%s of %s equals something else", k.key, who.name)
			}
		}
	}
	if cases != 28*9 {
		t.Errorf("%d cases ran", cases)
	}
}

// TestFederatedKeys: the keys that speak of a federated user.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func TestFederatedKeys(t *testing.T) {
	t.Parallel()
	const bob = "arn:aws:sts::" + account + ":federated-user/bob"
	p := principal.Principal{
		Kind: principal.FederatedUser, Partition: "aws", Account: account, ARN: bob, ID: account + ":bob",
		IssuerARN: "arn:aws:iam::" + account + ":user/ann", IssuerID: "AIDAANN", IssuerName: "ann", Since: noon.Add(-time.Hour),
	}
	caller := &authz.Caller{
		Session:   []*policy.Policy{compile(t, policy.Identity, `{"Effect":"Allow","Action":"*","Resource":"*"}`)},
		Principal: p, Policy: policy.Caller{Kind: p.Kind, Partition: p.Partition, Account: p.Account, ARN: p.ARN, IssuerARN: p.IssuerARN, ID: p.IssuerID},
		Tags: pairs.Of(map[string]string{"Team": "blue"}),
	}
	for key, want := range map[string]string{
		"aws:PrincipalArn": bob, "aws:PrincipalAccount": account, "aws:PrincipalType": "FederatedUser", "aws:userid": account + ":bob",
		"aws:PrincipalTag/team": "blue", "aws:TokenIssueTime": "2026-03-01T11:00:00Z", "aws:MultiFactorAuthPresent": "false",
		"aws:username": "", "aws:SourceIdentity": "", "aws:MultiFactorAuthAge": "", "aws:FederatedProvider": "",
	} {
		condition := `{"StringEquals":{"` + key + `":"` + want + `"}}`
		if want == "" {
			condition = `{"Null":{"` + key + `":"true"}}`
		}
		if err := ask(t, &authz.Facts{Time: noon}, caller, condition); err != nil {
			t.Errorf("%s is not %q: %v", key, want, err)
		}
	}
}

// TestOlderSessions: the policy with which AWS revokes sessions of a role ends
// those that began before, and none of who has no session.
func TestOlderSessions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		caller *authz.Caller
		before string
		denied bool
	}{
		{session(), "2026-03-01T11:00:01Z", true},
		{session(), "2026-03-01T11:00:00Z", false},
		{since(user(), false), "2026-03-01T11:58:31Z", true},
		{user(), "2036-01-01T00:00:00Z", false},
	} {
		test.caller.Identity = []*policy.Policy{
			compile(t, policy.Identity, `{"Effect":"Allow","Action":"*","Resource":"*"}`),
			compile(t, policy.Identity, `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"`+test.before+`"}}}`),
		}
		var judge authz.Judge
		err := judge.Allow(&authz.Facts{Time: noon}, test.caller, &authz.Ask{Action: "kms:ListKeys", Resource: "*", Account: account, Rule: policy.IdentityOnly})
		if (err != nil) != test.denied {
			t.Errorf("%s, before %s: %v", test.caller.Principal.ARN, test.before, err)
		}
	}
}

// TestElsewhere: leave to do something in another Region is asked for there.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	facts := &authz.Facts{Time: noon, Region: "eu-west-1"}
	for _, test := range []struct {
		allowed, asked string
		want           bool
	}{
		{"eu-west-1", "", true},
		{"eu-west-1", "us-east-1", false},
		{"us-east-1", "us-east-1", true},
		{"us-east-1", "", false},
	} {
		who := user()
		who.Identity = []*policy.Policy{compile(t, policy.Identity,
			`{"Effect":"Allow","Action":"kms:CreateKey","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"`+test.allowed+`"}}}`)}
		var judge authz.Judge
		err := judge.Allow(facts, who, &authz.Ask{Action: "kms:CreateKey", Resource: "*", Account: account, Region: test.asked, Rule: policy.IdentityOnly})
		if (err == nil) != test.want {
			t.Errorf("allowed in %s, asked for %q: %v", test.allowed, test.asked, err)
		}
	}
}

// TestAskedAbout: what the request says of its author is not said of somebody
// about whom it asks. The author's address lets nobody else in.
func TestAskedAbout(t *testing.T) {
	t.Parallel()
	facts := &authz.Facts{
		Time: noon, Region: "eu-west-1", Source: netip.MustParseAddr("192.0.2.7"), Secure: true, UserAgent: "agent", Referer: "page",
		SourceARN: "arn:aws:vault:eu-west-1:" + account + ":document/1", SourceAccount: account,
	}
	passes := func(condition string) bool {
		who := user()
		who.Identity = []*policy.Policy{compile(t, policy.Identity, `{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":`+condition+`}`)}
		var judge authz.Judge
		return judge.Allow(facts, service(), &authz.Ask{
			Action: "iam:PassRole", Resource: "*", Account: account, Rule: policy.IdentityOnly, Caller: who,
		}) == nil
	}
	for _, key := range []string{"aws:SourceIp", "aws:UserAgent", "aws:Referer", "aws:SourceArn", "aws:SourceAccount"} {
		if !passes(`{"Null":{"` + key + `":"true"}}`) {
			t.Errorf("%s of the author is said of the user", key)
		}
	}
	for key, value := range map[string]string{"aws:PrincipalArn": user().Principal.ARN, "aws:username": "ann", "aws:RequestedRegion": "eu-west-1", "aws:PrincipalIsAWSService": "false"} {
		if !passes(`{"StringEquals":{"` + key + `":"` + value + `"}}`) {
			t.Errorf("%s is not %s", key, value)
		}
	}
	// The user's rights count, not the service's.
	var judge authz.Judge
	err := judge.Allow(facts, service(), &authz.Ask{Action: "iam:PassRole", Resource: "*", Account: account, Rule: policy.IdentityOnly, Caller: user()})
	if err == nil || err.Error() != "AccessDenied: User: "+user().Principal.ARN+" is not authorized to perform: iam:PassRole on resource: * because no identity-based policy allows the iam:PassRole action" {
		t.Errorf("%v", err)
	}
}

func compile(t *testing.T, kind policy.Kind, statement string) *policy.Policy {
	t.Helper()
	p, err := policy.Compile(kind, "test", []byte(`{"Version":"2012-10-17","Statement":`+statement+`}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestKeysAllocateNothing: nor does a condition allocate whose value has to be spelled out, once a
// judge has spelled it; and it is spelled anew where it has changed.
func TestKeysAllocateNothing(t *testing.T) {
	facts, judge, who := &authz.Facts{Time: noon, Region: "eu-west-1", Source: netip.MustParseAddr("192.0.2.7")}, new(authz.Judge), since(user(), true)
	who.Identity = []*policy.Policy{compile(t, policy.Identity, `{"Effect":"Allow","Action":"kms:ListKeys","Resource":"*","Condition":{
		"DateLessThan":{"aws:CurrentTime":"2026-03-01T12:00:02Z"},"NumericLessThan":{"aws:EpochTime":"1772366402","aws:MultiFactorAuthAge":"92"},
		"DateGreaterThan":{"aws:TokenIssueTime":"2026-03-01T00:00:00Z"},"IpAddress":{"aws:SourceIp":"192.0.2.0/29"}}}`)}
	question := &authz.Ask{Action: "kms:ListKeys", Resource: "*", Account: account, Rule: policy.IdentityOnly}
	if n := testing.AllocsPerRun(100, func() {
		if err := judge.Allow(facts, who, question); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("allowing allocates %v times", n)
	}
	facts.Time = noon.Add(time.Second)
	if err := judge.Allow(facts, who, question); err != nil {
		t.Errorf("a second later: %v", err)
	}
	facts.Time = noon.Add(2 * time.Second)
	if err := judge.Allow(facts, who, question); err == nil {
		t.Error("allowed after the time")
	}
	facts.Time, facts.Source = noon, netip.MustParseAddr("192.0.2.8")
	if err := judge.Allow(facts, who, question); err == nil {
		t.Error("allowed from another address")
	}
	judge.Forget()
	facts.Source = netip.MustParseAddr("::ffff:192.0.2.7")
	if err := judge.Allow(facts, who, question); err != nil {
		t.Errorf("from the address written otherwise: %v", err)
	}
}
