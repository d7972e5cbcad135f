package kms_test

import (
	"crypto/fips140"
	"encoding/asn1"
	"fmt"
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

// rootInChina is the root user of an account in the partition of China.
func (w *world) rootInChina(account string) *actor {
	name := arn.Root("aws-cn", account)
	w.people.ids[name] = ""
	return w.actor(principal.Principal{Kind: principal.Root, Partition: "aws-cn", Account: account, ARN: name, ID: account})
}

// TestSM2: in the Regions of China a key signs, encrypts or agrees, and ML-KEM
// does not exist.
func TestSM2(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.rootInChina(home)
	if fips140.Enabled() {
		owner.refused(&kms.CreateKeyInput{KeySpec: str("SM2"), KeyUsage: str("SIGN_VERIFY")}, fault.UnsupportedOperation, leftOut("SM2"))
		return
	}
	signer := owner.createKeyOf("SM2", "SIGN_VERIFY")
	if lists := fmt.Sprint(signer.SigningAlgorithms); lists != "[SM2DSA]" || !strings.HasPrefix(signer.ARN, "arn:aws-cn:kms:") {
		t.Errorf("made %+v", signer)
	}
	must[kms.VerifyOutput](owner, &kms.VerifyInput{KeyID: str(signer.KeyID), Message: secret("hello"), SigningAlgorithm: str("SM2DSA"),
		Signature: must[kms.SignOutput](owner, &kms.SignInput{KeyID: str(signer.KeyID), Message: secret("hello"), SigningAlgorithm: str("SM2DSA")}).Signature})
	digest := strings.Repeat("x", 32)
	both(owner, signer, "SM2DSA", "DIGEST", digest, "DIGEST", digest)

	cipher := owner.createKeyOf("SM2", "ENCRYPT_DECRYPT")
	for _, n := range []int{1, 1024} {
		text := strings.Repeat("x", n)
		blob := must[kms.EncryptOutput](owner, &kms.EncryptInput{KeyID: str(cipher.KeyID), Plaintext: secret(text), EncryptionAlgorithm: str("SM2PKE")}).CiphertextBlob
		var sequence asn1.RawValue
		if rest, err := asn1.Unmarshal(blob, &sequence); err != nil || len(rest) > 0 || sequence.Tag != asn1.TagSequence {
			t.Errorf("%d bytes: no sequence of ASN.1, but %x", n, blob)
		}
		out := must[kms.DecryptOutput](owner, &kms.DecryptInput{KeyID: str(cipher.KeyID), CiphertextBlob: blob, EncryptionAlgorithm: str("SM2PKE")})
		if shown(out.Plaintext) != text {
			t.Errorf("%d bytes: decrypted %d", n, out.Plaintext.Len())
		}
		blob[len(blob)-1] ^= 1
		owner.refused(&kms.DecryptInput{KeyID: str(cipher.KeyID), CiphertextBlob: blob, EncryptionAlgorithm: str("SM2PKE")}, kms.InvalidCiphertext, "")
	}
	owner.refused(&kms.EncryptInput{KeyID: str(cipher.KeyID), Plaintext: secret(strings.Repeat("x", 1025)), EncryptionAlgorithm: str("SM2PKE")},
		fault.Validation, "Algorithm SM2PKE and key spec SM2 cannot encrypt data larger than 1024 bytes.")
	owner.refused(&kms.EncryptInput{KeyID: str(cipher.KeyID), Plaintext: secret("x"), EncryptionAlgorithm: str("SM2PKE"), EncryptionContext: pairs.Of(map[string]string{"a": "1"})},
		fault.Validation, "EncryptionContext is not supported with key spec SM2.")
	symmetric := owner.createKey()
	must[kms.ReEncryptOutput](owner, &kms.ReEncryptInput{CiphertextBlob: owner.encrypt(symmetric.KeyID, "x"), DestinationKeyID: str(cipher.KeyID), DestinationEncryptionAlgorithm: str("SM2PKE")})

	ours, theirs := owner.createKeyOf("SM2", "KEY_AGREEMENT"), owner.createKeyOf("SM2", "KEY_AGREEMENT")
	secretOf := func(key, peer kms.KeyMetadata) string {
		public := must[kms.GetPublicKeyOutput](owner, &kms.GetPublicKeyInput{KeyID: str(peer.KeyID)}).PublicKey
		return shown(must[kms.DeriveSharedSecretOutput](owner, &kms.DeriveSharedSecretInput{
			KeyID: str(key.KeyID), KeyAgreementAlgorithm: str("ECDH"), PublicKey: public,
		}).SharedSecret)
	}
	if a, b := secretOf(ours, theirs), secretOf(theirs, ours); a != b || len(a) != 32 {
		t.Errorf("the sides have secrets of %d and %d bytes, equal: %v", len(a), len(b), a == b)
	}
	must[kms.GenerateDataKeyPairOutput](owner, &kms.GenerateDataKeyPairInput{KeyID: str(symmetric.KeyID), KeyPairSpec: str("SM2")})

	const no = "Keys of the spec ML_KEM_768 are not supported in this Region."
	owner.refused(&kms.CreateKeyInput{KeySpec: str("ML_KEM_768"), KeyUsage: str("ENCAPSULATE_DECAPSULATE")}, fault.UnsupportedOperation, no)
	owner.refused(&kms.GenerateDataKeyPairInput{KeyID: str(symmetric.KeyID), KeyPairSpec: str("ML_KEM_768")}, fault.UnsupportedOperation, no)
}
