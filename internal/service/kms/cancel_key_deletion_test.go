package kms_test

import (
	"testing"
	"time"

	"claviger/internal/service/kms"
)

func TestCancelKeyDeletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	for _, before := range []string{"Enabled", "Disabled"} {
		key := owner.createKey()
		blob := owner.encrypt(key.KeyID, "hello")
		w.state(key.KeyID, before)
		due := owner.schedule(key, 7).DeletionDate.V
		w.now = due.Add(-time.Millisecond)
		if out := must[kms.CancelKeyDeletionOutput](owner, &kms.CancelKeyDeletionInput{KeyID: str(key.KeyID)}); out.KeyID != key.ARN {
			t.Errorf("answered %+v", out)
		}
		w.recorded(`{"keyId":"`+key.KeyID+`"}`, `{"keyId":"`+key.ARN+`"}`, `{}`, ofKey(key))
		if m := owner.described(key.KeyID); m.KeyState != "Disabled" || m.DeletionDate.Set || m.PendingDeletionWindowInDays.Set {
			t.Errorf("after it was %s the key is described as %+v", before, m)
		}
		owner.refused(&kms.CancelKeyDeletionInput{KeyID: str(key.ARN)}, kms.InvalidState, key.ARN+" is not pending deletion.")
		if n := w.deleteDue(due.AddDate(1, 0, 0)); n != 0 {
			t.Errorf("%d keys were destroyed", n)
		}
		owner.done(&kms.EnableKeyInput{KeyID: str(key.KeyID)})
		if got := owner.decrypt(blob); got != "hello" {
			t.Errorf("decrypted %q", got)
		}
		owner.schedule(key, 7) // it can be scheduled again, and the new date counts
		if early, late := w.deleteDue(due), w.deleteDue(w.now.AddDate(0, 0, 7)); early != 0 || late != 1 {
			t.Errorf("%d keys were destroyed on the old date, %d on the new one", early, late)
		}
	}
}

// TestTooLate: on its deletion date a key is beyond recall, also where nobody has
// seen to it yet.
func TestTooLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	cancel := &kms.CancelKeyDeletionInput{KeyID: str(key.KeyID)}
	w.now = owner.schedule(key, 7).DeletionDate.V
	for range 2 {
		owner.refused(cancel, kms.InvalidState, key.ARN+" is past its deletion date.")
		w.now = w.now.Add(time.Hour)
	}
	if m := owner.described(key.KeyID); m.KeyState != "PendingDeletion" {
		t.Errorf("the key is %s", m.KeyState)
	}
	if n := w.deleteDue(w.now); n != 1 {
		t.Errorf("%d keys were destroyed", n)
	}
	owner.refused(cancel, kms.NotFound, "Key '"+key.ARN+"' does not exist")
}
