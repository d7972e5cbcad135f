package sts_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/session"
	"claviger/internal/service/sts"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

const (
	ofAccount = `{"AWS":"` + account + `"}`
	ofAnn     = `{"AWS":"arn:aws:iam::` + account + `:user/ann"}`
)

// assume is an input for a role.
func assume(roleARN string) *sts.AssumeRoleInput {
	return &sts.AssumeRoleInput{RoleARN: some(roleARN), RoleSessionName: some("job-1")}
}

func denied(who, action, role, reason string) string {
	if reason == byTrust {
		return "User: " + who + " is not authorized to perform: " + action + " on resource: " + role
	}
	return "User: " + who + " is not authorized to perform: " + action + " on resource: " + role + " " + reason + " the " + action + " action"
}

const (
	byResource = "because no resource-based policy allows"
	byTrust    = "" // AWS gives no reason
	byIdentity = "because no identity-based policy allows"
)

// TestWhoMayAssume: a role's trust decides; who is only named by account needs a
// permission too, and who is of another account needs both. A role that does not
// exist is answered as one that trusts somebody else.
func TestWhoMayAssume(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	services := w.addRole(account, "Service", trust(`{"Service":"documents.example.com"}`, `"sts:AssumeRole"`, `{"StringEquals":{"aws:SourceAccount":"`+account+`"}}`)).ARN
	ann := w.addRole(account, "Ann", trust(ofAnn, `"sts:AssumeRole"`, "")).ARN
	all := w.addRole(account, "Account", trust(ofAccount, `"sts:AssumeRole"`, "")).ARN
	foreign := w.addRole(other, "Foreign", trust(ofAnn, `"sts:AssumeRole"`, "")).ARN
	closed := w.addRole(other, "Closed", trust(`{"AWS":"`+other+`"}`, `"sts:AssumeRole"`, "")).ARN
	untagged := w.addRole(account, "Tagged", trust(ofAnn, `"sts:AssumeRole"`, `{"StringEquals":{"iam:ResourceTag/kind":"x","aws:ResourceTag/KIND":"x","sts:RoleSessionName":"job-1"}}`)).ARN
	missing, missingForeign := "arn:aws:iam::"+account+":role/p/None", "arn:aws:iam::"+other+":role/p/None"

	poor, rich, bob := w.user(account, "ann", ""), w.user(account, "ann", `"sts:*"`), w.user(account, "bob", `"*"`)
	service := w.serviceCaller("documents.example.com")
	const annARN, bobARN = "arn:aws:iam::" + account + ":user/ann", "arn:aws:iam::" + account + ":user/bob"
	ran := 0
	for _, test := range []struct {
		name   string
		caller *authz.Caller
		role   string
		want   string // "" where it is allowed
	}{
		{"named", poor, ann, ""},
		{"named, of another user", bob, ann, denied(bobARN, "sts:AssumeRole", ann, byTrust)},
		{"by account, with a permission", rich, all, ""},
		{"by account, without", poor, all, denied(annARN, "sts:AssumeRole", all, byIdentity)},
		{"of another account, with a permission", rich, foreign, ""},
		{"of another account, without", poor, foreign, denied(annARN, "sts:AssumeRole", foreign, byIdentity)},
		{"of another account, not trusting", bob, closed, denied(bobARN, "sts:AssumeRole", closed, byTrust)},
		{"not there", rich, missing, denied(annARN, "sts:AssumeRole", missing, byTrust)},
		{"not there in another account", rich, missingForeign, denied(annARN, "sts:AssumeRole", missingForeign, byTrust)},
		{"by its tags and the name of the session", poor, untagged, ""},
		{"for a service, by a user", bob, services, denied(bobARN, "sts:AssumeRole", services, byTrust)},
		{"for a service, by it for nobody", service, services, denied("documents.example.com", "sts:AssumeRole", services, byTrust)},
		{"for a user, by a service", service, ann, denied("documents.example.com", "sts:AssumeRole", ann, byTrust)},
		{"root", w.root(), all, "Roles may not be assumed by root accounts."},
		{"root, not there", w.root(), missing, "Roles may not be assumed by root accounts."},
	} {
		ran++
		if test.want == "" {
			do[sts.AssumeRoleOutput](t, w, test.caller, "AssumeRole", assume(test.role))
		} else {
			w.refuse(test.caller, "AssumeRole", assume(test.role), fault.AccessDenied, test.want)
		}
		role := operation.Resource{Type: "AWS::IAM::Role", ARN: test.role, Account: strings.Split(test.role, ":")[4]}
		if test.caller.Principal.Kind != w.root().Principal.Kind && !slices.Equal(w.last.Record.Resources, []operation.Resource{role}) {
			t.Errorf("%s: the record is about %v", test.name, w.last.Record.Resources)
		}
	}
	if ran != 15 {
		t.Errorf("%d cases ran", ran)
	}
}

// TestAssumeRole looks at everything that the answer and the token say.
func TestAssumeRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.addRole(other, "R", trust(ofAnn, `"sts:SetSourceIdentity"`, `{"StringEquals":{"sts:SourceIdentity":"ann"}}`)+","+
		trust(ofAnn, `"sts:SetSourceIdentity"`, `{"StringLike":{"sts:RoleSessionName":"*"}}`)+","+ // of what it does not know
		trust(ofAnn, `["sts:AssumeRole","sts:TagSession"]`, `{"StringEquals":{"sts:ExternalId":"e:1","sts:SourceIdentity":"ann","aws:RequestTag/team":"red"},`+
			`"ForAllValues:StringEquals":{"aws:TagKeys":["Team","cost"],"sts:TransitiveTagKeys":["Team"]}}`))
	ann := w.user(account, "ann", `"sts:*"`)
	in := &sts.AssumeRoleInput{
		RoleARN: some(role.ARN), RoleSessionName: some("job-1"), ExternalID: some("e:1"), SourceIdentity: some("ann"), DurationSeconds: seconds(7200),
		Policy:            some(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`),
		PolicyARNs:        []sts.PolicyDescriptorType{{ARN: some("arn:aws:iam::aws:policy/ReadOnlyAccess")}, {ARN: some("arn:aws:iam::" + other + ":policy/p/Own")}},
		Tags:              []sts.Tag{{Key: some("Team"), Value: some("red")}, {Key: some("cost"), Value: some("")}},
		TransitiveTagKeys: []string{"TEAM"},
	}
	out := do[sts.AssumeRoleOutput](t, w, ann, "AssumeRole", in)
	if want := (sts.AssumedRoleUser{AssumedRoleID: "AROAR:job-1", ARN: "arn:aws:sts::" + other + ":assumed-role/R/job-1"}); out.AssumedRoleUser != want {
		t.Errorf("the session is %+v", out.AssumedRoleUser)
	}
	if size := len(secret(out.Credentials.SessionToken)); out.SessionTokenSize != size || out.SessionTokenUtilization != (100*size+4095)/4096 || out.PackedPolicySize != optional.Some(out.SessionTokenUtilization) {
		t.Errorf("a token of %d characters is said to have %d, %d %%, packed %v", size, out.SessionTokenSize, out.SessionTokenUtilization, out.PackedPolicySize)
	}
	if out.SourceIdentity != some("ann") {
		t.Errorf("source identity %v", out.SourceIdentity)
	}
	want := &session.Session{
		Kind: session.Role, Account: other, ID: "AROAR", Name: "job-1", ARN: role.ARN,
		Issued: now.Truncate(time.Second), Expires: now.Truncate(time.Second).Add(2 * time.Hour), Position: position,
		Policies: []string{in.Policy.V}, Managed: []string{"ANPAReadOnlyAccess", "ANPAp/Own"}, Tags: pairs.Of(map[string]string{"Team": "red", "cost": ""}),
		Transitive: []string{"Team"}, SourceIdentity: "ann",
	}
	if got := w.open(&out.Credentials); !reflect.DeepEqual(got, want) {
		t.Errorf("the token says %+v\nwant %+v", got, want)
	}
	if !slices.Equal(w.asked(), []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}) {
		t.Errorf("asked %v", w.asked())
	}

	// Each condition holds by itself.
	for what, spoil := range map[string]func(*sts.AssumeRoleInput){
		"external id":     func(in *sts.AssumeRoleInput) { in.ExternalID = some("e:2") },
		"no external id":  func(in *sts.AssumeRoleInput) { in.ExternalID = optional.Of[string]{} },
		"source identity": func(in *sts.AssumeRoleInput) { in.SourceIdentity = some("bob") },
		"tag":             func(in *sts.AssumeRoleInput) { in.Tags = in.Tags[1:]; in.TransitiveTagKeys = nil },
		"tag keys":        func(in *sts.AssumeRoleInput) { in.Tags = append(in.Tags, sts.Tag{Key: some("more"), Value: some("")}) },
		"transitive keys": func(in *sts.AssumeRoleInput) { in.TransitiveTagKeys = []string{"cost"} },
	} {
		other := *in
		other.Tags = slices.Clone(in.Tags)
		spoil(&other)
		if _, err := w.call(ann, "AssumeRole", &other); !fault.Is(err, fault.AccessDenied) {
			t.Errorf("with another %s: %v", what, err)
		}
	}

	plain := w.addRole(account, "Plain", trust(ofAnn, `"sts:AssumeRole"`, "")).ARN
	out = do[sts.AssumeRoleOutput](t, w, ann, "AssumeRole", assume(plain))
	if s := w.open(&out.Credentials); out.PackedPolicySize.Set || out.SourceIdentity.Set || s.Policies != nil || s.Tags != nil || s.Expires.Sub(s.Issued) != time.Hour {
		t.Errorf("a plain session is %+v, %+v", out, s)
	}
	if !slices.Equal(w.asked(), []string{"sts:AssumeRole"}) {
		t.Errorf("asked %v", w.asked())
	}
	// Tags and a source identity need permissions of their own.
	tagged := assume(plain)
	tagged.Tags = in.Tags
	w.refuse(ann, "AssumeRole", tagged, fault.AccessDenied, denied(ann.Principal.ARN, "sts:TagSession", plain, byTrust))
	identified := assume(plain)
	identified.SourceIdentity = some("ann")
	w.refuse(ann, "AssumeRole", identified, fault.AccessDenied, denied(ann.Principal.ARN, "sts:SetSourceIdentity", plain, byTrust))
}

// TestChain: what a session hands on stays, and can't be replaced.
func TestChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.addRole(account, "Next", trust(ofAccount, anything, "")).ARN
	closed := w.addRole(account, "Closed", trust(ofAccount, `"sts:AssumeRole"`, "")).ARN
	chained := w.roleSession(`"sts:*"`)
	chained.Principal.SourceIdentity = "ann"
	chained.Tags = pairs.Of(map[string]string{"Team": "red", "Kind": "x"})
	chained.Transitive = []string{"Team"}

	in := assume(role)
	in.Tags = []sts.Tag{{Key: some("a"), Value: some("1")}, {Key: some("b"), Value: some("2")}}
	in.TransitiveTagKeys = []string{"b"}
	out := do[sts.AssumeRoleOutput](t, w, chained, "AssumeRole", in)
	s := w.open(&out.Credentials)
	if !slices.Equal(s.Tags, pairs.Of(map[string]string{"Team": "red", "a": "1", "b": "2"})) || !slices.Equal(s.Transitive, []string{"Team", "b"}) {
		t.Errorf("tags %v, of which %v go on", s.Tags, s.Transitive)
	}
	if s.SourceIdentity != "ann" || out.SourceIdentity != some("ann") {
		t.Errorf("source identity %q", s.SourceIdentity)
	}
	shown := operation.Member{Name: "incomingTransitiveTags", Pairs: pairs.Of(map[string]string{"Team": "red"})}
	if !reflect.DeepEqual(w.last.Record.Request, []operation.Member{shown}) {
		t.Errorf("the record adds %v", w.last.Record.Request)
	}
	// What is handed on asks for the permissions of what is set.
	w.refuse(chained, "AssumeRole", assume(closed), fault.AccessDenied, denied(chained.Principal.ARN, "sts:TagSession", closed, byTrust))

	for _, key := range []string{"Team", "TEAM"} {
		in := assume(role)
		in.Tags = []sts.Tag{{Key: some(key), Value: some("blue")}}
		w.refuse(chained, "AssumeRole", in, sts.InvalidParameterValue, "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
	}
	many := assume(role)
	for i := range 50 {
		many.Tags = append(many.Tags, sts.Tag{Key: some("k" + strings.Repeat("x", i)), Value: some("")})
	}
	w.refuse(chained, "AssumeRole", many, fault.Validation, "A session has 50 tags at most, those included that it inherits from the calling session.")
	same, changed := assume(role), assume(role)
	same.SourceIdentity, changed.SourceIdentity = some("ann"), some("bob")
	do[sts.AssumeRoleOutput](t, w, chained, "AssumeRole", same)
	w.refuse(chained, "AssumeRole", changed, fault.AccessDenied,
		"User: "+chained.Principal.ARN+" is not authorized to perform: sts:SetSourceIdentity on resource: "+role+" because its source identity can't be changed")
	long := assume(role)
	long.DurationSeconds = seconds(3601)
	w.refuse(chained, "AssumeRole", long, fault.Validation, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	long.DurationSeconds = seconds(3600)
	do[sts.AssumeRoleOutput](t, w, chained, "AssumeRole", long)

	broken := w.roleSession(`"sts:*"`)
	broken.Transitive = []string{"gone"}
	if _, err := w.call(broken, "AssumeRole", assume(role)); err == nil || fault.From(err).Code != fault.InternalFailure {
		t.Errorf("a tag that is handed on and not there: %v", err)
	}
}

// TestLimitOfSession: a session policy of the caller limits which roles it assumes.
func TestLimitOfSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.addRole(account, "Next", trust(ofAccount, `"sts:AssumeRole"`, "")).ARN
	limited := w.roleSession(`"*"`)
	limit, err := policy.Compile(policy.Identity, "session", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	do[sts.AssumeRoleOutput](t, w, limited, "AssumeRole", assume(role))
	limited.Session = []*policy.Policy{limit}
	w.refuse(limited, "AssumeRole", assume(role), fault.AccessDenied, denied(limited.Principal.ARN, "sts:AssumeRole", role, "because no session policy allows"))
}

func TestAssumeRoleRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.addRole(account, "R", trust(ofAnn, anything, "")).ARN
	ann := w.user(account, "ann", `"sts:*"`)
	noise := func() optional.Of[string] { return some(ident.Unique("", 256)) }
	ran := 0
	for _, test := range []struct {
		name    string
		spoil   func(*sts.AssumeRoleInput)
		code    fault.Code
		message string
	}{
		{"no role", func(in *sts.AssumeRoleInput) { in.RoleARN.Set = false }, fault.Validation, "1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null"},
		{"no name", func(in *sts.AssumeRoleInput) { in.RoleSessionName.Set = false }, fault.Validation, "1 validation error detected: Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null"},
		{"name", func(in *sts.AssumeRoleInput) { in.RoleSessionName = some("a b") }, fault.Validation, `1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`},
		{"user's ARN", func(in *sts.AssumeRoleInput) { in.RoleARN = some("arn:aws:iam::" + account + ":user/ann") }, fault.Validation, "Request ARN is invalid"},
		{"short account", func(in *sts.AssumeRoleInput) { in.RoleARN = some("arn:aws:iam::1111:role/R") }, fault.Validation, "Request ARN is invalid"},
		{"ARN of a Region", func(in *sts.AssumeRoleInput) { in.RoleARN = some("arn:aws:iam:us-east-1:" + account + ":role/R") }, fault.Validation, "Request ARN is invalid"},
		{"no ARN", func(in *sts.AssumeRoleInput) { in.RoleARN = some("just a role of some sort") }, fault.Validation, "just a role of some sort is invalid"},
		{"ARN without partition", func(in *sts.AssumeRoleInput) { in.RoleARN = some("arn::b:::something/test-role") }, fault.Validation, "arn::b:::something/test-role is invalid"},
		{"ARN without service", func(in *sts.AssumeRoleInput) { in.RoleARN = some("arn:a::::something/test-role") }, fault.Validation, "arn:a::::something/test-role is invalid"},
		{"ARN of five parts", func(in *sts.AssumeRoleInput) { in.RoleARN = some("arn:a:::something/test-role") }, fault.Validation, "arn:a:::something/test-role is invalid"},
		{"ARN without resource", func(in *sts.AssumeRoleInput) { in.RoleARN = some("arn:a:a::aaaaaaaaaa:") }, fault.Validation, "arn:a:a::aaaaaaaaaa: is invalid"},
		{"too long for the role", func(in *sts.AssumeRoleInput) { in.DurationSeconds = seconds(7201) }, fault.Validation, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		{"too long", func(in *sts.AssumeRoleInput) { in.DurationSeconds = seconds(43201) }, fault.Validation, "1 validation error detected: Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200"},
		{"long token", func(in *sts.AssumeRoleInput) { in.MinimumSessionTokenSize = seconds(4097) }, fault.Validation, "1 validation error detected: Value '4097' at 'minimumSessionTokenSize' failed to satisfy constraint: Member must have value less than or equal to 4096"},
		{"no JSON", func(in *sts.AssumeRoleInput) { in.Policy = some("{") }, fault.MalformedPolicy, ""},
		{"principal in a session policy", func(in *sts.AssumeRoleInput) {
			in.Policy = some(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`)
		}, fault.MalformedPolicy, ""},
		{"managed policy", func(in *sts.AssumeRoleInput) {
			in.PolicyARNs = []sts.PolicyDescriptorType{{ARN: some("arn:aws:iam::aws:policy/ReadOnlyAccess")}, {ARN: some("arn:aws:iam::aws:policy/NoSuchPolicy")}}
		}, fault.Validation, "Policy arn:aws:iam::aws:policy/NoSuchPolicy does not exist or is not attachable."},
		{"managed policy of another account", func(in *sts.AssumeRoleInput) {
			in.PolicyARNs = []sts.PolicyDescriptorType{{ARN: some("arn:aws:iam::999999999999:policy/P")}}
		}, fault.Validation, "Policy arn:aws:iam::999999999999:policy/P does not exist or is not attachable."},
		{"eleven managed policies", func(in *sts.AssumeRoleInput) { in.PolicyARNs = make([]sts.PolicyDescriptorType, 11) }, fault.Validation, "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10"},
		{"policies that are too long together", func(in *sts.AssumeRoleInput) {
			in.PolicyARNs = []sts.PolicyDescriptorType{{ARN: some("arn:aws:iam::aws:policy/ReadOnlyAccess")}}
			in.Policy = some(`{"Version":"2012-10-17","Statement":[]}` + strings.Repeat(" ", 2000))
		}, sts.PackedPolicyTooLarge, "Packed policy consumes 102% of allotted space, please use smaller policy."},
		{"context", func(in *sts.AssumeRoleInput) {
			in.ProvidedContexts = []sts.ProvidedContext{{ProviderARN: some("arn:aws:iam::aws:contextProvider/IdentityCenter"), ContextAssertion: code("assertion")}}
		}, fault.UnsupportedOperation, "ProvidedContexts: there are no context providers."},
		{"second factor", func(in *sts.AssumeRoleInput) { in.SerialNumber, in.TokenCode = some("GAHT12345678"), code("123456") }, fault.AccessDenied, "MultiFactorAuthentication failed with invalid MFA one time pass code. "},
		{"tag twice", func(in *sts.AssumeRoleInput) {
			in.Tags = []sts.Tag{{Key: some("a"), Value: some("1")}, {Key: some("A"), Value: some("1")}}
		}, sts.InvalidParameterValue, "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{"reserved tag", func(in *sts.AssumeRoleInput) { in.Tags = []sts.Tag{{Key: some("AWS:a"), Value: some("1")}} }, sts.InvalidParameterValue, "aws: prefixed tag key names are not allowed for external use."},
		{"tag without value", func(in *sts.AssumeRoleInput) { in.Tags = []sts.Tag{{Key: some("a")}} }, fault.Validation, "1 validation error detected: Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null"},
		{"transitive, not set", func(in *sts.AssumeRoleInput) { in.TransitiveTagKeys = []string{"a"} }, sts.InvalidParameterValue, "The specified transitive tag key must be included in the requested tags."},
		{"51 tags", func(in *sts.AssumeRoleInput) { in.Tags = make([]sts.Tag, 51) }, fault.Validation, "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50"},
		{"large tags", func(in *sts.AssumeRoleInput) {
			for i := range 50 {
				in.Tags = append(in.Tags, sts.Tag{Key: some(strings.Repeat("x", i+1)), Value: noise()})
			}
		}, sts.PackedPolicyTooLarge, ""},
	} {
		ran++
		in := assume(role)
		test.spoil(in)
		_, err := w.call(ann, "AssumeRole", in)
		if f := fault.From(err); err == nil || f.Code != test.code || test.message != "" && f.Message != test.message {
			t.Errorf("%s:\ngot  %v\nwant %s: %s", test.name, err, test.code, test.message)
		}
	}
	if ran != 28 {
		t.Errorf("%d cases ran", ran)
	}
}

// TestTokenSize: policies and tags may fill a token and not more, and a token may
// be asked to be as long as it can.
func TestTokenSize(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.addRole(account, "R", trust(ofAnn, anything, "")).ARN
	ann := w.user(account, "ann", `"sts:*"`)
	for _, minimum := range []int{0, 1000, 4096} {
		in := assume(role)
		in.MinimumSessionTokenSize = seconds(minimum)
		out := do[sts.AssumeRoleOutput](t, w, ann, "AssumeRole", in)
		if size := len(secret(out.Credentials.SessionToken)); size < minimum || size > max(minimum, 500) || out.SessionTokenSize != size || out.PackedPolicySize.Set {
			t.Errorf("of at least %d characters it has %d, and says %d", minimum, size, out.SessionTokenSize)
		}
	}
	fits, last := 0, assume(role)
	for i := range 50 {
		in := assume(role)
		in.Tags = append(slices.Clone(last.Tags), sts.Tag{Key: some(strings.Repeat("x", i+1)), Value: some(ident.Unique("", 256))})
		out, err := w.call(ann, "AssumeRole", in)
		if err != nil {
			if f := fault.From(err); f.Code != sts.PackedPolicyTooLarge || !strings.HasPrefix(f.Message, "Packed size of session tags consumes 10") {
				t.Error(err)
			}
			break
		}
		fits, last = out.(*sts.AssumeRoleOutput).SessionTokenUtilization, in
	}
	if fits < 90 || fits > 100 {
		t.Errorf("%d %% of the room was taken before it was too much", fits)
	}
	last.Policy = some(`{"Version":"2012-10-17","Statement":{"Sid":"` + ident.Unique("", 900) + `","Effect":"Allow","Action":"*","Resource":"*"}}`)
	if _, err := w.call(ann, "AssumeRole", last); !fault.Is(err, sts.PackedPolicyTooLarge) || !strings.HasPrefix(fault.From(err).Message, "Packed policy consumes 1") {
		t.Error(err)
	}
}

// TestInfrastructureRole: a service assumes its own role of convention in any
// account, and nobody else does.
func TestInfrastructureRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := "aws:ec2-infrastructure"
	role := &authz.Role{Account: account, Name: name, ARN: "arn:aws:iam::" + account + ":role/" + name, Longest: 12 * time.Hour}
	w.roles[role.ARN] = role
	ec2 := w.serviceCaller("ec2.amazonaws.com")
	ec2.Registration.Infrastructure = true
	in := &sts.AssumeRoleInput{RoleARN: some(role.ARN), RoleSessionName: some("i-1234567890abcdef0"), DurationSeconds: seconds(43200)}
	out := do[sts.AssumeRoleOutput](t, w, ec2, "AssumeRole", in)
	want := sts.AssumedRoleUser{
		AssumedRoleID: account + ":aws:ec2-infrastructure:i-1234567890abcdef0",
		ARN:           "arn:aws:sts::" + account + ":assumed-role/aws:ec2-infrastructure/i-1234567890abcdef0",
	}
	s := w.open(&out.Credentials)
	if out.AssumedRoleUser != want || s.Role != name || s.ID != "" || s.IssuedTo != "ec2.amazonaws.com" || s.IssuedWith != "AKIASERVICE" || s.Account != account {
		t.Errorf("the session is %+v, %+v", out.AssumedRoleUser, s)
	}
	if role.Trust != nil {
		t.Error("the role that was lent has changed")
	}

	plain, ebs := w.serviceCaller("ec2.amazonaws.com"), w.serviceCaller("ebs.amazonaws.com")
	ebs.Registration.Infrastructure = true
	for _, caller := range []*authz.Caller{plain, ebs, w.user(account, "ann", `"*"`), w.roleSession(`"*"`)} {
		w.refuse(caller, "AssumeRole", in, fault.AccessDenied, denied(caller.Principal.ARN, "sts:AssumeRole", role.ARN, byTrust))
	}
	nowhere := *in
	nowhere.RoleARN = some("arn:aws:iam::" + other + ":role/" + name)
	w.refuse(ec2, "AssumeRole", &nowhere, fault.AccessDenied, denied("ec2.amazonaws.com", "sts:AssumeRole", nowhere.RoleARN.V, byTrust))
}

// TestServiceAssumes: a service for which a role was made is bound to its key.
func TestServiceAssumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.addRole(account, "R", trust(`{"Service":"documents.example.com"}`, `"sts:AssumeRole"`, "")).ARN
	service := w.serviceCaller("documents.example.com")
	out := do[sts.AssumeRoleOutput](t, w, service, "AssumeRole", assume(role))
	if s := w.open(&out.Credentials); s.IssuedTo != "documents.example.com" || s.IssuedWith != "AKIASERVICE" || s.ID != "AROAR" || s.Role != "" {
		t.Errorf("the token says %+v", s)
	}
	// What it assumes as that role is bound to the same key; what others assume, to none.
	next := w.addRole(account, "Next", trust(`{"AWS":"`+account+`"}`, `"sts:AssumeRole"`, "")).ARN
	worker := w.roleSession(`"sts:AssumeRole"`)
	for _, key := range []string{"AKIASERVICE", ""} {
		worker.IssuedTo, worker.IssuedWith = "documents.example.com", key
		if key == "" {
			worker.IssuedTo = ""
		}
		out := do[sts.AssumeRoleOutput](t, w, worker, "AssumeRole", assume(next))
		if s := w.open(&out.Credentials); s.IssuedTo != worker.IssuedTo || s.IssuedWith != key {
			t.Errorf("the token of the next role says %+v", s)
		}
	}
}
