package kms_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha3"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
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

// both signs a message in one form and has it verified in another.
func both(owner *actor, key kms.KeyMetadata, algorithm, form, message, otherForm, other string) []byte {
	owner.w.t.Helper()
	signature := must[kms.SignOutput](owner, &kms.SignInput{
		KeyID: str(key.KeyID), Message: secret(message), MessageType: str(form), SigningAlgorithm: str(algorithm),
	}).Signature
	verify := &kms.VerifyInput{
		KeyID: str(key.KeyID), Message: secret(other), MessageType: str(otherForm), SigningAlgorithm: str(algorithm), Signature: signature,
	}
	must[kms.VerifyOutput](owner, verify)
	verify.Signature = append([]byte{signature[0] ^ 1}, signature[1:]...)
	owner.refused(verify, kms.InvalidSignature, "")
	return signature
}

func TestSignRSA(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	ran := 0
	for _, spec := range []string{"RSA_2048", "RSA_4096"} {
		key := owner.fixedRSA(spec, "SIGN_VERIFY")
		public := publicKey[*rsa.PublicKey](owner, key.KeyID)
		for _, algorithm := range key.SigningAlgorithms {
			hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[algorithm[len(algorithm)-3:]]
			digest := digestOf(hash, "hello")
			signature := both(owner, key, algorithm, "RAW", "hello", "DIGEST", string(digest))
			err := rsa.VerifyPKCS1v15(public, hash, digest, signature)
			if strings.Contains(algorithm, "_PSS_") {
				err = rsa.VerifyPSS(public, hash, digest, signature, &rsa.PSSOptions{SaltLength: hash.Size()})
			}
			if err != nil {
				t.Errorf("%s, %s: %v", spec, algorithm, err)
			}
			for _, n := range []int{hash.Size() - 1, hash.Size() + 1} {
				owner.refused(&kms.SignInput{
					KeyID: str(key.KeyID), Message: secret(strings.Repeat("x", n)), MessageType: str("DIGEST"), SigningAlgorithm: str(algorithm),
				}, fault.Validation, "Digest is invalid length for algorithm "+algorithm+".")
			}
			ran++
		}
	}
	if ran != 12 {
		t.Errorf("%d algorithms ran", ran)
	}
}

// TestSignEdwards: one algorithm takes the message, the other its digest, which
// it hashes once more.
func TestSignEdwards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKeyOf("ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
	public := publicKey[ed25519.PublicKey](owner, key.KeyID)
	if signature := both(owner, key, "ED25519_SHA_512", "RAW", "hello", "RAW", "hello"); !ed25519.Verify(public, []byte("hello"), signature) {
		t.Error("ED25519_SHA_512: wrong signature")
	}
	digest := digestOf(crypto.SHA512, "hello")
	signature := both(owner, key, "ED25519_PH_SHA_512", "DIGEST", string(digest), "DIGEST", string(digest))
	if err := ed25519.VerifyWithOptions(public, digestOf(crypto.SHA512, string(digest)), signature, &ed25519.Options{Hash: crypto.SHA512}); err != nil {
		t.Errorf("ED25519_PH_SHA_512: %v", err)
	}
	for algorithm, forms := range map[string][]string{"ED25519_SHA_512": {"DIGEST", "EXTERNAL_MU"}, "ED25519_PH_SHA_512": {"RAW", "EXTERNAL_MU"}} {
		for _, form := range forms {
			owner.refused(&kms.SignInput{KeyID: str(key.KeyID), Message: secret(string(digest)), MessageType: str(form), SigningAlgorithm: str(algorithm)},
				fault.Validation, "MessageType "+form+" is not compatible with SigningAlgorithm "+algorithm+".")
		}
	}
	for _, n := range []int{63, 65} {
		owner.refused(&kms.SignInput{
			KeyID: str(key.KeyID), Message: secret(strings.Repeat("x", n)), MessageType: str("DIGEST"), SigningAlgorithm: str("ED25519_PH_SHA_512"),
		}, fault.Validation, "Digest is invalid length for algorithm ED25519_PH_SHA_512.")
	}
}

// TestSignLattice: a message and its µ are signed alike (FIPS 204 §6.2).
func TestSignLattice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	for spec, size := range map[string]int{"ML_DSA_44": 2420, "ML_DSA_65": 3309, "ML_DSA_87": 4627} {
		key, made := owner.tryKeyOf(spec, "SIGN_VERIFY")
		if !made {
			continue
		}
		der := must[kms.GetPublicKeyOutput](owner, &kms.GetPublicKeyInput{KeyID: str(key.KeyID)}).PublicKey
		var public struct {
			Algorithm pkix.AlgorithmIdentifier
			Key       asn1.BitString
		}
		_, err := asn1.Unmarshal(der, &public)
		ok(t, err)
		shake := sha3.NewSHAKE256()
		_, _ = shake.Write(public.Key.Bytes)
		mu := make([]byte, 64)
		_, _ = shake.Read(mu)
		shake.Reset()
		_, _ = shake.Write(append(append(mu, 0, 0), "hello"...))
		mu = make([]byte, 64)
		_, _ = shake.Read(mu)
		for _, signature := range [][]byte{
			both(owner, key, "ML_DSA_SHAKE_256", "RAW", "hello", "EXTERNAL_MU", string(mu)),
			both(owner, key, "ML_DSA_SHAKE_256", "EXTERNAL_MU", string(mu), "RAW", "hello"),
		} {
			if len(signature) != size {
				t.Errorf("%s: a signature of %d bytes", spec, len(signature))
			}
		}
		for _, n := range []int{63, 65} {
			owner.refused(&kms.SignInput{
				KeyID: str(key.KeyID), Message: secret(strings.Repeat("x", n)), MessageType: str("EXTERNAL_MU"), SigningAlgorithm: str("ML_DSA_SHAKE_256"),
			}, fault.Validation, "Digest is invalid length for algorithm ML_DSA_SHAKE_256.")
		}
		owner.refused(&kms.SignInput{KeyID: str(key.KeyID), Message: secret(string(mu)), MessageType: str("DIGEST"), SigningAlgorithm: str("ML_DSA_SHAKE_256")},
			fault.Validation, "MessageType DIGEST is not compatible with SigningAlgorithm ML_DSA_SHAKE_256.")
	}
}

// TestSignKoblitz: the standard library does not know the curve. That others
// verify what is signed here, package sealed tests.
func TestSignKoblitz(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key, made := owner.tryKeyOf("ECC_SECG_P256K1", "SIGN_VERIFY")
	if !made {
		return
	}
	both(owner, key, "ECDSA_SHA_256", "RAW", "hello", "DIGEST", string(digestOf(crypto.SHA256, "hello")))
	owner.refused(&kms.SignInput{KeyID: str(key.KeyID), Message: secret("x"), SigningAlgorithm: str("ECDSA_SHA_384")},
		kms.InvalidKeyUsage, "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_SECG_P256K1.")
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
