package sts_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
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
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

const trade = "CreateForwardAccessSession"

// evidence is an input as a service sends it.
func evidence() *sts.CreateForwardAccessSessionInput {
	sum := sha256.Sum256([]byte("body"))
	return &sts.CreateForwardAccessSessionInput{
		Method: some("PUT"), URI: some("/documents/1?secret=s"), BodySHA256: some(hex.EncodeToString(sum[:])),
		Headers: []sts.Header{{Name: "Authorization", Value: "AWS4-HMAC-SHA256 …"}, {Name: "User-Agent", Value: "cli/1"}, {Name: "host", Value: "documents.example.com"}},
	}
}

// lend has evidence be accepted as the request of a caller.
func (w *world) lend(caller *authz.Caller) {
	w.by = &authz.Credential{AccessKeyID: caller.Principal.AccessKeyID, Caller: caller}
	if caller.Principal.Temporary() {
		w.by.Token = "a token"
	}
	w.service, w.region, w.failure = "documents", "eu-west-1", nil
}

func TestForwardAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	service := w.serviceCaller("documents.example.com")
	ran := 0
	for _, test := range []struct {
		name     string
		user     *authz.Caller
		duration optional.Of[int]
		left     time.Duration // of the user's own session
		lasts    time.Duration
		id       string
		resource operation.Resource
	}{
		{
			name: "user", user: w.user(account, "ann", ""), lasts: 5 * time.Minute, id: "AIDAann",
			resource: operation.Resource{Type: "AWS::IAM::User", ARN: "arn:aws:iam::" + account + ":user/ann", Account: account},
		},
		{
			name: "root", user: w.root(), duration: seconds(1), lasts: time.Second, id: account,
			resource: operation.Resource{Type: "AWS::IAM::User", ARN: "arn:aws:iam::" + account + ":root", Account: account},
		},
		{
			name: "role", user: w.roleSession(""), left: time.Hour, lasts: 5 * time.Minute, id: "AROAR",
			resource: operation.Resource{Type: "AWS::IAM::Role", ARN: "arn:aws:iam::" + account + ":role/p/R", Account: account},
		},
		{
			name: "role, ending", user: w.roleSession(""), left: 10 * time.Second, lasts: 10 * time.Second, id: "AROAR",
			resource: operation.Resource{Type: "AWS::IAM::Role", ARN: "arn:aws:iam::" + account + ":role/p/R", Account: account},
		},
	} {
		ran++
		if test.left != 0 {
			test.user.Expires = now.Truncate(time.Second).Add(test.left)
		}
		w.lend(test.user)
		in := evidence()
		in.DurationSeconds, in.SourceIP = test.duration, some("192.0.2.9")
		out := do[sts.CreateForwardAccessSessionOutput](t, w, service, trade, in)
		want := &session.Session{
			Kind: session.Forward, Account: account, ID: test.id, ARN: test.resource.ARN,
			Issued: now.Truncate(time.Second), Expires: now.Truncate(time.Second).Add(test.lasts), Position: position,
			IssuedTo: "documents.example.com", IssuedWith: "AKIASERVICE",
			AccessKeyID: test.user.Principal.AccessKeyID, Token: w.by.Token, Region: "eu-west-1", Address: "192.0.2.9", UserAgent: "cli/1",
		}
		if got := w.open(&out.Credentials); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the token says\n%+v, want\n%+v", test.name, got, want)
		}
		if out.UserARN != test.user.Principal.ARN {
			t.Errorf("%s: the user is %s", test.name, out.UserARN)
		}
		if !slices.Equal(w.last.Record.Resources, []operation.Resource{test.resource}) {
			t.Errorf("%s: the record is about %v", test.name, w.last.Record.Resources)
		}
		if !slices.Equal(w.asked(), []string{"sts:CreateForwardAccessSession"}) {
			t.Errorf("%s: asked %v", test.name, w.asked())
		}
	}
	if ran != 4 || len(w.verified) != 4 {
		t.Errorf("%d cases ran, %d pieces of evidence were verified", ran, len(w.verified))
	}
	want := &sts.SignedRequest{
		Method: "PUT", Path: "/documents/1", Query: "secret=s", Body: sha256.Sum256([]byte("body")),
		Header: evidence().Headers,
	}
	if !reflect.DeepEqual(w.verified[0], want) {
		t.Errorf("verified %+v", w.verified[0])
	}
	if shown := w.last.Record.Request; len(shown) != 1 || shown[0].Value != "/documents/1" {
		t.Errorf("the record adds %v", shown)
	}
}

// TestPremises: what is issued while its role or its user changes is not answered.
func TestPremises(t *testing.T) {
	t.Parallel()
	for _, ends := range []string{"user", "role passed", "role assumed"} {
		w := newWorld(t)
		ann := w.user(account, "ann", "")
		ann.Stamps = append(ann.Stamps, w.stamp("user"))
		passed := w.addRole(account, "Passed", trust(`{"Service":"documents.example.com"}`, `"sts:AssumeRole"`, ""))
		passed.Stamp = w.stamp("role passed")
		assumed := w.addRole(account, "Assumed", trust(ofAnn, `"sts:AssumeRole"`, ""))
		assumed.Stamp = w.stamp("role assumed")
		if ends == "role assumed" {
			do[sts.AssumeRoleOutput](t, w, ann, "AssumeRole", assume(assumed.ARN))
		} else {
			ann.Identity = w.user(account, "ann", `"iam:PassRole"`).Identity
			w.lend(ann)
			in := evidence()
			in.PassRoleARN = some(passed.ARN)
			do[sts.CreateForwardAccessSessionOutput](t, w, w.serviceCaller("documents.example.com"), trade, in)
		}
		if !w.last.Current() {
			t.Fatalf("%s: stale before anything has changed", ends)
		}
		w.touch(ends)
		if w.last.Current() {
			t.Errorf("what was issued does not rest on the %s", ends)
		}
	}
}

func TestForwardAccessRefused(t *testing.T) {
	t.Parallel()
	const refused = "The request is not accepted as evidence: "
	ran := 0
	for _, test := range []struct {
		name    string
		spoil   func(w *world)
		message string
	}{
		{"signature", func(w *world) { w.failure = fault.New(fault.InvalidSignature, "does not match") }, refused + "does not match"},
		{"unknown key", func(w *world) { w.failure = fault.New(fault.UnrecognizedClient, "invalid") }, refused + "invalid"},
		{"expired session", func(w *world) {
			w.by.Refusal = fault.New(fault.ExpiredToken, "The security token included in the request is expired")
		}, refused + "The security token included in the request is expired"},
		{"for another service", func(w *world) { w.service = "kms" }, refused + "Credential should be scoped to correct service: 'documents'."},
		{"for no service", func(w *world) { w.service = "" }, refused + "Credential should be scoped to correct service: 'documents'."},
		{"for another partition", func(w *world) { w.region = "cn-north-1" }, refused + "Credential should be scoped to a valid region."},
		{"by forward access", func(w *world) {
			forwarded := *w.by.Caller
			forwarded.Via = &authz.Via{}
			w.lend(&forwarded)
		}, refused + "It is signed with credentials of forward access."},
		{"by a service", func(w *world) { w.lend(w.serviceCaller("documents.example.com")) }, refused + "It is not signed by a user."},
		{"by a service's own machine", func(w *world) {
			machine := w.roleSession(`"*"`)
			machine.Principal.IssuerName, machine.Principal.IssuerID = "aws:documents-infrastructure", account+":aws:documents-infrastructure"
			machine.IssuedTo = "documents.example.com"
			w.lend(machine)
		}, refused + "It is not signed by a user."},
		{"by the operator", func(w *world) { w.lend(w.caller(principal.Principal{Kind: principal.Operator}, "")) }, refused + "It is not signed by a user."},
		{"by nobody", func(w *world) { w.lend(w.caller(principal.Principal{}, "")) }, refused + "It is not signed by a user."},
		{"a moment too late", func(w *world) {
			ending := w.roleSession("")
			ending.Expires = now.Truncate(time.Second)
			w.lend(ending)
		}, refused + "The security token included in the request is expired"},
	} {
		ran++
		w := newWorld(t)
		w.lend(w.user(account, "ann", `"*"`))
		test.spoil(w)
		w.refuse(w.serviceCaller("documents.example.com"), trade, evidence(), fault.AccessDenied, test.message)
	}
	if ran != 12 {
		t.Errorf("%d cases ran", ran)
	}
	w := newWorld(t)
	w.failure = errors.New("the store is gone")
	if _, err := w.call(w.serviceCaller("documents.example.com"), trade, evidence()); !errors.Is(err, w.failure) {
		t.Errorf("a failure to verify became %v", err)
	}
}

// TestOnlyServicesTrade: others are refused before anything of the evidence is
// looked at, whatever they may do.
func TestOnlyServicesTrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lend(w.user(account, "ann", `"*"`))
	unregistered := w.serviceCaller("documents.example.com")
	unregistered.Registration = nil
	for _, caller := range []*authz.Caller{w.user(account, "ann", `"*"`), w.roleSession(`"*"`), w.root(), unregistered} {
		in := evidence()
		in.PassRoleARN = some("arn:aws:iam::" + account + ":role/p/R")
		w.refuse(caller, trade, in, fault.AccessDenied, denied(caller.Principal.ARN, "sts:CreateForwardAccessSession", "*", byResource))
	}
	if len(w.verified) != 0 {
		t.Errorf("%d pieces of evidence were verified", len(w.verified))
	}
}

// TestPassRole: a role is passed by who may pass that role to that service.
func TestPassRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	service := w.serviceCaller("documents.example.com")
	role := w.addRole(account, "R", trust(`{"Service":"documents.example.com"}`, `"sts:AssumeRole"`, "")).ARN
	foreign := w.addRole(other, "R", trust(`{"Service":"documents.example.com"}`, `"sts:AssumeRole"`, "")).ARN
	missing := "arn:aws:iam::" + account + ":role/p/None"
	may := func(resource, condition string) *authz.Caller {
		ann := w.user(account, "ann", "")
		document := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:PassRole","Resource":"` + resource + `","Condition":` + condition + `}}`
		p, err := policy.Compile(policy.Identity, "own", []byte(document), nil)
		if err != nil {
			t.Fatal(err)
		}
		ann.Identity = []*policy.Policy{p}
		return ann
	}
	const to = `{"StringEquals":{"iam:PassedToService":"documents.example.com"}}`
	limited := may("*", to)
	limited.Session = may("arn:aws:iam::"+account+":role/other", to).Identity
	const annARN = "arn:aws:iam::" + account + ":user/ann"
	ran := 0
	for _, test := range []struct {
		name string
		user *authz.Caller
		role string
		want string
	}{
		{"may", may(role, to), role, ""},
		{"by its tags", may(role, `{"StringEquals":{"iam:ResourceTag/kind":"x"}}`), role, ""},
		{"through this service", may(role, `{"Bool":{"aws:ViaAWSService":"true"},"StringEquals":{"aws:CalledViaLast":"documents.example.com"}}`), role, ""},
		{"root", w.root(), role, ""},
		{"may not", w.user(account, "ann", ""), role, denied(annARN, "iam:PassRole", role, byIdentity)},
		{"another role", may("arn:aws:iam::"+account+":role/p/Q", to), role, denied(annARN, "iam:PassRole", role, byIdentity)},
		{"to another service", may(role, `{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}`), role, denied(annARN, "iam:PassRole", role, byIdentity)},
		{"from an address, which is not known", may(role, `{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`), role, denied(annARN, "iam:PassRole", role, byIdentity)},
		{"limited by its session", limited, role, denied(annARN, "iam:PassRole", role, "because no session policy allows")},
		{"of another account", may("*", to), foreign, denied(annARN, "iam:PassRole", foreign, byResource)},
		{"not there", may("*", to), missing, "The role " + missing + " does not exist."},
	} {
		ran++
		w.lend(test.user)
		in := evidence()
		in.PassRoleARN, in.SourceIP = some(test.role), some("192.0.2.9")
		_, err := w.call(service, trade, in)
		if f := fault.From(err); test.want == "" && err != nil || test.want != "" && (err == nil || f.Message != test.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", test.name, err, test.want)
		}
		if !slices.Equal(w.asked(), []string{"sts:CreateForwardAccessSession", "iam:PassRole"}) {
			t.Errorf("%s: asked %v", test.name, w.asked())
		}
		if test.user.Via != nil {
			t.Errorf("%s: the caller that was lent has changed", test.name)
		}
	}
	if ran != 11 {
		t.Errorf("%d cases ran", ran)
	}
}

func TestEvidenceOfTheWrongForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lend(w.user(account, "ann", ""))
	ran := 0
	for name, spoil := range map[string]func(*sts.CreateForwardAccessSessionInput){
		"no method":       func(in *sts.CreateForwardAccessSessionInput) { in.Method.Set = false },
		"method":          func(in *sts.CreateForwardAccessSessionInput) { in.Method = some("PUT /") },
		"no URI":          func(in *sts.CreateForwardAccessSessionInput) { in.URI.Set = false },
		"empty URI":       func(in *sts.CreateForwardAccessSessionInput) { in.URI = some("") },
		"absolute URI":    func(in *sts.CreateForwardAccessSessionInput) { in.URI = some("https://documents.example.com/") },
		"URI of two":      func(in *sts.CreateForwardAccessSessionInput) { in.URI = some("/a\n/b") },
		"long URI":        func(in *sts.CreateForwardAccessSessionInput) { in.URI = some("/" + strings.Repeat("a", 8<<10)) },
		"no hash":         func(in *sts.CreateForwardAccessSessionInput) { in.BodySHA256.Set = false },
		"capital hash":    func(in *sts.CreateForwardAccessSessionInput) { in.BodySHA256.V = strings.ToUpper(in.BodySHA256.V) },
		"short hash":      func(in *sts.CreateForwardAccessSessionInput) { in.BodySHA256.V = in.BodySHA256.V[2:] },
		"no header":       func(in *sts.CreateForwardAccessSessionInput) { in.Headers = nil },
		"empty header":    func(in *sts.CreateForwardAccessSessionInput) { in.Headers = []sts.Header{} },
		"many headers":    func(in *sts.CreateForwardAccessSessionInput) { in.Headers = make([]sts.Header, 129) },
		"nameless header": func(in *sts.CreateForwardAccessSessionInput) { in.Headers[0].Name = "" },
		"two in one":      func(in *sts.CreateForwardAccessSessionInput) { in.Headers[0].Value = "a\nx-amz-date:b" },
		"long header":     func(in *sts.CreateForwardAccessSessionInput) { in.Headers[0].Value = strings.Repeat("a", 16<<10+1) },
		"no duration":     func(in *sts.CreateForwardAccessSessionInput) { in.DurationSeconds = seconds(0) },
		"long duration":   func(in *sts.CreateForwardAccessSessionInput) { in.DurationSeconds = seconds(301) },
		"address":         func(in *sts.CreateForwardAccessSessionInput) { in.SourceIP = some("localhost") },
		"zone":            func(in *sts.CreateForwardAccessSessionInput) { in.SourceIP = some("fe80::1%eth0") },
		"role": func(in *sts.CreateForwardAccessSessionInput) {
			in.PassRoleARN = some("arn:aws:iam::111122223333:user/x")
		},
	} {
		ran++
		in := evidence()
		spoil(in)
		_, err := w.call(w.serviceCaller("documents.example.com"), trade, in)
		if !fault.Is(err, fault.Validation) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "HMAC") || strings.Contains(err.Error(), "secret=s")) {
			t.Errorf("%s: the refusal repeats the evidence: %v", name, err)
		}
	}
	if ran != 21 || len(w.verified) != 0 {
		t.Errorf("%d cases ran, %d pieces of evidence were verified", ran, len(w.verified))
	}
}

// FuzzEvidence: what Validate accepts can be taken apart, and says the same after.
func FuzzEvidence(f *testing.F) {
	f.Add("GET", "/a?b", "Host", "x", strings.Repeat("0", 64))
	f.Add("GET", "/a?b?c#d", "x-amz-date", "", strings.Repeat("f", 64))
	f.Add("", "/", "a:b", "\t", strings.Repeat("é", 32))
	w := newWorld(f)
	w.lend(w.user(account, "ann", ""))
	f.Fuzz(func(t *testing.T, method, uri, name, value, hash string) {
		w.t = t
		in := evidence()
		in.Method, in.URI, in.BodySHA256 = some(method), some(uri), some(hash)
		in.Headers[0] = sts.Header{Name: name, Value: value}
		var c check.Checks
		if in.Validate(&c); c.Err() != nil {
			return
		}
		w.verified = nil
		if _, err := w.call(w.serviceCaller("documents.example.com"), trade, in); err != nil {
			t.Fatal(err)
		}
		r := w.verified[0]
		whole := r.Path
		if r.Query != "" || strings.HasSuffix(uri, "?") && !strings.HasSuffix(whole, "?") {
			whole += "?" + r.Query
		}
		if r.Method != method || whole != uri || hex.EncodeToString(r.Body[:]) != hash || r.Header[0].Value != value || r.Header[0].Name != name {
			t.Errorf("%q %q became %+v", method, uri, r)
		}
	})
}
