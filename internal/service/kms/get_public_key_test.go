package kms_test

import (
	"bytes"
	"crypto/ecdsa"
	"fmt"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
)

func TestGetPublicKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	for _, usage := range []string{"SIGN_VERIFY", "KEY_AGREEMENT"} {
		key := owner.createKeyOf("ECC_NIST_P384", usage)
		owner.createAlias("alias/"+usage, key.KeyID)
		out := must[kms.GetPublicKeyOutput](owner, &kms.GetPublicKeyInput{KeyID: str("alias/" + usage)})
		w.recorded(`{"keyId":"alias/`+usage+`"}`, `null`, `{}`, ofKey(key))
		if out.KeyID != key.ARN || out.KeySpec != "ECC_NIST_P384" || out.CustomerMasterKeySpec != "ECC_NIST_P384" || out.KeyUsage != usage {
			t.Errorf("%s: answered %+v", usage, out)
		}
		lists := fmt.Sprint(out.EncryptionAlgorithms, out.SigningAlgorithms, out.KeyAgreementAlgorithms, out.EncapsulationAlgorithms)
		if want := map[string]string{"SIGN_VERIFY": "[] [ECDSA_SHA_384] [] []", "KEY_AGREEMENT": "[] [] [ECDH] []"}[usage]; lists != want {
			t.Errorf("%s: lists %s, want %s", usage, lists, want)
		}
		if again := publicKey[*ecdsa.PublicKey](owner, key.ARN); again.Curve.Params().Name != "P-384" {
			t.Errorf("%s: on the curve %s", usage, again.Curve.Params().Name)
		}
		owner.done(&kms.DisableKeyInput{KeyID: str(key.KeyID)})
		if disabled := must[kms.GetPublicKeyOutput](owner, &kms.GetPublicKeyInput{KeyID: str(key.KeyID)}); string(disabled.PublicKey) != string(out.PublicKey) {
			t.Errorf("%s: another public key once it is disabled", usage)
		}
	}
}

// Keys without a public half say so, and a key without material has none to show.
func TestNoPublicKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	for _, key := range []kms.KeyMetadata{owner.createKey(), owner.createKeyOf("HMAC_256", "GENERATE_VERIFY_MAC")} {
		owner.refused(&kms.GetPublicKeyInput{KeyID: str(key.KeyID)}, fault.UnsupportedOperation,
			key.ARN+" key spec is "+key.KeySpec+" which is not valid for this operation.")
	}
	// Material that was imported and is gone leaves the public half behind.
	signer := owner.createKeyOf("ECC_NIST_P256", "SIGN_VERIFY")
	public := must[kms.GetPublicKeyOutput](owner, &kms.GetPublicKeyInput{KeyID: str(signer.KeyID)}).PublicKey
	ok(t, kms.Bare(t.Context(), w.store, region, signer.KeyID))
	w.state(signer.KeyID, "PendingImport")
	if again := must[kms.GetPublicKeyOutput](owner, &kms.GetPublicKeyInput{KeyID: str(signer.KeyID)}).PublicKey; !bytes.Equal(again, public) {
		t.Errorf("another public key without material")
	}
	bare := owner.createKey()
	w.kind(bare.KeyID, "RSA_2048", "SIGN_VERIFY")
	w.state(bare.KeyID, "PendingImport")
	owner.refused(&kms.GetPublicKeyInput{KeyID: str(bare.KeyID)}, kms.InvalidState, bare.ARN+" is pending import.")
	owner.refused(&kms.GetPublicKeyInput{}, fault.Validation, "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null")
}
