package kms_test

import (
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
)

// TestQuotas: what AWS raises on request is set, one below, on and one above.
func TestQuotas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.quotas = kms.Quotas{Keys: 2, Aliases: 1}
	w.restart()
	owner := w.root(home)
	key := owner.createKey()
	owner.createKey()
	owner.refused(&kms.CreateKeyInput{}, fault.LimitExceeded, "The account already has 2 keys in this Region.")
	w.root(abroad).createKey()
	owner.createAlias("alias/a", key.KeyID)
	owner.refused(&kms.CreateAliasInput{AliasName: str("alias/b"), TargetKeyID: str(key.KeyID)}, fault.LimitExceeded,
		"The key "+key.ARN+" already has 1 aliases.")
	owner.described("alias/aws/s3") // counts nowhere
}

// TestGrantQuota: the count of grants is exact, also with many at once, and after
// a time in which nobody counted.
func TestGrantQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key, other := owner.createKey(), owner.createKey()
	in := func(int) any {
		return &kms.CreateGrantInput{KeyID: str(key.KeyID), GranteePrincipal: str(home), RetiringPrincipal: str(home), Operations: []string{"Encrypt"}}
	}
	make := func() string {
		t.Helper()
		return must[kms.CreateGrantOutput](owner, in(0)).GrantID
	}
	first := make() // without a quota
	w.rows(key, map[string]int{"kms_key": 1, "kms_key_policy": 1, "kms_key_material": 1, "kms_grant": 1, "kms_grantee": 1, "kms_grant_entry": 1})
	w.quotas = kms.Quotas{Grants: 8}
	w.restart()
	const full = " already has 8 grants."
	if n := crowd(owner, fault.LimitExceeded, in); n != 7 {
		t.Errorf("%d grants were made, there was room for 7", n)
	}
	owner.refused(in(0), fault.LimitExceeded, "The key "+key.KeyID+full)
	owner.done(&kms.RevokeGrantInput{KeyID: str(key.KeyID), GrantID: str(first)})
	second := make()
	owner.refused(in(0), fault.LimitExceeded, "The key "+key.KeyID+full)
	owner.done(&kms.RetireGrantInput{KeyID: str(key.ARN), GrantID: str(second)})
	make()
	owner.refused(in(0), fault.LimitExceeded, "The key "+key.KeyID+full)
	elsewhere := in(0).(*kms.CreateGrantInput)
	elsewhere.KeyID = str(other.KeyID)
	must[kms.CreateGrantOutput](owner, elsewhere)

	w.quotas = kms.Quotas{} // no quota: nobody counts
	w.restart()
	third := make()
	make()
	w.quotas = kms.Quotas{Grants: 9}
	w.restart()
	owner.refused(in(0), fault.LimitExceeded, "The key "+key.KeyID+" already has 10 grants.")
	owner.done(&kms.RevokeGrantInput{KeyID: str(key.KeyID), GrantID: str(third)})
	owner.refused(in(0), fault.LimitExceeded, "The key "+key.KeyID+" already has 9 grants.")

	due := owner.schedule(key, 7).DeletionDate
	if w.deleteDue(due.V) != 1 {
		t.Error("the key was not destroyed")
	}
	w.sweep()
	w.rows(key, map[string]int{})
}

// TestGrantsOnManagedKeysCount: the quota is not for them, but grants on AWS
// managed keys come and go as all others do.
func TestGrantsOnManagedKeysCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.quotas = kms.Quotas{Grants: 2}
	w.restart()
	ann := w.user(home, "ann", everything)
	through := ann.via("ec2.amazonaws.com", false)
	key := ann.described("alias/aws/ebs")
	grant := func() string {
		return must[kms.CreateGrantOutput](through, &kms.CreateGrantInput{KeyID: str(key.KeyID), GranteePrincipal: str(ann.name()), Operations: []string{"Decrypt"}}).GrantID
	}
	ids := []string{grant(), grant(), grant()}
	ann.done(&kms.RevokeGrantInput{KeyID: str(key.KeyID), GrantID: str(ids[0])})
	for _, id := range append(ids[1:], grant(), grant(), grant()) {
		ann.done(&kms.RevokeGrantInput{KeyID: str(key.KeyID), GrantID: str(id)})
	}
}
