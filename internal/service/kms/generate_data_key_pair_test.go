package kms_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/fips140"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// publicHalf is what all private keys of the standard library have.
type publicHalf interface{ Public() crypto.PublicKey }

// TestGenerateDataKeyPair: the halves of a pair belong together, and Decrypt
// gives back the private one.
func TestGenerateDataKeyPair(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	context := pairs.Of(map[string]string{"a": "1"})
	for spec, want := range map[string]string{
		"RSA_2048":              "*rsa.PrivateKey",
		"ECC_NIST_P256":         "*ecdsa.PrivateKey",
		"ECC_NIST_P384":         "*ecdsa.PrivateKey",
		"ECC_NIST_P521":         "*ecdsa.PrivateKey",
		"ECC_SECG_P256K1":       "",
		"ECC_NIST_EDWARDS25519": "ed25519.PrivateKey",
		"ML_KEM_512":            "",
		"ML_KEM_768":            "",
		"ML_KEM_1024":           "",
	} {
		in := &kms.GenerateDataKeyPairInput{KeyID: str(key.KeyID), KeyPairSpec: str(spec), EncryptionContext: context}
		if fips140.Enabled() && !sealed.Approved(spec) {
			owner.refused(in, fault.UnsupportedOperation, leftOut(spec))
			continue
		}
		out := must[kms.GenerateDataKeyPairOutput](owner, in)
		w.recorded(`{"keyId":"`+key.KeyID+`","keyPairSpec":"`+spec+`","encryptionContext":{"a":"1"}}`, `null`,
			`{"keyMaterialId":"`+key.CurrentKeyMaterialID.V+`"}`, ofKey(key))
		if out.KeyID != key.ARN || out.KeyPairSpec != spec || out.KeyMaterialID != key.CurrentKeyMaterialID {
			t.Errorf("%s: answered %+v", spec, out)
		}
		opened := must[kms.DecryptOutput](owner, &kms.DecryptInput{CiphertextBlob: out.PrivateKeyCiphertextBlob, EncryptionContext: context})
		private := shown(out.PrivateKeyPlaintext)
		if shown(opened.Plaintext) != private || private == "" {
			t.Errorf("%s: the private key does not decrypt", spec)
		}
		if want == "" { // not known to the standard library
			continue
		}
		parsed, err := x509.ParsePKCS8PrivateKey([]byte(private))
		ok(t, err)
		der, err := x509.MarshalPKIXPublicKey(parsed.(publicHalf).Public())
		ok(t, err)
		if got := fmt.Sprintf("%T", parsed); got != want || !bytes.Equal(der, out.PublicKey) {
			t.Errorf("%s: a %s, whose public key is %x, not %x", spec, got, der, out.PublicKey)
		}
	}
	for _, spec := range []string{"ECC_NIST_P256", "ECC_NIST_EDWARDS25519"} {
		out := must[kms.GenerateDataKeyPairWithoutPlaintextOutput](owner,
			&kms.GenerateDataKeyPairWithoutPlaintextInput{KeyID: str(key.KeyID), KeyPairSpec: str(spec), EncryptionContext: context})
		w.recorded(`{"keyId":"`+key.KeyID+`","keyPairSpec":"`+spec+`","encryptionContext":{"a":"1"}}`, `null`,
			`{"keyMaterialId":"`+key.CurrentKeyMaterialID.V+`"}`, ofKey(key))
		opened := must[kms.DecryptOutput](owner, &kms.DecryptInput{CiphertextBlob: out.PrivateKeyCiphertextBlob, EncryptionContext: context})
		parsed, err := x509.ParsePKCS8PrivateKey([]byte(shown(opened.Plaintext)))
		ok(t, err)
		der, err := x509.MarshalPKIXPublicKey(parsed.(publicHalf).Public())
		ok(t, err)
		if !bytes.Equal(der, out.PublicKey) || out.KeyID != key.ARN || out.KeyPairSpec != spec || out.KeyMaterialID != key.CurrentKeyMaterialID.V {
			t.Errorf("%s: answered %+v", spec, out)
		}
	}
}

var (
	_ publicHalf = (*rsa.PrivateKey)(nil)
	_ publicHalf = (*ecdsa.PrivateKey)(nil)
	_ publicHalf = ed25519.PrivateKey(nil)
)

func TestDataKeyPairRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	rsaKey := owner.fixedRSA("RSA_2048", "ENCRYPT_DECRYPT")
	const specs = "[RSA_2048, RSA_3072, RSA_4096, ECC_NIST_P256, ECC_NIST_P384, ECC_NIST_P521, ECC_SECG_P256K1, SM2, " +
		"ECC_NIST_EDWARDS25519, ML_KEM_512, ML_KEM_768, ML_KEM_1024]"
	for _, c := range []struct {
		key, spec optional.Of[string]
		dry       bool
		code      fault.Code
		want      string
	}{
		{optional.Of[string]{}, optional.Of[string]{}, false, fault.Validation,
			"2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; " +
				"Value null at 'keyPairSpec' failed to satisfy constraint: Member must not be null"},
		{str(key.KeyID), str("ML_DSA_44"), false, fault.Validation,
			"1 validation error detected: Value 'ML_DSA_44' at 'keyPairSpec' failed to satisfy constraint: Member must satisfy enum value set: " + specs},
		{str(key.KeyID), str("SM2"), false, fault.UnsupportedOperation, "Keys of the spec SM2 are not supported in this Region."},
		{str(rsaKey.KeyID), str("ECC_NIST_P256"), false, kms.InvalidKeyUsage, ""},
		{str(key.KeyID), str("RSA_4096"), true, fault.DryRunOperation, "The request would have succeeded, but the DryRun option is set."},
	} {
		dry := optional.Of[bool]{V: c.dry, Set: c.dry}
		for name, in := range map[string]any{
			"GenerateDataKeyPair":                 &kms.GenerateDataKeyPairInput{KeyID: c.key, KeyPairSpec: c.spec, DryRun: dry},
			"GenerateDataKeyPairWithoutPlaintext": &kms.GenerateDataKeyPairWithoutPlaintextInput{KeyID: c.key, KeyPairSpec: c.spec, DryRun: dry},
		} {
			want := c.want
			if want == "" {
				want = rsaKey.ARN + " key usage is ENCRYPT_DECRYPT which is not valid for " + name + "."
			}
			owner.refused(in, c.code, want)
		}
	}
	owner.refused(&kms.GenerateDataKeyPairInput{KeyID: str(key.KeyID), KeyPairSpec: str("ECC_NIST_P256"), Recipient: &kms.Recipient{}},
		fault.UnsupportedOperation, "Recipient is not supported.")
}
