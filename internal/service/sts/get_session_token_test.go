package sts_test

import (
	"testing"
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/session"
	"claviger/internal/service/sts"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

func secret(b confidential.Bytes) string { return string(b.Reveal(reveal.Token{})) }

func code(s string) confidential.Bytes { return confidential.New([]byte(s)) }

func TestGetSessionToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ran := 0
	for _, test := range []struct {
		name     string
		caller   *authz.Caller
		duration optional.Of[int]
		want     time.Duration
		id, key  string
	}{
		{name: "user", caller: w.user(account, "ann", ""), want: 12 * time.Hour, id: "AIDAann", key: "AKIAann"},
		{name: "user, short", caller: w.user(account, "ann", ""), duration: seconds(900), want: 15 * time.Minute, id: "AIDAann", key: "AKIAann"},
		{name: "user, long", caller: w.user(account, "ann", ""), duration: seconds(129600), want: 36 * time.Hour, id: "AIDAann", key: "AKIAann"},
		{name: "root", caller: w.root(), want: time.Hour, id: account, key: "AKIAROOT"},
		{name: "root, short", caller: w.root(), duration: seconds(900), want: 15 * time.Minute, id: account, key: "AKIAROOT"},
		{name: "root, long", caller: w.root(), duration: seconds(129600), want: time.Hour, id: account, key: "AKIAROOT"},
	} {
		ran++
		out := do[sts.GetSessionTokenOutput](t, w, test.caller, "GetSessionToken", &sts.GetSessionTokenInput{DurationSeconds: test.duration})
		s := w.open(&out.Credentials)
		if size := len(secret(out.Credentials.SessionToken)); out.SessionTokenSize != size || out.SessionTokenUtilization != (100*size+4095)/4096 {
			t.Errorf("%s: a token of %d characters is said to have %d, %d %%", test.name, size, out.SessionTokenSize, out.SessionTokenUtilization)
		}
		if s.Expires.Sub(s.Issued) != test.want {
			t.Errorf("%s: lasts %v, want %v", test.name, s.Expires.Sub(s.Issued), test.want)
		}
		if s.Kind != session.User || s.Account != account || s.ID != test.id || s.IssuedWith != test.key || s.ARN != test.caller.Principal.ARN || s.MFA || s.IssuedTo != "" {
			t.Errorf("%s: %+v", test.name, s)
		}
	}
	if ran != 6 || !w.ops["GetSessionToken"].AsksNothing || !w.ops["GetSessionToken"].Recorded {
		t.Errorf("%d cases ran", ran)
	}
}

func TestGetSessionTokenRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	temporary := w.user(account, "ann", "")
	temporary.Principal.Since = now
	const name = "GetSessionToken"
	w.refuse(temporary, name, &sts.GetSessionTokenInput{}, fault.AccessDenied, "Cannot call GetSessionToken with session credentials")
	w.refuse(w.roleSession(`"*"`), name, &sts.GetSessionTokenInput{}, fault.AccessDenied, "Cannot call GetSessionToken with session credentials")
	w.refuse(w.serviceCaller("documents.example.com"), name, &sts.GetSessionTokenInput{}, fault.AccessDenied, "User: documents.example.com is not authorized to perform: sts:GetSessionToken because it is no user")
	ann := w.user(account, "ann", "")
	w.refuse(ann, name, &sts.GetSessionTokenInput{SerialNumber: some("GAHT12345678"), TokenCode: code("123456")}, fault.AccessDenied, "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	w.refuse(ann, name, &sts.GetSessionTokenInput{TokenCode: code("123456")}, fault.AccessDenied, "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code. ")
	w.refuse(ann, name, &sts.GetSessionTokenInput{DurationSeconds: seconds(899)}, fault.Validation, "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900")
	w.refuse(ann, name, &sts.GetSessionTokenInput{MinimumSessionTokenSize: seconds(-1)}, fault.Validation, "1 validation error detected: Value '-1' at 'minimumSessionTokenSize' failed to satisfy constraint: Member must have value greater than or equal to 0")
	w.refuse(ann, name, &sts.GetSessionTokenInput{TokenCode: code("12345a")}, fault.Validation, `1 validation error detected: Value at 'tokenCode' failed to satisfy constraint: Member must satisfy regular expression pattern: [\d]*`)
	w.refuse(ann, name, &sts.GetSessionTokenInput{TokenCode: code("12345")}, fault.Validation, "1 validation error detected: Value at 'tokenCode' failed to satisfy constraint: Member must have length greater than or equal to 6")
}
