package sts_test

import (
	"testing"

	"claviger/internal/service/sts"
	"claviger/internal/words/principal"
)

func TestGetCallerIdentity(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		p    principal.Principal
		id   string
	}{
		{"root", principal.Principal{Kind: principal.Root, Account: account, ID: account, ARN: "arn:aws:iam::111122223333:root"}, account},
		{"user", principal.Principal{Kind: principal.User, Account: account, ID: "AIDAEXAMPLEEXAMPLEEXA", ARN: "arn:aws:iam::111122223333:user/team/ann"}, "AIDAEXAMPLEEXAMPLEEXA"},
		{"session", principal.Principal{Kind: principal.RoleSession, Account: account, ID: "AROAEXAMPLEEXAMPLEEXA:s", ARN: "arn:aws:sts::111122223333:assumed-role/R/s"}, "AROAEXAMPLEEXAMPLEEXA:s"},
		{"federated", principal.Principal{Kind: principal.FederatedUser, Account: account, ID: "111122223333:bob", ARN: "arn:aws:sts::111122223333:federated-user/bob"}, "111122223333:bob"},
		{"service", principal.Principal{Kind: principal.Service, Name: "rds.amazonaws.com", ARN: "rds.amazonaws.com"}, "rds.amazonaws.com"},
	}
	w := newWorld(t)
	ran := 0
	for _, tt := range tests {
		got := do[sts.GetCallerIdentityOutput](t, w, w.caller(tt.p, ""), "GetCallerIdentity", &sts.GetCallerIdentityInput{})
		want := sts.GetCallerIdentityOutput{UserID: tt.id, Account: tt.p.Account, ARN: tt.p.ARN}
		if *got != want {
			t.Errorf("%s: got %+v, want %+v", tt.name, *got, want)
		}
		if op := w.ops["GetCallerIdentity"]; len(w.asks) != 0 || !op.AsksNothing || op.Writes || op.Recorded {
			t.Errorf("%s: asked %v", tt.name, w.asked())
		}
		ran++
	}
	if ran != 5 {
		t.Errorf("%d cases ran, want 5", ran)
	}
}
