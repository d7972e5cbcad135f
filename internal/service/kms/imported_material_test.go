package kms_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"reflect"
	"testing"
	"time"

	"claviger/internal/ground/sealed/kwp"
	"claviger/internal/ground/store/sqlite"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/kms"
	"claviger/internal/words/optional"
)

// createExternal makes a key that awaits material.
func (a *actor) createExternal(spec, usage string, policies ...string) kms.KeyMetadata {
	a.w.t.Helper()
	in := &kms.CreateKeyInput{KeySpec: str(spec), KeyUsage: str(usage), Origin: str("EXTERNAL")}
	if len(policies) > 0 {
		in.Policy = str(policies[0])
	}
	return must[kms.CreateKeyOutput](a, in).KeyMetadata
}

func (a *actor) external() kms.KeyMetadata {
	a.w.t.Helper()
	return a.createExternal("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
}

// material is key material of which the tests know 255.
func material(n byte) []byte { return bytes.Repeat([]byte{n}, 32) }

// wrapped wraps material for a key with RSAES_OAEP_SHA_256.
func (w *world) wrapped(key kms.KeyMetadata, material []byte) (token, wrapped []byte) {
	w.t.Helper()
	return w.wrappedWith(key, "RSAES_OAEP_SHA_256", material)
}

func (w *world) wrappedWith(key kms.KeyMetadata, algorithm string, material []byte) (token, wrapped []byte) {
	w.t.Helper()
	token, public, err := w.service.ImportToken(w.t.Context(), region, key.KeyID, algorithm, w.now.Add(24*time.Hour))
	ok(w.t, err)
	return token, wrap(w.t, public, algorithm == "RSA_AES_KEY_WRAP_SHA_256", material)
}

// wrap does what a client does with the public key of GetParametersForImport.
func wrap(t testing.TB, public []byte, twice bool, material []byte) []byte {
	t.Helper()
	parsed, err := x509.ParsePKIXPublicKey(public)
	ok(t, err)
	inner := material
	if twice {
		inner = make([]byte, 32)
		_, _ = rand.Read(inner)
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, parsed.(*rsa.PublicKey), inner, nil)
	ok(t, err)
	if twice {
		second, err := kwp.Wrap(inner, material)
		ok(t, err)
		wrapped = append(wrapped, second...)
	}
	return wrapped
}

// importing makes the input that imports material for good.
func (w *world) importing(key kms.KeyMetadata, material []byte) *kms.ImportKeyMaterialInput {
	w.t.Helper()
	token, wrapped := w.wrapped(key, material)
	return &kms.ImportKeyMaterialInput{
		KeyID: str(key.KeyID), ImportToken: token, EncryptedKeyMaterial: wrapped, ExpirationModel: str("KEY_MATERIAL_DOES_NOT_EXPIRE"),
	}
}

// importingUntil makes the input that imports material that expires.
func (w *world) importingUntil(key kms.KeyMetadata, material []byte, end time.Time) *kms.ImportKeyMaterialInput {
	w.t.Helper()
	in := w.importing(key, material)
	in.ExpirationModel, in.ValidTo = optional.Of[string]{}, optional.Some(end)
	return in
}

// importingNew makes the input that imports one more material.
func (w *world) importingNew(key kms.KeyMetadata, material []byte) *kms.ImportKeyMaterialInput {
	w.t.Helper()
	in := w.importing(key, material)
	in.ImportType = str("NEW_KEY_MATERIAL")
	return in
}

// bring imports material for good, and returns its id.
func (a *actor) bring(key kms.KeyMetadata, material []byte) string {
	a.w.t.Helper()
	return must[kms.ImportKeyMaterialOutput](a, a.w.importing(key, material)).KeyMaterialID.V
}

// rotateTo gives a key one more material, and returns its id.
func (a *actor) rotateTo(key kms.KeyMetadata, material []byte) string {
	a.w.t.Helper()
	id := must[kms.ImportKeyMaterialOutput](a, a.w.importingNew(key, material)).KeyMaterialID.V
	a.may("rotate", rotateNow(key))
	return id
}

// materials lists all that is known of a key's materials.
func (a *actor) materials(key kms.KeyMetadata) []kms.RotationsListEntry {
	a.w.t.Helper()
	return must[kms.ListKeyRotationsOutput](a, &kms.ListKeyRotationsInput{KeyID: str(key.KeyID), IncludeKeyMaterial: str("ALL_KEY_MATERIAL")}).Rotations
}

func pendingImport(key kms.KeyMetadata) string { return key.ARN + " is pending import." }

func (w *world) expireDue(now time.Time) int {
	w.t.Helper()
	n, err := w.service.ExpireDue(w.t.Context(), now)
	ok(w.t, err)
	return n
}

// TestExpiry: material that has expired decrypts nothing, whether or not a timer
// has been seen to.
func TestExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.external()
	end := w.now.Add(time.Hour)
	id := must[kms.ImportKeyMaterialOutput](owner, w.importingUntil(key, material(1), end)).KeyMaterialID.V
	if m := owner.described(key.KeyID); m.KeyState != "Enabled" || m.ExpirationModel != str("KEY_MATERIAL_EXPIRES") || m.ValidTo != optional.Some(end) {
		t.Errorf("described as %+v", m)
	}
	blob := owner.encrypt(key.KeyID, "x")
	w.rows(key, map[string]int{"kms_key": 1, "kms_key_policy": 1, "kms_key_material": 1, "kms_timer expire": 1})

	w.now = end.Add(-time.Millisecond)
	if n := w.expireDue(w.now); n != 0 || owner.decrypt(blob) != "x" {
		t.Errorf("of %d keys material has expired before its time", n)
	}
	for range 2 { // before and after the timer, the key being in memory
		w.now = end
		for _, in := range []any{
			&kms.DecryptInput{CiphertextBlob: blob}, &kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x")},
			&kms.EnableKeyInput{KeyID: str(key.KeyID)}, &kms.DisableKeyInput{KeyID: str(key.KeyID)}, rotateNow(key),
			grantOf(key, home, nil, "Encrypt"),
		} {
			owner.refused(in, kms.InvalidState, pendingImport(key))
		}
		if m := owner.described(key.KeyID); m.KeyState != "PendingImport" || m.Enabled || m.ExpirationModel.Set || m.ValidTo.Set || m.CurrentKeyMaterialID.V != id {
			t.Errorf("described as %+v", m)
		}
		want := []kms.RotationsListEntry{{KeyID: key.ARN, KeyMaterialID: id, KeyMaterialState: "CURRENT", ImportState: str("PENDING_IMPORT")}}
		if got := owner.materials(key); len(w.happened.events) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("materials %+v", got)
		}
		w.expireDue(w.now)
	}
	w.rows(key, map[string]int{"kms_key": 1, "kms_key_policy": 1})
	want := []operation.Event{{
		Name: "DeleteExpiredKeyMaterial", Time: end, Region: region, Account: home,
		Resources: []operation.Resource{{Type: "AWS::KMS::Key", ARN: key.ARN, Account: home}},
		Details:   []operation.Member{{Name: "keyId", Value: key.KeyID}, {Name: "keyMaterialId", Value: id}},
	}}
	if !reflect.DeepEqual(w.happened.events, want) {
		t.Errorf("events %+v", w.happened.events)
	}

	if again := owner.bring(key, material(1)); again != id {
		t.Errorf("the same material is %s, and was %s", again, id)
	}
	if got := owner.decrypt(blob); got != "x" {
		t.Errorf("decrypted %q", got)
	}
	if m := owner.described(key.KeyID); m.ExpirationModel != str("KEY_MATERIAL_DOES_NOT_EXPIRE") {
		t.Errorf("described as %+v", m)
	}
}

// TestExpiryIsWritten: what changes a key whose material has expired leaves it so,
// and the timer still finds what it has to do; unless the material is brought anew.
func TestExpiryIsWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	lapsed, renewed := owner.external(), owner.external()
	end := w.now.Add(time.Hour)
	owner.may("import", w.importingUntil(lapsed, material(1), end))
	owner.may("import", w.importingUntil(renewed, material(1), end))
	w.now = end.Add(time.Minute)
	owner.done(&kms.UpdateKeyDescriptionInput{KeyID: str(lapsed.KeyID), Description: str("x")})
	owner.may("import", w.importingUntil(renewed, material(1), end.Add(time.Hour)))
	owner.encrypt(renewed.KeyID, "x")
	if n := w.expireDue(w.now); n != 1 {
		t.Errorf("of %d keys material has expired", n)
	}
	w.rows(lapsed, map[string]int{"kms_key": 1, "kms_key_policy": 1})
	w.rows(renewed, map[string]int{"kms_key": 1, "kms_key_policy": 1, "kms_key_material": 1, "kms_timer expire": 1})
	if m := owner.described(lapsed.KeyID); m.KeyState != "PendingImport" || m.Description != "x" {
		t.Errorf("described as %+v", m)
	}
}

// TestManyExpire: of several materials each expires in its time, those of one
// time together, and the key has the date of the first.
func TestManyExpire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.external()
	end := w.now.Truncate(time.Millisecond).Add(time.Hour)
	owner.may("import", w.importingUntil(key, material(1), end.Add(time.Hour)))
	for n := byte(2); n < 6; n++ { // the third for good, the fifth before it is ever used
		in := w.importingNew(key, material(n))
		if n != 3 {
			in.ExpirationModel, in.ValidTo = str("KEY_MATERIAL_EXPIRES"), optional.Some(end)
		}
		owner.may("import", in)
		if n < 5 {
			owner.may("rotate", rotateNow(key))
		}
	}
	if m := owner.described(key.KeyID); m.ValidTo != optional.Some(end) {
		t.Errorf("described as %+v", m)
	}
	w.now = end
	if list := owner.materials(key); len(list) != 4 {
		t.Errorf("%d materials are listed", len(list))
	}
	if n := w.expireDue(end); n != 1 || len(w.happened.events) != 3 {
		t.Errorf("of %d keys material has expired, with %d events", n, len(w.happened.events))
	}
	w.rows(key, map[string]int{"kms_key": 1, "kms_key_policy": 1, "kms_key_material": 2, "kms_timer expire": 1})
	states := ""
	for _, e := range owner.materials(key) {
		states += e.KeyMaterialState + " " + e.ImportState.V + ", "
	}
	if want := "NON_CURRENT IMPORTED, NON_CURRENT PENDING_IMPORT, NON_CURRENT IMPORTED, CURRENT PENDING_IMPORT, "; states != want {
		t.Errorf("materials\n got %s\nwant %s", states, want)
	}
	w.now = end.Add(time.Hour)
	if n := w.expireDue(w.now); n != 1 {
		t.Errorf("of %d keys material has expired", n)
	}
	for n, state := range []string{"PendingImport", "PendingImport", "Enabled"} {
		owner.bring(key, material([]byte{1, 2, 4}[n]))
		if m := owner.described(key.KeyID); m.KeyState != state {
			t.Errorf("after %d materials are back, the key is %s", n+1, m.KeyState)
		}
	}
}

// TestForgottenMaterialComesAgain: material that expired while it waited for a
// rotation can be new once more, before and after its timer was seen to.
func TestForgottenMaterialComesAgain(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		w := newWorld(t)
		owner := w.root(home)
		key := owner.external()
		owner.bring(key, material(1))
		in := w.importingNew(key, material(2))
		end := w.now.Add(time.Hour)
		in.ExpirationModel, in.ValidTo = str("KEY_MATERIAL_EXPIRES"), optional.Some(end)
		owner.may("import", in)
		w.now = end
		if !late {
			w.expireDue(end)
		}
		owner.refused(rotateNow(key), kms.InvalidState, "No available key material pending rotation for the key: "+key.ARN+".")
		owner.refused(w.importing(key, material(2)), kms.IncorrectKeyMaterial, "The key material is not one that was imported into the key before.")
		id := owner.rotateTo(key, material(2))
		w.expireDue(end.Add(time.Hour))
		if m := owner.described(key.KeyID); m.KeyState != "Enabled" || m.CurrentKeyMaterialID.V != id {
			t.Errorf("late %v: described as %+v", late, m)
		}
		owner.encrypt(key.KeyID, "x")
	}
}

// TestExpiryOfPendingKeys: material expires also while its key awaits deletion,
// and is missing when that is cancelled.
func TestExpiryOfPendingKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	for _, seen := range []bool{true, false} {
		key := owner.external()
		owner.may("import", w.importingUntil(key, material(1), w.now.Add(time.Hour)))
		owner.schedule(key, 7)
		w.now = w.now.Add(time.Hour)
		if seen {
			w.expireDue(w.now)
			w.rows(key, map[string]int{"kms_key": 1, "kms_key_policy": 1, "kms_timer delete": 1})
		}
		if m := owner.described(key.KeyID); m.KeyState != "PendingDeletion" {
			t.Errorf("the key is %s", m.KeyState)
		}
		must[kms.CancelKeyDeletionOutput](owner, &kms.CancelKeyDeletionInput{KeyID: str(key.KeyID)})
		if m := owner.described(key.KeyID); m.KeyState != "PendingImport" {
			t.Errorf("the key is %s", m.KeyState)
		}
	}
}

// TestRemovedMaterialLeavesTheFiles: deleted and expired material is in none of
// the store's files, also if the server died right after the deletion.
func TestRemovedMaterialLeavesTheFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := sqlite.Open(t.Context(), dir)
	ok(t, err)
	w := newWorldOn(t, d)
	owner := w.root(home)
	var keys []kms.KeyMetadata
	var traces [][][]byte
	end := w.now.Add(time.Hour)
	for range 12 { // enough to split a page of the table
		key := owner.external()
		owner.may("import", w.importingUntil(key, material(1), end.Add(time.Duration(len(keys))*time.Hour)))
		wrapped, err := kms.WrappedMaterial(t.Context(), w.store, region, key.KeyID)
		ok(t, err)
		keys = append(keys, key)
		traces = append(traces, append(pieces(wrapped), pieces(sealedMaterial(t, d, key.KeyID))...))
	}
	gone := func(n int) {
		t.Helper()
		for i := range keys {
			if left := found(t, dir, traces[i]); (left == 0) != (i < n) {
				t.Errorf("of %d that are gone: %d pieces of material %d are in the files", n, left, i)
			}
		}
	}
	gone(0)
	w.expireDue(end)
	gone(1)
	for i := 1; i < 3; i++ {
		owner.may("delete", &kms.DeleteImportedKeyMaterialInput{KeyID: str(keys[i].KeyID)})
		w.rows(keys[i], map[string]int{"kms_key": 1, "kms_key_policy": 1, "kms_timer shred": 1})
	}
	for range 2 {
		ok(t, w.service.ShredRemoved(t.Context()))
		gone(3)
		w.rows(keys[1], map[string]int{"kms_key": 1, "kms_key_policy": 1})
	}
}
