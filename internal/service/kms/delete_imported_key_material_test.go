package kms_test

import (
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
)

func deleting(key kms.KeyMetadata, id string) *kms.DeleteImportedKeyMaterialInput {
	in := &kms.DeleteImportedKeyMaterialInput{KeyID: str(key.KeyID)}
	if id != "" {
		in.KeyMaterialID = str(id)
	}
	return in
}

// TestDeleteImportedKeyMaterial: a key needs all material that it ever used.
func TestDeleteImportedKeyMaterial(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann := w.root(home), w.user(home, "ann", allow("kms:ImportKeyMaterial"))
	key := owner.external()
	if out := must[kms.DeleteImportedKeyMaterialOutput](owner, deleting(key, "")); out.KeyID != key.ARN || out.KeyMaterialID.Set {
		t.Errorf("of a key without any: %+v", out)
	}
	first := owner.bring(key, material(1))
	old := owner.encrypt(key.KeyID, "old")
	second := owner.rotateTo(key, material(2))
	blob := owner.encrypt(key.KeyID, "new")
	ann.mayNot("delete", deleting(key, ""))

	if out := must[kms.DeleteImportedKeyMaterialOutput](owner, deleting(key, first)); out.KeyMaterialID.V != first {
		t.Errorf("deleted %s", out.KeyMaterialID.V)
	}
	w.recorded(`{"keyId":"`+key.KeyID+`","keyMaterialId":"`+first+`"}`, `{"keyId":"`+key.ARN+`","keyMaterialId":"`+first+`"}`, `{}`, ofKey(key))
	for _, in := range []any{
		&kms.DecryptInput{CiphertextBlob: old}, &kms.DecryptInput{CiphertextBlob: blob}, &kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x")}, rotateNow(key),
	} {
		owner.refused(in, kms.InvalidState, pendingImport(key))
	}
	must[kms.DeleteImportedKeyMaterialOutput](owner, deleting(key, first)) // again
	if out := must[kms.DeleteImportedKeyMaterialOutput](owner, deleting(key, "")); out.KeyMaterialID.V != second {
		t.Errorf("deleted %s", out.KeyMaterialID.V)
	}
	w.rows(key, map[string]int{"kms_key": 1, "kms_key_policy": 1, "kms_timer shred": 1})
	if m := owner.described(key.KeyID); m.KeyState != "PendingImport" || m.CurrentKeyMaterialID.V != second || m.ExpirationModel.Set {
		t.Errorf("described as %+v", m)
	}
	owner.bring(key, material(2))
	owner.refused(&kms.DecryptInput{CiphertextBlob: blob}, kms.InvalidState, pendingImport(key))
	owner.bring(key, material(1))
	if owner.decrypt(old) != "old" || owner.decrypt(blob) != "new" {
		t.Error("a material does not decrypt")
	}

	// What waits for its rotation can go, and the key forgets it.
	waiting := must[kms.ImportKeyMaterialOutput](owner, w.importingNew(key, material(3))).KeyMaterialID.V
	must[kms.DeleteImportedKeyMaterialOutput](owner, deleting(key, waiting))
	owner.encrypt(key.KeyID, "x")
	missing := "Key material '" + waiting + "' of key " + key.ARN + " does not exist"
	owner.refused(deleting(key, waiting), kms.NotFound, missing)
	owner.refused(w.importing(key, material(3)), kms.IncorrectKeyMaterial, "The key material is not one that was imported into the key before.")
	owner.may("import another", w.importingNew(key, material(4)))

	made := owner.createKey()
	owner.refused(deleting(made, ""), fault.UnsupportedOperation, made.ARN+" origin is AWS_KMS which is not valid for this operation.")
	owner.refused(deleting(key, "abc"), fault.Validation,
		"1 validation error detected: Value 'abc' at 'keyMaterialId' failed to satisfy constraint: Member must have length greater than or equal to 64")
	owner.refused(deleting(key, strings.Repeat("0", 65)), fault.Validation,
		"1 validation error detected: Value '"+strings.Repeat("0", 65)+"' at 'keyMaterialId' failed to satisfy constraint: Member must have length less than or equal to 64")
}

// TestDeleteOfDisabledAndPending: a key that awaits deletion stays so, and lacks
// its material when it is kept after all; a disabled one is enabled by an import.
func TestDeleteOfDisabledAndPending(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.external()
	owner.bring(key, material(1))
	owner.schedule(key, 7)
	must[kms.DeleteImportedKeyMaterialOutput](owner, deleting(key, ""))
	owner.refused(w.importing(key, material(1)), kms.InvalidState, key.ARN+" is pending deletion.")
	if m := owner.described(key.KeyID); m.KeyState != "PendingDeletion" {
		t.Errorf("the key is %s", m.KeyState)
	}
	must[kms.CancelKeyDeletionOutput](owner, &kms.CancelKeyDeletionInput{KeyID: str(key.KeyID)})
	states := []string{owner.described(key.KeyID).KeyState}
	for _, in := range []any{
		w.importing(key, material(1)), &kms.DisableKeyInput{KeyID: str(key.KeyID)}, w.importing(key, material(1)), deleting(key, ""), w.importing(key, material(1)),
	} {
		owner.may("go on", in)
		states = append(states, owner.described(key.KeyID).KeyState)
	}
	if got, want := strings.Join(states, " "), "PendingImport Enabled Disabled Disabled PendingImport Enabled"; got != want {
		t.Errorf("states\n got %s\nwant %s", got, want)
	}
	due := owner.schedule(key, 7).DeletionDate.V
	w.deleteDue(due)
	w.rows(key, map[string]int{"kms_timer sweep": 1, "kms_timer shred": 1})
	ok(t, w.service.ShredRemoved(t.Context()))
	w.sweep()
	w.rows(key, map[string]int{})
}
