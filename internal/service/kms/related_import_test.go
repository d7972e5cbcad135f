package kms_test

import (
	"strings"
	"testing"
	"time"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// importingIn makes the input that imports material for good into the key of a Region.
func (w *world) importingIn(at string, key kms.KeyMetadata, material []byte) *kms.ImportKeyMaterialInput {
	w.t.Helper()
	token, public, err := w.service.ImportToken(w.t.Context(), at, key.KeyID, "RSAES_OAEP_SHA_256", w.now.Add(24*time.Hour))
	ok(w.t, err)
	return &kms.ImportKeyMaterialInput{
		KeyID: str(key.KeyID), ImportToken: token, EncryptedKeyMaterial: wrap(w.t, public, false, material),
		ExpirationModel: str("KEY_MATERIAL_DOES_NOT_EXPIRE"),
	}
}

// importingInUntil is importingIn for material that expires.
func (w *world) importingInUntil(at string, key kms.KeyMetadata, material []byte, end time.Time) *kms.ImportKeyMaterialInput {
	w.t.Helper()
	in := w.importingIn(at, key, material)
	in.ExpirationModel, in.ValidTo = optional.Of[string]{}, optional.Some(end)
	return in
}

// bringTo imports material into the related key in a Region.
func (a *actor) bringTo(at string, key kms.KeyMetadata, material []byte) string {
	a.w.t.Helper()
	return must[kms.ImportKeyMaterialOutput](a.in(at), a.w.importingIn(at, key, material)).KeyMaterialID.V
}

// materialsIn tells of the materials of the key in a Region what is not the same everywhere.
func (a *actor) materialsIn(at, id string) string {
	a.w.t.Helper()
	out := must[kms.ListKeyRotationsOutput](a.in(at), &kms.ListKeyRotationsInput{KeyID: str(id), IncludeKeyMaterial: str("ALL_KEY_MATERIAL")})
	var list []string
	for _, r := range out.Rotations {
		list = append(list, r.KeyMaterialState+"/"+r.ImportState.V)
	}
	return strings.Join(list, " ")
}

// awaits demands what all related keys say of their materials, and their states.
func (a *actor) awaits(id string, want map[string]string) {
	a.w.t.Helper()
	for at, w := range want {
		if got := a.in(at).described(id).KeyState + " " + a.materialsIn(at, id); got != w {
			a.w.t.Errorf("in %s\n got %s\nwant %s", at, got, w)
		}
	}
}

// imported makes a multi-Region key with imported material and a replica without.
func imported(w *world) (owner *actor, primary kms.KeyMetadata) {
	w.t.Helper()
	owner = w.root(home)
	primary = must[kms.CreateKeyOutput](owner, &kms.CreateKeyInput{Origin: str("EXTERNAL"), MultiRegion: optional.Some(true)}).KeyMetadata
	owner.bring(primary, material(1))
	must[kms.ReplicateKeyOutput](owner, &kms.ReplicateKeyInput{KeyID: str(primary.KeyID), ReplicaRegion: str(otherRegion)})
	return owner, owner.described(primary.KeyID)
}

const (
	current  = "CURRENT/IMPORTED"
	missing  = "CURRENT/PENDING_IMPORT"
	earlier  = "NON_CURRENT/IMPORTED"
	pending  = "PENDING_ROTATION/IMPORTED"
	expected = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION/"
)

// TestReplicaAwaitsImport: a replica begins without imported material, and takes
// no other than its primary key has.
func TestReplicaAwaitsImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	bare := must[kms.CreateKeyOutput](owner, &kms.CreateKeyInput{Origin: str("EXTERNAL"), MultiRegion: optional.Some(true)}).KeyMetadata
	if _, err := owner.do(&kms.ReplicateKeyInput{KeyID: str(bare.KeyID), ReplicaRegion: str(otherRegion)}); !fault.Is(err, kms.InvalidState) {
		t.Errorf("a key without material: %v", err)
	}
	owner, primary := imported(w)
	there := owner.in(otherRegion)
	replica := there.described(primary.KeyID)
	if replica.KeyState != "PendingImport" || replica.Enabled || replica.ExpirationModel.Set || replica.CurrentKeyMaterialID != primary.CurrentKeyMaterialID {
		t.Errorf("the replica is %+v", replica)
	}
	owner.awaits(primary.KeyID, map[string]string{region: "Enabled " + current, otherRegion: "PendingImport " + missing})
	blob := owner.encrypt(primary.KeyID, "x")
	if _, err := there.do(&kms.DecryptInput{CiphertextBlob: blob}); !fault.Is(err, kms.InvalidState) {
		t.Errorf("decrypted without material: %v", err)
	}
	for name, test := range map[string]struct {
		material byte
		change   func(*kms.ImportKeyMaterialInput)
		code     fault.Code
	}{
		"another material":     {2, func(*kms.ImportKeyMaterialInput) {}, kms.IncorrectKeyMaterial},
		"new material":         {2, func(in *kms.ImportKeyMaterialInput) { in.ImportType = str("NEW_KEY_MATERIAL") }, fault.UnsupportedOperation},
		"the material, as new": {1, func(in *kms.ImportKeyMaterialInput) { in.ImportType = str("NEW_KEY_MATERIAL") }, kms.IncorrectKeyMaterial},
		"with a description":   {1, func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialDescription = str("mine") }, fault.UnsupportedOperation},
	} {
		in := w.importingIn(otherRegion, primary, material(test.material))
		test.change(in)
		if _, err := there.do(in); !fault.Is(err, test.code) {
			t.Errorf("%s: %v, want %s", name, err, test.code)
		}
	}
	// What is for one key is not for its relatives.
	if _, err := there.do(w.importing(primary, material(1))); !fault.Is(err, kms.InvalidImportToken) {
		t.Errorf("with the token of another Region: %v", err)
	}
	if id := owner.bringTo(otherRegion, primary, material(1)); id != primary.CurrentKeyMaterialID.V {
		t.Errorf("imported as %s", id)
	}
	if got := there.decrypt(blob); got != "x" {
		t.Errorf("decrypted %q", got)
	}
	owner.awaits(primary.KeyID, map[string]string{region: "Enabled " + current, otherRegion: "Enabled " + current})
}

// TestRelatedImportedKeysRotate: new material becomes current when every related key has it.
func TestRelatedImportedKeysRotate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, primary := imported(w)
	owner.bringTo(otherRegion, primary, material(1))
	none := "No available key material pending rotation for the key: " + primary.ARN + "."
	blobs := []string{string(owner.encrypt(primary.KeyID, "first"))}

	in := w.importingNew(primary, material(2))
	in.KeyMaterialDescription = str("second")
	second := must[kms.ImportKeyMaterialOutput](owner, in).KeyMaterialID.V
	owner.awaits(primary.KeyID, map[string]string{
		region:      "Enabled " + current + " " + expected + "IMPORTED",
		otherRegion: "Enabled " + current + " " + expected + "PENDING_IMPORT",
	})
	owner.refused(rotateNow(primary), kms.InvalidState, none)
	must[kms.ReplicateKeyOutput](owner, &kms.ReplicateKeyInput{KeyID: str(primary.KeyID), ReplicaRegion: str(thirdRegion)})
	if id := owner.bringTo(otherRegion, primary, material(2)); id != second {
		t.Errorf("imported as %s, want %s", id, second)
	}
	owner.refused(rotateNow(primary), kms.InvalidState, none)
	owner.bringTo(thirdRegion, primary, material(1))
	owner.awaits(primary.KeyID, map[string]string{
		region:      "Enabled " + current + " " + expected + "IMPORTED",
		otherRegion: "Enabled " + current + " " + expected + "IMPORTED",
		thirdRegion: "Enabled " + current + " " + expected + "PENDING_IMPORT",
	})
	owner.bringTo(thirdRegion, primary, material(2))
	// One that loses it again has to get it again.
	must[kms.DeleteImportedKeyMaterialOutput](owner.in(thirdRegion), deleting(primary, second))
	owner.refused(rotateNow(primary), kms.InvalidState, none)
	owner.bringTo(thirdRegion, primary, material(2))
	all := "Enabled " + current + " " + pending
	owner.awaits(primary.KeyID, map[string]string{region: all, otherRegion: all, thirdRegion: all})

	must[kms.RotateKeyOnDemandOutput](owner, rotateNow(primary))
	all = "Enabled " + earlier + " " + current
	owner.awaits(primary.KeyID, map[string]string{region: all, otherRegion: all, thirdRegion: all})
	blobs = append(blobs, string(owner.in(thirdRegion).encrypt(primary.KeyID, "second")))
	for _, at := range []string{region, otherRegion, thirdRegion} {
		if got := owner.in(at).decrypt([]byte(blobs[0])) + " " + owner.in(at).decrypt([]byte(blobs[1])); got != "first second" {
			t.Errorf("decrypted %q in %s", got, at)
		}
		out := must[kms.ListKeyRotationsOutput](owner.in(at), &kms.ListKeyRotationsInput{KeyID: str(primary.KeyID)})
		if len(out.Rotations) != 1 || out.Rotations[0].KeyMaterialDescription != str("second") || owner.in(at).current(primary) != second {
			t.Errorf("in %s the rotations are %+v", at, out.Rotations)
		}
	}
}

// TestRelatedImportedMaterialGoes: what is deleted or expires goes in one Region,
// but for pending material of the primary key, which goes in all.
func TestRelatedImportedMaterialGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, primary := imported(w)
	there := owner.in(otherRegion)
	must[kms.ImportKeyMaterialOutput](there, w.importingInUntil(otherRegion, primary, material(1), w.now.Add(time.Hour)))
	second := must[kms.ImportKeyMaterialOutput](owner, w.importingNew(primary, material(2))).KeyMaterialID.V
	owner.bringTo(otherRegion, primary, material(2))

	must[kms.DeleteImportedKeyMaterialOutput](owner, deleting(primary, ""))
	owner.awaits(primary.KeyID, map[string]string{
		region:      "PendingImport " + missing + " " + pending,
		otherRegion: "Enabled " + current + " " + pending,
	})
	owner.bring(primary, material(1))
	w.now = w.now.Add(time.Hour)
	if n, err := w.service.ExpireDue(t.Context(), w.now); n != 1 || err != nil {
		t.Errorf("material of %d keys expired: %v", n, err)
	}
	owner.awaits(primary.KeyID, map[string]string{
		region:      "Enabled " + current + " " + pending,
		otherRegion: "PendingImport " + missing + " " + pending,
	})
	owner.bringTo(otherRegion, primary, material(1))

	must[kms.DeleteImportedKeyMaterialOutput](owner, deleting(primary, second))
	owner.awaits(primary.KeyID, map[string]string{region: "Enabled " + current, otherRegion: "Enabled " + current})
	for _, at := range []string{region, otherRegion} {
		rows, err := kms.KeyRows(t.Context(), w.store, at, primary.KeyID)
		if rows["kms_key_material"] != 1 || err != nil {
			t.Errorf("in %s are stored %v, %v", at, rows, err)
		}
	}

	// Who is gone is not waited for.
	must[kms.ImportKeyMaterialOutput](owner, w.importingNew(primary, material(3)))
	owner.refused(rotateNow(primary), kms.InvalidState, "No available key material pending rotation for the key: "+primary.ARN+".")
	w.deleteDue(w.due(there, primary.KeyID, 7))
	owner.awaits(primary.KeyID, map[string]string{region: "Enabled " + current + " " + pending})
	must[kms.RotateKeyOnDemandOutput](owner, rotateNow(primary))
}

// TestPromotedKeyGivesUpPendingMaterial: a key that became the primary key without
// the pending material can drop it, for all related keys, and get another.
func TestPromotedKeyGivesUpPendingMaterial(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, primary := imported(w)
	there := owner.in(otherRegion)
	owner.bringTo(otherRegion, primary, material(1))
	must[kms.ReplicateKeyOutput](owner, &kms.ReplicateKeyInput{KeyID: str(primary.KeyID), ReplicaRegion: str(thirdRegion)})
	owner.bringTo(thirdRegion, primary, material(1))
	second := must[kms.ImportKeyMaterialOutput](owner, w.importingNew(primary, material(2))).KeyMaterialID.V
	must[kms.ImportKeyMaterialOutput](owner.in(thirdRegion), w.importingInUntil(thirdRegion, primary, material(2), w.now.Add(time.Hour)))
	// A replica that never had it has nothing to give up.
	must[kms.DeleteImportedKeyMaterialOutput](there, deleting(primary, second))
	owner.done(&kms.UpdatePrimaryRegionInput{KeyID: str(primary.KeyID), PrimaryRegion: str(otherRegion)})
	owner.awaits(primary.KeyID, map[string]string{
		region:      "Enabled " + current + " " + expected + "IMPORTED",
		otherRegion: "Enabled " + current + " " + expected + "PENDING_IMPORT",
		thirdRegion: "Enabled " + current + " " + expected + "IMPORTED",
	})
	third := w.importingIn(otherRegion, primary, material(3))
	third.ImportType = str("NEW_KEY_MATERIAL")
	if _, err := there.do(third); !fault.Is(err, kms.InvalidState) {
		t.Errorf("a third material beside the pending one: %v", err)
	}

	out := must[kms.DeleteImportedKeyMaterialOutput](there, deleting(primary, second))
	if out.KeyMaterialID != str(second) {
		t.Errorf("deleted %+v", out)
	}
	all := "Enabled " + current
	owner.awaits(primary.KeyID, map[string]string{region: all, otherRegion: all, thirdRegion: all})
	for _, at := range []string{region, otherRegion, thirdRegion} {
		rows, err := kms.KeyRows(t.Context(), w.store, at, primary.KeyID)
		if rows["kms_key_material"] != 1 || rows["kms_timer expire"] != 0 || err != nil {
			t.Errorf("in %s are stored %v, %v", at, rows, err)
		}
	}
	if _, err := there.do(deleting(primary, second)); !fault.Is(err, kms.NotFound) {
		t.Errorf("deleted once more: %v", err)
	}
	must[kms.ImportKeyMaterialOutput](there, third)
	owner.bring(primary, material(3))
	owner.bringTo(thirdRegion, primary, material(3))
	must[kms.RotateKeyOnDemandOutput](there, rotateNow(primary))
	all = "Enabled " + earlier + " " + current
	owner.awaits(primary.KeyID, map[string]string{region: all, otherRegion: all, thirdRegion: all})
}

// TestPendingMaterialOfAReplicaExpires: a replica that loses pending material has to
// get it again before it becomes current, from the moment on when it expires.
func TestPendingMaterialOfAReplicaExpires(t *testing.T) {
	t.Parallel()
	none := func(key kms.KeyMetadata) string {
		return "No available key material pending rotation for the key: " + key.ARN + "."
	}
	for name, before := range map[string]func(w *world, there *actor, key kms.KeyMetadata, second string){
		"before the timer was seen to": func(*world, *actor, kms.KeyMetadata, string) {},
		"after the timer was seen to": func(w *world, _ *actor, _ kms.KeyMetadata, _ string) {
			if n := w.expireDue(w.now); n != 1 {
				w.t.Errorf("material of %d keys expired", n)
			}
		},
		"when the replica was written meanwhile": func(_ *world, there *actor, key kms.KeyMetadata, _ string) {
			there.done(&kms.UpdateKeyDescriptionInput{KeyID: str(key.KeyID), Description: str("mine")})
		},
		"when it was written, and the timer seen to": func(w *world, there *actor, key kms.KeyMetadata, _ string) {
			there.done(&kms.UpdateKeyDescriptionInput{KeyID: str(key.KeyID), Description: str("mine")})
			w.expireDue(w.now)
		},
		"when it was deleted as well": func(_ *world, there *actor, key kms.KeyMetadata, second string) {
			must[kms.DeleteImportedKeyMaterialOutput](there, deleting(key, second))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			owner, primary := imported(w)
			there := owner.in(otherRegion)
			owner.bringTo(otherRegion, primary, material(1))
			second := must[kms.ImportKeyMaterialOutput](owner, w.importingNew(primary, material(2))).KeyMaterialID.V
			end := w.now.Truncate(time.Millisecond).Add(time.Hour)
			must[kms.ImportKeyMaterialOutput](there, w.importingInUntil(otherRegion, primary, material(2), end))
			w.now = end.Add(-time.Millisecond)
			all := "Enabled " + current + " " + pending
			owner.awaits(primary.KeyID, map[string]string{region: all, otherRegion: all})

			w.now = end
			before(w, there, primary, second)
			owner.awaits(primary.KeyID, map[string]string{otherRegion: "Enabled " + current + " " + expected + "PENDING_IMPORT"})
			owner.refused(rotateNow(primary), kms.InvalidState, none(primary))
			if id := must[kms.ImportKeyMaterialOutput](there, w.importingInUntil(otherRegion, primary, material(2), end.Add(time.Hour))).KeyMaterialID.V; id != second {
				t.Errorf("imported as %s, want %s", id, second)
			}
			if n := w.expireDue(w.now); n != 0 {
				t.Errorf("material of %d keys expired again", n)
			}
			owner.awaits(primary.KeyID, map[string]string{region: all, otherRegion: all})
			rows, err := kms.KeyRows(t.Context(), w.store, otherRegion, primary.KeyID)
			if rows["kms_key_material"] != 2 || rows["kms_timer expire"] != 1 || err != nil {
				t.Errorf("of the replica are stored %v, %v", rows, err)
			}
			must[kms.RotateKeyOnDemandOutput](owner, rotateNow(primary))
			all = "Enabled " + earlier + " " + current
			owner.awaits(primary.KeyID, map[string]string{region: all, otherRegion: all})
		})
	}
}

// TestPendingMaterialOfAFormerPrimaryExpires: what has expired with the primary key
// is awaited by the replica that it becomes, as long as the new one has it.
func TestPendingMaterialOfAFormerPrimaryExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, primary := imported(w)
	there := owner.in(otherRegion)
	owner.bringTo(otherRegion, primary, material(1))
	in := w.importingInUntil(region, primary, material(2), w.now.Add(time.Hour))
	in.ImportType = str("NEW_KEY_MATERIAL")
	must[kms.ImportKeyMaterialOutput](owner, in)
	owner.bringTo(otherRegion, primary, material(2))
	w.now = w.now.Add(time.Hour)
	owner.done(&kms.UpdatePrimaryRegionInput{KeyID: str(primary.KeyID), PrimaryRegion: str(otherRegion)})
	for range 2 { // before and after the timer
		owner.awaits(primary.KeyID, map[string]string{region: "Enabled " + current + " " + expected + "PENDING_IMPORT"})
		if _, err := there.do(rotateNow(primary)); !fault.Is(err, kms.InvalidState) {
			t.Errorf("rotated: %v", err)
		}
		w.expireDue(w.now)
	}
	owner.bring(primary, material(2))
	must[kms.RotateKeyOnDemandOutput](there, rotateNow(primary))
	all := "Enabled " + earlier + " " + current
	owner.awaits(primary.KeyID, map[string]string{region: all, otherRegion: all})
}

// TestRelatedImportedPairs: a private key is imported into each related key as well.
func TestRelatedImportedPairs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := must[kms.CreateKeyOutput](owner, &kms.CreateKeyInput{
		Origin: str("EXTERNAL"), KeySpec: str("HMAC_256"), KeyUsage: str("GENERATE_VERIFY_MAC"), MultiRegion: optional.Some(true),
	}).KeyMetadata
	must[kms.ImportKeyMaterialOutput](owner, w.importing(key, material(1)))
	must[kms.ReplicateKeyOutput](owner, &kms.ReplicateKeyInput{KeyID: str(key.KeyID), ReplicaRegion: str(otherRegion)})
	there := owner.in(otherRegion)
	if m := there.described(key.KeyID); m.KeyState != "PendingImport" {
		t.Errorf("the replica is %s", m.KeyState)
	}
	if _, err := there.do(w.importingIn(otherRegion, key, material(2))); !fault.Is(err, kms.IncorrectKeyMaterial) {
		t.Errorf("another material: %v", err)
	}
	must[kms.ImportKeyMaterialOutput](there, w.importingIn(otherRegion, key, material(1)))
	made := must[kms.GenerateMacOutput](there, &kms.GenerateMacInput{KeyID: str(key.KeyID), Message: secret("x"), MacAlgorithm: str("HMAC_SHA_256")})
	must[kms.VerifyMacOutput](owner, &kms.VerifyMacInput{KeyID: str(key.KeyID), Message: secret("x"), MacAlgorithm: str("HMAC_SHA_256"), Mac: made.Mac})
}
