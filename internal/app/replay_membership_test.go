package app

import (
	"strings"
	"testing"

	"claviger/internal/service/organizations"
	"claviger/internal/words/optional"
)

// TestMembershipsAgain: in which organization an account is, and where, decides
// which policies limit it and which let it in. What was left is told, where the
// organization is here.
func TestMembershipsAgain(t *testing.T) {
	t.Parallel()
	const joins, manages, remade = "200000000001", "666677778888", "555566667777"
	var root, unit, moved, left, handshake optional.Of[string]
	create := func(w *world, account string) {
		w.must(w.caller(account), "organizations:CreateOrganization", &organizations.CreateOrganizationInput{})
	}
	remove := func(w *world, account string) {
		w.must(w.caller(account), "organizations:DeleteOrganization", &organizations.DeleteOrganizationInput{})
	}
	p := newPast(t, func(w *world) {
		root = w.organization()
		unit, moved, left = w.orgUnit(root, "unit"), w.member(), w.member()
		handshake = w.invitation(joins)
		create(w, lone)
		create(w, remade)
		w.caller(manages)
	})
	manager := p.caller(owner)
	move := func(w *world, account optional.Of[string]) {
		w.must(w.caller(owner), "organizations:MoveAccount", &organizations.MoveAccountInput{AccountID: account, SourceParentID: root, DestinationParentID: unit})
	}
	p.must(p.caller(joins), "organizations:AcceptHandshake", &organizations.AcceptHandshakeInput{HandshakeID: handshake})
	move(p.world, moved)
	move(p.world, left)
	p.must(manager, "organizations:RemoveAccountFromOrganization", &organizations.RemoveAccountFromOrganizationInput{AccountID: left})
	remove(p.world, lone)
	p.ahead.Store(2e9) // an organization that was made in a later second
	remove(p.world, remade)
	create(p.world, remade)
	create(p.world, manages)
	remove(p.world, manages)
	sound(t, p.server)

	dir := p.putBack()
	report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true})
	if err != nil {
		t.Fatalf("%v: %+v", err, report)
	}
	wantOutcomes(t, report, []string{
		"AcceptHandshake to do by hand",
		"MoveAccount to do by hand",
		"MoveAccount to do by hand", "RemoveAccountFromOrganization to do by hand", // left
		"DeleteOrganization to do by hand",
		"DeleteOrganization superseded", "CreateOrganization to do by hand", // remade
		"CreateOrganization superseded", "DeleteOrganization nothing to do",
	})
	w := p.serving(dir)
	v, err := w.server.verifyStore(t.Context())
	if err != nil || len(v.Problems) != 5 {
		t.Errorf("what the store shows to be done: %+v, %v", v, err)
	}
	for _, p := range v.Problems {
		if !strings.Contains(p.What, "by hand") {
			t.Errorf("problem: %s", p)
		}
	}
	w.must(w.caller(joins), "organizations:AcceptHandshake", &organizations.AcceptHandshakeInput{HandshakeID: handshake})
	move(w, moved)
	w.must(w.caller(owner), "organizations:RemoveAccountFromOrganization", &organizations.RemoveAccountFromOrganizationInput{AccountID: left})
	remove(w, lone)
	sound(t, w.server)
}
