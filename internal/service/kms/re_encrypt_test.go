package kms_test

import (
	"crypto/fips140"
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

func TestReEncrypt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	from, to := owner.createKey(), owner.createKey()
	owner.createAlias("alias/to", to.KeyID)
	old, fresh := pairs.Of(map[string]string{"a": "1"}), pairs.Of(map[string]string{"b": "2"})
	blob := must[kms.EncryptOutput](owner, &kms.EncryptInput{KeyID: str(from.KeyID), Plaintext: secret("hello"), EncryptionContext: old}).CiphertextBlob
	in := &kms.ReEncryptInput{
		CiphertextBlob:               blob,
		SourceEncryptionContext:      old,
		DestinationKeyID:             str("alias/to"),
		DestinationEncryptionContext: fresh,
	}
	out := must[kms.ReEncryptOutput](owner, in)
	want := kms.ReEncryptOutput{
		CiphertextBlob:                 out.CiphertextBlob,
		SourceKeyID:                    from.ARN,
		KeyID:                          to.ARN,
		SourceEncryptionAlgorithm:      "SYMMETRIC_DEFAULT",
		DestinationEncryptionAlgorithm: "SYMMETRIC_DEFAULT",
		SourceKeyMaterialID:            from.CurrentKeyMaterialID,
		DestinationKeyMaterialID:       to.CurrentKeyMaterialID,
	}
	if out.SourceKeyID != want.SourceKeyID || out.KeyID != want.KeyID || out.SourceKeyMaterialID != want.SourceKeyMaterialID ||
		out.DestinationKeyMaterialID != want.DestinationKeyMaterialID || out.SourceEncryptionAlgorithm != want.SourceEncryptionAlgorithm ||
		out.DestinationEncryptionAlgorithm != want.DestinationEncryptionAlgorithm {
		t.Errorf("answered %+v", out)
	}
	w.recorded(`{"destinationKeyId":"alias/to","sourceEncryptionAlgorithm":"SYMMETRIC_DEFAULT","destinationEncryptionAlgorithm":"SYMMETRIC_DEFAULT",`+
		`"sourceEncryptionContext":{"a":"1"},"destinationEncryptionContext":{"b":"2"}}`, `null`,
		`{"sourceKeyMaterialId":"`+from.CurrentKeyMaterialID.V+`","destinationKeyMaterialId":"`+to.CurrentKeyMaterialID.V+`"}`,
		ofKey(from), ofKey(to))
	got := must[kms.DecryptOutput](owner, &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob, EncryptionContext: fresh})
	if shown(got.Plaintext) != "hello" || got.KeyID != to.ARN {
		t.Errorf("decrypted %+v", got)
	}

	in.SourceKeyID = str(to.KeyID)
	owner.refused(in, kms.IncorrectKey, incorrect)
	in.SourceKeyID = str(from.ARN)
	in.SourceEncryptionContext = fresh
	owner.refused(in, kms.InvalidCiphertext, "")
	in.SourceEncryptionContext = old
	in.CiphertextBlob = []byte("garbage")
	owner.refused(in, kms.InvalidCiphertext, "")
	in.SourceKeyID = optional.Of[string]{}
	owner.refused(in, kms.InvalidCiphertext, "")
}

func TestReEncryptShape(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	blob := owner.encrypt(key.KeyID, "x")
	dry, ignore := optional.Some(true), []string{"IGNORE_CIPHERTEXT"}
	const one = "1 validation error detected: "
	for _, c := range []struct {
		in   kms.ReEncryptInput
		code fault.Code
		want string
	}{
		{kms.ReEncryptInput{}, fault.Validation, "2 validation errors detected: Value null at 'destinationKeyId' failed to satisfy constraint: " +
			"Member must not be null; Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null"},
		{kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyID: str(key.KeyID), SourceKeyID: str("")}, fault.Validation,
			one + "Value '' at 'sourceKeyId' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyID: str(key.KeyID), SourceEncryptionAlgorithm: str("SM2PKE")}, fault.Validation,
			"SourceKeyId is required with the encryption algorithm SM2PKE."},
		{kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyID: str(key.KeyID), DestinationEncryptionAlgorithm: str("SM2PKE")},
			kms.InvalidKeyUsage, "Algorithm SM2PKE is incompatible with key spec SYMMETRIC_DEFAULT."},
		{kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyID: str(key.KeyID), DryRun: dry}, fault.DryRunOperation, dryRun},
		{kms.ReEncryptInput{DestinationKeyID: str(key.KeyID), DryRun: dry, DryRunModifiers: ignore}, fault.Validation,
			"SourceKeyId is required when the ciphertext is ignored."},
		{kms.ReEncryptInput{SourceKeyID: str(key.KeyID), DestinationKeyID: str(key.KeyID), DryRun: dry, DryRunModifiers: ignore},
			fault.DryRunOperation, dryRun},
		{kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyID: str(key.KeyID), GrantTokens: []string{"t"}},
			kms.InvalidGrantToken, "The grant token is not valid."},
	} {
		owner.refused(&c.in, c.code, c.want)
	}
}

// Each half is asked of its own key, with its own encryption context.
func TestReEncryptPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	from, to := owner.createKey(), owner.createKey()
	context := pairs.Of(map[string]string{"half": "from"})
	blob := must[kms.EncryptOutput](owner, &kms.EncryptInput{KeyID: str(from.KeyID), Plaintext: secret("x"), EncryptionContext: context}).CiphertextBlob
	half := func(action, key, half string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:` + action + `","Resource":"` + key +
			`","Condition":{"StringEquals":{"kms:EncryptionContext:Half":"` + half + `"}}}]}`
	}
	in := &kms.ReEncryptInput{
		CiphertextBlob:               blob,
		SourceEncryptionContext:      context,
		SourceKeyID:                  str(from.KeyID),
		DestinationKeyID:             str(to.KeyID),
		DestinationEncryptionContext: context.With("half", "to"),
	}
	w.user(home, "a", half("ReEncryptTo", to.ARN, "to")).denied(in, "kms:ReEncryptFrom", from.ARN, noIdentity("kms:ReEncryptFrom"))
	w.user(home, "b", half("ReEncryptFrom", from.ARN, "from")).denied(in, "kms:ReEncryptTo", to.ARN, noIdentity("kms:ReEncryptTo"))
	w.user(home, "c", half("ReEncryptFrom", from.ARN, "to"), half("ReEncryptTo", to.ARN, "from")).
		denied(in, "kms:ReEncryptFrom", from.ARN, noIdentity("kms:ReEncryptFrom"))
	must[kms.ReEncryptOutput](w.user(home, "d", half("ReEncryptFrom", from.ARN, "from"), half("ReEncryptTo", to.ARN, "to")), in)

	same := w.user(home, "e", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:ReEncrypt*","Resource":"*",`+
		`"Condition":{"Bool":{"kms:ReEncryptOnSameKey":"true"}}}]}`)
	same.denied(in, "kms:ReEncryptFrom", from.ARN, noIdentity("kms:ReEncryptFrom"))
	in.DestinationKeyID = str(from.ARN)
	must[kms.ReEncryptOutput](same, in)
}

func TestReEncryptAcrossAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, guest := w.root(home), w.user(abroad, "guest", everything)
	shared := owner.createKey(keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"` + abroad + `"},"Action":"kms:ReEncryptFrom","Resource":"*"}`))
	own := guest.createKey()
	blob := owner.encrypt(shared.KeyID, "hello")
	out := must[kms.ReEncryptOutput](guest, &kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyID: str(own.KeyID)})
	if got := guest.decrypt(out.CiphertextBlob); got != "hello" {
		t.Errorf("decrypted %q", got)
	}
	_, _ = guest.do(&kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyID: str(own.KeyID)})
	if got := w.last.Record.Resources; len(got) != 2 || got[0].ARN != shared.ARN || got[1].ARN != own.ARN {
		t.Errorf("resources %+v", got)
	}
	guest.denied(&kms.ReEncryptInput{CiphertextBlob: out.CiphertextBlob, DestinationKeyID: str(shared.ARN)},
		"kms:ReEncryptTo", shared.ARN, noResource("kms:ReEncryptTo"))
	hiddenKey := owner.createKey()
	guest.refused(&kms.ReEncryptInput{CiphertextBlob: owner.encrypt(hiddenKey.KeyID, "x"), DestinationKeyID: str(own.KeyID)}, fault.AccessDenied, hidden)
}

// TestReEncryptAcrossKinds: from symmetric to asymmetric keys, back, and between
// asymmetric ones.
func TestReEncryptAcrossKinds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	symmetric, small, large := owner.createKey(), owner.fixedRSA("RSA_2048", "ENCRYPT_DECRYPT"), owner.fixedRSA("RSA_3072", "ENCRYPT_DECRYPT")
	sha1, sha256 := "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"
	if fips140.Enabled() {
		owner.refused(&kms.ReEncryptInput{CiphertextBlob: owner.encrypt(symmetric.KeyID, "x"), DestinationKeyID: str(small.KeyID),
			DestinationEncryptionAlgorithm: str(sha1)}, fault.UnsupportedOperation, noSHA1)
		sha1 = sha256
	}
	context := pairs.Of(map[string]string{"a": "1"})
	blob := must[kms.EncryptOutput](owner, &kms.EncryptInput{KeyID: str(symmetric.KeyID), Plaintext: secret("hello"), EncryptionContext: context}).CiphertextBlob

	there := must[kms.ReEncryptOutput](owner, &kms.ReEncryptInput{
		CiphertextBlob: blob, SourceEncryptionContext: context, DestinationKeyID: str(small.KeyID), DestinationEncryptionAlgorithm: str(sha256),
	})
	if there.SourceKeyMaterialID != symmetric.CurrentKeyMaterialID || there.DestinationKeyMaterialID.Set || there.DestinationEncryptionAlgorithm != sha256 {
		t.Errorf("to an asymmetric key: %+v", there)
	}
	w.recorded(`{"destinationKeyId":"`+small.KeyID+`","sourceEncryptionAlgorithm":"SYMMETRIC_DEFAULT","destinationEncryptionAlgorithm":"RSAES_OAEP_SHA_256",`+
		`"sourceEncryptionContext":{"a":"1"}}`, `null`, `{"sourceKeyMaterialId":"`+symmetric.CurrentKeyMaterialID.V+`"}`, ofKey(symmetric), ofKey(small))
	across := must[kms.ReEncryptOutput](owner, &kms.ReEncryptInput{
		CiphertextBlob: there.CiphertextBlob, SourceKeyID: str(small.KeyID), SourceEncryptionAlgorithm: str(sha256),
		DestinationKeyID: str(large.KeyID), DestinationEncryptionAlgorithm: str(sha1),
	})
	if across.SourceKeyMaterialID.Set || across.DestinationKeyMaterialID.Set || across.SourceKeyID != small.ARN || across.KeyID != large.ARN {
		t.Errorf("between asymmetric keys: %+v", across)
	}
	back := must[kms.ReEncryptOutput](owner, &kms.ReEncryptInput{
		CiphertextBlob: across.CiphertextBlob, SourceKeyID: str(large.KeyID), SourceEncryptionAlgorithm: str(sha1),
		DestinationKeyID: str(symmetric.KeyID), DestinationEncryptionContext: context,
	})
	if back.SourceKeyMaterialID.Set || back.DestinationKeyMaterialID != symmetric.CurrentKeyMaterialID {
		t.Errorf("to a symmetric key: %+v", back)
	}
	if got := must[kms.DecryptOutput](owner, &kms.DecryptInput{CiphertextBlob: back.CiphertextBlob, EncryptionContext: context}); shown(got.Plaintext) != "hello" {
		t.Errorf("decrypted %q", shown(got.Plaintext))
	}

	signer := owner.createKeyOf("ECC_NIST_P256", "SIGN_VERIFY")
	long := owner.encrypt(symmetric.KeyID, strings.Repeat("x", 191))
	for _, c := range []struct {
		in   kms.ReEncryptInput
		code fault.Code
		want string
	}{
		{kms.ReEncryptInput{CiphertextBlob: blob, SourceEncryptionContext: context, DestinationKeyID: str(small.KeyID)}, kms.InvalidKeyUsage,
			"Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."},
		{kms.ReEncryptInput{CiphertextBlob: blob, SourceEncryptionContext: context, DestinationKeyID: str(signer.KeyID)}, kms.InvalidKeyUsage,
			signer.ARN + " key usage is SIGN_VERIFY which is not valid for ReEncrypt."},
		{kms.ReEncryptInput{CiphertextBlob: blob, SourceEncryptionContext: context, DestinationKeyID: str(small.KeyID), DestinationEncryptionAlgorithm: str(sha256),
			DestinationEncryptionContext: context}, fault.Validation, "EncryptionContext is not supported with key spec RSA_2048."},
		{kms.ReEncryptInput{CiphertextBlob: there.CiphertextBlob, SourceKeyID: str(small.KeyID), SourceEncryptionAlgorithm: str(sha256),
			SourceEncryptionContext: context, DestinationKeyID: str(symmetric.KeyID)}, fault.Validation, "EncryptionContext is not supported with key spec RSA_2048."},
		{kms.ReEncryptInput{CiphertextBlob: long, DestinationKeyID: str(small.KeyID), DestinationEncryptionAlgorithm: str(sha256)}, fault.Validation,
			"Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger than 190 bytes."},
		{kms.ReEncryptInput{CiphertextBlob: there.CiphertextBlob, SourceEncryptionAlgorithm: str(sha256), DestinationKeyID: str(symmetric.KeyID)}, fault.Validation,
			"SourceKeyId is required with the encryption algorithm RSAES_OAEP_SHA_256."},
		{kms.ReEncryptInput{CiphertextBlob: there.CiphertextBlob, SourceKeyID: str(large.KeyID), SourceEncryptionAlgorithm: str(sha256),
			DestinationKeyID: str(symmetric.KeyID)}, kms.InvalidCiphertext, ""},
		{kms.ReEncryptInput{CiphertextBlob: there.CiphertextBlob, SourceKeyID: str(small.KeyID), SourceEncryptionAlgorithm: str(sha256),
			DestinationKeyID: str(symmetric.KeyID), DryRun: optional.Some(true)}, fault.DryRunOperation,
			"The request would have succeeded, but the DryRun option is set."},
	} {
		owner.refused(&c.in, c.code, c.want)
	}
	must[kms.ReEncryptOutput](owner, &kms.ReEncryptInput{CiphertextBlob: long, DestinationKeyID: str(large.KeyID), DestinationEncryptionAlgorithm: str(sha256)})
}
