package kms_test

import (
	"fmt"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

func TestGenerateDataKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	context := pairs.Of(map[string]string{"a": "1"})
	material := `{"keyMaterialId":"` + key.CurrentKeyMaterialID.V + `"}`
	for _, c := range []struct {
		spec     optional.Of[string]
		n        optional.Of[int]
		want     int
		recorded string
	}{
		{str("AES_128"), optional.Of[int]{}, 16, `"keySpec":"AES_128"`},
		{str("AES_256"), optional.Of[int]{}, 32, `"keySpec":"AES_256"`},
		{optional.Of[string]{}, optional.Some(1), 1, `"numberOfBytes":1`},
		{optional.Of[string]{}, optional.Some(1024), 1024, `"numberOfBytes":1024`},
	} {
		out := must[kms.GenerateDataKeyOutput](owner, &kms.GenerateDataKeyInput{KeyID: str(key.KeyID), EncryptionContext: context, KeySpec: c.spec, NumberOfBytes: c.n})
		if out.Plaintext.Len() != c.want || out.KeyID != key.ARN || out.KeyMaterialID != key.CurrentKeyMaterialID {
			t.Errorf("answered %+v", out)
		}
		w.recorded(`{"keyId":"`+key.KeyID+`","encryptionContext":{"a":"1"},`+c.recorded+`}`, `null`, material, ofKey(key))
		opened := must[kms.DecryptOutput](owner, &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob, EncryptionContext: context})
		if shown(opened.Plaintext) != shown(out.Plaintext) {
			t.Error("the ciphertext does not hold the data key")
		}
		bare := must[kms.GenerateDataKeyWithoutPlaintextOutput](owner, &kms.GenerateDataKeyWithoutPlaintextInput{
			KeyID: str(key.KeyID), EncryptionContext: context, KeySpec: c.spec, NumberOfBytes: c.n})
		w.recorded(`{"keyId":"`+key.KeyID+`","encryptionContext":{"a":"1"},`+c.recorded+`}`, `null`, material, ofKey(key))
		opened = must[kms.DecryptOutput](owner, &kms.DecryptInput{CiphertextBlob: bare.CiphertextBlob, EncryptionContext: context})
		if opened.Plaintext.Len() != c.want || bare.KeyID != key.ARN || bare.KeyMaterialID != key.CurrentKeyMaterialID {
			t.Errorf("answered %+v", bare)
		}
	}
}

func TestGenerateDataKeyShape(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := str(owner.createKey().KeyID)
	const one = "1 validation error detected: "
	for _, c := range []struct {
		spec optional.Of[string]
		n    optional.Of[int]
		want string
	}{
		{optional.Of[string]{}, optional.Of[int]{}, "Please specify either number of bytes or key spec."},
		{str("AES_256"), optional.Some(32), "Please specify either number of bytes or key spec."},
		{str("AES_192"), optional.Of[int]{}, one + "Value 'AES_192' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: [AES_256, AES_128]"},
		{optional.Of[string]{}, optional.Some(0), one + "Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{optional.Of[string]{}, optional.Some(1025), one + "Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024"},
	} {
		owner.refused(&kms.GenerateDataKeyInput{KeyID: key, KeySpec: c.spec, NumberOfBytes: c.n}, fault.Validation, c.want)
		owner.refused(&kms.GenerateDataKeyWithoutPlaintextInput{KeyID: key, KeySpec: c.spec, NumberOfBytes: c.n}, fault.Validation, c.want)
	}
	dry, spec := optional.Some(true), str("AES_256")
	owner.refused(&kms.GenerateDataKeyInput{KeyID: key, KeySpec: spec, DryRun: dry}, fault.DryRunOperation, dryRun)
	owner.refused(&kms.GenerateDataKeyWithoutPlaintextInput{KeyID: key, KeySpec: spec, DryRun: dry}, fault.DryRunOperation, dryRun)
	owner.refused(&kms.GenerateDataKeyInput{KeyID: key, KeySpec: spec, Recipient: &kms.Recipient{}},
		fault.UnsupportedOperation, "Recipient is not supported.")
	w.kind(key.V, "RSA_2048", "ENCRYPT_DECRYPT")
	owner.refused(&kms.GenerateDataKeyInput{KeyID: key, KeySpec: spec}, kms.InvalidKeyUsage,
		keyARN(home, key.V)+" key usage is ENCRYPT_DECRYPT which is not valid for GenerateDataKey.")
	owner.refused(&kms.EncryptInput{KeyID: key, Plaintext: secret("x")}, kms.InvalidKeyUsage,
		"Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.")
}

func TestGenerateRandom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	seen := make(map[string]bool)
	for _, n := range []int{1023, 1024, 1024} {
		out := must[kms.GenerateRandomOutput](owner, &kms.GenerateRandomInput{NumberOfBytes: optional.Some(n)})
		if b := shown(out.Plaintext); len(b) != n || seen[b] {
			t.Errorf("%d bytes, wanted %d new ones", len(b), n)
		} else {
			seen[b] = true
		}
		w.recorded(`null`, `null`, `{}`)
	}
	owner.refused(&kms.GenerateRandomInput{}, fault.Validation, "NumberOfBytes is required.")
	for n, bound := range map[int]string{0: "greater than or equal to 1", 1025: "less than or equal to 1024"} {
		owner.refused(&kms.GenerateRandomInput{NumberOfBytes: optional.Some(n)}, fault.Validation, fmt.Sprintf(
			"1 validation error detected: Value '%d' at 'numberOfBytes' failed to satisfy constraint: Member must have value %s", n, bound))
	}
	owner.refused(&kms.GenerateRandomInput{NumberOfBytes: optional.Some(1), CustomKeyStoreID: str("cks-1")},
		kms.CustomKeyStoreNotFound, "Custom key store cks-1 is not found.")
	owner.refused(&kms.GenerateRandomInput{NumberOfBytes: optional.Some(1), Recipient: &kms.Recipient{}},
		fault.UnsupportedOperation, "Recipient is not supported.")
}
