package kms_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// TestImport is the story of a key whose material comes from outside.
func TestImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, ann := w.root(home), w.user(home, "ann", allow("kms:Encrypt"))
	key, other := owner.external(), owner.external()
	if key.KeyState != "PendingImport" || key.Enabled || key.Origin != "EXTERNAL" || key.CurrentKeyMaterialID.Set || key.ExpirationModel.Set {
		t.Errorf("the new key is %+v", key)
	}
	w.rows(key, map[string]int{"kms_key": 1, "kms_key_policy": 1})
	owner.refused(&kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x")}, kms.InvalidState, pendingImport(key))
	if list := owner.materials(key); len(list) != 0 {
		t.Errorf("materials %+v", list)
	}
	owner.rotates(key, kms.GetKeyRotationStatusOutput{})
	owner.refused(rotateEvery(key, 100), fault.UnsupportedOperation, "")
	owner.refused(&kms.DisableKeyRotationInput{KeyID: str(key.KeyID)}, fault.UnsupportedOperation, "")
	ann.mayNot("import", w.importing(key, material(1)))

	in := w.importing(key, material(1))
	in.KeyMaterialDescription = str("from the vault")
	out := must[kms.ImportKeyMaterialOutput](owner, in)
	w.recorded(`{"keyId":"`+key.KeyID+`","expirationModel":"KEY_MATERIAL_DOES_NOT_EXPIRE","keyMaterialDescription":"from the vault"}`,
		`{"keyId":"`+key.ARN+`","keyMaterialId":"`+out.KeyMaterialID.V+`"}`, `{}`, ofKey(key))
	if out.KeyID != key.ARN || len(out.KeyMaterialID.V) != 64 {
		t.Errorf("answered %+v", out)
	}
	if m := owner.described(key.KeyID); m.KeyState != "Enabled" || m.CurrentKeyMaterialID != out.KeyMaterialID ||
		m.ExpirationModel != str("KEY_MATERIAL_DOES_NOT_EXPIRE") || m.ValidTo.Set {
		t.Errorf("described as %+v", m)
	}
	blob := owner.encrypt(key.KeyID, "x")
	if got := must[kms.DecryptOutput](owner, &kms.DecryptInput{CiphertextBlob: blob}); got.KeyMaterialID != out.KeyMaterialID {
		t.Errorf("decrypted with %s", got.KeyMaterialID.V)
	}
	want := []kms.RotationsListEntry{{
		KeyID: key.ARN, KeyMaterialID: out.KeyMaterialID.V, KeyMaterialDescription: str("from the vault"), ImportState: str("IMPORTED"),
		KeyMaterialState: "CURRENT", ExpirationModel: str("KEY_MATERIAL_DOES_NOT_EXPIRE"),
	}}
	if got := owner.materials(key); !reflect.DeepEqual(got, want) {
		t.Errorf("materials %+v", got)
	}

	// The same again changes what is said of it, and not the material.
	again := w.importingUntil(key, material(1), w.now.Add(time.Hour))
	again.KeyMaterialID, again.ImportType = out.KeyMaterialID, str("EXISTING_KEY_MATERIAL")
	if got := must[kms.ImportKeyMaterialOutput](owner, again); got.KeyMaterialID != out.KeyMaterialID {
		t.Errorf("the same material is %s", got.KeyMaterialID.V)
	}
	want[0].ExpirationModel, want[0].ValidTo = str("KEY_MATERIAL_EXPIRES"), optional.Some(again.ValidTo.V)
	if got := owner.materials(key); !reflect.DeepEqual(got, want) {
		t.Errorf("materials %+v", got)
	}

	// Under another key it is another material, which opens nothing of the first.
	if id := owner.bring(other, material(1)); id == out.KeyMaterialID.V {
		t.Error("two keys have material of one id")
	}
	owner.refused(&kms.DecryptInput{CiphertextBlob: blob, KeyID: str(other.KeyID)}, kms.IncorrectKey,
		"The key ID in the request does not identify a CMK that can perform this operation.")
}

// TestRotationOfImportedMaterial: a second material waits until it is asked for.
func TestRotationOfImportedMaterial(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.external()
	first := owner.bring(key, material(1))
	old := owner.encrypt(key.KeyID, "old")
	owner.refused(rotateNow(key), kms.InvalidState, "No available key material pending rotation for the key: "+key.ARN+".")

	second := must[kms.ImportKeyMaterialOutput](owner, w.importingNew(key, material(2))).KeyMaterialID.V
	if owner.current(key) != first {
		t.Error("new material is current at once")
	}
	third := w.importingNew(key, material(3))
	_, err := owner.do(third)
	if text := "cannot be imported into KMS key " + key.ARN + ", because another key material (id: " + second + ") is pending rotation."; !fault.Is(err, kms.InvalidState) ||
		!strings.Contains(err.Error(), "New key material (id: ") || !strings.Contains(err.Error(), text) {
		t.Errorf("a third material: %v", err)
	}
	owner.bring(key, material(2)) // again, while it waits
	w.now = w.now.Add(time.Hour)
	owner.may("rotate", rotateNow(key))
	if events := w.last.Record.Events; !reflect.DeepEqual(events[0], rotated(key, w.now, "ON_DEMAND", first, second)) {
		t.Errorf("events %+v", events)
	}
	date := optional.Some(w.now.Truncate(time.Millisecond))
	want := []kms.RotationsListEntry{
		{KeyID: key.ARN, KeyMaterialID: first, ImportState: str("IMPORTED"), KeyMaterialState: "NON_CURRENT", ExpirationModel: str("KEY_MATERIAL_DOES_NOT_EXPIRE")},
		{KeyID: key.ARN, KeyMaterialID: second, ImportState: str("IMPORTED"), KeyMaterialState: "CURRENT", ExpirationModel: str("KEY_MATERIAL_DOES_NOT_EXPIRE"), RotationDate: date, RotationType: str("ON_DEMAND")},
	}
	if got := owner.materials(key); !reflect.DeepEqual(got, want) {
		t.Errorf("materials\n got %+v\nwant %+v", got, want)
	}
	if list := must[kms.ListKeyRotationsOutput](owner, &kms.ListKeyRotationsInput{KeyID: str(key.KeyID)}).Rotations; !reflect.DeepEqual(list, want[1:]) {
		t.Errorf("rotations %+v", list)
	}
	owner.may("import", third)
	if list := owner.materials(key); list[2].KeyMaterialState != "PENDING_ROTATION" || list[2].RotationDate.Set {
		t.Errorf("the third is %+v", list[2])
	}
	if owner.decrypt(old) != "old" || owner.decrypt(owner.encrypt(key.KeyID, "new")) != "new" {
		t.Error("a material does not decrypt")
	}
}

// TestImportRefuses: what is not what the key expects.
func TestImportRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, guest := w.root(home), w.user(abroad, "guest", everything)
	made, fresh, key := owner.createKey(), owner.external(), owner.createExternal("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", delegated(abroad))
	mac := owner.createExternal("HMAC_256", "GENERATE_VERIFY_MAC")
	replica := owner.external()
	first := owner.bring(key, material(1))
	owner.bring(replica, material(1))
	ok(t, kms.Become(t.Context(), w.store, region, replica.KeyID, "CUSTOMER", "REPLICA"))
	const (
		unknown = "The key material is not one that was imported into the key before."
		known   = "The key material was imported into the key before."
		named   = "The key material is not the one that KeyMaterialId names."
		newID   = "KeyMaterialId must not be set if the ImportType is NEW_KEY_MATERIAL"
		date    = "ValidTo must be in the future, and not more than 365 days from now."
		kinds   = "ImportType, KeyMaterialDescription and KeyMaterialId are not supported for keys of the spec HMAC_256."
	)
	other := strings.Repeat("0", 64)
	change := func(in *kms.ImportKeyMaterialInput, edit func(*kms.ImportKeyMaterialInput)) *kms.ImportKeyMaterialInput {
		edit(in)
		return in
	}
	year := w.now.Add(365 * 24 * time.Hour)
	for _, c := range []struct {
		in   *kms.ImportKeyMaterialInput
		code fault.Code
		text string
	}{
		{change(w.importing(key, material(1)), func(in *kms.ImportKeyMaterialInput) { in.KeyID = str(made.KeyID) }), fault.UnsupportedOperation,
			made.ARN + " origin is AWS_KMS which is not valid for this operation."},
		{w.importing(key, material(2)), kms.IncorrectKeyMaterial, unknown},
		{w.importingNew(key, material(1)), kms.IncorrectKeyMaterial, known},
		{change(w.importing(fresh, material(1)), func(in *kms.ImportKeyMaterialInput) { in.ImportType = str("EXISTING_KEY_MATERIAL") }), kms.IncorrectKeyMaterial, unknown},
		{change(w.importing(key, material(1)), func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialID = str(other) }), kms.IncorrectKeyMaterial, named},
		{change(w.importing(key, material(2)), func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialID = str(first) }), kms.IncorrectKeyMaterial, named},
		{change(w.importing(fresh, material(1)), func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialID = str(other) }), fault.Validation, newID},
		{change(w.importingNew(key, material(2)), func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialID = str(other) }), fault.Validation, newID},
		{w.importing(key, material(1)[:31]), kms.IncorrectKeyMaterial, "The key material is not valid for a key of the spec SYMMETRIC_DEFAULT."},
		{w.importing(key, append(material(1), 1)), kms.IncorrectKeyMaterial, "The key material is not valid for a key of the spec SYMMETRIC_DEFAULT."},
		{change(w.importing(key, material(1)), func(in *kms.ImportKeyMaterialInput) { in.EncryptedKeyMaterial[9] ^= 1 }), kms.InvalidCiphertext, ""},
		{change(w.importing(key, material(1)), func(in *kms.ImportKeyMaterialInput) { in.EncryptedKeyMaterial = material(1) }), kms.InvalidCiphertext, ""},
		{w.importingUntil(key, material(1), w.now), fault.Validation, date},
		{w.importingUntil(key, material(1), year.Add(time.Millisecond)), fault.Validation, date},
		{change(w.importing(key, material(1)), func(in *kms.ImportKeyMaterialInput) { in.ExpirationModel.Set = false }), fault.Validation,
			"A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"},
		{change(w.importing(key, material(1)), func(in *kms.ImportKeyMaterialInput) { in.ValidTo = optional.Some(year) }), fault.Validation,
			"A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE"},
		{change(w.importing(mac, material(1)), func(in *kms.ImportKeyMaterialInput) { in.ImportType = str("NEW_KEY_MATERIAL") }), fault.UnsupportedOperation, kinds},
		{change(w.importing(mac, material(1)), func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialDescription = str("x") }), fault.UnsupportedOperation, kinds},
		{change(w.importing(mac, material(1)), func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialID = str(other) }), fault.UnsupportedOperation, kinds},
		{change(w.importing(key, material(1)), func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialDescription = str("ünder") }), fault.Validation,
			"1 validation error detected: Value 'ünder' at 'keyMaterialDescription' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_\\s.-]+$"},
		{change(w.importing(key, material(1)), func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialID = str(strings.ToUpper(first)) }), fault.Validation,
			"1 validation error detected: Value '" + strings.ToUpper(first) + "' at 'keyMaterialId' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-f0-9]+$"},
		{change(w.importing(key, material(1)), func(in *kms.ImportKeyMaterialInput) { in.ImportType = str("OLD") }), fault.Validation,
			"1 validation error detected: Value 'OLD' at 'importType' failed to satisfy constraint: Member must satisfy enum value set: [NEW_KEY_MATERIAL, EXISTING_KEY_MATERIAL]"},
		{&kms.ImportKeyMaterialInput{KeyID: str(key.KeyID), ExpirationModel: str("KEY_MATERIAL_DOES_NOT_EXPIRE")}, fault.Validation,
			"2 validation errors detected: Value null at 'importToken' failed to satisfy constraint: Member must not be null; " +
				"Value null at 'encryptedKeyMaterial' failed to satisfy constraint: Member must not be null"},
	} {
		owner.refused(c.in, c.code, c.text)
	}
	byARN := w.importing(key, material(1))
	byARN.KeyID = str(key.ARN)
	guest.denied(byARN, "kms:ImportKeyMaterial", key.ARN, noResource("kms:ImportKeyMaterial"))
	_, err := owner.do(w.importingNew(replica, material(2)))
	if !fault.Is(err, fault.UnsupportedOperation) {
		t.Errorf("new material for a replica: %v", err)
	}
	w.rows(fresh, map[string]int{"kms_key": 1, "kms_key_policy": 1})
	w.rows(key, map[string]int{"kms_key": 1, "kms_key_policy": 1, "kms_key_material": 1})
	owner.may("import for a year", w.importingUntil(key, material(1), year))
	owner.may("import for a moment", w.importingUntil(key, material(1), w.now.Add(time.Millisecond)))
}

// TestImportTokens: a token is good for its key, its algorithm and its time.
func TestImportTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key, other := owner.external(), owner.external()
	in := w.importing(key, material(1))
	const invalid = "The import token is not valid for the key."
	refused := func(token []byte) {
		t.Helper()
		bad := *in
		bad.ImportToken = token
		owner.refused(&bad, kms.InvalidImportToken, invalid)
	}
	for _, i := range []int{0, 1, 2, 9, 10, 11, 40, len(in.ImportToken) / 2, len(in.ImportToken) - 1} {
		token := slices.Clone(in.ImportToken)
		token[i] ^= 3
		refused(token)
	}
	refused(in.ImportToken[:len(in.ImportToken)-1])
	refused(append(slices.Clone(in.ImportToken), 0))
	refused(in.ImportToken[:9])
	refused([]byte{1})
	token, _ := w.wrapped(other, material(1))
	refused(token)
	swapped := *in
	swapped.KeyID = str(other.KeyID)
	owner.refused(&swapped, kms.InvalidImportToken, invalid)

	// Wrapped in another way than the token says.
	token, _ = w.wrappedWith(key, "RSAES_OAEP_SHA_1", material(1))
	wrong := *in
	wrong.ImportToken = token
	owner.refused(&wrong, kms.InvalidCiphertext, "")
	if w.apart != 1 {
		t.Errorf("RSA was computed for %d calls, most of which have no token", w.apart)
	}

	now := w.now
	w.now = now.Truncate(time.Millisecond).Add(24 * time.Hour)
	owner.refused(in, kms.ExpiredImportToken, "The import token has expired.")
	w.now = w.now.Add(-time.Millisecond)
	owner.may("import", in)
	owner.may("import again", in)
}

// TestImportsAtOnce: of two that bring new material, one comes first.
func TestImportsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.external()
	owner.bring(key, material(1))
	results := make([]error, 4)
	var group sync.WaitGroup
	for i := range results {
		in, a := w.importingNew(key, material(byte(i+2))), owner.aside()
		group.Go(func() { _, results[i] = a.do(in) })
	}
	group.Wait()
	came := 0
	for _, err := range results {
		switch {
		case err == nil:
			came++
		case !fault.Is(err, kms.InvalidState):
			t.Error(err)
		}
	}
	if list := owner.materials(key); came != 1 || len(list) != 2 {
		t.Errorf("%d of 4 came, there are %d materials", came, len(list))
	}
}

// TestImportOfOtherKinds: asymmetric and MAC keys have one material for ever, and
// answers do not name it.
func TestImportOfOtherKinds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(pair)
	ok(t, err)
	public, err := x509.MarshalPKIXPublicKey(&pair.PublicKey)
	ok(t, err)
	key := owner.createExternal("ECC_NIST_P256", "SIGN_VERIFY")
	bring := func(algorithm string, material []byte) error {
		in := w.importing(key, nil)
		in.ImportToken, in.EncryptedKeyMaterial = w.wrappedWith(key, algorithm, material)
		out, err := owner.do(in)
		if err == nil && (out.(*kms.ImportKeyMaterialOutput).KeyMaterialID.Set || out.(*kms.ImportKeyMaterialOutput).KeyID != key.ARN) {
			t.Errorf("answered %+v", out)
		}
		return err
	}
	if err := bring("RSAES_OAEP_SHA_256", private[:len(private)-1]); !fault.Is(err, kms.IncorrectKeyMaterial) {
		t.Errorf("half a key: %v", err)
	}
	for _, algorithm := range []string{"RSA_AES_KEY_WRAP_SHA_256", "RSAES_OAEP_SHA_256"} {
		ok(t, bring(algorithm, private))
	}
	sign := &kms.SignInput{KeyID: str(key.KeyID), Message: secret("x"), SigningAlgorithm: str("ECDSA_SHA_256")}
	signature := must[kms.SignOutput](owner, sign).Signature
	verify := &kms.VerifyInput{KeyID: str(key.KeyID), Message: secret("x"), SigningAlgorithm: str("ECDSA_SHA_256"), Signature: signature}
	owner.may("verify", verify)
	if got := must[kms.GetPublicKeyOutput](owner, &kms.GetPublicKeyInput{KeyID: str(key.KeyID)}); !slices.Equal(got.PublicKey, public) {
		t.Error("the public key is another one")
	}
	if m := owner.described(key.KeyID); m.CurrentKeyMaterialID.Set || m.ExpirationModel != str("KEY_MATERIAL_DOES_NOT_EXPIRE") {
		t.Errorf("described as %+v", m)
	}
	another, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	private, err = x509.MarshalPKCS8PrivateKey(another)
	ok(t, err)
	if err := bring("RSAES_OAEP_SHA_256", private); !fault.Is(err, kms.IncorrectKeyMaterial) {
		t.Errorf("another key: %v", err)
	}
	owner.refused(rotateNow(key), fault.UnsupportedOperation, "")
	owner.refused(&kms.DeleteImportedKeyMaterialInput{KeyID: str(key.KeyID), KeyMaterialID: str(strings.Repeat("0", 64))}, fault.UnsupportedOperation,
		"KeyMaterialId is not supported for keys of the spec ECC_NIST_P256.")
	if out := must[kms.DeleteImportedKeyMaterialOutput](owner, &kms.DeleteImportedKeyMaterialInput{KeyID: str(key.KeyID)}); out.KeyMaterialID.Set {
		t.Errorf("answered %+v", out)
	}
	owner.refused(sign, kms.InvalidState, pendingImport(key))
	if got := must[kms.GetPublicKeyOutput](owner, &kms.GetPublicKeyInput{KeyID: str(key.KeyID)}); !slices.Equal(got.PublicKey, public) {
		t.Error("the public key has gone with the private one")
	}

	for n, fits := range map[int]bool{31: false, 32: true, 128: true, 129: false} {
		mac := owner.createExternal("HMAC_256", "GENERATE_VERIFY_MAC")
		_, err := owner.do(w.importing(mac, make([]byte, n)))
		if fits && err != nil || !fits && !fault.Is(err, kms.IncorrectKeyMaterial) {
			t.Errorf("a MAC key of %d bytes: %v", n, err)
		}
	}
}

// TestImportConditions: policies can demand how material is wrapped, and for how
// long it is brought.
func TestImportConditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.external()
	end := w.now.Add(48 * time.Hour)
	sixty := parametersFor(key, "RSAES_OAEP_SHA_256", "RSA_2048")
	cases := []struct {
		in        any
		condition string
		holds     bool
	}{
		{sixty, `"StringEquals":{"kms:WrappingAlgorithm":"RSAES_OAEP_SHA_256","kms:WrappingKeySpec":"RSA_2048"}`, true},
		{sixty, `"StringEquals":{"kms:WrappingAlgorithm":"RSAES_OAEP_SHA_1"}`, false},
		{sixty, `"StringEquals":{"kms:WrappingKeySpec":"RSA_4096"}`, false},
		{sixty, `"Null":{"kms:ExpirationModel":"true","kms:ValidTo":"true"}`, true},
		{w.importing(key, material(1)), `"StringEquals":{"kms:ExpirationModel":"KEY_MATERIAL_EXPIRES"}`, false},
		{w.importing(key, material(1)), `"Null":{"kms:ValidTo":"true","kms:WrappingAlgorithm":"true"}`, true},
		{w.importingUntil(key, material(1), end), `"StringEquals":{"kms:ExpirationModel":"KEY_MATERIAL_EXPIRES"}`, true},
		{w.importingUntil(key, material(1), end), `"DateLessThanEquals":{"kms:ValidTo":"2026-03-03T12:00:00.2Z"}`, true},
		{w.importingUntil(key, material(1), end), `"DateLessThan":{"kms:ValidTo":"2026-03-03T12:00:00Z"}`, false},
	}
	for _, c := range cases {
		ann := w.user(home, "ann", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{`+c.condition+`}}}`)
		if _, err := ann.do(c.in); (err == nil) != c.holds || err != nil && !fault.Is(err, fault.AccessDenied) {
			t.Errorf("%T under %s: %v", c.in, c.condition, err)
		}
	}
}
