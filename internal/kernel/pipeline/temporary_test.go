package pipeline_test

import (
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
	"claviger/internal/words/principal"
)

// asking is an operation that asks for one action.
func asking(action string) operation.Operation {
	return operation.Use[in, out, struct{}, *in]{
		Name: "Ask", Actions: []string{action}, Asks: asks(action),
		Run: func(*operation.Call, *in, struct{}) (*out, error) { return &out{1}, nil },
	}.Operation()
}

// TestCredentialsOfGetSessionToken: they are good for no more of IAM and STS than
// on AWS, whatever the user's policies allow.
func TestCredentialsOfGetSessionToken(t *testing.T) {
	t.Parallel()
	all, err := policy.Compile(policy.Identity, "all", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	long := *w.credential.Caller
	long.Identity = []*policy.Policy{all}
	session := long
	session.Principal.Since = time.Now()
	factor := session
	factor.Principal.MFA = true
	role := session
	role.Principal.Kind, role.Policy.Kind = principal.RoleSession, principal.RoleSession
	cases := 0
	for _, test := range []struct {
		action                      string
		long, session, factor, role fault.Code
	}{
		{action: "kms:Encrypt"},
		{action: "iamx:Other"},
		{action: "iam:GetUser", session: fault.UnrecognizedClient},
		{action: "iam:PassRole", session: fault.UnrecognizedClient},
		{action: "sts:AssumeRole"},
		{action: "sts:TagSession"},
		{action: "sts:SetSourceIdentity"},
		{action: "sts:GetFederationToken", session: fault.AccessDenied, factor: fault.AccessDenied},
	} {
		for _, who := range []struct {
			name   string
			caller *authz.Caller
			want   fault.Code
		}{{"long-term", &long, test.long}, {"session", &session, test.session}, {"session with a second factor", &factor, test.factor}, {"role", &role, test.role}} {
			cases++
			_, err := w.doAs(&authz.Credential{AccessKeyID: "AKIAME", Caller: who.caller}, asking(test.action), "x")
			if who.want == "" && err != nil || who.want != "" && !fault.Is(err, who.want) {
				t.Errorf("%s of %s: %v, want %q", test.action, who.name, err, who.want)
			}
		}
	}
	if cases != 32 {
		t.Errorf("%d cases ran", cases)
	}
}

// TestIssues: the record of a use shows its answer only where it is declared to
// issue something.
func TestIssues(t *testing.T) {
	t.Parallel()
	for _, issues := range []bool{false, true} {
		w := newWorld(t)
		op := operation.Use[in, out, struct{}, *in]{
			Name: "Issue", Actions: []string{"test:Issue"}, Asks: asks("test:Issue"), Issues: issues,
			Run: func(*operation.Call, *in, struct{}) (*out, error) { return &out{7}, nil },
		}.Operation()
		if _, err := w.do(op, "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.do(op, ""); err == nil {
			t.Fatal("an invalid call was answered")
		}
		var records []string
		if err := w.trail.Read(t.Context(), 1, func(_ uint64, e audit.Entry) error {
			records = append(records, string(e.Record))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if len(records) != 2 {
			t.Fatalf("%d records", len(records))
		}
		want := `"responseElements":null`
		if issues {
			want = `"responseElements":{"n":7}`
		}
		if !strings.Contains(records[0], want) || !strings.Contains(records[0], `"readOnly":true`) {
			t.Errorf("issues %v: %s", issues, records[0])
		}
		if !strings.Contains(records[1], `"responseElements":null`) {
			t.Errorf("a refusal shows an answer: %s", records[1])
		}
	}
}
