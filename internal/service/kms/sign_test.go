package kms_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// publicKey returns the public half of a key, as the standard library reads it.
func publicKey[P any](a *actor, key string) P {
	a.w.t.Helper()
	der := must[kms.GetPublicKeyOutput](a, &kms.GetPublicKeyInput{KeyID: str(key)}).PublicKey
	parsed, err := x509.ParsePKIXPublicKey(der)
	ok(a.w.t, err)
	public, fits := parsed.(P)
	if !fits {
		a.w.t.Fatalf("the public key is a %T", parsed)
	}
	return public
}

func digestOf(h crypto.Hash, message string) []byte {
	f := h.New()
	f.Write([]byte(message))
	return f.Sum(nil)
}

// TestSignECDSA has signatures made here verified by the standard library, and
// the other form of the same message verified here.
func TestSignECDSA(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	for _, c := range []struct {
		spec, algorithm string
		hash            crypto.Hash
	}{
		{"ECC_NIST_P256", "ECDSA_SHA_256", crypto.SHA256},
		{"ECC_NIST_P384", "ECDSA_SHA_384", crypto.SHA384},
		{"ECC_NIST_P521", "ECDSA_SHA_512", crypto.SHA512},
	} {
		key := owner.createKeyOf(c.spec, "SIGN_VERIFY")
		public := publicKey[*ecdsa.PublicKey](owner, key.KeyID)
		digest := digestOf(c.hash, "hello")
		messages := map[string]string{"RAW": "hello", "DIGEST": string(digest)}
		for form, message := range messages {
			out := must[kms.SignOutput](owner, &kms.SignInput{
				KeyID: str(key.KeyID), Message: secret(message), MessageType: str(form), SigningAlgorithm: str(c.algorithm),
			})
			if out.KeyID != key.ARN || out.SigningAlgorithm != c.algorithm || !ecdsa.VerifyASN1(public, digest, out.Signature) {
				t.Errorf("%s, %s: answered %+v", c.spec, form, out)
			}
			for form, message := range messages {
				verified := must[kms.VerifyOutput](owner, &kms.VerifyInput{
					KeyID: str(key.ARN), Message: secret(message), MessageType: str(form), SigningAlgorithm: str(c.algorithm), Signature: out.Signature,
				})
				if !verified.SignatureValid || verified.KeyID != key.ARN || verified.SigningAlgorithm != c.algorithm {
					t.Errorf("%s, %s: verified %+v", c.spec, form, verified)
				}
			}
			owner.refused(&kms.VerifyInput{
				KeyID: str(key.ARN), Message: secret("other"), SigningAlgorithm: str(c.algorithm), Signature: out.Signature,
			}, kms.InvalidSignature, "")
		}
	}
}

func TestSignRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKeyOf("ECC_NIST_P256", "SIGN_VERIFY")
	in := &kms.SignInput{KeyID: str(key.KeyID), Message: secret("hello"), SigningAlgorithm: str("ECDSA_SHA_256")}
	signature := must[kms.SignOutput](owner, in).Signature
	request := `{"keyId":"` + key.KeyID + `","messageType":"RAW","signingAlgorithm":"ECDSA_SHA_256"}`
	w.recorded(request, `null`, `{}`, ofKey(key))
	verify := &kms.VerifyInput{KeyID: in.KeyID, Message: in.Message, SigningAlgorithm: in.SigningAlgorithm, Signature: signature}
	must[kms.VerifyOutput](owner, verify)
	w.recorded(request, `null`, `{}`, ofKey(key))
	verify.Signature = []byte("no signature")
	owner.refused(verify, kms.InvalidSignature, "")
	w.recorded(request, `null`, `{}`, ofKey(key))

	in.DryRun, verify.DryRun = optional.Some(true), optional.Some(true)
	owner.refused(in, fault.DryRunOperation, "The request would have succeeded, but the DryRun option is set.")
	owner.refused(verify, fault.DryRunOperation, "The request would have succeeded, but the DryRun option is set.")
}

func TestSignMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKeyOf("ECC_NIST_P256", "SIGN_VERIFY")
	const one = "1 validation error detected: "
	of := func(message string) kms.SignInput {
		return kms.SignInput{KeyID: str(key.KeyID), Message: secret(message), SigningAlgorithm: str("ECDSA_SHA_256")}
	}
	with := func(message, form string) kms.SignInput {
		in := of(message)
		in.MessageType = str(form)
		return in
	}
	algorithm := func(name string) kms.SignInput {
		in := of("x")
		in.SigningAlgorithm = str(name)
		return in
	}
	for _, in := range []kms.SignInput{of("x"), of(strings.Repeat("x", 4096)), with(strings.Repeat("x", 32), "DIGEST")} {
		must[kms.SignOutput](owner, &in)
	}
	const length = "Digest is invalid length for algorithm ECDSA_SHA_256."
	for _, c := range []struct {
		in   kms.SignInput
		code fault.Code
		want string
	}{
		{kms.SignInput{}, fault.Validation, "3 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; " +
			"Value null at 'message' failed to satisfy constraint: Member must not be null; " +
			"Value null at 'signingAlgorithm' failed to satisfy constraint: Member must not be null"},
		{of(""), fault.Validation, one + "Value at 'message' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{of(strings.Repeat("x", 4097)), fault.Validation, one + "Value at 'message' failed to satisfy constraint: Member must have length less than or equal to 4096"},
		{with("x", "HASH"), fault.Validation, one + "Value 'HASH' at 'messageType' failed to satisfy constraint: Member must satisfy enum value set: [RAW, DIGEST, EXTERNAL_MU]"},
		{algorithm("MD5"), fault.Validation, one + "Value 'MD5' at 'signingAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: " +
			"[RSASSA_PSS_SHA_256, RSASSA_PSS_SHA_384, RSASSA_PSS_SHA_512, RSASSA_PKCS1_V1_5_SHA_256, RSASSA_PKCS1_V1_5_SHA_384, RSASSA_PKCS1_V1_5_SHA_512, " +
			"ECDSA_SHA_256, ECDSA_SHA_384, ECDSA_SHA_512, SM2DSA, ML_DSA_SHAKE_256, ED25519_SHA_512, ED25519_PH_SHA_512]"},
		{with(strings.Repeat("x", 31), "DIGEST"), fault.Validation, length},
		{with(strings.Repeat("x", 33), "DIGEST"), fault.Validation, length},
		{with(strings.Repeat("x", 64), "EXTERNAL_MU"), fault.Validation, "MessageType EXTERNAL_MU is not compatible with SigningAlgorithm ECDSA_SHA_256."},
		{algorithm("ECDSA_SHA_384"), kms.InvalidKeyUsage, "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256."},
		{algorithm("RSASSA_PSS_SHA_256"), kms.InvalidKeyUsage, "Algorithm RSASSA_PSS_SHA_256 is incompatible with key spec ECC_NIST_P256."},
	} {
		owner.refused(&c.in, c.code, c.want)
		if c.in.KeyID.Set {
			owner.refused(&kms.VerifyInput{
				KeyID: c.in.KeyID, Message: c.in.Message, MessageType: c.in.MessageType, SigningAlgorithm: c.in.SigningAlgorithm, Signature: []byte("s"),
			}, c.code, c.want)
		}
	}
	for _, n := range []int{1, 6144} {
		owner.refused(&kms.VerifyInput{
			KeyID: str(key.KeyID), Message: secret("x"), SigningAlgorithm: str("ECDSA_SHA_256"), Signature: make([]byte, n),
		}, kms.InvalidSignature, "")
	}
	verify := &kms.VerifyInput{KeyID: str(key.KeyID), Message: secret("x"), SigningAlgorithm: str("ECDSA_SHA_256")}
	owner.refused(verify, fault.Validation, one+"Value null at 'signature' failed to satisfy constraint: Member must not be null")
	verify.Signature = []byte{}
	owner.refused(verify, fault.Validation, one+"Value at 'signature' failed to satisfy constraint: Member must have length greater than or equal to 1")
	verify.Signature = make([]byte, 6145)
	owner.refused(verify, fault.Validation, one+"Value at 'signature' failed to satisfy constraint: Member must have length less than or equal to 6144")
}
