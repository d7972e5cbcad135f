package kms_test

import (
	"fmt"
	"testing"
	"time"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// rotations lists the materials of a key with what is known of each.
func (a *actor) rotations(id string) string {
	a.w.t.Helper()
	out := must[kms.ListKeyRotationsOutput](a, &kms.ListKeyRotationsInput{KeyID: str(id), IncludeKeyMaterial: str("ALL_KEY_MATERIAL")})
	for i := range out.Rotations {
		out.Rotations[i].KeyID = ""
	}
	return fmt.Sprint(out.Rotations)
}

// TestRelatedKeysRotateTogether: a rotation of the primary key is one of all
// related keys, and later replicas have the whole history.
func TestRelatedKeysRotateTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	primary := owner.createPrimary()
	there := owner.in(otherRegion)
	replica := owner.replicate(primary, otherRegion)
	blobs := map[string][]byte{"first": owner.encrypt(primary.KeyID, "first")}
	there.decrypt(blobs["first"]) // in memory from here on

	must[kms.RotateKeyOnDemandOutput](owner, rotateNow(primary))
	if now := there.current(replica); now == primary.CurrentKeyMaterialID.V || now != owner.current(primary) {
		t.Errorf("the current material is %s, and %s there", owner.current(primary), now)
	}
	blobs["second"] = there.encrypt(primary.KeyID, "second")

	owner.done(rotateEvery(primary, 90))
	status := every(90, w.now.Truncate(time.Millisecond).AddDate(0, 0, 90))
	owner.rotates(primary, status)
	there.rotates(replica, status)
	w.now = w.now.AddDate(0, 0, 90)
	if n := w.rotateDue(w.now); n != 1 {
		t.Errorf("%d keys were rotated", n)
	}
	blobs["third"] = owner.encrypt(primary.KeyID, "third")
	owner.replicate(primary, thirdRegion)
	must[kms.RotateKeyOnDemandOutput](owner, rotateNow(primary))
	blobs["fourth"] = owner.in(thirdRegion).encrypt(primary.KeyID, "fourth")
	want := owner.rotations(primary.KeyID)
	for _, at := range []string{region, otherRegion, thirdRegion} {
		a := owner.in(at)
		if got := a.rotations(primary.KeyID); got != want {
			t.Errorf("in %s the rotations are\n%s\nwant\n%s", at, got, want)
		}
		if now := a.current(primary); now != owner.current(primary) {
			t.Errorf("in %s the current material is %s", at, now)
		}
		for text, blob := range blobs {
			if got := a.decrypt(blob); got != text {
				t.Errorf("decrypted %q in %s", got, at)
			}
		}
		rows, err := kms.KeyRows(t.Context(), w.store, at, primary.KeyID)
		if rows["kms_key_material"] != 4 || rows["kms_timer rotate"] != map[bool]int{true: 1}[at == region] || err != nil {
			t.Errorf("in %s are stored %v, %v", at, rows, err)
		}
	}
	rotations := 0
	for _, e := range w.happened.events {
		if e.Name == "RotateKey" && e.Region == region {
			rotations++
		}
	}
	if rotations != 1 || len(w.happened.events) != 1 {
		t.Errorf("happened have %+v", w.happened.events)
	}
	owner.done(&kms.DisableKeyRotationInput{KeyID: str(primary.KeyID)})
	there.rotates(replica, kms.GetKeyRotationStatusOutput{})
}

// TestReplicasAreNotRotated by themselves, nor by their owner, until they are primary keys.
func TestReplicasAreNotRotated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	primary := owner.createPrimary()
	there := owner.in(otherRegion)
	replica := owner.replicate(primary, otherRegion)
	owner.done(rotateEvery(primary, 90))
	refusal := replica.ARN + " is not a multi-region primary key."
	for _, in := range []any{
		rotateEvery(replica, 90), &kms.DisableKeyRotationInput{KeyID: str(replica.KeyID)}, rotateNow(replica),
	} {
		there.refused(in, fault.UnsupportedOperation, refusal)
	}

	// The schedule goes with the primary key. Its replicas do not matter to it.
	owner.done(promote(primary.KeyID, otherRegion))
	refusal = primary.ARN + " is not a multi-region primary key."
	owner.refused(rotateNow(primary), fault.UnsupportedOperation, refusal)
	owner.done(&kms.DisableKeyInput{KeyID: str(primary.KeyID)})
	w.now = w.now.AddDate(0, 0, 90)
	for _, want := range []int{1, 0} {
		if n := w.rotateDue(w.now); n != want {
			t.Errorf("%d keys were rotated", n)
		}
	}
	if e := w.happened.events; len(e) != 1 || e[0].Region != otherRegion {
		t.Errorf("happened have %+v", e)
	}
	if owner.current(primary) != there.current(replica) || owner.current(primary) == primary.CurrentKeyMaterialID.V {
		t.Errorf("the current material is %s, and %s there", owner.current(primary), there.current(replica))
	}
	next := optional.Some(w.now.Truncate(time.Millisecond).AddDate(0, 0, 90))
	for _, a := range []*actor{owner, there} {
		if s := must[kms.GetKeyRotationStatusOutput](a, &kms.GetKeyRotationStatusInput{KeyID: str(primary.KeyID)}); s.NextRotationDate != next {
			t.Errorf("the status is %+v", s)
		}
	}
	there.done(&kms.DisableKeyInput{KeyID: str(replica.KeyID)}) // the primary key
	w.now = w.now.AddDate(0, 0, 90)
	if n := w.rotateDue(w.now); n != 0 {
		t.Errorf("%d keys were rotated", n)
	}
}
