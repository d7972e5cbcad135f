package kms_test

import (
	"bytes"
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
