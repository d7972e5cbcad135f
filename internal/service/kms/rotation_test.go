package kms_test

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// rotateDue has the service rotate what is due, and demands that nothing fails.
func (w *world) rotateDue(now time.Time) int {
	w.t.Helper()
	n, err := w.service.RotateDue(w.t.Context(), now)
	ok(w.t, err)
	return n
}

func rotateEvery(key kms.KeyMetadata, days int) *kms.EnableKeyRotationInput {
	return &kms.EnableKeyRotationInput{KeyID: str(key.KeyID), RotationPeriodInDays: optional.Some(days)}
}

func rotateNow(key kms.KeyMetadata) *kms.RotateKeyOnDemandInput {
	return &kms.RotateKeyOnDemandInput{KeyID: str(key.KeyID)}
}

func (a *actor) rotates(key kms.KeyMetadata, want kms.GetKeyRotationStatusOutput) {
	a.w.t.Helper()
	want.KeyID = key.ARN
	got := must[kms.GetKeyRotationStatusOutput](a, &kms.GetKeyRotationStatusInput{KeyID: str(key.ARN)})
	if !reflect.DeepEqual(*got, want) {
		a.w.t.Errorf("rotation\n got %+v\nwant %+v", *got, want)
	}
}

func every(days int, next time.Time) kms.GetKeyRotationStatusOutput {
	return kms.GetKeyRotationStatusOutput{KeyRotationEnabled: true, RotationPeriodInDays: optional.Some(days), NextRotationDate: optional.Some(next)}
}

// current is the id of the key's current material.
func (a *actor) current(key kms.KeyMetadata) string {
	a.w.t.Helper()
	return a.described(key.KeyID).CurrentKeyMaterialID.V
}

// rotated is the event of a rotation.
func rotated(key kms.KeyMetadata, at time.Time, kind, before, after string) operation.Event {
	return operation.Event{
		Name: "RotateKey", Time: at.Truncate(time.Millisecond), Region: region, Account: home,
		Resources: []operation.Resource{{Type: "AWS::KMS::Key", ARN: key.ARN, Account: home}},
		Details: []operation.Member{
			{Name: "rotationType", Value: kind}, {Name: "keyId", Value: key.KeyID}, {Name: "keyOrigin", Value: key.Origin},
			{Name: "previousKeyMaterialId", Value: before}, {Name: "currentKeyMaterialId", Value: after},
		},
	}
}

// TestRotationSchedule: a period counts from the call that sets it.
func TestRotationSchedule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann := w.root(home), w.user(home, "ann", allow("kms:DescribeKey"))
	key := owner.createKey(delegated(abroad))
	start := w.now.Truncate(time.Millisecond)
	owner.rotates(key, kms.GetKeyRotationStatusOutput{})

	owner.done(&kms.EnableKeyRotationInput{KeyID: str(key.ARN)})
	w.recorded(`{"keyId":"`+key.ARN+`"}`, `{"keyId":"`+key.ARN+`"}`, `{}`, ofKey(key))
	owner.rotates(key, every(365, start.AddDate(0, 0, 365)))
	w.rows(key, map[string]int{"kms_key": 1, "kms_key_policy": 1, "kms_key_material": 1, "kms_timer rotate": 1})

	w.now = w.now.AddDate(0, 0, 10)
	owner.done(rotateEvery(key, 365)) // as it is
	owner.rotates(key, every(365, start.AddDate(0, 0, 365)))
	for _, days := range []int{90, 2560} {
		owner.done(rotateEvery(key, days))
		w.recorded(fmt.Sprintf(`{"keyId":%q,"rotationPeriodInDays":%d}`, key.KeyID, days), `{"keyId":"`+key.ARN+`"}`, `{}`, ofKey(key))
		owner.rotates(key, every(days, start.AddDate(0, 0, 10+days)))
	}
	w.recorded(`{"keyId":"`+key.ARN+`"}`, `null`, `{}`, ofKey(key))
	w.user(abroad, "guest", everything).rotates(key, every(2560, start.AddDate(0, 0, 2570)))

	for days, text := range map[int]string{
		89:   "1 validation error detected: Value '89' at 'rotationPeriodInDays' failed to satisfy constraint: Member must have value greater than or equal to 90",
		2561: "1 validation error detected: Value '2561' at 'rotationPeriodInDays' failed to satisfy constraint: Member must have value less than or equal to 2560",
	} {
		owner.refused(rotateEvery(key, days), fault.Validation, text)
	}
	for _, in := range []any{rotateEvery(key, 100), &kms.DisableKeyRotationInput{KeyID: str(key.KeyID)}, rotateNow(key),
		&kms.GetKeyRotationStatusInput{KeyID: str(key.KeyID)}, &kms.ListKeyRotationsInput{KeyID: str(key.KeyID)}} {
		ann.mayNot("rotate", in)
	}

	for range 2 {
		owner.done(&kms.DisableKeyRotationInput{KeyID: str(key.KeyID)})
		w.recorded(`{"keyId":"`+key.KeyID+`"}`, `{"keyId":"`+key.ARN+`"}`, `{}`, ofKey(key))
		owner.rotates(key, kms.GetKeyRotationStatusOutput{})
	}
	w.rows(key, map[string]int{"kms_key": 1, "kms_key_policy": 1, "kms_key_material": 1})
	owner.done(&kms.EnableKeyRotationInput{KeyID: str(key.KeyID)}) // the period before is forgotten
	owner.rotates(key, every(365, start.AddDate(0, 0, 375)))
}

// A policy can demand a period; one that is not given counts as well.
func TestRotationPeriodCondition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.root(home).createKey()
	quick := w.user(home, "quick", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["kms:EnableKeyRotation","kms:DisableKeyRotation"],"Resource":"*",
		"Condition":{"NumericLessThanEqualsIfExists":{"kms:RotationPeriodInDays":"180"}}}}`)
	for days, want := range map[int]bool{90: true, 180: true, 181: false, 0: false} {
		in := &kms.EnableKeyRotationInput{KeyID: str(key.KeyID), RotationPeriodInDays: optional.Of[int]{V: days, Set: days != 0}}
		if !want {
			quick.denied(in, "kms:EnableKeyRotation", key.ARN, noIdentity("kms:EnableKeyRotation"))
			continue
		}
		quick.may("enable", in)
		quick.may("disable", &kms.DisableKeyRotationInput{KeyID: str(key.KeyID)}) // where the condition key is absent
	}
}

// TestNotRotated: what can't be rotated is refused without a word why.
func TestNotRotated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	all := []any{
		rotateEvery(key, 100), &kms.DisableKeyRotationInput{KeyID: str(key.KeyID)}, rotateNow(key),
		&kms.GetKeyRotationStatusInput{KeyID: str(key.KeyID)}, &kms.ListKeyRotationsInput{KeyID: str(key.KeyID)},
	}
	w.kind(key.KeyID, "HMAC_256", "GENERATE_VERIFY_MAC")
	for _, in := range all {
		owner.refused(in, fault.UnsupportedOperation, "")
	}
	w.state(key.KeyID, "Disabled") // its kind comes first, but for RotateKeyOnDemand
	for _, in := range all {
		if _, now := in.(*kms.RotateKeyOnDemandInput); now {
			owner.refused(in, kms.Disabled, key.ARN+" is disabled.")
			continue
		}
		owner.refused(in, fault.UnsupportedOperation, "")
	}
	managed := owner.createKey()
	ok(t, kms.Become(t.Context(), w.store, region, managed.KeyID, "AWS", ""))
	replica := owner.createKey()
	ok(t, kms.Become(t.Context(), w.store, region, replica.KeyID, "CUSTOMER", "REPLICA"))
	for _, in := range []any{rotateEvery(managed, 100), &kms.DisableKeyRotationInput{KeyID: str(managed.KeyID)}, rotateNow(managed)} {
		owner.refused(in, fault.UnsupportedOperation, "")
	}
	for _, in := range []any{rotateEvery(replica, 100), &kms.DisableKeyRotationInput{KeyID: str(replica.KeyID)}, rotateNow(replica)} {
		owner.refused(in, fault.UnsupportedOperation, replica.ARN+" is not a multi-region primary key.")
	}
	owner.rotates(replica, kms.GetKeyRotationStatusOutput{})
}

// TestAutomaticRotation: on its date the key gets new material, and keeps the old.
func TestAutomaticRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key, other := owner.createKey(), owner.createKey()
	owner.done(rotateEvery(key, 90))
	owner.done(rotateEvery(other, 91))
	start := w.now.Truncate(time.Millisecond)
	due := start.AddDate(0, 0, 90)
	first := owner.current(key)
	old := owner.encrypt(key.KeyID, "old")

	if n := w.rotateDue(due.Add(-time.Millisecond)); n != 0 {
		t.Errorf("%d keys were rotated before their time", n)
	}
	w.now = due.Add(time.Hour) // the server was down
	if n, again := w.rotateDue(w.now), w.rotateDue(w.now); n != 1 || again != 0 {
		t.Errorf("%d keys were rotated, and then %d", n, again)
	}
	second := owner.current(key)
	if second == first || second == "" {
		t.Fatalf("the material is %s, and was %s", second, first)
	}
	for blob, want := range map[string][2]string{
		string(old):                             {"old", first},
		string(owner.encrypt(key.KeyID, "new")): {"new", second},
	} {
		got := must[kms.DecryptOutput](owner, &kms.DecryptInput{CiphertextBlob: []byte(blob)})
		if shown(got.Plaintext) != want[0] || got.KeyMaterialID.V != want[1] {
			t.Errorf("decrypted %q with %s, want %q with %s", shown(got.Plaintext), got.KeyMaterialID.V, want[0], want[1])
		}
		w.recorded(`{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","keyId":"`+key.ARN+`"}`, `null`, `{"keyMaterialId":"`+want[1]+`"}`, ofKey(key))
	}
	again := must[kms.ReEncryptOutput](owner, &kms.ReEncryptInput{CiphertextBlob: old, DestinationKeyID: str(key.KeyID)})
	if again.SourceKeyMaterialID.V != first || again.DestinationKeyMaterialID.V != second {
		t.Errorf("re-encrypted from %s to %s", again.SourceKeyMaterialID.V, again.DestinationKeyMaterialID.V)
	}
	if made := must[kms.GenerateDataKeyOutput](owner, &kms.GenerateDataKeyInput{KeyID: str(key.KeyID), KeySpec: str("AES_256")}); made.KeyMaterialID.V != second {
		t.Errorf("a data key under %s", made.KeyMaterialID.V)
	}
	owner.rotates(key, every(90, due.AddDate(0, 0, 90))) // its dates stay
	owner.rotates(other, every(91, start.AddDate(0, 0, 91)))
	w.rows(key, map[string]int{"kms_key": 1, "kms_key_policy": 1, "kms_key_material": 2, "kms_timer rotate": 1})
	want := []operation.Event{rotated(key, w.now, "AUTOMATIC", first, second)}
	if !reflect.DeepEqual(w.happened.events, want) {
		t.Errorf("events %+v", w.happened.events)
	}

	w.deleteDue(owner.schedule(key, 7).DeletionDate.V)
	w.rows(key, map[string]int{"kms_timer sweep": 1})
}

// TestMissedRotation: while a key can't be used it is not rotated, and once when
// it can again, whatever it missed.
func TestMissedRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	owner.done(rotateEvery(key, 90))
	start := w.now.Truncate(time.Millisecond)
	first := owner.current(key)

	owner.done(&kms.DisableKeyInput{KeyID: str(key.KeyID)})
	owner.rotates(key, every(90, start.AddDate(0, 0, 90)))
	w.rows(key, map[string]int{"kms_key": 1, "kms_key_policy": 1, "kms_key_material": 1})
	w.now = start.AddDate(0, 0, 300)
	if n := w.rotateDue(w.now); n != 0 {
		t.Errorf("%d disabled keys were rotated", n)
	}
	due := owner.schedule(key, 7)
	owner.rotates(key, kms.GetKeyRotationStatusOutput{})
	w.rows(key, map[string]int{"kms_key": 1, "kms_key_policy": 1, "kms_key_material": 1, "kms_timer delete": 1})
	w.now = due.DeletionDate.V.Add(-time.Second)
	must[kms.CancelKeyDeletionOutput](owner, &kms.CancelKeyDeletionInput{KeyID: str(key.KeyID)})
	owner.rotates(key, every(90, start.AddDate(0, 0, 90)))
	if n := w.rotateDue(w.now); n != 0 {
		t.Errorf("%d disabled keys were rotated", n)
	}
	owner.done(&kms.EnableKeyInput{KeyID: str(key.KeyID)})
	if n, again := w.rotateDue(w.now), w.rotateDue(w.now); n != 1 || again != 0 {
		t.Errorf("%d keys were rotated, and then %d", n, again)
	}
	if owner.current(key) == first {
		t.Error("the material is as before")
	}
	owner.rotates(key, every(90, start.AddDate(0, 0, 360)))

	// What was not missed stays as it was.
	owner.done(&kms.DisableKeyInput{KeyID: str(key.KeyID)})
	owner.done(&kms.EnableKeyInput{KeyID: str(key.KeyID)})
	if n := w.rotateDue(start.AddDate(0, 0, 360).Add(-time.Millisecond)); n != 0 {
		t.Errorf("%d keys were rotated before their time", n)
	}
}

// TestRotationOnDemand: 25 times, and each of the 26 materials decrypts.
func TestRotationOnDemand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	owner.done(rotateEvery(key, 90))
	due := w.now.Truncate(time.Millisecond).AddDate(0, 0, 90)
	blobs := [][]byte{owner.encrypt(key.KeyID, "0")}
	materials := []string{owner.current(key)}
	for i := range 25 {
		w.now = w.now.Add(time.Hour)
		if out := must[kms.RotateKeyOnDemandOutput](owner, rotateNow(key)); out.KeyID != key.ARN {
			t.Errorf("the answer names %s", out.KeyID)
		}
		w.recorded(`{"keyId":"`+key.KeyID+`"}`, `{"keyId":"`+key.ARN+`"}`, `{}`, ofKey(key))
		events := slices.Clone(w.last.Record.Events)
		materials = append(materials, owner.current(key))
		want := rotated(key, w.now, "ON_DEMAND", materials[i], materials[i+1])
		if !reflect.DeepEqual(events, []operation.Event{want}) {
			t.Errorf("events\n got %+v\nwant %+v", events, want)
		}
		blobs = append(blobs, owner.encrypt(key.KeyID, fmt.Sprint(i+1)))
	}
	owner.refused(rotateNow(key), fault.LimitExceeded,
		"The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: "+key.ARN)
	for i, blob := range blobs {
		got := must[kms.DecryptOutput](owner, &kms.DecryptInput{CiphertextBlob: blob})
		if shown(got.Plaintext) != fmt.Sprint(i) || got.KeyMaterialID.V != materials[i] {
			t.Errorf("%d: decrypted %q with %s, want %s", i, shown(got.Plaintext), got.KeyMaterialID.V, materials[i])
		}
	}
	owner.rotates(key, every(90, due))
	if n := w.rotateDue(due); n != 1 { // has no such limit
		t.Errorf("%d keys were rotated", n)
	}
}

// TestRotationsTooClose: shortly before an automatic rotation none can be asked for.
func TestRotationsTooClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	owner.done(rotateEvery(key, 90))
	due := w.now.Truncate(time.Millisecond).AddDate(0, 0, 90)
	for at, near := range map[time.Time]bool{
		due.Add(-20*time.Minute - time.Millisecond): false,
		due.Add(-20 * time.Minute):                  true,
		due:                                         true,
		due.Add(time.Hour):                          true, // it is late
	} {
		w.now = at
		if near {
			owner.refused(rotateNow(key), kms.Conflict, "An automatic rotation of the key is in progress or will begin within the next 20 minutes: "+key.ARN)
		} else {
			owner.may("rotate", rotateNow(key))
		}
	}
	owner.done(&kms.DisableKeyRotationInput{KeyID: str(key.KeyID)})
	owner.may("rotate", rotateNow(key))
}

// TestRotationsAreListed: the oldest first, in pages.
func TestRotationsAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key, other := owner.createKey(), owner.createKey()
	list := func(include string, limit int) (all []kms.RotationsListEntry, pages int) {
		in := &kms.ListKeyRotationsInput{KeyID: str(key.KeyID), Limit: optional.Some(limit)}
		if include != "" {
			in.IncludeKeyMaterial = str(include)
		}
		for more := true; more; pages++ {
			out := must[kms.ListKeyRotationsOutput](owner, in)
			if len(out.Rotations) > limit || out.Truncated != out.NextMarker.Set {
				t.Errorf("a page of %d, truncated %v, marker %v", len(out.Rotations), out.Truncated, out.NextMarker.Set)
			}
			all = append(all, out.Rotations...)
			more, in.Marker = out.Truncated, out.NextMarker
		}
		return all, pages
	}
	want := []kms.RotationsListEntry{{KeyID: key.ARN, KeyMaterialID: owner.current(key), KeyMaterialState: "CURRENT"}}
	if all, _ := list("ALL_KEY_MATERIAL", 10); !reflect.DeepEqual(all, want) {
		t.Errorf("before any rotation %+v", all)
	}
	if all, pages := list("", 10); len(all) != 0 || pages != 1 {
		t.Errorf("before any rotation %+v on %d pages", all, pages)
	}
	owner.done(rotateEvery(key, 90))
	for i := range 6 {
		kind := "ON_DEMAND"
		w.now = w.now.AddDate(0, 0, 46)
		if i%2 == 1 {
			kind = "AUTOMATIC"
			w.rotateDue(w.now)
		} else {
			owner.may("rotate", rotateNow(key))
		}
		want[i].KeyMaterialState = "NON_CURRENT"
		want = append(want, kms.RotationsListEntry{
			KeyID: key.ARN, KeyMaterialID: owner.current(key), KeyMaterialState: "CURRENT",
			RotationDate: optional.Some(w.now.Truncate(time.Millisecond)), RotationType: str(kind),
		})
	}
	for limit := 1; limit < 9; limit++ {
		if all, pages := list("ALL_KEY_MATERIAL", limit); !reflect.DeepEqual(all, want) || pages != (len(want)+limit-1)/limit {
			t.Errorf("by %d on %d pages\n got %+v\nwant %+v", limit, pages, all, want)
		}
		if all, pages := list("ROTATIONS_ONLY", limit); !reflect.DeepEqual(all, want[1:]) || pages != (len(want)-1+limit-1)/limit {
			t.Errorf("rotations by %d on %d pages\n got %+v\nwant %+v", limit, pages, all, want[1:])
		}
	}
	in := &kms.ListKeyRotationsInput{KeyID: str(key.KeyID), Limit: optional.Some(1)}
	marker := must[kms.ListKeyRotationsOutput](owner, in).NextMarker
	for _, in := range []*kms.ListKeyRotationsInput{
		{KeyID: str(key.KeyID), IncludeKeyMaterial: str("ALL_KEY_MATERIAL"), Marker: marker},
		{KeyID: str(other.KeyID), Marker: marker},
		{KeyID: str(key.KeyID), Marker: str(marker.V + "A")},
	} {
		owner.refused(in, kms.InvalidMarker, "Invalid marker")
	}
	must[kms.ListKeyRotationsOutput](owner, &kms.ListKeyRotationsInput{KeyID: str(key.KeyID), Limit: optional.Some(1000)})
	w.recorded(`{"keyId":"`+key.KeyID+`","limit":1000}`, `null`, `{}`, ofKey(key))
	for limit, text := range map[int]string{
		0:    "Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
		1001: "Value '1001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 1000",
	} {
		owner.refused(&kms.ListKeyRotationsInput{KeyID: str(key.KeyID), Limit: optional.Some(limit)}, fault.Validation, "1 validation error detected: "+text)
	}
	owner.refused(&kms.ListKeyRotationsInput{KeyID: str(key.KeyID), IncludeKeyMaterial: str("ALL")}, fault.Validation,
		"1 validation error detected: Value 'ALL' at 'includeKeyMaterial' failed to satisfy constraint: Member must satisfy enum value set: [ALL_KEY_MATERIAL, ROTATIONS_ONLY]")
}

// TestRotationsDueInOrder: what can't be rotated doesn't keep others from it,
// and what a timer says alone is not believed.
func TestRotationsDueInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	lying, healthy := owner.createKey(), owner.createKey()
	owner.done(rotateEvery(healthy, 90))
	due := w.now.AddDate(0, 0, 90)
	ok(t, kms.SetTimer(t.Context(), w.store, region, lying.KeyID, "rotate", due.Add(-time.Hour)))
	ok(t, kms.SetTimer(t.Context(), w.store, region, nowhere, "rotate", due.Add(-time.Hour)))
	before := owner.current(lying)
	n, err := w.service.RotateDue(t.Context(), due)
	if n != 1 || !errors.Is(err, errDamaged) {
		t.Errorf("%d keys were rotated: %v", n, err)
	}
	if owner.current(lying) != before {
		t.Error("a key without a schedule was rotated")
	}
}

// TestRotationsAtOnce: however many rotate a key when its time has come, it is
// rotated once; and whoever asks for more gets more.
func TestRotationsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key, asked := owner.createKey(), owner.createKey()
	owner.done(rotateEvery(key, 90))
	due := w.now.AddDate(0, 0, 90)
	var group sync.WaitGroup
	for range 4 {
		a := owner.aside()
		group.Go(func() {
			if _, err := w.service.RotateDue(t.Context(), due); err != nil {
				t.Error(err)
			}
		})
		group.Go(func() {
			if _, err := a.do(rotateNow(asked)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, k := range []struct {
		key  kms.KeyMetadata
		want int
	}{{key, 1}, {asked, 4}} {
		out := must[kms.ListKeyRotationsOutput](owner, &kms.ListKeyRotationsInput{KeyID: str(k.key.KeyID)})
		if len(out.Rotations) != k.want {
			t.Errorf("%d rotations, want %d", len(out.Rotations), k.want)
		}
	}
}

// TestOldCiphertexts: a rotated key decrypts what was encrypted with each of its
// materials: in the long run 10,000 ciphertexts of each of 26.
func TestOldCiphertexts(t *testing.T) {
	t.Parallel()
	each := 20
	if os.Getenv("CLAVIGER_LONG") != "" {
		each = 10_000
	}
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	type old struct {
		blob []byte
		text string
	}
	var all []old
	for material := range 26 {
		if material > 0 {
			owner.may("rotate", rotateNow(key))
		}
		for i := range each {
			text := fmt.Sprint(material, "/", i)
			all = append(all, old{owner.encrypt(key.KeyID, text), text})
		}
	}
	for _, o := range all {
		if got := owner.decrypt(o.blob); got != o.text {
			t.Fatalf("decrypted %q, want %q", got, o.text)
		}
	}
}
