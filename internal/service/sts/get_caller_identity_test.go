package sts_test

import (
	"testing"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/sts"
	"claviger/internal/words/principal"
)

// identity calls GetCallerIdentity as p. Opening the store fails the test.
func identity(t *testing.T, p principal.Principal) *sts.GetCallerIdentityOutput {
	t.Helper()
	ops := sts.New().Operations()
	if len(ops) != 1 || ops[0].Name != "GetCallerIdentity" {
		t.Fatalf("operations: %v", ops)
	}
	op := ops[0]
	if !op.AsksNothing || op.Writes {
		t.Fatal("GetCallerIdentity must be declared as a Use that asks nothing")
	}
	c := &operation.Call{Caller: &authz.Caller{Principal: p}}
	c.Begin(func() (store.Reader, error) {
		t.Error("GetCallerIdentity opened the store")
		return nil, store.ErrUnavailable
	})
	in := op.NewIn()
	if err := op.Validate(in); err != nil {
		t.Fatal(err)
	}
	judged := 0
	out, err := op.Walk(c, nil, in, func(asks []authz.Ask) error {
		judged++
		if len(asks) != 0 {
			t.Errorf("GetCallerIdentity asked %v", asks)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if judged != 1 {
		t.Errorf("the judge was asked %d times, want once", judged)
	}
	return out.(*sts.GetCallerIdentityOutput)
}

func TestGetCallerIdentity(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		p    principal.Principal
	}{
		{"root", principal.Principal{Kind: principal.Root, Account: "111122223333", ID: "111122223333", ARN: "arn:aws:iam::111122223333:root"}},
		{"user", principal.Principal{Kind: principal.User, Account: "111122223333", ID: "AIDAEXAMPLEEXAMPLEEXA", ARN: "arn:aws:iam::111122223333:user/team/ann"}},
		{"session", principal.Principal{Kind: principal.RoleSession, Account: "111122223333", ID: "AROAEXAMPLEEXAMPLEEXA:s", ARN: "arn:aws:sts::111122223333:assumed-role/R/s"}},
		{"federated", principal.Principal{Kind: principal.FederatedUser, Account: "111122223333", ID: "111122223333:bob", ARN: "arn:aws:sts::111122223333:federated-user/bob"}},
	}
	ran := 0
	for _, tt := range tests {
		got := identity(t, tt.p)
		want := sts.GetCallerIdentityOutput{UserID: tt.p.ID, Account: tt.p.Account, ARN: tt.p.ARN}
		if *got != want {
			t.Errorf("%s: got %+v, want %+v", tt.name, *got, want)
		}
		ran++
	}
	if ran != 4 {
		t.Errorf("%d cases ran, want 4", ran)
	}
}
