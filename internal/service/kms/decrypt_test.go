package kms_test

import (
	"slices"
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

const (
	hidden    = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
	incorrect = "The key ID in the request does not identify a CMK that can perform this operation."
	dryRun    = "The request would have succeeded, but the DryRun option is set."
)

func TestDecrypt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	owner.createAlias("alias/a", key.KeyID)
	context := pairs.Of(map[string]string{"app": "shop", "tier": "gold"})
	blob := must[kms.EncryptOutput](owner, &kms.EncryptInput{KeyID: str("alias/a"), Plaintext: secret("hello"), EncryptionContext: context}).CiphertextBlob

	for _, named := range []optional.Of[string]{{}, str(key.KeyID), str(key.ARN), str("alias/a"), str(aliasARN("alias/a"))} {
		out := must[kms.DecryptOutput](owner, &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: context, KeyID: named})
		if shown(out.Plaintext) != "hello" || out.KeyID != key.ARN || out.EncryptionAlgorithm != "SYMMETRIC_DEFAULT" ||
			out.KeyMaterialID != key.CurrentKeyMaterialID {
			t.Errorf("with KeyId %v: answered %+v", named, out)
		}
		w.recorded(`{"keyId":"`+key.ARN+`","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"app":"shop","tier":"gold"}}`,
			`null`, `{"keyMaterialId":"`+key.CurrentKeyMaterialID.V+`"}`, ofKey(key))
	}

	for name, c := range map[string]struct {
		blob    []byte
		context pairs.Map
	}{
		"no context":      {blob, nil},
		"one pair less":   {blob, context[:1]},
		"one pair more":   {blob, context.With("x", "y")},
		"another value":   {blob, context.With("app", "Shop")},
		"another name":    {blob, pairs.Of(map[string]string{"App": "shop", "tier": "gold"})},
		"trailing byte":   {append(slices.Clone(blob), 0), context},
		"missing byte":    {blob[:len(blob)-1], context},
		"flipped bit":     {flipped(blob, len(blob)-1), context},
		"foreign format":  {[]byte("not a ciphertext"), context},
		"longest garbage": {make([]byte, 6144), context},
	} {
		for _, named := range []optional.Of[string]{{}, str(key.KeyID)} {
			t.Run(name, func(*testing.T) {
				owner.refused(&kms.DecryptInput{CiphertextBlob: c.blob, EncryptionContext: c.context, KeyID: named}, kms.InvalidCiphertext, "")
			})
		}
	}
}

func flipped(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 1
	return b
}

func TestDecryptShape(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	blob := owner.encrypt(owner.createKey().KeyID, "x")
	const one = "1 validation error detected: "
	for _, c := range []struct {
		in   kms.DecryptInput
		want string
	}{
		{kms.DecryptInput{}, one + "Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null"},
		{kms.DecryptInput{CiphertextBlob: []byte{}},
			one + "Value at 'ciphertextBlob' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{kms.DecryptInput{CiphertextBlob: make([]byte, 6145)},
			one + "Value at 'ciphertextBlob' failed to satisfy constraint: Member must have length less than or equal to 6144"},
		{kms.DecryptInput{CiphertextBlob: blob, EncryptionAlgorithm: str("RSAES_OAEP_SHA_256")},
			"KeyId is required with the encryption algorithm RSAES_OAEP_SHA_256."},
		{kms.DecryptInput{CiphertextBlob: blob, DryRunModifiers: []string{"NONE"}},
			one + "Value '[NONE]' at 'dryRunModifiers' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [IGNORE_CIPHERTEXT]]"},
		{kms.DecryptInput{CiphertextBlob: blob, DryRunModifiers: []string{"IGNORE_CIPHERTEXT"}},
			"DryRunModifiers can only be used with DryRun."},
		{kms.DecryptInput{CiphertextBlob: blob, DryRun: optional.Some(true), DryRunModifiers: []string{"IGNORE_CIPHERTEXT"}},
			"KeyId is required when the ciphertext is ignored."},
		{kms.DecryptInput{CiphertextBlob: blob, Recipient: &kms.Recipient{KeyEncryptionAlgorithm: str("RSA"), AttestationDocument: []byte{}}},
			"2 validation errors detected: Value 'RSA' at 'recipient.keyEncryptionAlgorithm' failed to satisfy constraint: " +
				"Member must satisfy enum value set: [RSAES_OAEP_SHA_256]; Value at 'recipient.attestationDocument' failed to satisfy constraint: " +
				"Member must have length greater than or equal to 1"},
	} {
		owner.refused(&c.in, fault.Validation, c.want)
	}
	owner.refused(&kms.DecryptInput{CiphertextBlob: blob, Recipient: &kms.Recipient{AttestationDocument: []byte{1}}},
		fault.UnsupportedOperation, "Recipient is not supported.")
}

func TestDecryptDryRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, stranger := w.root(home), w.user(home, "stranger")
	key := owner.createKey()
	blob := owner.encrypt(key.KeyID, "x")
	dry := optional.Some(true)
	ignore := []string{"IGNORE_CIPHERTEXT"}
	owner.refused(&kms.DecryptInput{CiphertextBlob: blob, DryRun: dry}, fault.DryRunOperation, dryRun)
	owner.refused(&kms.DecryptInput{CiphertextBlob: []byte("garbage"), DryRun: dry, KeyID: str(key.KeyID)}, kms.InvalidCiphertext, "")
	owner.refused(&kms.DecryptInput{DryRun: dry, DryRunModifiers: ignore, KeyID: str(key.KeyID)}, fault.DryRunOperation, dryRun)
	owner.refused(&kms.DecryptInput{CiphertextBlob: []byte("garbage"), DryRun: dry, DryRunModifiers: ignore, KeyID: str(key.KeyID)},
		fault.DryRunOperation, dryRun)
	stranger.denied(&kms.DecryptInput{DryRun: dry, DryRunModifiers: ignore, KeyID: str(key.KeyID)},
		"kms:Decrypt", key.ARN, noIdentity("kms:Decrypt"))
	w.state(key.KeyID, "Disabled")
	owner.refused(&kms.DecryptInput{DryRun: dry, DryRunModifiers: ignore, KeyID: str(key.KeyID)}, kms.Disabled, key.ARN+" is disabled.")
}

// Whoever has a ciphertext but no right to its key learns nothing from it.
func TestDecryptTellsStrangersNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, neighbour, foreigner := w.root(home), w.user(home, "neighbour"), w.root(abroad)
	key, other := owner.createKey(), owner.createKey()
	blob := owner.encrypt(key.KeyID, "x")
	gone := newWorld(t)
	lost := gone.root(home).encrypt(gone.root(home).createKey().KeyID, "x")

	for _, a := range []*actor{neighbour, foreigner} {
		for _, b := range [][]byte{blob, lost} {
			a.refused(&kms.DecryptInput{CiphertextBlob: b}, fault.AccessDenied, hidden)
			if a == foreigner {
				w.recorded(`{"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`, `null`, `{}`)
			}
		}
	}
	foreigner.refused(&kms.DecryptInput{CiphertextBlob: blob, KeyID: str(key.KeyID)}, fault.AccessDenied, hidden)
	foreigner.refused(&kms.DecryptInput{CiphertextBlob: blob, KeyID: str(other.KeyID)}, kms.NotFound,
		"Key '"+keyARN(abroad, other.KeyID)+"' does not exist")
	neighbour.denied(&kms.DecryptInput{CiphertextBlob: blob, KeyID: str(key.KeyID)}, "kms:Decrypt", key.ARN, noIdentity("kms:Decrypt"))
	owner.refused(&kms.DecryptInput{CiphertextBlob: blob, KeyID: str(other.KeyID)}, kms.IncorrectKey, incorrect)
	owner.refused(&kms.DecryptInput{CiphertextBlob: lost}, fault.AccessDenied, hidden)
}

func TestDecryptAcrossAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	guest := w.user(abroad, "guest", allow("kms:Decrypt"))
	key := owner.createKey(keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"` + abroad + `"},"Action":"kms:Decrypt","Resource":"*"}`))
	owner.createAlias("alias/shared", key.KeyID)
	blob := owner.encrypt(key.KeyID, "hello")
	for _, named := range []optional.Of[string]{{}, str(key.KeyID), str(key.ARN), str(aliasARN("alias/shared"))} {
		out := must[kms.DecryptOutput](guest, &kms.DecryptInput{CiphertextBlob: blob, KeyID: named})
		if shown(out.Plaintext) != "hello" || out.KeyID != key.ARN {
			t.Errorf("with KeyId %v: answered %+v", named, out)
		}
		w.recorded(`{"keyId":"`+key.ARN+`","encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`, `null`,
			`{"keyMaterialId":"`+key.CurrentKeyMaterialID.V+`"}`, ofKey(key))
	}
	guest.refused(&kms.DecryptInput{CiphertextBlob: blob, KeyID: str("alias/shared")}, kms.NotFound,
		"Alias "+strings.Replace(aliasARN("alias/shared"), home, abroad, 1)+" is not found.")
}
