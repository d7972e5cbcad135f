package kms_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"testing"

	"claviger/internal/ground/attestation"
	"claviger/internal/ground/attestation/attestationtest"
	"claviger/internal/ground/store/drivertest"
	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// newAttestedWorld is a world that believes documents of an authority.
func newAttestedWorld(t testing.TB) (*world, *attestationtest.Authority) {
	t.Helper()
	w := newWorld(t)
	a := attestationtest.New(w.now, nil)
	v, err := attestation.New(a.RootFile())
	ok(t, err)
	return newWorldOn(t, drivertest.Open(t), func(o *kms.Options) { o.Attestation = v }), a
}

func recipientOf(document []byte) *kms.Recipient {
	return &kms.Recipient{KeyEncryptionAlgorithm: str("RSAES_OAEP_SHA_256"), AttestationDocument: document}
}

// received is what the environment reads of an answer.
func received(t *testing.T, message []byte) string {
	t.Helper()
	plaintext, err := attestationtest.Open(message)
	ok(t, err)
	return string(plaintext)
}

// shownOf is what records say of a document of attestationtest, of an enclave.
func shownOf(registers ...int) string {
	members := []string{`"attestationDocumentModuleId":"` + attestationtest.Module + `"`}
	for _, i := range registers {
		name := "PCR" + strconv.Itoa(i)
		if i == 0 {
			name = "ImageDigest"
		}
		members = append(members, `"attestationDocumentEnclave`+name+`":"`+hex.EncodeToString(attestationtest.PCR(i))+`"`)
	}
	return `"recipient":{` + strings.Join(members, ",") + `}`
}

// TestRecipient: what is answered to an attested environment, nobody else can read.
func TestRecipient(t *testing.T) {
	t.Parallel()
	w, a := newAttestedWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	recipient := recipientOf(a.Document(w.now, attestationtest.PublicKey()))
	seen := shownOf(0, 1, 2, 3, 4, 8)
	used := `{"keyMaterialId":"` + key.CurrentKeyMaterialID.V + `",` + seen + `}`

	decrypted := must[kms.DecryptOutput](owner, &kms.DecryptInput{CiphertextBlob: owner.encrypt(key.KeyID, "hello"), Recipient: recipient})
	if decrypted.Plaintext.IsSet() || decrypted.KeyMaterialID.Set || decrypted.KeyID != key.ARN || decrypted.EncryptionAlgorithm != "SYMMETRIC_DEFAULT" ||
		received(t, decrypted.CiphertextForRecipient) != "hello" {
		t.Errorf("Decrypt answered %+v", decrypted)
	}
	w.recorded(`{"keyId":"`+key.ARN+`","encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`, `null`, used, ofKey(key))

	made := must[kms.GenerateDataKeyOutput](owner, &kms.GenerateDataKeyInput{KeyID: str(key.KeyID), KeySpec: str("AES_256"), Recipient: recipient})
	w.recorded(`{"keyId":"`+key.KeyID+`","keySpec":"AES_256"}`, `null`, used, ofKey(key))
	if made.Plaintext.IsSet() || made.KeyMaterialID.Set || made.KeyID != key.ARN ||
		received(t, made.CiphertextForRecipient) != owner.decrypt(made.CiphertextBlob) {
		t.Errorf("GenerateDataKey answered %+v", made)
	}

	pair := must[kms.GenerateDataKeyPairOutput](owner, &kms.GenerateDataKeyPairInput{KeyID: str(key.KeyID), KeyPairSpec: str("ECC_NIST_P384"), Recipient: recipient})
	w.recorded(`{"keyId":"`+key.KeyID+`","keyPairSpec":"ECC_NIST_P384"}`, `null`, used, ofKey(key))
	if pair.PrivateKeyPlaintext.IsSet() || pair.KeyMaterialID.Set || pair.KeyID != key.ARN || len(pair.PublicKey) == 0 ||
		received(t, pair.CiphertextForRecipient) != owner.decrypt(pair.PrivateKeyCiphertextBlob) {
		t.Errorf("GenerateDataKeyPair answered %+v", pair)
	}

	keys, _ := newAttestedKeys(t, owner)
	agreed := must[kms.DeriveSharedSecretOutput](owner, keys.calls(recipient)["DeriveSharedSecret"])
	plain := must[kms.DeriveSharedSecretOutput](owner, keys.calls(nil)["DeriveSharedSecret"])
	if agreed.SharedSecret.IsSet() || agreed.KeyID != keys.agreement || agreed.KeyOrigin != "AWS_KMS" ||
		received(t, agreed.CiphertextForRecipient) != shown(plain.SharedSecret) {
		t.Errorf("DeriveSharedSecret answered %+v", agreed)
	}

	random := must[kms.GenerateRandomOutput](owner, &kms.GenerateRandomInput{NumberOfBytes: optional.Some(1024), Recipient: recipient})
	if random.Plaintext.IsSet() || len(received(t, random.CiphertextForRecipient)) != 1024 {
		t.Errorf("GenerateRandom answered %+v", random)
	}
	w.recorded(`null`, `null`, `{`+seen+`}`)

	longest := owner.encrypt(key.KeyID, strings.Repeat("x", 4096))
	out := must[kms.DecryptOutput](owner, &kms.DecryptInput{CiphertextBlob: longest, Recipient: recipient})
	if received(t, out.CiphertextForRecipient) != strings.Repeat("x", 4096) {
		t.Error("the longest plaintext does not arrive")
	}
	// The only algorithm there is need not be named.
	must[kms.GenerateRandomOutput](owner, &kms.GenerateRandomInput{NumberOfBytes: optional.Some(1), Recipient: &kms.Recipient{AttestationDocument: recipient.AttestationDocument}})

	owner.refused(&kms.DecryptInput{CiphertextBlob: longest, Recipient: recipient, DryRun: optional.Some(true)}, fault.DryRunOperation, dryRun)
	owner.refused(&kms.GenerateDataKeyInput{KeyID: str(key.KeyID), KeySpec: str("AES_256"), Recipient: recipient, DryRun: optional.Some(true)}, fault.DryRunOperation, dryRun)
	owner.refused(&kms.DecryptInput{CiphertextBlob: flipped(longest, len(longest)-1), Recipient: recipient}, kms.InvalidCiphertext, "")
	w.state(key.KeyID, "Disabled")
	owner.refused(&kms.DecryptInput{CiphertextBlob: longest, Recipient: recipient}, kms.Disabled, key.ARN+" is disabled.")
	w.recorded(`{"keyId":"`+key.ARN+`","encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`, `null`, `{`+seen+`}`, ofKey(key))
}

// attestedKeys are what calls that answer to an environment are about.
type attestedKeys struct {
	symmetric, agreement string
	blob, peer           []byte
}

func newAttestedKeys(t *testing.T, owner *actor) (attestedKeys, kms.KeyMetadata) {
	t.Helper()
	key := owner.createKey()
	peer, err := ecdh.P256().GenerateKey(rand.Reader)
	ok(t, err)
	return attestedKeys{
		symmetric: key.ARN,
		agreement: owner.createKeyOf("ECC_NIST_P256", "KEY_AGREEMENT").ARN,
		blob:      owner.encrypt(key.KeyID, "hello"),
		peer:      spki(t, peer.PublicKey()),
	}, key
}

// calls are a call to each operation that answers to an environment.
func (k attestedKeys) calls(r *kms.Recipient) map[string]any {
	return map[string]any{
		"Decrypt":             &kms.DecryptInput{CiphertextBlob: k.blob, KeyID: str(k.symmetric), Recipient: r},
		"DeriveSharedSecret":  &kms.DeriveSharedSecretInput{KeyID: str(k.agreement), KeyAgreementAlgorithm: str("ECDH"), PublicKey: k.peer, Recipient: r},
		"GenerateDataKey":     &kms.GenerateDataKeyInput{KeyID: str(k.symmetric), KeySpec: str("AES_256"), Recipient: r},
		"GenerateDataKeyPair": &kms.GenerateDataKeyPairInput{KeyID: str(k.symmetric), KeyPairSpec: str("ECC_NIST_P256"), Recipient: r},
		"GenerateRandom":      &kms.GenerateRandomInput{NumberOfBytes: optional.Some(32), Recipient: r},
	}
}

// TestInvalidDocument: a document that is not to be believed is refused before
// anything else is looked at.
func TestInvalidDocument(t *testing.T) {
	t.Parallel()
	w, a := newAttestedWorld(t)
	owner, stranger := w.root(home), w.user(abroad, "mallory")
	keys, _ := newAttestedKeys(t, owner)
	p := a.Payload(w.now, attestationtest.PublicKey())
	document := a.Sign(p.Encode())
	cases := 0
	for reason, document := range map[string][]byte{
		"it is not one COSE_Sign1 message":                                               {1},
		"its signature does not verify":                                                  flipped(document, len(document)-1),
		"it is older than five minutes":                                                  a.Document(w.now.Add(-6*60e9), attestationtest.PublicKey()),
		"no chain of valid certificates leads from it to a trusted root":                 attestationtest.New(w.now, nil).Document(w.now, attestationtest.PublicKey()),
		"it has no public_key":                                                           a.Sign(p.Without("public_key").Encode()),
		"its public_key is not one of RSA, of 2048 to 4096 bits":                         a.Document(w.now, []byte("no key")),
		"its registers are not 1 to 32 of 32, 48 or 64 bytes, with indexes from 0 to 31": a.Sign(p.With("pcrs", []byte{0xa0}).Encode()),
	} {
		message := "The attestation document is not valid: " + reason + "."
		missing := attestedKeys{keyARN(home, nowhere), keyARN(home, nowhere), keys.blob, keys.peer}
		for _, of := range []attestedKeys{keys, missing} {
			for _, in := range of.calls(recipientOf(document)) {
				owner.refused(in, fault.Validation, message)
				if len(w.last.Record.Resources)+len(w.last.Record.Additional) != 0 {
					t.Errorf("%T is recorded as %+v", in, w.last.Record)
				}
				stranger.refused(in, fault.Validation, message)
				cases++
			}
		}
		owner.refused(&kms.DecryptInput{CiphertextBlob: []byte("none of ours"), Recipient: recipientOf(document)}, fault.Validation, message)
	}
	if cases != 70 {
		t.Errorf("%d cases", cases)
	}
	owner.refused(&kms.GenerateRandomInput{NumberOfBytes: optional.Some(1), Recipient: &kms.Recipient{}}, fault.Validation,
		"The attestation document is not valid: it is not one COSE_Sign1 message.")
	for n, want := range map[int]string{
		0:      "1 validation error detected: Value at 'recipient.attestationDocument' failed to satisfy constraint: Member must have length greater than or equal to 1",
		262144: "The attestation document is not valid: it is not one COSE_Sign1 message.",
		262145: "1 validation error detected: Value at 'recipient.attestationDocument' failed to satisfy constraint: Member must have length less than or equal to 262144",
	} {
		owner.refused(&kms.GenerateRandomInput{NumberOfBytes: optional.Some(1), Recipient: recipientOf(make([]byte, n))}, fault.Validation, want)
	}
}

// TestRecipientConditions: policies see what a verified document has measured,
// in hex digits of lower case, and nothing where there is none.
func TestRecipientConditions(t *testing.T) {
	t.Parallel()
	w, a := newAttestedWorld(t)
	owner := w.root(home)
	keys, key := newAttestedKeys(t, owner)
	p := a.Payload(w.now, attestationtest.PublicKey())
	enclave, tpm := recipientOf(a.Sign(p.Encode())), recipientOf(a.Sign(p.Renamed("pcrs", "nitrotpm_pcrs").Encode()))
	digits := func(i int) string { return hex.EncodeToString(attestationtest.PCR(i)) }
	cases := 0
	for _, c := range []struct {
		operator, key, value string
		let                  []*kms.Recipient // of the enclave, the NitroTPM and nobody
	}{
		{"StringEquals", "PCR0", digits(0), []*kms.Recipient{enclave}},
		{"StringEquals", "ImageSha384", digits(0), []*kms.Recipient{enclave}},
		{"StringEquals", "imagesha384", digits(0), []*kms.Recipient{enclave}},
		{"StringEquals", "PCR8", digits(8), []*kms.Recipient{enclave}},
		{"StringEquals", "PCR8", digits(4), nil},
		{"StringEquals", "PCR08", digits(8), nil},
		{"StringEquals", "PCR16", digits(0), nil},
		{"StringEquals", "PCR0", strings.ToUpper(digits(0)), nil},
		{"StringEqualsIgnoreCase", "PCR0", strings.ToUpper(digits(0)), []*kms.Recipient{enclave}},
		{"StringEquals", "NitroTPMPCR4", digits(4), []*kms.Recipient{tpm}},
		{"StringEquals", "NitroTPMPCR4", digits(3), nil},
		{"StringEquals", "Module", attestationtest.Module, nil},
		{"Null", "PCR0", "true", []*kms.Recipient{tpm, nil}},
		{"Null", "ImageSha384", "false", []*kms.Recipient{enclave}},
		{"Null", "NitroTPMPCR0", "false", []*kms.Recipient{tpm}},
	} {
		user := w.user(home, "condition", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*",`+
			`"Condition":{"`+c.operator+`":{"kms:RecipientAttestation:`+c.key+`":"`+c.value+`"}}}]}`)
		for _, r := range []*kms.Recipient{enclave, tpm, nil} {
			for name, in := range keys.calls(r) {
				_, err := user.do(in)
				if let := slices.Contains(c.let, r); let != (err == nil) || !let && !fault.Is(err, fault.AccessDenied) {
					t.Errorf("%s with %s of %s: %v", name, c.operator, c.key, err)
				}
				cases++
			}
		}
	}
	if cases != 15*15 {
		t.Errorf("%d cases", cases)
	}

	w.user(home, "nobody").denied(keys.calls(tpm)["GenerateDataKey"], "kms:GenerateDataKey", key.ARN, noIdentity("kms:GenerateDataKey"))
	w.recorded(`{"keyId":"`+key.ARN+`","keySpec":"AES_256"}`, `null`, `{"recipient":{"attestationDocumentModuleId":"`+attestationtest.Module+
		`","attestationDocumentNitroTPMPCR4":"`+digits(4)+`","attestationDocumentNitroTPMPCR8":"`+digits(8)+`"}}`, ofKey(key))

	// Of an enclave in debug mode all registers are zero, which is a value as any other.
	zeros := slices.Concat([]byte{0xa1, 0}, attestationtest.Bytes(make([]byte, 48)))
	debug := recipientOf(a.Sign(p.With("pcrs", zeros).Encode()))
	strict := w.user(home, "strict", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*",`+
		`"Condition":{"StringEquals":{"kms:RecipientAttestation:PCR0":"`+digits(0)+`"}}}]}`)
	strict.denied(keys.calls(debug)["GenerateRandom"], "kms:GenerateRandom", "*", noIdentity("kms:GenerateRandom"))
	w.recorded(`null`, `null`, `{"recipient":{"attestationDocumentModuleId":"`+attestationtest.Module+
		`","attestationDocumentEnclaveImageDigest":"`+strings.Repeat("00", 48)+`"}}`)
}

// TestNoRoot: where no root is configured no document is looked at. Policies
// that ask about one refuse, and where none does, the operation refuses.
func TestNoRoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	keys, _ := newAttestedKeys(t, owner)
	a := attestationtest.New(w.now, nil)
	for _, document := range [][]byte{a.Document(w.now, attestationtest.PublicKey()), {1}, bytes.Repeat([]byte{0x9f}, 1000)} {
		bound := w.user(home, "bound", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*",`+
			`"Condition":{"StringEquals":{"kms:RecipientAttestation:PCR0":"`+hex.EncodeToString(attestationtest.PCR(0))+`"}}}]}`)
		for name, in := range keys.calls(recipientOf(document)) {
			owner.refused(in, fault.UnsupportedOperation, "Recipient is not supported.")
			if _, err := bound.do(in); !fault.Is(err, fault.AccessDenied) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
