package principal_test

import (
	"testing"
	"time"

	"claviger/internal/words/principal"
)

func TestPrincipalARN(t *testing.T) {
	t.Parallel()
	const (
		own    = "arn:aws:sts::111122223333:assumed-role/Role/session"
		issuer = "arn:aws:iam::111122223333:role/path/Role"
	)
	kinds := map[principal.Kind]string{
		principal.Unknown:       own,
		principal.Root:          own,
		principal.User:          own,
		principal.RoleSession:   issuer,
		principal.FederatedUser: own,
		principal.Service:       "",
		principal.Operator:      own,
	}
	for kind, want := range kinds {
		p := principal.Principal{Kind: kind, ARN: own, IssuerARN: issuer}
		if got := p.PrincipalARN(); got != want {
			t.Errorf("kind %d: %s", kind, got)
		}
	}
	if len(kinds) != 7 {
		t.Errorf("%d kinds ran", len(kinds))
	}
}

// TestTemporary: temporary credentials have a beginning.
func TestTemporary(t *testing.T) {
	t.Parallel()
	p := principal.Principal{Kind: principal.User}
	if p.Temporary() {
		t.Error("long-term credentials are temporary")
	}
	p.Since = time.Unix(0, 0)
	if !p.Temporary() {
		t.Error("a session is not temporary")
	}
}

func TestZeroIsUnknown(t *testing.T) {
	t.Parallel()
	var p principal.Principal
	if p.Kind != principal.Unknown || p.PrincipalARN() != "" {
		t.Errorf("the zero principal is %+v", p)
	}
}
