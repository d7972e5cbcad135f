package kms_test

import (
	"errors"
	"slices"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// Whatever stands as a KeyId, it names a key that exists or is refused as one
// that does not; it never fails.
func FuzzKeyID(f *testing.F) {
	for _, seed := range []string{
		nowhere, keyARN(home, nowhere), keyARN(abroad, nowhere), "alias/a", aliasARN("alias/a"), aliasARN("alias/"), "alias/",
		"mrk-1234abcd12ab34cd56ef1234567890ab", "arn:", "arn:aws:kms:::key/", "", "key/" + nowhere, "\x00", "alias/\xff",
	} {
		f.Add(seed)
	}
	w := newWorld(f)
	owner := w.root(home)
	key := owner.createKey()
	owner.createAlias("alias/a", key.KeyID)
	f.Fuzz(func(t *testing.T, text string) {
		owner := owner.within(t)
		_, err := owner.do(&kms.DescribeKeyInput{KeyID: str(text)})
		names := slices.Contains([]string{key.KeyID, key.ARN, "alias/a", aliasARN("alias/a")}, text)
		var refusal *fault.Fault
		switch {
		case names && err != nil, !names && err == nil:
			t.Errorf("%q: %v", text, err)
		case names:
		case !errors.As(err, &refusal):
			t.Errorf("%q failed: %v", text, err)
		case !slices.Contains([]fault.Code{kms.NotFound, kms.InvalidARN, fault.AccessDenied, fault.Validation}, refusal.Code):
			t.Errorf("%q: %v", text, err)
		}
	})
}

// No text but a marker of ours opens, and no bytes but a ciphertext of ours.
func FuzzForeignBytes(f *testing.F) {
	w := newWorld(f)
	owner := w.root(home)
	key := owner.createKey()
	blob := owner.encrypt(key.KeyID, "x")
	f.Add("")
	f.Add("AAAA")
	f.Add(string(blob[:len(blob)-1]))
	f.Add(string(append(slices.Clone(blob), 0)))
	f.Fuzz(func(t *testing.T, text string) {
		owner := owner.within(t)
		if _, err := owner.do(&kms.ListKeysInput{Marker: str(text)}); !fault.Is(err, kms.InvalidMarker) && !fault.Is(err, fault.Validation) {
			t.Errorf("marker %q: %v", text, err)
		}
		if text == string(blob) {
			return
		}
		for _, named := range []optional.Of[string]{{}, str(key.KeyID)} {
			_, err := owner.do(&kms.DecryptInput{CiphertextBlob: []byte(text), KeyID: named})
			refused := fault.Is(err, kms.InvalidCiphertext) || fault.Is(err, kms.IncorrectKey) ||
				fault.Is(err, fault.AccessDenied) || fault.Is(err, fault.Validation)
			if !refused {
				t.Errorf("ciphertext %q: %v", text, err)
			}
		}
	})
}

// No bytes but a token of ours are one, and none of another key.
func FuzzImportToken(f *testing.F) {
	w := newWorld(f)
	owner := w.root(home)
	in := w.importing(owner.external(), material(1))
	token := in.ImportToken
	f.Add([]byte{1, 2})
	f.Add(token[:10])
	f.Add(token[:len(token)-1])
	f.Add(append(slices.Clone(token), 0))
	f.Fuzz(func(t *testing.T, text []byte) {
		if slices.Equal(text, token) {
			return
		}
		owner, in := owner.within(t), *in
		in.ImportToken = text
		if _, err := owner.do(&in); !fault.Is(err, kms.InvalidImportToken) && !fault.Is(err, fault.Validation) {
			t.Errorf("token %x: %v", text, err)
		}
	})
}

// Whatever stands as a ciphertext, a signature, a MAC or a peer's key of a key
// with a private half, it is refused, and never fails. A ciphertext of ML-KEM that
// has the right length is one.
func FuzzForeignBytesOfPrivateKeys(f *testing.F) {
	w := newWorld(f)
	owner := w.root(home)
	cipher := str(owner.fixedRSA("RSA_2048", "ENCRYPT_DECRYPT").KeyID)
	pss := str(owner.fixedRSA("RSA_2048", "SIGN_VERIFY").KeyID)
	signer := str(owner.createKeyOf("ECC_NIST_P256", "SIGN_VERIFY").KeyID)
	edwards := str(owner.createKeyOf("ECC_NIST_EDWARDS25519", "SIGN_VERIFY").KeyID)
	mac := str(owner.createKeyOf("HMAC_256", "GENERATE_VERIFY_MAC").KeyID)
	agrees := owner.createKeyOf("ECC_NIST_P256", "KEY_AGREEMENT")
	kem := str(owner.createKeyOf("ML_KEM_768", "ENCAPSULATE_DECAPSULATE").KeyID)
	public := must[kms.GetPublicKeyOutput](owner, &kms.GetPublicKeyInput{KeyID: str(agrees.KeyID)}).PublicKey
	f.Add(public[:len(public)-1])
	f.Add(append(slices.Clone(public), 0))
	f.Add(make([]byte, 64))
	f.Add(make([]byte, 256))
	f.Add(make([]byte, 1088))
	f.Fuzz(func(t *testing.T, foreign []byte) {
		owner := owner.within(t)
		for _, c := range []struct {
			in   any
			code fault.Code
		}{
			{&kms.DecryptInput{KeyID: cipher, CiphertextBlob: foreign, EncryptionAlgorithm: str("RSAES_OAEP_SHA_256")}, kms.InvalidCiphertext},
			{&kms.VerifyInput{KeyID: pss, Message: secret("x"), SigningAlgorithm: str("RSASSA_PSS_SHA_256"), Signature: foreign}, kms.InvalidSignature},
			{&kms.VerifyInput{KeyID: signer, Message: secret("x"), SigningAlgorithm: str("ECDSA_SHA_256"), Signature: foreign}, kms.InvalidSignature},
			{&kms.VerifyInput{KeyID: edwards, Message: secret("x"), SigningAlgorithm: str("ED25519_SHA_512"), Signature: foreign}, kms.InvalidSignature},
			{&kms.VerifyMacInput{KeyID: mac, Message: secret("x"), MacAlgorithm: str("HMAC_SHA_256"), Mac: foreign}, kms.InvalidMAC},
			{&kms.DecapsulateInput{KeyID: kem, EncapsulationAlgorithm: str("ML_KEM"), SharedSecretCiphertextBlob: foreign}, kms.InvalidCiphertext},
			{&kms.DeriveSharedSecretInput{KeyID: str(agrees.KeyID), KeyAgreementAlgorithm: str("ECDH"), PublicKey: foreign}, fault.Validation},
		} {
			_, err := owner.do(c.in)
			_, peer := c.in.(*kms.DeriveSharedSecretInput)
			_, opens := c.in.(*kms.DecapsulateInput)
			if err == nil && (peer || opens && len(foreign) == 1088) { // the fuzzer has found a point, or guessed a length
				continue
			}
			if !fault.Is(err, c.code) && !fault.Is(err, fault.Validation) {
				t.Errorf("%T of %x: %v", c.in, foreign, err)
			}
		}
	})
}
