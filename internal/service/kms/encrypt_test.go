package kms_test

import (
	"bytes"
	"crypto"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

func TestEncrypt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	in := &kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("hello"), EncryptionContext: pairs.Of(map[string]string{"a": "1"})}
	out := must[kms.EncryptOutput](owner, in)
	if out.KeyID != key.ARN || out.EncryptionAlgorithm != "SYMMETRIC_DEFAULT" || len(out.CiphertextBlob) == 0 {
		t.Errorf("answered %+v", out)
	}
	w.recorded(`{"keyId":"`+key.KeyID+`","encryptionContext":{"a":"1"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`,
		`null`, `{"keyMaterialId":"`+key.CurrentKeyMaterialID.V+`"}`, ofKey(key))
	if again := must[kms.EncryptOutput](owner, in); bytes.Equal(again.CiphertextBlob, out.CiphertextBlob) {
		t.Error("two encryptions gave one ciphertext")
	}

	in.DryRun = optional.Some(true)
	owner.refused(in, fault.DryRunOperation, "The request would have succeeded, but the DryRun option is set.")
	w.recorded(`{"keyId":"`+key.KeyID+`","encryptionContext":{"a":"1"},"dryRun":true,"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`,
		`null`, `{}`, ofKey(key))
}

func TestEncryptLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	must[kms.EncryptOutput](owner, &kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret(strings.Repeat("x", 4096))})

	const one = "1 validation error detected: "
	for _, c := range []struct {
		in   kms.EncryptInput
		want string
	}{
		{kms.EncryptInput{}, "2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; " +
			"Value null at 'plaintext' failed to satisfy constraint: Member must not be null"},
		{kms.EncryptInput{KeyID: str(""), Plaintext: secret("x")},
			one + "Value '' at 'keyId' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("")},
			one + "Value at 'plaintext' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret(strings.Repeat("x", 4097))},
			one + "Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096"},
		{kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x"), EncryptionAlgorithm: str("AES")},
			one + "Value 'AES' at 'encryptionAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: " +
				"[SYMMETRIC_DEFAULT, RSAES_OAEP_SHA_1, RSAES_OAEP_SHA_256, SM2PKE]"},
	} {
		owner.refused(&c.in, fault.Validation, c.want)
	}
}

func TestEncryptionContextLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	// Two bytes for the number of pairs and four for the lengths of this one.
	fits := pairs.Of(map[string]string{"k": strings.Repeat("v", 8192-2-4-1)})
	in := &kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x"), EncryptionContext: fits}
	blob := must[kms.EncryptOutput](owner, in).CiphertextBlob
	if got := shown(must[kms.DecryptOutput](owner, &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: fits}).Plaintext); got != "x" {
		t.Errorf("decrypted %q", got)
	}
	in.EncryptionContext = fits.With("k", fits[0].Value+"v")
	owner.refused(in, fault.Validation, "EncryptionContext must not be larger than 8192 bytes")
}

func TestEncryptionContextWithoutHalf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := str(owner.createKey().KeyID)
	blob := must[kms.EncryptOutput](owner, &kms.EncryptInput{KeyID: key, Plaintext: secret("x")}).CiphertextBlob
	ran := 0
	for _, context := range []map[string]string{{"a": ""}, {"": "1"}, {"": ""}, {"a": "1", "b": ""}} {
		half := pairs.Of(context)
		for _, in := range []any{
			&kms.EncryptInput{KeyID: key, Plaintext: secret("x"), EncryptionContext: half},
			&kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: half},
			&kms.GenerateDataKeyInput{KeyID: key, KeySpec: str("AES_256"), EncryptionContext: half},
			&kms.GenerateDataKeyWithoutPlaintextInput{KeyID: key, KeySpec: str("AES_256"), EncryptionContext: half},
			&kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyID: key, SourceEncryptionContext: half},
			&kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyID: key, DestinationEncryptionContext: half},
		} {
			owner.refused(in, fault.Validation, "Invalid EncryptionContext")
			ran++
		}
	}
	if ran != 24 {
		t.Errorf("%d cases ran", ran)
	}
}

func TestGrantTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, stranger := w.root(home), w.user(home, "stranger")
	key := owner.createKey()
	in := &kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x"), GrantTokens: []string{"token"}}
	owner.refused(in, kms.InvalidGrantToken, "The grant token is not valid.")
	stranger.refused(in, kms.InvalidGrantToken, "The grant token is not valid.") // before the decision
	in.KeyID = str(nowhere)
	owner.refused(in, kms.NotFound, "Key '"+keyARN(home, nowhere)+"' does not exist")
	in.GrantTokens = append(make([]string, 10), "eleven")
	_, err := owner.do(in)
	if got := fault.From(err); got.Code != fault.Validation || !strings.HasPrefix(got.Message, "11 validation errors detected: "+
		"Value at 'grantTokens' failed to satisfy constraint: Member must have length less than or equal to 10; "+
		"Value at 'grantTokens.1.member' failed") {
		t.Errorf("eleven tokens, ten of them empty: %v", got)
	}
}

// benchmark makes one warm call over and over.
func benchmark(b *testing.B, in func(key kms.KeyMetadata, blob []byte) any) {
	w := newWorld(b)
	owner := w.root(home)
	key := owner.createKey()
	user := w.user(home, "u", everything)
	call := in(key, user.encrypt(key.ARN, "thirty-two bytes of plaintext..."))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := user.do(call); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncrypt(b *testing.B) {
	benchmark(b, func(key kms.KeyMetadata, _ []byte) any {
		return &kms.EncryptInput{KeyID: str(key.ARN), Plaintext: secret("thirty-two bytes of plaintext...")}
	})
}

func BenchmarkDecrypt(b *testing.B) {
	benchmark(b, func(_ kms.KeyMetadata, blob []byte) any { return &kms.DecryptInput{CiphertextBlob: blob} })
}

// TestEncryptRSA: what is encrypted here the standard library opens, and back.
func TestEncryptRSA(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	ran := 0
	for _, c := range []struct {
		spec string
		most map[string]int
	}{
		{"RSA_2048", map[string]int{"RSAES_OAEP_SHA_1": 214, "RSAES_OAEP_SHA_256": 190}},
		{"RSA_3072", map[string]int{"RSAES_OAEP_SHA_1": 342, "RSAES_OAEP_SHA_256": 318}},
		{"RSA_4096", map[string]int{"RSAES_OAEP_SHA_1": 470, "RSAES_OAEP_SHA_256": 446}},
	} {
		key := owner.fixedRSA(c.spec, "ENCRYPT_DECRYPT")
		parsed, err := x509.ParsePKCS8PrivateKey(fixedKey(t, c.spec))
		ok(t, err)
		private := parsed.(*rsa.PrivateKey)
		for algorithm, most := range c.most {
			hash := map[string]crypto.Hash{"RSAES_OAEP_SHA_1": crypto.SHA1, "RSAES_OAEP_SHA_256": crypto.SHA256}[algorithm]
			if fips140.Enabled() && algorithm == "RSAES_OAEP_SHA_1" {
				owner.refused(&kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x"), EncryptionAlgorithm: str(algorithm)},
					fault.UnsupportedOperation, noSHA1)
				ran += 3
				continue
			}
			for _, n := range []int{1, most - 1, most} {
				text := strings.Repeat("x", n)
				out := must[kms.EncryptOutput](owner, &kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret(text), EncryptionAlgorithm: str(algorithm)})
				opened, err := rsa.DecryptOAEP(hash.New(), nil, private, out.CiphertextBlob, nil)
				if err != nil || string(opened) != text || out.EncryptionAlgorithm != algorithm || out.KeyID != key.ARN {
					t.Errorf("%s, %s, %d bytes: %+v, opened %q, %v", c.spec, algorithm, n, out, opened, err)
				}
				ran++
			}
			owner.refused(&kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret(strings.Repeat("x", most+1)), EncryptionAlgorithm: str(algorithm)},
				fault.Validation, fmt.Sprintf("Algorithm %s and key spec %s cannot encrypt data larger than %d bytes.", algorithm, c.spec, most))

			blob, err := rsa.EncryptOAEP(hash.New(), rand.Reader, &private.PublicKey, []byte("from outside"), nil)
			ok(t, err)
			out := must[kms.DecryptOutput](owner, &kms.DecryptInput{KeyID: str(key.KeyID), CiphertextBlob: blob, EncryptionAlgorithm: str(algorithm)})
			if shown(out.Plaintext) != "from outside" || out.KeyID != key.ARN || out.EncryptionAlgorithm != algorithm || out.KeyMaterialID.Set {
				t.Errorf("%s, %s: decrypted %+v", c.spec, algorithm, out)
			}
			empty, err := rsa.EncryptOAEP(hash.New(), rand.Reader, &private.PublicKey, nil, nil)
			ok(t, err)
			owner.refused(&kms.DecryptInput{KeyID: str(key.KeyID), CiphertextBlob: empty, EncryptionAlgorithm: str(algorithm)}, kms.InvalidCiphertext, "")
		}
	}
	if ran != 18 {
		t.Errorf("%d plaintexts", ran)
	}
}

const noSHA1 = "Encryption with the algorithm RSAES_OAEP_SHA_1 is not approved in FIPS 140-3 mode."

// TestAsymmetricRefusals: what an asymmetric key does not do.
func TestAsymmetricRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.fixedRSA("RSA_2048", "ENCRYPT_DECRYPT")
	id, oaep := str(key.KeyID), str("RSAES_OAEP_SHA_256")
	blob := must[kms.EncryptOutput](owner, &kms.EncryptInput{KeyID: id, Plaintext: secret("x"), EncryptionAlgorithm: oaep}).CiphertextBlob
	w.recorded(`{"keyId":"`+key.KeyID+`","encryptionAlgorithm":"RSAES_OAEP_SHA_256"}`, `null`, `{}`, ofKey(key))
	context := pairs.Of(map[string]string{"a": "1"})
	const incompatible = "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."
	for _, c := range []struct {
		in   any
		code fault.Code
		want string
	}{
		{&kms.EncryptInput{KeyID: id, Plaintext: secret("x")}, kms.InvalidKeyUsage, incompatible},
		{&kms.DecryptInput{KeyID: id, CiphertextBlob: blob}, kms.InvalidKeyUsage, incompatible},
		{&kms.EncryptInput{KeyID: id, Plaintext: secret("x"), EncryptionAlgorithm: str("SM2PKE")}, kms.InvalidKeyUsage,
			"Algorithm SM2PKE is incompatible with key spec RSA_2048."},
		{&kms.EncryptInput{KeyID: id, Plaintext: secret("x"), EncryptionAlgorithm: oaep, EncryptionContext: context}, fault.Validation,
			"EncryptionContext is not supported with key spec RSA_2048."},
		{&kms.DecryptInput{KeyID: id, CiphertextBlob: blob, EncryptionAlgorithm: oaep, EncryptionContext: context}, fault.Validation,
			"EncryptionContext is not supported with key spec RSA_2048."},
		{&kms.DecryptInput{CiphertextBlob: blob, EncryptionAlgorithm: oaep}, fault.Validation,
			"KeyId is required with the encryption algorithm RSAES_OAEP_SHA_256."},
		{&kms.DecryptInput{CiphertextBlob: blob}, kms.InvalidCiphertext, ""}, // it names no key
		{&kms.DecryptInput{KeyID: id, CiphertextBlob: blob, EncryptionAlgorithm: str("RSAES_OAEP_SHA_1")}, kms.InvalidCiphertext, ""},
		{&kms.DecryptInput{KeyID: id, CiphertextBlob: blob[1:], EncryptionAlgorithm: oaep}, kms.InvalidCiphertext, ""},
		{&kms.DecryptInput{KeyID: id, CiphertextBlob: append([]byte{0}, blob...), EncryptionAlgorithm: oaep}, kms.InvalidCiphertext, ""},
		{&kms.DecryptInput{KeyID: id, CiphertextBlob: make([]byte, 6144), EncryptionAlgorithm: oaep}, kms.InvalidCiphertext, ""},
		{&kms.DecryptInput{KeyID: id, CiphertextBlob: owner.encrypt(owner.createKey().KeyID, "x"), EncryptionAlgorithm: oaep}, kms.InvalidCiphertext, ""},
		{&kms.DecryptInput{KeyID: id, CiphertextBlob: owner.encrypt(owner.createKey().KeyID, "x")}, kms.IncorrectKey, incorrect},
		{&kms.EncryptInput{KeyID: str(owner.createKey().KeyID), Plaintext: secret("x"), EncryptionAlgorithm: oaep}, kms.InvalidKeyUsage,
			"Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT."},
		{&kms.DecryptInput{KeyID: id, CiphertextBlob: blob, EncryptionAlgorithm: oaep, DryRun: optional.Some(true)}, fault.DryRunOperation,
			"The request would have succeeded, but the DryRun option is set."},
		{&kms.DecryptInput{KeyID: id, EncryptionAlgorithm: oaep, DryRun: optional.Some(true), DryRunModifiers: []string{"IGNORE_CIPHERTEXT"}},
			fault.DryRunOperation, "The request would have succeeded, but the DryRun option is set."},
	} {
		owner.refused(c.in, c.code, c.want)
	}
}
