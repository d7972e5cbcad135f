package app

import (
	"testing"
	"time"

	"claviger/internal/ground/store/drivertest"
	"claviger/internal/service/iam"
	"claviger/internal/service/sts"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// A user proves a second factor once, and what demands one lets it in from then on.
func TestSecondFactor(t *testing.T) {
	t.Parallel()
	now := time.Now() // stands still, since a code is good for so long
	w := newWorldWith(t, drivertest.Open(t), "", func(f *foundations) { f.now = func() time.Time { return now } })
	name, serial, seed := w.mfaUser()
	w.must(w.caller(owner), "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: name, PolicyName: optional.Some("own"), PolicyDocument: optional.Some(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"300"}}}]}`)})
	key := w.must(w.caller(owner), "iam:CreateAccessKey", &iam.CreateAccessKeyInput{UserName: name}).(*iam.CreateAccessKeyOutput).AccessKey
	user := w.caller(key.AccessKeyID)
	if _, err := w.call(user, "iam:ListUsers", &iam.ListUsersInput{}); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("without a second factor: %v", err)
	}

	in := &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: w.codeOf(seed, -1)}
	out := w.must(user, "sts:GetSessionToken", in).(*sts.GetSessionTokenOutput).Credentials
	session, err := w.server.iam.Credential(t.Context(), out.AccessKeyID, string(out.SessionToken.Reveal(reveal.Token{})))
	if err != nil {
		t.Fatal(err)
	}
	w.must(session, "iam:ListUsers", &iam.ListUsersInput{})
	if _, err := w.call(user, "sts:GetSessionToken", in); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("with the same code again: %v", err)
	}

	trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + owner + `:user/` + name.V + `"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}}`
	w.must(w.caller(owner), "iam:CreateRole", &iam.CreateRoleInput{RoleName: optional.Some("guarded"), AssumeRolePolicyDocument: optional.Some(trust)})
	assume := &sts.AssumeRoleInput{RoleARN: optional.Some("arn:aws:iam::" + owner + ":role/guarded"), RoleSessionName: optional.Some("session")}
	if _, err := w.call(user, "sts:AssumeRole", assume); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("a guarded role, without a second factor: %v", err)
	}
	w.must(session, "sts:AssumeRole", assume)
	assume.SerialNumber, assume.TokenCode = serial, w.codeOf(seed, 0)
	w.must(user, "sts:AssumeRole", assume)
	if _, err := w.call(user, "sts:AssumeRole", assume); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("a guarded role, with a code that was used: %v", err)
	}
}
