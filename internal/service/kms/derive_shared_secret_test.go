package kms_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// spki encodes a public key.
func spki(t testing.TB, public any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	ok(t, err)
	return der
}

// TestDeriveSharedSecret: both sides have the same secret.
func TestDeriveSharedSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	for _, c := range []struct {
		spec  string
		curve ecdh.Curve
		size  int
	}{
		{"ECC_NIST_P256", ecdh.P256(), 32},
		{"ECC_NIST_P384", ecdh.P384(), 48},
		{"ECC_NIST_P521", ecdh.P521(), 66},
	} {
		key := owner.createKeyOf(c.spec, "KEY_AGREEMENT")
		peer, err := c.curve.GenerateKey(rand.Reader)
		ok(t, err)
		in := &kms.DeriveSharedSecretInput{KeyID: str(key.KeyID), KeyAgreementAlgorithm: str("ECDH"), PublicKey: spki(t, peer.PublicKey())}
		out := must[kms.DeriveSharedSecretOutput](owner, in)
		w.recorded(`{"keyId":"`+key.KeyID+`","keyAgreementAlgorithm":"ECDH"}`, `null`, `{}`, ofKey(key))
		ours, err := publicKey[*ecdsa.PublicKey](owner, key.KeyID).ECDH()
		ok(t, err)
		want, err := peer.ECDH(ours)
		ok(t, err)
		if got := []byte(shown(out.SharedSecret)); !bytes.Equal(got, want) || len(got) != c.size || out.KeyID != key.ARN ||
			out.KeyAgreementAlgorithm != "ECDH" || out.KeyOrigin != "AWS_KMS" {
			t.Errorf("%s: answered %+v with a secret of %d bytes", c.spec, out, len(got))
		}
		in.DryRun = optional.Some(true)
		owner.refused(in, fault.DryRunOperation, "The request would have succeeded, but the DryRun option is set.")
	}
}

func TestPeersThatDoNotFit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKeyOf("ECC_NIST_P256", "KEY_AGREEMENT")
	peer, err := ecdh.P256().GenerateKey(rand.Reader)
	ok(t, err)
	other, err := ecdh.P384().GenerateKey(rand.Reader)
	ok(t, err)
	edwards, err := ecdh.X25519().GenerateKey(rand.Reader)
	ok(t, err)
	good := spki(t, peer.PublicKey())
	offCurve := bytes.Clone(good)
	offCurve[len(offCurve)-1] ^= 1
	of := func(public []byte) *kms.DeriveSharedSecretInput {
		return &kms.DeriveSharedSecretInput{KeyID: str(key.KeyID), KeyAgreementAlgorithm: str("ECDH"), PublicKey: public}
	}
	for name, public := range map[string][]byte{
		"another curve":      spki(t, other.PublicKey()),
		"another algorithm":  spki(t, edwards.PublicKey()),
		"off the curve":      offCurve,
		"a byte more":        append(bytes.Clone(good), 0),
		"a byte less":        good[:len(good)-1],
		"no encoding at all": make([]byte, 8192),
		"one byte":           {0},
	} {
		for _, dry := range []bool{false, true} {
			in := of(public)
			in.DryRun = optional.Some(dry)
			t.Log(name)
			owner.refused(in, fault.Validation, "")
		}
	}
	const one = "1 validation error detected: "
	owner.refused(&kms.DeriveSharedSecretInput{}, fault.Validation, "3 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; "+
		"Value null at 'keyAgreementAlgorithm' failed to satisfy constraint: Member must not be null; Value null at 'publicKey' failed to satisfy constraint: Member must not be null")
	owner.refused(of([]byte{}), fault.Validation, one+"Value at 'publicKey' failed to satisfy constraint: Member must have length greater than or equal to 1")
	owner.refused(of(make([]byte, 8193)), fault.Validation, one+"Value at 'publicKey' failed to satisfy constraint: Member must have length less than or equal to 8192")
	in := of(good)
	in.KeyAgreementAlgorithm = str("X25519")
	owner.refused(in, fault.Validation, one+"Value 'X25519' at 'keyAgreementAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [ECDH]")
	in = of(good)
	in.Recipient = &kms.Recipient{}
	owner.refused(in, fault.UnsupportedOperation, "Recipient is not supported.")
}
