package kms_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// family makes a primary key with replicas in both other Regions.
func family(w *world) (owner *actor, primary kms.KeyMetadata) {
	w.t.Helper()
	owner = w.root(home)
	primary = owner.createPrimary()
	owner.replicate(primary, otherRegion)
	owner.replicate(primary, thirdRegion)
	return owner, primary
}

func (w *world) due(a *actor, id string, days int) time.Time {
	w.t.Helper()
	return a.schedule(kms.KeyMetadata{ARN: id}, days).DeletionDate.V
}

// TestPrimaryWaitsForReplicas: the window of a primary key begins when the last replica is gone.
func TestPrimaryWaitsForReplicas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, primary := family(w)
	blob := owner.encrypt(primary.KeyID, "x")
	out := owner.schedule(primary, 7)
	if want := (kms.ScheduleKeyDeletionOutput{KeyID: primary.ARN, KeyState: "PendingReplicaDeletion", PendingWindowInDays: 7}); *out != want {
		t.Errorf("answered %+v, want %+v", *out, want)
	}
	w.recorded(`{"keyId":"`+primary.ARN+`","pendingWindowInDays":7}`,
		`{"keyId":"`+primary.ARN+`","keyState":"PendingReplicaDeletion","pendingWindowInDays":7}`, `{}`, ofKey(primary))
	waiting := func() {
		t.Helper()
		m := owner.described(primary.KeyID)
		if m.KeyState != "PendingReplicaDeletion" || m.DeletionDate.Set || m.PendingDeletionWindowInDays != optional.Some(7) || m.Enabled {
			t.Errorf("the primary key is %+v", m)
		}
	}
	waiting()
	owner.refused(&kms.DecryptInput{CiphertextBlob: blob}, kms.InvalidState, primary.ARN+" is pending deletion.")
	owner.refused(&kms.ScheduleKeyDeletionInput{KeyID: str(primary.KeyID)}, kms.InvalidState, primary.ARN+" is pending deletion.")
	for _, at := range []string{otherRegion, thirdRegion} { // which it does not concern
		if got := owner.in(at).decrypt(blob); got != "x" {
			t.Errorf("decrypted %q in %s", got, at)
		}
	}
	w.deleteDue(w.now.AddDate(1, 0, 0)) // nothing is due, however long it takes
	waiting()

	w.deleteDue(w.due(owner.in(otherRegion), primary.KeyID, 7))
	waiting()
	w.related(primary.KeyID, region, thirdRegion)
	last := w.due(owner.in(thirdRegion), primary.KeyID, 30)
	waiting() // for one that waits itself
	owner.in(thirdRegion).refused(&kms.DecryptInput{CiphertextBlob: blob}, kms.InvalidState, inRegion(primary.ARN, thirdRegion)+" is pending deletion.")
	w.deleteDue(last)
	w.related(primary.KeyID, region)
	due := last.AddDate(0, 0, 7)
	m := owner.described(primary.KeyID)
	if m.KeyState != "PendingDeletion" || m.DeletionDate != optional.Some(due) || m.PendingDeletionWindowInDays.Set {
		t.Errorf("the primary key is %+v", m)
	}
	if n := w.deleteDue(due.Add(-time.Millisecond)); n != 0 {
		t.Errorf("%d keys were destroyed too early", n)
	}
	if n := w.deleteDue(due); n != 1 {
		t.Errorf("%d keys were destroyed", n)
	}
	w.sweep()
	var events []string
	for _, e := range w.happened.events {
		events = append(events, e.Name+" "+e.Region+" "+e.Resources[0].ARN)
	}
	want := []string{
		"DeleteKey " + otherRegion + " " + inRegion(primary.ARN, otherRegion),
		"DeleteKey " + thirdRegion + " " + inRegion(primary.ARN, thirdRegion),
		"DeleteKey " + region + " " + primary.ARN,
	}
	if fmt.Sprint(events) != fmt.Sprint(want) {
		t.Errorf("events %q", events)
	}
	for _, at := range []string{region, otherRegion, thirdRegion} {
		if rows, err := kms.KeyRows(t.Context(), w.store, at, primary.KeyID); len(rows) != 0 || err != nil {
			t.Errorf("in %s are left %v, %v", at, rows, err)
		}
		if n, err := kms.KeyCount(t.Context(), w.store, home, at); n != 0 || err != nil {
			t.Errorf("the account is counted to have %d keys in %s, %v", n, at, err)
		}
	}
}

// TestReplicaIsDestroyed: the others go on, and it can be made anew.
func TestReplicaIsDestroyed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, primary := family(w)
	there := owner.in(otherRegion)
	blob := there.encrypt(primary.KeyID, "x")
	due := w.due(there, primary.KeyID, 7)
	again := &kms.ReplicateKeyInput{KeyID: str(primary.KeyID), ReplicaRegion: str(otherRegion)}
	exists := "The key " + inRegion(primary.ARN, otherRegion) + " already exists."
	owner.refused(again, kms.AlreadyExists, exists)
	owner.refused(promote(primary.KeyID, otherRegion), kms.InvalidState, inRegion(primary.ARN, otherRegion)+" is pending deletion.")
	w.related(primary.KeyID, region, thirdRegion, otherRegion)
	w.deleteDue(due)
	w.related(primary.KeyID, region, thirdRegion)
	owner.decrypt(blob)
	owner.in(thirdRegion).decrypt(blob)
	owner.refused(again, kms.AlreadyExists, exists) // until it is swept
	w.sweep()
	owner.replicate(primary, otherRegion)
	w.related(primary.KeyID, region, thirdRegion, otherRegion)
	there.decrypt(blob)
	w.sweep()
	there.decrypt(blob)
	if m := owner.described(primary.KeyID); m.KeyState != "Enabled" {
		t.Errorf("the primary key is %s", m.KeyState)
	}
}

// TestNewReplicaHasNoOldGrants: nobody is let in by what was granted on a replica
// that was destroyed, not even from memory.
func TestNewReplicaHasNoOldGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, primary := family(w)
	ann, bea := w.user(home, "ann"), w.user(home, "bea")
	there := owner.in(otherRegion)
	replica := there.described(primary.KeyID)
	must[kms.CreateGrantOutput](there, grantOf(replica, ann.name(), nil, "Decrypt", "DescribeKey"))
	decrypt := &kms.DecryptInput{CiphertextBlob: owner.encrypt(primary.KeyID, "x")}
	ann.in(otherRegion).may("decrypt", decrypt)
	ann.in(otherRegion).may("describe", describe(replica))
	w.deleteDue(w.due(there, primary.KeyID, 7))
	w.sweep()
	owner.replicate(primary, otherRegion)
	must[kms.CreateGrantOutput](there, grantOf(replica, bea.name(), nil, "Decrypt")) // from here on grants are looked for
	bea.in(otherRegion).may("decrypt", decrypt)
	ann.in(otherRegion).mayNot("decrypt", decrypt)
	ann.in(otherRegion).mayNot("describe", describe(replica))
	if n := len(there.grants(replica)); n != 1 {
		t.Errorf("%d grants are listed", n)
	}
}

// TestCancelWhileReplicasAre: a primary key that waits for its replicas can be kept,
// and a replica too.
func TestCancelWhileReplicasAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, primary := family(w)
	there := owner.in(otherRegion)
	owner.schedule(primary, 7)
	due := w.due(there, primary.KeyID, 7)
	for _, a := range []*actor{owner, there} {
		must[kms.CancelKeyDeletionOutput](a, &kms.CancelKeyDeletionInput{KeyID: str(primary.KeyID)})
		if m := a.described(primary.KeyID); m.KeyState != "Disabled" || m.PendingDeletionWindowInDays.Set || m.DeletionDate.Set {
			t.Errorf("the key is %+v", m)
		}
	}
	if n := w.deleteDue(due); n != 0 {
		t.Errorf("%d keys were destroyed", n)
	}
	// A replica that goes leaves a primary key alone that does not wait for it.
	w.deleteDue(w.due(there, primary.KeyID, 7))
	w.deleteDue(w.due(owner.in(thirdRegion), primary.KeyID, 7))
	if m := owner.described(primary.KeyID); m.KeyState != "Disabled" {
		t.Errorf("the key is %+v", m)
	}
	if out := owner.schedule(primary, 7); out.KeyState != "PendingDeletion" || !out.DeletionDate.Set {
		t.Errorf("without replicas: %+v", out)
	}
}

// TestFormerPrimaryIsDestroyed: what was the first key goes, and its material
// stays with the others.
func TestFormerPrimaryIsDestroyed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, primary := family(w)
	blob := owner.encrypt(primary.KeyID, "x")
	w.now = w.now.Add(time.Hour)
	owner.done(promote(primary.KeyID, otherRegion))
	if out := owner.schedule(primary, 7); out.KeyState != "PendingDeletion" {
		t.Errorf("a replica is %s", out.KeyState)
	} else {
		w.deleteDue(out.DeletionDate.V)
	}
	w.sweep()
	w.related(primary.KeyID, otherRegion, thirdRegion)
	there := owner.in(otherRegion)
	there.replicate(primary, region)
	w.related(primary.KeyID, otherRegion, thirdRegion, region)
	for _, at := range []string{region, otherRegion, thirdRegion} {
		if got := owner.in(at).decrypt(blob); got != "x" {
			t.Errorf("decrypted %q in %s", got, at)
		}
	}
}

// TestBothScheduled: in whatever order the related keys are scheduled, all of them end.
func TestBothScheduled(t *testing.T) {
	t.Parallel()
	regions := []string{region, otherRegion, thirdRegion}
	orders := [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	for _, order := range orders {
		w := newWorld(t)
		owner, primary := family(w)
		for _, i := range order {
			owner.in(regions[i]).schedule(kms.KeyMetadata{ARN: primary.KeyID}, 7)
			w.now = w.now.Add(time.Hour)
		}
		first := w.now.AddDate(0, 0, 7)
		if n := w.deleteDue(first); n != 2 {
			t.Errorf("%v: %d replicas were destroyed", order, n)
		}
		if n := w.deleteDue(first.AddDate(0, 0, 7)); n != 1 {
			t.Errorf("%v: %d primary keys were destroyed", order, n)
		}
		owner.refused(&kms.DescribeKeyInput{KeyID: str(primary.KeyID)}, kms.NotFound, "Key '"+primary.ARN+"' does not exist")
	}
}

// TestPrimaryWithReplicasIsNotDestroyed: a timer alone destroys nothing.
func TestPrimaryWithReplicasIsNotDestroyed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, primary := family(w)
	w.state(primary.KeyID, "PendingDeletion") // as no operation makes it
	ok(t, kms.SetTimer(t.Context(), w.store, region, primary.KeyID, "delete", w.now))
	if n, err := w.service.DeleteDue(t.Context(), w.now); n != 0 || !errors.Is(err, errDamaged) {
		t.Errorf("%d keys were destroyed, %v", n, err)
	}
	if m := owner.described(primary.KeyID); m.KeyState != "PendingDeletion" {
		t.Errorf("the primary key is %s", m.KeyState)
	}
}

// TestReplicateAgainstRotate: whichever comes first, the replica has what the
// primary key has.
func TestReplicateAgainstRotate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	for range 30 {
		primary := owner.createPrimary()
		one, other := owner.aside(), owner.aside()
		var group sync.WaitGroup
		group.Go(func() {
			one.may("replicate", &kms.ReplicateKeyInput{KeyID: str(primary.KeyID), ReplicaRegion: str(otherRegion)})
		})
		group.Go(func() { other.may("rotate", rotateNow(primary)) })
		group.Wait()
		w.related(primary.KeyID, region, otherRegion)
		if here, there := owner.rotations(primary.KeyID), owner.in(otherRegion).rotations(primary.KeyID); here != there {
			t.Errorf("the rotations are\n%s\nthere\n%s", here, there)
		}
		owner.in(otherRegion).decrypt(owner.encrypt(primary.KeyID, "x"))
	}
}

// TestReplicateAgainstPromote: of changes that meet, each sees the whole of the
// other or nothing of it.
func TestReplicateAgainstPromote(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	replicated, refused := 0, 0
	for range 30 {
		primary := owner.createPrimary()
		owner.replicate(primary, otherRegion)
		one, other := owner.aside(), owner.aside()
		var group sync.WaitGroup
		var first, second error
		group.Go(func() {
			_, first = one.do(&kms.ReplicateKeyInput{KeyID: str(primary.KeyID), ReplicaRegion: str(thirdRegion)})
		})
		group.Go(func() { _, second = other.do(promote(primary.KeyID, otherRegion)) })
		group.Wait()
		switch {
		case second != nil:
			t.Errorf("promoted: %v", second)
		case first == nil:
			replicated++
			w.related(primary.KeyID, otherRegion, thirdRegion, region)
		case fault.Is(first, fault.UnsupportedOperation):
			refused++
			w.related(primary.KeyID, otherRegion, region)
		default:
			t.Errorf("replicated: %v", first)
		}
	}
	if replicated+refused != 30 {
		t.Errorf("%d were replicated, %d refused", replicated, refused)
	}
}
