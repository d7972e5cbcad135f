package organizations_test

import (
	"context"
	"testing"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/service/organizations"
)

func (w *world) place(account string) *authz.Place {
	w.t.Helper()
	p, err := w.organizations.Place(context.Background(), account)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func current(p *authz.Place) bool {
	for i := range p.Stamps {
		if !p.Stamps[i].Current() {
			return false
		}
	}
	return true
}

// TestPlace: where an account stands ends with every change that could matter,
// is the same until then, and costs no memory: for that it is not run in parallel.
func TestPlace(t *testing.T) {
	w := newWorld(t)
	if p := w.place(alone); p.Organization != "" || p.Service != nil {
		t.Errorf("an account that does not exist: %+v", p)
	}
	root := w.organization(manager)
	id, u, p := w.account("one"), w.unit(root, "one"), w.policy(scp, "one", denies)
	levels := func() [2]int { q := w.place(id); return [2]int{len(q.Service), len(q.Control)} }
	if levels() != [2]int{} {
		t.Errorf("before a type is enabled: %v", levels())
	}
	for _, step := range []struct {
		name string
		do   func()
		want [2]int
	}{
		{"enabled", func() { w.enable(root, scp) }, [2]int{0, 0}},
		{"attached above", func() { w.attach(p, u.ID) }, [2]int{0, 0}},
		{"moved below", func() {
			w.done(manager, "MoveAccount", &organizations.MoveAccountInput{AccountID: some(id), SourceParentID: some(root), DestinationParentID: some(u.ID)})
		}, [2]int{1, 0}},
		{"attached to the root", func() { w.attach(p, root) }, [2]int{2, 0}},
		{"attached to itself", func() { w.attach(p, id) }, [2]int{3, 0}},
		{"resources enabled", func() { w.enable(root, rcp) }, [2]int{3, 0}},
		{"resources attached", func() { w.attach(w.policy(rcp, "two", confine), root) }, [2]int{3, 1}},
		{"edited", func() {
			do[organizations.UpdatePolicyOutput](w, manager, "UpdatePolicy", &organizations.UpdatePolicyInput{PolicyID: some(p), Content: some(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"kms:*","Resource":"*"}}`)})
		}, [2]int{3, 1}},
		{"detached", func() { w.detach(p, id) }, [2]int{2, 1}},
		{"disabled", func() {
			do[organizations.DisablePolicyTypeOutput](w, manager, "DisablePolicyType", &organizations.DisablePolicyTypeInput{RootID: some(root), PolicyType: some(scp)})
		}, [2]int{0, 1}},
		{"removed", func() {
			w.done(manager, "RemoveAccountFromOrganization", &organizations.RemoveAccountFromOrganizationInput{AccountID: some(id)})
		}, [2]int{0, 0}},
	} {
		before := w.place(id)
		if w.place(id) != before {
			t.Errorf("%s: not the same as a moment ago", step.name)
		}
		step.do()
		if current(before) {
			t.Errorf("%s: what was true before still counts", step.name)
		}
		if got := levels(); got != step.want {
			t.Errorf("%s: %v levels, want %v", step.name, got, step.want)
		}
	}
	if q := w.place(manager); q.Service != nil || q.Control != nil || q.Organization == "" {
		t.Errorf("the management account stands at %+v", q)
	}
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() { _, _ = w.organizations.Place(ctx, manager) }); n != 0 {
		t.Errorf("looking a place up allocates %v times", n)
	}
}

// TestMissingRows: an account whose organization lacks a row has no place, rather
// than one without its policies.
func TestMissingRows(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"organization", "unit", "parent", "account", "policy"} {
		w := newWorld(t)
		root := w.organization(manager)
		w.enable(root, scp)
		id, u, p := w.account("one"), w.unit(root, "one"), w.policy(scp, "one", denies)
		w.done(manager, "MoveAccount", &organizations.MoveAccountInput{AccountID: some(id), SourceParentID: some(root), DestinationParentID: some(u.ID)})
		w.attach(p, u.ID)
		o := w.place(id).Organization
		keys := map[string]string{"organization": o, "unit": u.ID, "parent": root, "account": id, "policy": p}
		organizations.Lose(t, w.store, table, keys[table], o)
		if q, err := w.organizations.Place(context.Background(), id); err == nil {
			t.Errorf("without the row of its %s the account stands at %+v", table, q)
		}
		if _, err := w.call(id, "DescribeOrganization", &organizations.DescribeOrganizationInput{}); err == nil {
			t.Errorf("without the row of its %s the account is let in", table)
		}
	}
}

// TestJoin: a change of an account that joins an organization before it commits
// is made anew, so that what limits members is asked.
func TestJoin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.organization(manager)
	h := w.invite(w.known(alone))
	var found []string
	if _, err := w.store.Update(t.Context(), opID(), func(tx store.Txn) error {
		p := w.place(alone)
		if len(found) == 0 {
			do[organizations.AcceptHandshakeOutput](w, alone, "AcceptHandshake", &organizations.AcceptHandshakeInput{HandshakeID: some(h.ID)})
		}
		found = append(found, p.Organization)
		p.Require(tx)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 || found[0] != "" || found[1] == "" {
		t.Errorf("organizations found: %q", found)
	}
}
