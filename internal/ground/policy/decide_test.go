package policy_test

import (
	"fmt"
	"testing"

	"claviger/internal/ground/policy"
)

func identityAllowing(t testing.TB, action string) []*policy.Policy {
	t.Helper()
	return []*policy.Policy{compile(t, policy.Identity, modern(fmt.Sprintf(`{"Sid":"Mine","Effect":"Allow","Action":%q,"Resource":"*"}`, action)))}
}

func keyPolicy(t testing.TB, principal, action string) *policy.Policy {
	t.Helper()
	return compile(t, policy.KeyPolicy, modern(fmt.Sprintf(`{"Sid":"Key","Effect":"Allow","Principal":{"AWS":%q},"Action":%q,"Resource":"*"}`, principal, action)))
}

// bareSession is a session to which its user is let in, but which has no session policy.
const bareSession = "user ARN to its federated session"

// TestImplicitDenies has, for a resource policy of the same account, whose
// silence limits what it allows.
func TestImplicitDenies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		names     string
		caller    *policy.Caller
		principal string
		identity  bool // must allow; to a bare session that is not enough
		limits    bool // boundary and session policy must allow
	}{
		{"user ARN", user(), userARN, false, false},
		{"role ARN", session(), roleARN, false, true},
		{"session ARN", session(), sessionARN, false, false},
		{"everyone to a user", user(), "*", false, false},
		{"everyone to a session", session(), "*", false, false},
		{"federated user ARN", federated(), federatedARN, false, false},
		{bareSession, federated(), userARN, true, true},
		{"account", user(), home, true, true},
		{"account to a session", session(), rootARN, true, true},
	}
	all := identityAllowing(t, "*")
	none := []*policy.Policy{}
	for _, test := range tests {
		for _, rule := range []policy.Rule{policy.Standard, policy.ExplicitTrust} {
			in := policy.Input{
				Request:         policy.Request{Action: "kms:Encrypt", Resource: keyARN, Caller: test.caller},
				Rule:            rule,
				ResourceAccount: home,
				ResourcePolicy:  keyPolicy(t, test.principal, "kms:*"),
			}
			if got := policy.Decide(&in).Allowed; got == test.identity {
				t.Errorf("%s without identity policy: %v", test.names, got)
			}
			in.Identity = all
			if bare := test.names == bareSession; policy.Decide(&in).Allowed == bare {
				t.Errorf("%s with identity policy: %v", test.names, !bare)
			}
			in.Boundary = none
			if v := policy.Decide(&in); v.Allowed == test.limits || test.limits && v.Gate != policy.ByBoundary {
				t.Errorf("%s with a boundary that allows nothing: %+v", test.names, v)
			}
			in.Boundary, in.Session = all, none
			if v := policy.Decide(&in); v.Allowed == test.limits || test.limits && v.Gate != policy.BySession {
				t.Errorf("%s with a session policy that allows nothing: %+v", test.names, v)
			}
			in.Session = all
			if !policy.Decide(&in).Allowed {
				t.Errorf("%s with all: refused", test.names)
			}
		}
	}
}

// TestReasons has the text of each refusal.
func TestReasons(t *testing.T) {
	t.Parallel()
	all, none := identityAllowing(t, "*"), []*policy.Policy{}
	deny := []*policy.Policy{compile(t, policy.Identity, modern(`{"Sid":"No","Effect":"Deny","Action":"kms:*","Resource":"*"}`))}
	denyKey := compile(t, policy.KeyPolicy, modern(`{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}`))
	control := []*policy.Policy{compile(t, policy.ResourceControl, modern(`{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}`))}
	because := func(noun string) string { return "because no " + noun + " allows the kms:Encrypt action" }
	levels := func(l ...[]*policy.Policy) [][]*policy.Policy { return l }
	tests := []struct {
		name string
		in   policy.Input
		want string
	}{
		{"key policy lets nobody in", policy.Input{Identity: all}, because("resource-based policy")},
		{"no key policy", policy.Input{Identity: all}, because("resource-based policy")},
		{"account delegated, identity silent", policy.Input{ResourcePolicy: keyPolicy(t, home, "kms:*")}, because("identity-based policy")},
		{"account delegated, boundary silent", policy.Input{ResourcePolicy: keyPolicy(t, home, "kms:*"), Identity: all, Boundary: none}, because("permissions boundary")},
		{"account delegated, session silent", policy.Input{ResourcePolicy: keyPolicy(t, home, "kms:*"), Identity: all, Session: none}, because("session policy")},
		{"grant to the account, identity silent", policy.Input{Grant: policy.Account}, because("identity-based policy")},
		{"service control silent", policy.Input{Identity: all, ResourcePolicy: keyPolicy(t, userARN, "kms:*"), Service: levels(all, none)}, because("service control policy")},
		{"standard, nothing", policy.Input{Rule: policy.Standard}, because("identity-based policy")},
		{"identity only", policy.Input{Rule: policy.IdentityOnly}, because("identity-based policy")},

		// Across accounts.
		{"abroad, both silent", policy.Input{ResourceAccount: abroad}, because("resource-based policy")},
		{"abroad, resource silent", policy.Input{ResourceAccount: abroad, Identity: all}, because("resource-based policy")},
		{"abroad, account named, identity silent", policy.Input{ResourceAccount: abroad, ResourcePolicy: keyPolicy(t, home, "kms:*")}, because("resource-based policy")},
		{"abroad, user named, identity silent", policy.Input{ResourceAccount: abroad, ResourcePolicy: keyPolicy(t, userARN, "kms:*")}, because("identity-based policy")},
		{"abroad, user named, boundary silent", policy.Input{ResourceAccount: abroad, ResourcePolicy: keyPolicy(t, userARN, "kms:*"), Identity: all, Boundary: none}, because("permissions boundary")},
		{"abroad, no type of resource", policy.Input{Rule: policy.IdentityOnly, ResourceAccount: abroad, Identity: all}, because("resource-based policy")},

		// Explicit.
		{"identity denies", policy.Input{Identity: deny}, "with an explicit deny in an identity-based policy"},
		{"resource denies", policy.Input{ResourcePolicy: denyKey, Identity: all}, "with an explicit deny in a resource-based policy"},
		{"identity and resource deny", policy.Input{ResourcePolicy: denyKey, Identity: deny}, "with an explicit deny in an identity-based policy"},
		{"boundary denies", policy.Input{ResourcePolicy: keyPolicy(t, userARN, "kms:*"), Boundary: deny}, "with an explicit deny in a permissions boundary"},
		{"session denies", policy.Input{ResourcePolicy: keyPolicy(t, userARN, "kms:*"), Session: deny}, "with an explicit deny in a session policy"},
		{"service control denies", policy.Input{Service: levels(all, deny), Identity: deny}, "with an explicit deny in a service control policy: the policy"},
		{"resource control denies", policy.Input{Control: levels(nil, control), Service: levels(deny)}, "with an explicit deny in a resource control policy: the policy"},
		{"a grant against a deny", policy.Input{Grant: policy.Direct, Identity: deny}, "with an explicit deny in an identity-based policy"},
	}
	for _, test := range tests {
		in := test.in
		in.Request = policy.Request{Action: "kms:Encrypt", Resource: keyARN, Caller: user()}
		if in.ResourceAccount == "" {
			in.ResourceAccount = home
		}
		in.CrossAccount = true
		if in.Rule == policy.Standard && test.name != "standard, nothing" {
			in.Rule = policy.ExplicitTrust
		}
		if v := policy.Decide(&in); v.Allowed || v.Reason("kms:Encrypt") != test.want {
			t.Errorf("%s: %q, want %q (%+v)", test.name, v.Reason("kms:Encrypt"), test.want, v)
		}
	}
	if got := (policy.Verdict{Gate: policy.ByGrant}).Reason("kms:Encrypt"); got != because("resource-based policy") {
		t.Errorf("by grant: %q", got)
	}
}

// TestVerdict has what a verdict names.
func TestVerdict(t *testing.T) {
	t.Parallel()
	p, err := policy.Compile(policy.Identity, "team", []byte(modern(
		`{"Effect":"Allow","Action":"kms:List*","Resource":"*"},{"Sid":"Use","Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}`)), nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := policy.Compile(policy.KeyPolicy, "default", []byte(modern(`
		{"Sid":"Account","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
		{"Sid":"Never","Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*"},
		{"Sid":"Alice","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/staff/alice"},"Action":"kms:Sign","Resource":"*"}`)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for action, want := range map[string]policy.Verdict{
		"kms:Encrypt": {Allowed: true, Gate: policy.ByIdentity, Policy: "team", Statement: 1, Sid: "Use"},
		"kms:Sign":    {Allowed: true, Gate: policy.ByResource, Policy: "default", Statement: 2, Sid: "Alice"},
		"kms:Decrypt": {Explicit: true, Gate: policy.ByResource, Policy: "default", Statement: 1, Sid: "Never"},
		"kms:Verify":  {Gate: policy.ByIdentity, Statement: -1},
	} {
		in := policy.Input{
			Request: policy.Request{Action: action, Resource: keyARN, Caller: user()}, Rule: policy.ExplicitTrust,
			ResourceAccount: home, ResourcePolicy: key, Identity: []*policy.Policy{p},
		}
		if got := policy.Decide(&in); got != want {
			t.Errorf("%s: got %+v, want %+v", action, got, want)
		}
	}
	in := policy.Input{Request: policy.Request{Action: "kms:Encrypt", Resource: keyARN, Caller: user()}, Rule: policy.ExplicitTrust,
		ResourceAccount: home, Grant: policy.Direct}
	if got := policy.Decide(&in); got != (policy.Verdict{Allowed: true, Gate: policy.ByGrant, Statement: -1}) {
		t.Errorf("grant: got %+v", got)
	}
	in = policy.Input{Request: policy.Request{Action: "kms:ListKeys", Resource: "*", Caller: root()}, Rule: policy.IdentityOnly, ResourceAccount: home}
	if got := policy.Decide(&in); got != (policy.Verdict{Allowed: true, Gate: policy.ByNothing, Statement: -1}) {
		t.Errorf("root: got %+v", got)
	}
}

// TestRetireGrant has the one action that key policies and resource control
// policies don't speak of.
func TestRetireGrant(t *testing.T) {
	t.Parallel()
	in := policy.Input{
		Request:         policy.Request{Action: "kms:RetireGrant", Resource: keyARN, Caller: user()},
		Rule:            policy.ExplicitTrust,
		ResourceAccount: home,
		ResourcePolicy:  keyPolicy(t, userARN, "kms:*"),
		Identity:        identityAllowing(t, "kms:*"),
		Control:         [][]*policy.Policy{{compile(t, policy.ResourceControl, modern(`{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}`))}},
	}
	if v := policy.Decide(&in); v.Allowed || v.Explicit {
		t.Errorf("without grant: %+v", v)
	}
	in.Grant = policy.Account
	if v := policy.Decide(&in); !v.Allowed || v.Gate != policy.ByIdentity {
		t.Errorf("with a grant to the account: %+v", v)
	}
	in.Identity = nil
	if policy.Decide(&in).Allowed {
		t.Error("with a grant to the account, identity silent: allowed")
	}
	in.Grant = policy.Direct
	if !policy.Decide(&in).Allowed {
		t.Error("with a grant: refused")
	}
	in.Identity = []*policy.Policy{compile(t, policy.Identity, modern(`{"Effect":"Deny","Action":"kms:retiregrant","Resource":"*"}`))}
	if v := policy.Decide(&in); !v.Explicit {
		t.Errorf("denied: %+v", v)
	}
}

// TestStatementMatch has actions and resources, without conditions.
func TestStatementMatch(t *testing.T) {
	t.Parallel()
	const other = "arn:aws:kms:eu-west-1:111122223333:key/ffff"
	tests := []struct {
		elements         string
		action, resource string
		allow, deny      bool // whether the statement applies as Allow, as Deny
	}{
		{`"Action":"kms:Encrypt","Resource":"*"`, "kms:Encrypt", keyARN, true, true},
		{`"Action":"KMS:encrypt","Resource":"*"`, "kms:Encrypt", keyARN, true, true},
		{`"Action":"kms:Encrypt","Resource":"*"`, "kms:EncryptMore", keyARN, false, false},
		{`"Action":"kms:Generate*Key*","Resource":"*"`, "kms:GenerateDataKeyPair", keyARN, true, true},
		{`"Action":"kms:*Key","Resource":"*"`, "kms:GenerateDataKeyPair", keyARN, false, false},
		{`"Action":"kms:?ncrypt","Resource":"*"`, "kms:Encrypt", keyARN, true, true},
		{`"Action":"kms:?Encrypt","Resource":"*"`, "kms:Encrypt", keyARN, false, false},
		{`"Action":"kms:encrypt?","Resource":"*"`, "kms:Encrypt", keyARN, false, false},
		{`"Action":"*","Resource":"*"`, "kms:Encrypt", keyARN, true, true},
		{`"Action":"*:Encrypt","Resource":"*"`, "kms:Encrypt", keyARN, true, true},
		{`"Action":["iam:*","s3:*"],"Resource":"*"`, "kms:Encrypt", keyARN, false, false},
		{`"NotAction":["iam:*","s3:*"],"Resource":"*"`, "kms:Encrypt", keyARN, true, true},
		{`"NotAction":["kms:enc*"],"Resource":"*"`, "kms:Encrypt", keyARN, false, false},
		{`"Action":"kms:*","Resource":"` + keyARN + `"`, "kms:Encrypt", keyARN, true, true},
		{`"Action":"kms:*","Resource":"` + keyARN + `"`, "kms:Encrypt", other, false, false},
		{`"Action":"kms:*","Resource":"arn:aws:kms:*:111122223333:key/*"`, "kms:Encrypt", keyARN, true, true},
		{`"Action":"kms:*","Resource":"arn:aws:kms:*:key/*"`, "kms:Encrypt", keyARN, false, false},
		{`"Action":"kms:*","Resource":"arn:aws:kms:us-east-?:*:key/????????"`, "kms:Encrypt", keyARN, true, true},
		{`"Action":"kms:*","Resource":"arn:aws:kms:US-EAST-1:*:key/*"`, "kms:Encrypt", keyARN, false, false},
		{`"Action":"kms:*","Resource":"arn:aws:kms"`, "kms:Encrypt", keyARN, true, true},
		{`"Action":"kms:*","Resource":"arn:aws:kms:eu*"`, "kms:Encrypt", keyARN, false, false},
		{`"Action":"kms:*","Resource":"arn:aws:kms:us*"`, "kms:Encrypt", keyARN, true, true},
		{`"Action":"kms:*","Resource":"arn:*:kms:*:*:*"`, "kms:Encrypt", keyARN, true, true},
		{`"Action":"kms:*","Resource":["` + other + `","arn:aws:kms:*:*:alias/*"]`, "kms:Encrypt", keyARN, false, false},
		{`"Action":"kms:*","Resource":[null]`, "kms:Encrypt", keyARN, false, false},
		{`"Action":"kms:*","NotResource":"` + other + `"`, "kms:Encrypt", keyARN, true, true},
		{`"Action":"kms:*","NotResource":"` + keyARN + `"`, "kms:Encrypt", keyARN, false, false},
		{`"Action":"kms:*","NotResource":"*"`, "kms:Encrypt", keyARN, false, false},
		{`"Action":"x:*","Resource":"arn:aws:x:::a*z"`, "x:Do", "arn:aws:x:::a:b/c:z", true, true},

		// Variables stand in the last part only. What can't be resolved names
		// nothing, and NotResource of it makes no Allow.
		{`"Action":"x:*","Resource":"arn:aws:x:::${who}/*"`, "x:Do", "arn:aws:x:::me/a", true, true},
		{`"Action":"x:*","Resource":"arn:aws:x:::${star}"`, "x:Do", "arn:aws:x:::me", false, false},
		{`"Action":"x:*","Resource":"arn:aws:x:::${none}*"`, "x:Do", "arn:aws:x:::me", false, false},
		{`"Action":"x:*","Resource":"arn:aws:x:::${none, 'me'}"`, "x:Do", "arn:aws:x:::me", true, true},
		{`"Action":"x:*","Resource":"arn:aws:x:${who}::a"`, "x:Do", "arn:aws:x:me::a", false, false},
		{`"Action":"x:*","NotResource":"arn:aws:x:::${who}"`, "x:Do", "arn:aws:x:::you", true, true},
		{`"Action":"x:*","NotResource":"arn:aws:x:::${none}"`, "x:Do", "arn:aws:x:::me", false, true},
		{`"Action":"x:*","NotResource":["arn:aws:x:::${none}","arn:aws:x:::me"]`, "x:Do", "arn:aws:x:::me", false, false},
		{`"Action":"x:*","NotResource":"arn:aws:x:${who}::a"`, "x:Do", "arn:aws:x:me::b", false, true},
		{`"Action":"x:*","NotResource":[null]`, "x:Do", "arn:aws:x:::me", false, true},

		// Actions without a type of resource.
		{`"Action":"kms:*","Resource":"*"`, "kms:CreateKey", "*", true, true},
		{`"Action":"kms:*","Resource":"arn:aws:kms:us-east-1:111122223333:*"`, "kms:CreateKey", "*", true, true},
		{`"Action":"kms:*","Resource":"arn:aws:kms:*"`, "kms:CreateKey", "*", true, true},
		{`"Action":"kms:*","Resource":"arn:aws:kms:eu-west-1:111122223333:*"`, "kms:CreateKey", "*", false, false},
		{`"Action":"kms:*","Resource":"arn:aws:kms:us-east-1:444455556666:*"`, "kms:CreateKey", "*", false, false},
		{`"Action":"kms:*","Resource":"arn:aws-cn:kms:us-east-1:111122223333:*"`, "kms:CreateKey", "*", false, false},
		{`"Action":"kms:*","Resource":"arn:aws:sqs:*:*:*"`, "kms:CreateKey", "*", false, false},
		{`"Action":"kms:*","Resource":"arn:aws:kms:*:*:key/*"`, "kms:CreateKey", "*", false, false},
		{`"Action":"kms:*","NotResource":"arn:aws:kms:*:*:key/*"`, "kms:CreateKey", "*", true, true},
		{`"Action":"kms:*","NotResource":"*"`, "kms:CreateKey", "*", false, false},
	}
	f := facts{"who": one("me"), "star": one("*"), "aws:requestedregion": one("us-east-1")}
	for _, test := range tests {
		in := policy.Input{
			Request:         policy.Request{Action: test.action, Resource: test.resource, Caller: user(), Context: f},
			ResourceAccount: home,
			Identity:        []*policy.Policy{compile(t, policy.Identity, modern(`{"Effect":"Allow",`+test.elements+`}`))},
		}
		if v := policy.Decide(&in); v.Allowed != test.allow {
			t.Errorf("%s for %s on %s: allowed %v, want %v", test.elements, test.action, test.resource, v.Allowed, test.allow)
		}
		in.Identity = []*policy.Policy{compile(t, policy.Identity, modern(`{"Effect":"Deny",`+test.elements+`}`))}
		if v := policy.Decide(&in); v.Explicit != test.deny {
			t.Errorf("%s for %s on %s: denied %v, want %v", test.elements, test.action, test.resource, v.Explicit, test.deny)
		}
	}
}

// TestKeyPolicyResources has what is particular to the resources of a key policy,
// and its statements without effect.
func TestKeyPolicyResources(t *testing.T) {
	t.Parallel()
	for elements, want := range map[string]bool{
		`"Action":"kms:*","Resource":"*"`:                                                true,
		`"Action":"kms:*","Resource":"` + keyARN + `"`:                                   true,
		`"Action":"kms:*","Resource":"arn:aws:kms:*"`:                                    true,
		`"Action":"kms:*","Resource":"arn:aws:kms"`:                                      false,
		`"Action":"kms:*","Resource":"this key"`:                                         false,
		`"Action":"kms:*","Resource":"arn:aws:kms:us-east-1:111122223333:alias/mine"`:    false,
		`"Action":"kms:*","NotResource":"arn:aws:kms:us-east-1:111122223333:alias/mine"`: true,
		`"Action":"kms:*","NotResource":"this key"`:                                      false,
		`"Action":"kms:*"`:                     false,
		`"Resource":"*"`:                       false,
		`"Action":[],"Resource":"*"`:           false,
		`"NotAction":[],"Resource":"*"`:        false,
		`"Action":"kms:*","NotResource":[]`:    false,
		`"NotAction":"iam:*","Resource":["*"]`: true,
	} {
		in := policy.Input{
			Request:         policy.Request{Action: "kms:Encrypt", Resource: keyARN, Caller: user()},
			Rule:            policy.ExplicitTrust,
			ResourceAccount: home,
			ResourcePolicy:  compile(t, policy.KeyPolicy, modern(`{"Effect":"Allow","Principal":"*",`+elements+`}`)),
		}
		if v := policy.Decide(&in); v.Allowed != want {
			t.Errorf("%s: %+v", elements, v)
		}
	}
}
