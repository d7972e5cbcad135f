package sts_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/session"
	"claviger/internal/service/sts"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

const federate = "GetFederationToken"

func federating(name string) *sts.GetFederationTokenInput {
	return &sts.GetFederationTokenInput{Name: some(name)}
}

func TestGetFederationToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.user(account, "ann", `"sts:*"`)
	full := federating("Bob@work")
	full.Policy = some(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`)
	full.Tags = []sts.Tag{{Key: some("Team"), Value: some("red")}, {Key: some("cost"), Value: some("")}}
	begin := now.Truncate(time.Second)
	ran := 0
	for _, test := range []struct {
		name   string
		caller *authz.Caller
		in     *sts.GetFederationTokenInput
		lasts  time.Duration
		want   session.Session
		asked  []string
	}{
		{"user", ann, federating("Bob"), 12 * time.Hour, session.Session{Name: "Bob", ID: "AIDAann", IssuedWith: "AKIAann"}, []string{"sts:GetFederationToken"}},
		{"tags and policy", ann, full, 12 * time.Hour, session.Session{
			Name: "Bob@work", ID: "AIDAann", IssuedWith: "AKIAann", Policies: []string{full.Policy.V}, Tags: pairs.Of(map[string]string{"Team": "red", "cost": ""}),
		}, []string{"sts:GetFederationToken", "sts:TagSession"}},
		{"short", ann, &sts.GetFederationTokenInput{Name: some("Bo"), DurationSeconds: seconds(900)}, 15 * time.Minute, session.Session{Name: "Bo", ID: "AIDAann", IssuedWith: "AKIAann"}, []string{"sts:GetFederationToken"}},
		{"long", ann, &sts.GetFederationTokenInput{Name: some(strings.Repeat("b", 32)), DurationSeconds: seconds(129600)}, 36 * time.Hour, session.Session{Name: strings.Repeat("b", 32), ID: "AIDAann", IssuedWith: "AKIAann"}, []string{"sts:GetFederationToken"}},
		{"root", w.root(), federating("Bob"), time.Hour, session.Session{Name: "Bob", ID: account, IssuedWith: "AKIAROOT"}, []string{"sts:GetFederationToken"}},
		{"root, short", w.root(), &sts.GetFederationTokenInput{Name: some("Bob"), DurationSeconds: seconds(3599)}, 3599 * time.Second, session.Session{Name: "Bob", ID: account, IssuedWith: "AKIAROOT"}, []string{"sts:GetFederationToken"}},
		{"root, long", w.root(), &sts.GetFederationTokenInput{Name: some("Bob"), DurationSeconds: seconds(129600)}, time.Hour, session.Session{Name: "Bob", ID: account, IssuedWith: "AKIAROOT"}, []string{"sts:GetFederationToken"}},
	} {
		ran++
		out := do[sts.GetFederationTokenOutput](t, w, test.caller, federate, test.in)
		want := test.want
		want.Kind, want.Account, want.ARN, want.Issued, want.Expires, want.Position = session.Federated, account, test.caller.Principal.ARN, begin, begin.Add(test.lasts), position
		if s := w.open(&out.Credentials); !reflect.DeepEqual(s, &want) {
			t.Errorf("%s: the token says %+v\nwant %+v", test.name, s, want)
		}
		if u := (sts.FederatedUser{FederatedUserID: account + ":" + want.Name, ARN: "arn:aws:sts::" + account + ":federated-user/" + want.Name}); out.FederatedUser != u {
			t.Errorf("%s: %+v, want %+v", test.name, out.FederatedUser, u)
		}
		if !slices.Equal(w.asked(), test.asked) || w.asks[0].Resource != out.FederatedUser.ARN {
			t.Errorf("%s: asked %v of %s", test.name, w.asked(), w.asks[0].Resource)
		}
		packed := 0
		if len(want.Policies) > 0 {
			packed = out.SessionTokenUtilization
		}
		if size := len(secret(out.Credentials.SessionToken)); out.SessionTokenSize != size || out.SessionTokenUtilization != (100*size+4095)/4096 || out.PackedPolicySize != packed {
			t.Errorf("%s: a token of %d characters is said to have %d, %d %%, packed %d", test.name, size, out.SessionTokenSize, out.SessionTokenUtilization, out.PackedPolicySize)
		}
	}
	if ran != 7 || !w.ops[federate].Recorded {
		t.Errorf("%d cases ran", ran)
	}
}

func TestGetFederationTokenRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.user(account, "ann", `"sts:*"`)
	const bob = "arn:aws:sts::" + account + ":federated-user/Bob"
	w.refuse(w.user(account, "ann", ""), federate, federating("Bob"), fault.AccessDenied, denied(ann.Principal.ARN, "sts:GetFederationToken", bob, byIdentity))
	tagged := federating("Bob")
	tagged.Tags = []sts.Tag{{Key: some("a"), Value: some("1")}}
	w.refuse(w.user(account, "ann", `"sts:GetFederationToken"`), federate, tagged, fault.AccessDenied, denied(ann.Principal.ARN, "sts:TagSession", bob, byIdentity))

	temporary := w.user(account, "ann", `"sts:*"`)
	temporary.Principal.Since = now
	for _, caller := range []*authz.Caller{temporary, w.roleSession(`"*"`)} {
		w.refuse(caller, federate, federating("Bob"), fault.AccessDenied, "Cannot call GetFederationToken with session credentials")
	}
	w.refuse(w.serviceCaller("documents.example.com"), federate, federating("Bob"), fault.AccessDenied, "User: documents.example.com is not authorized to perform: sts:GetFederationToken because it is no user")

	ran := 0
	for _, test := range []struct {
		name    string
		spoil   func(*sts.GetFederationTokenInput)
		code    fault.Code
		message string
	}{
		{"no name", func(in *sts.GetFederationTokenInput) { in.Name = optional.Of[string]{} }, fault.Validation, "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null"},
		{"short name", func(in *sts.GetFederationTokenInput) { in.Name = some("b") }, fault.Validation, "1 validation error detected: Value 'b' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 2"},
		{"long name", func(in *sts.GetFederationTokenInput) { in.Name = some(strings.Repeat("b", 33)) }, fault.Validation, "1 validation error detected: Value '" + strings.Repeat("b", 33) + "' at 'name' failed to satisfy constraint: Member must have length less than or equal to 32"},
		{"name", func(in *sts.GetFederationTokenInput) { in.Name = some("a b") }, fault.Validation, `1 validation error detected: Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`},
		{"short", func(in *sts.GetFederationTokenInput) { in.DurationSeconds = seconds(899) }, fault.Validation, "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		{"long", func(in *sts.GetFederationTokenInput) { in.DurationSeconds = seconds(129601) }, fault.Validation, "1 validation error detected: Value '129601' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 129600"},
		{"long policy", func(in *sts.GetFederationTokenInput) { in.Policy = some(strings.Repeat(" ", 2049)) }, fault.Validation, ""},
		{"no JSON", func(in *sts.GetFederationTokenInput) { in.Policy = some("{") }, fault.MalformedPolicy, ""},
		{"managed policy", func(in *sts.GetFederationTokenInput) {
			in.PolicyARNs = []sts.PolicyDescriptorType{{ARN: some("arn:aws:iam::aws:policy/NoSuchPolicy")}}
		}, fault.Validation, "Policy arn:aws:iam::aws:policy/NoSuchPolicy does not exist or is not attachable."},
		{"tag twice", func(in *sts.GetFederationTokenInput) {
			in.Tags = []sts.Tag{{Key: some("a"), Value: some("1")}, {Key: some("A"), Value: some("1")}}
		}, sts.InvalidParameterValue, "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{"51 tags", func(in *sts.GetFederationTokenInput) { in.Tags = make([]sts.Tag, 51) }, fault.Validation, "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50"},
		{"large tags", func(in *sts.GetFederationTokenInput) {
			for i := range 20 {
				in.Tags = append(in.Tags, sts.Tag{Key: some(strings.Repeat("x", i+1)), Value: some(ident.Unique("", 256))})
			}
		}, sts.PackedPolicyTooLarge, ""},
		{"long token", func(in *sts.GetFederationTokenInput) { in.MinimumSessionTokenSize = seconds(4097) }, fault.Validation, ""},
	} {
		ran++
		in := federating("Bob")
		test.spoil(in)
		_, err := w.call(ann, federate, in)
		if f := fault.From(err); err == nil || f.Code != test.code || test.message != "" && f.Message != test.message {
			t.Errorf("%s:\ngot  %v\nwant %s: %s", test.name, err, test.code, test.message)
		}
	}
	if ran != 13 {
		t.Errorf("%d cases ran", ran)
	}
}
