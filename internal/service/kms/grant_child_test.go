package kms_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
)

// TestStrictness is the table of parents and children. A parent with a source
// ARN is of use to a service only, which calls for that resource.
func TestStrictness(t *testing.T) {
	t.Parallel()
	limits := map[string]func() *kms.GrantConstraints{
		"none":      func() *kms.GrantConstraints { return nil },
		"Sa":        func() *kms.GrantConstraints { return subset("a", "1") },
		"SA":        func() *kms.GrantConstraints { return subset("A", "1") },
		"Sa2":       func() *kms.GrantConstraints { return subset("a", "2") },
		"Sb":        func() *kms.GrantConstraints { return subset("b", "1") },
		"Sab":       func() *kms.GrantConstraints { return subset("a", "1", "b", "1") },
		"Ea":        func() *kms.GrantConstraints { return equals("a", "1") },
		"EA":        func() *kms.GrantConstraints { return equals("A", "1") },
		"Ea2":       func() *kms.GrantConstraints { return equals("a", "2") },
		"Eb":        func() *kms.GrantConstraints { return equals("b", "1") },
		"Eab":       func() *kms.GrantConstraints { return equals("a", "1", "b", "1") },
		"source":    func() *kms.GrantConstraints { return from(nil, sourceX) },
		"source Y":  func() *kms.GrantConstraints { return from(nil, sourceY) },
		"Sa source": func() *kms.GrantConstraints { return from(subset("a", "1"), sourceX) },
		"Ea source": func() *kms.GrantConstraints { return from(equals("a", "1"), sourceX) },
	}
	allows := map[string][]string{
		"none":      {"none", "Sa", "SA", "Sa2", "Sb", "Sab", "Ea", "EA", "Ea2", "Eb", "Eab", "source", "source Y", "Sa source", "Ea source"},
		"Sa":        {"Sa", "SA", "Sab", "Ea", "EA", "Eab", "Sa source", "Ea source"},
		"SA":        {"Sa", "SA", "Sab", "Ea", "EA", "Eab", "Sa source", "Ea source"},
		"Sa2":       {"Sa2", "Ea2"},
		"Sb":        {"Sb", "Sab", "Eb", "Eab"},
		"Sab":       {"Sab", "Eab"},
		"Ea":        {"Ea", "EA", "Ea source"},
		"EA":        {"Ea", "EA", "Ea source"},
		"Ea2":       {"Ea2"},
		"Eb":        {"Eb"},
		"Eab":       {"Eab"},
		"source":    {"source", "Sa source", "Ea source"},
		"source Y":  {}, // the service calls for X
		"Sa source": {"Sa source", "Ea source"},
		"Ea source": {"Ea source"},
	}
	w := newWorld(t)
	owner := w.root(home)
	cases := 0
	for parent, parentLimits := range limits {
		key := owner.createKey()
		in := grantOf(key, volumeService, parentLimits(), "CreateGrant", "Encrypt")
		must[kms.CreateGrantOutput](owner.via(volumeService, true), in)
		service := w.serviceCaller(volumeService).on(sourceX, home)
		for child, childLimits := range limits {
			what := fmt.Sprintf("child %s of parent %s", child, parent)
			if slices.Contains(allows[parent], child) {
				service.may(what, grantOf(key, home, childLimits(), "Encrypt"))
			} else {
				service.mayNot(what, grantOf(key, home, childLimits(), "Encrypt"))
			}
			cases++
		}
		if n := len(owner.grants(key)); n != 1+len(allows[parent]) {
			t.Errorf("%d grants under parent %s", n, parent)
		}
	}
	if cases != 15*15 {
		t.Errorf("%d cases", cases)
	}
}

// TestChildOperations: a child holds what its one parent holds, and no more.
func TestChildOperations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann, bob := w.root(home), w.user(home, "ann"), w.user(home, "bob")
	key := owner.createKey()
	parent := owner.grant(key, ann.name(), nil, "CreateGrant", "Decrypt", "GenerateDataKeyWithoutPlaintext")
	other := owner.grant(key, ann.name(), subset("a", "1"), "CreateGrant", "Encrypt")
	owner.grant(key, ann.name(), nil, "DescribeKey", "RetireGrant", "ReEncryptTo")
	ann.may("one", grantOf(key, bob.name(), nil, "Decrypt"))
	ann.may("all", grantOf(key, bob.name(), nil, "CreateGrant", "Decrypt", "GenerateDataKeyWithoutPlaintext"))
	ann.may("of the other", grantOf(key, bob.name(), subset("a", "1"), "CreateGrant", "Encrypt"))
	ann.mayNot("one too many", grantOf(key, bob.name(), nil, "Decrypt", "Encrypt"))
	ann.mayNot("of two parents", grantOf(key, bob.name(), subset("a", "1"), "Decrypt", "Encrypt"))
	ann.mayNot("of a grant that makes no grants", grantOf(key, bob.name(), nil, "DescribeKey"))
	ann.mayNot("retiring, which the parent does not hold", grantOf(key, bob.name(), nil, "Decrypt", "RetireGrant"))
	ann.mayNot("looser", grantOf(key, bob.name(), nil, "Encrypt"))

	// A grandchild is held by its own parent.
	bob.may("a grandchild", grantOf(key, home, nil, "Decrypt"))
	bob.mayNot("a grandchild of two parents", grantOf(key, home, subset("a", "1"), "CreateGrant", "Decrypt", "Encrypt"))

	// Children outlive their parents; no more are made.
	owner.done(retire(key, parent.GrantID))
	owner.done(revoke(key, other.GrantID))
	ann.mayNot("after the end of the parent", grantOf(key, bob.name(), nil, "Decrypt"))
	bob.may("use a child that is left", &kms.GenerateDataKeyWithoutPlaintextInput{KeyID: str(key.ARN), KeySpec: str("AES_256")})
	bob.may("make a grandchild", grantOf(key, home, nil, "Decrypt"))

	// Who may make grants by a policy is not held by any grant.
	admin := w.user(home, "admin", allow("kms:CreateGrant"))
	owner.grant(key, admin.name(), subset("a", "1"), "CreateGrant", "Decrypt")
	admin.may("what it may not do itself", grantOf(key, bob.name(), nil, "Encrypt", "Decrypt", "RetireGrant"))
}

// A Deny ends what a grant would allow.
func TestGrantsDoNotBeatDenies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey(keyPolicy(`{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:embargo":"yes"}}}`))
	ann := w.user(home, "ann", `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}}`)
	owner.grant(key, ann.name(), nil, "Encrypt", "Decrypt", "CreateGrant")
	ann.may("encrypt", encryptUnder(key))
	ann.mayNot("encrypt against the key policy", encryptUnder(key, "Embargo", "yes"))
	ann.mayNot("decrypt against its own policy", &kms.DecryptInput{CiphertextBlob: owner.encrypt(key.ARN, "x")})
	ann.may("make a child", grantOf(key, home, nil, "Encrypt"))
	ann.mayNot("make a child against the key policy", grantOf(key, home, subset("embargo", "yes"), "Encrypt"))
}

// TestIssuers: the account of who makes a grant issues it. A service has none.
func TestIssuers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey(delegated(abroad))
	admin := w.user(abroad, "admin", everything)
	must[kms.CreateGrantOutput](admin.via(volumeService, true), grantOf(key, volumeService, nil, "CreateGrant", "Encrypt"))
	poor := w.session(abroad, "Poor", "s")
	service := w.serviceCaller(volumeService)
	for _, calling := range []*actor{service, service.on(sourceX, abroad)} {
		out := must[kms.CreateGrantOutput](calling, grantOf(key, poor.name(), nil, "Encrypt"))
		if got := owner.grants(key)[out.GrantID].IssuingAccount; got != arn.Root("aws", home) {
			t.Errorf("a service's child is issued by %s", got)
		}
	}
	poor.mayNot("use what its own account did not issue", encryptUnder(key))
	child := must[kms.CreateGrantOutput](admin, grantOf(key, poor.name(), nil, "Encrypt"))
	poor.may("use what it did", encryptUnder(key))
	if got := owner.grants(key)[child.GrantID].IssuingAccount; got != arn.Root("aws", abroad) {
		t.Errorf("issued by %s", got)
	}
}

// TestParentEnds: once a parent has ended no child of it comes into being,
// however many are on their way.
func TestParentEnds(t *testing.T) {
	t.Parallel()
	made := 0
	for round := range 8 {
		w := newWorld(t)
		owner, ann := w.root(home), w.user(home, "ann")
		key := owner.createKey()
		parent := owner.grant(key, ann.name(), subset("a", "1"), "CreateGrant", "Encrypt")
		var latest atomic.Uint64
		var count atomic.Int64
		var group sync.WaitGroup
		for range 6 {
			maker := ann.aside()
			group.Go(func() {
				for {
					_, err := maker.do(grantOf(key, home, subset("a", "1"), "Encrypt"))
					if fault.Is(err, fault.AccessDenied) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					count.Add(1)
					for {
						before := latest.Load()
						if maker.w.position <= before || latest.CompareAndSwap(before, maker.w.position) {
							break
						}
					}
				}
			})
		}
		for count.Load() < int64(round) {
			owner.may("wait", describe(key))
		}
		end := revoke(key, parent.GrantID)
		if round%2 == 0 {
			end = retire(key, parent.GrantID)
		}
		owner.done(end)
		ended := owner.w.position
		group.Wait()
		if latest.Load() > ended {
			t.Errorf("a child was made at %d, its parent ended at %d", latest.Load(), ended)
		}
		if n := len(owner.grants(key)); n != int(count.Load()) {
			t.Errorf("%d children are listed, %d were made", n, count.Load())
		}
		made += int(count.Load())
	}
	if made == 0 {
		t.Error("no children at all")
	}
}

// Of many who end a grant at once one does; its twin's rights stay.
func TestGrantsEndOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann := w.root(home), w.user(home, "ann")
	key := owner.createKey()
	in := grantOf(key, ann.name(), nil, "Encrypt")
	in.Name = str("n")
	grant := must[kms.CreateGrantOutput](owner, in)
	twin := owner.grant(key, ann.name(), nil, "Encrypt")
	n := crowd(owner, kms.NotFound, func(i int) any {
		switch i % 3 {
		case 0:
			return retire(key, grant.GrantID)
		case 1:
			return revoke(key, grant.GrantID)
		}
		return retireBy(grant.GrantToken)
	})
	if left := owner.grants(key); n != 1 || len(left) != 1 || left[twin.GrantID].GrantID == "" {
		t.Errorf("%d of them ended it, left are %+v", n, left)
	}
	ann.may("by the twin", encryptUnder(key))
	owner.done(retire(key, twin.GrantID))
	ann.mayNot("by nothing", encryptUnder(key))
}
