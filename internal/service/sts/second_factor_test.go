package sts_test

import (
	"testing"

	"claviger/internal/service/sts"
	"claviger/internal/words/fault"
)

// A code counts once, and is used up only by a call that is allowed.
func TestSecondFactorOfGetSessionToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.user(account, "ann", "")
	in := &sts.GetSessionTokenInput{SerialNumber: some(serial), TokenCode: code(deviceCode)}
	out := do[sts.GetSessionTokenOutput](t, w, ann, "GetSessionToken", in)
	if s := w.open(&out.Credentials); !s.MFA {
		t.Errorf("the session is %+v", s)
	}
	w.refuse(ann, "GetSessionToken", in, fault.AccessDenied, errCode.Message)
	out = do[sts.GetSessionTokenOutput](t, w, ann, "GetSessionToken", &sts.GetSessionTokenInput{})
	if s := w.open(&out.Credentials); s.MFA {
		t.Errorf("the session is %+v", s)
	}
}

func TestSecondFactorOfAssumeRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.addRole(account, "R", trust(`{"AWS":"`+account+`"}`, `"sts:AssumeRole"`, `{"Bool":{"aws:MultiFactorAuthPresent":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"60"}}`))
	with := func() *sts.AssumeRoleInput {
		in := assume(role.ARN)
		in.SerialNumber, in.TokenCode = some(serial), code(deviceCode)
		return in
	}
	ann, bob := w.user(account, "ann", `"sts:AssumeRole"`), w.user(account, "bob", "")

	if _, err := w.call(ann, "AssumeRole", assume(role.ARN)); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("without a code: %v", err)
	}
	if v := w.asks[0]; v.MFA {
		t.Error("a call without a code proves a second factor")
	}
	if _, err := w.call(bob, "AssumeRole", with()); !fault.Is(err, fault.AccessDenied) || w.usedUp {
		t.Errorf("with a code, and no leave: %v", err)
	}
	wrong := with()
	wrong.TokenCode = code("654320")
	w.refuse(ann, "AssumeRole", wrong, fault.AccessDenied, errCode.Message)
	wrong.TokenCode = code("")
	if _, err := w.call(ann, "AssumeRole", wrong); !fault.Is(err, fault.Validation) {
		t.Errorf("an empty code: %v", err)
	}
	lone := assume(role.ARN)
	lone.SerialNumber = some(serial)
	w.refuse(ann, "AssumeRole", lone, fault.AccessDenied, "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code. ")

	out := do[sts.AssumeRoleOutput](t, w, ann, "AssumeRole", with())
	if s := w.open(&out.Credentials); !s.MFA || !w.usedUp {
		t.Errorf("the session is %+v", s)
	}
	w.refuse(ann, "AssumeRole", with(), fault.AccessDenied, errCode.Message)
}
