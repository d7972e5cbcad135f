package kms_test

import (
	"crypto/rsa"
	"fmt"
	"strings"
	"testing"
	"time"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
)

func TestCreateKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	m := must[kms.CreateKeyOutput](owner, &kms.CreateKeyInput{
		Description: str("first"),
		Tags:        []kms.Tag{tag("team", "blue")},
	}).KeyMetadata
	if !ident.IsUUID(m.KeyID) || m.ARN != keyARN(home, m.KeyID) || m.AWSAccountID != home || !m.Enabled || m.Description != "first" ||
		m.KeyState != "Enabled" || m.KeyUsage != "ENCRYPT_DECRYPT" || m.KeySpec != "SYMMETRIC_DEFAULT" ||
		m.CustomerMasterKeySpec != "SYMMETRIC_DEFAULT" || m.Origin != "AWS_KMS" || m.KeyManager != "CUSTOMER" || m.MultiRegion ||
		m.MultiRegionConfiguration != nil || fmt.Sprint(m.EncryptionAlgorithms) != "[SYMMETRIC_DEFAULT]" ||
		!m.CreationDate.Equal(w.now.Truncate(time.Millisecond)) || len(m.CurrentKeyMaterialID.V) != 64 {
		t.Errorf("made %+v", m)
	}
	w.recorded(`{"description":"first","keySpec":"SYMMETRIC_DEFAULT","customerMasterKeySpec":"SYMMETRIC_DEFAULT","tags":[{"tagKey":"team","tagValue":"blue"}]}`,
		`{"keyMetadata":{"aWSAccountId":"`+home+`","keyId":"`+m.KeyID+`","arn":"`+m.ARN+`","creationDate":"Mar 1, 2026, 12:00:00 PM",`+
			`"enabled":true,"description":"first","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER",`+
			`"keySpec":"SYMMETRIC_DEFAULT","customerMasterKeySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],`+
			`"multiRegion":false,"currentKeyMaterialId":"`+m.CurrentKeyMaterialID.V+`"}}`,
		`{}`, ofKey(m))
	if again := owner.createKey(); again.KeyID == m.KeyID || again.CurrentKeyMaterialID == m.CurrentKeyMaterialID {
		t.Error("a second key has the first one's id or material")
	}
	got := must[kms.DescribeKeyOutput](owner, &kms.DescribeKeyInput{KeyID: str(m.KeyID)}).KeyMetadata
	if fmt.Sprint(got) != fmt.Sprint(m) {
		t.Errorf("described as %+v\nmade as %+v", got, m)
	}
}

func TestCreateMultiRegionKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	m := must[kms.CreateKeyOutput](owner, &kms.CreateKeyInput{MultiRegion: optional.Some(true)}).KeyMetadata
	c := m.MultiRegionConfiguration
	if !ident.IsMultiRegionKeyID(m.KeyID) || !m.MultiRegion || c == nil || c.MultiRegionKeyType != "PRIMARY" ||
		c.PrimaryKey != (kms.MultiRegionKey{ARN: m.ARN, Region: region}) || c.ReplicaKeys == nil || len(c.ReplicaKeys) != 0 {
		t.Errorf("made %+v %+v", m, c)
	}
	if got := owner.decrypt(owner.encrypt(m.KeyID, "hello")); got != "hello" {
		t.Errorf("decrypted %q", got)
	}
}

// TestCreateKeyOfEverySpec: each spec with each of its usages, and the one list of
// algorithms that its description has.
func TestCreateKeyOfEverySpec(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	const (
		oaep    = "[RSAES_OAEP_SHA_1 RSAES_OAEP_SHA_256] [] [] [] []"
		signRSA = "[] [RSASSA_PKCS1_V1_5_SHA_256 RSASSA_PKCS1_V1_5_SHA_384 RSASSA_PKCS1_V1_5_SHA_512 " +
			"RSASSA_PSS_SHA_256 RSASSA_PSS_SHA_384 RSASSA_PSS_SHA_512] [] [] []"
		agree = "[] [] [ECDH] [] []"
		dsa   = "[] [ML_DSA_SHAKE_256] [] [] []"
		kem   = "[] [] [] [] [ML_KEM]"
	)
	for _, c := range []struct{ spec, usage, lists string }{
		{"SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "[SYMMETRIC_DEFAULT] [] [] [] []"},
		{"RSA_2048", "ENCRYPT_DECRYPT", oaep},
		{"RSA_2048", "SIGN_VERIFY", signRSA},
		{"RSA_3072", "ENCRYPT_DECRYPT", oaep},
		{"RSA_3072", "SIGN_VERIFY", signRSA},
		{"RSA_4096", "ENCRYPT_DECRYPT", oaep},
		{"RSA_4096", "SIGN_VERIFY", signRSA},
		{"ECC_NIST_P256", "SIGN_VERIFY", "[] [ECDSA_SHA_256] [] [] []"},
		{"ECC_NIST_P256", "KEY_AGREEMENT", agree},
		{"ECC_NIST_P384", "SIGN_VERIFY", "[] [ECDSA_SHA_384] [] [] []"},
		{"ECC_NIST_P384", "KEY_AGREEMENT", agree},
		{"ECC_NIST_P521", "SIGN_VERIFY", "[] [ECDSA_SHA_512] [] [] []"},
		{"ECC_NIST_P521", "KEY_AGREEMENT", agree},
		{"ECC_SECG_P256K1", "SIGN_VERIFY", "[] [ECDSA_SHA_256] [] [] []"},
		{"ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "[] [ED25519_SHA_512 ED25519_PH_SHA_512] [] [] []"},
		{"HMAC_224", "GENERATE_VERIFY_MAC", "[] [] [] [HMAC_SHA_224] []"},
		{"HMAC_256", "GENERATE_VERIFY_MAC", "[] [] [] [HMAC_SHA_256] []"},
		{"HMAC_384", "GENERATE_VERIFY_MAC", "[] [] [] [HMAC_SHA_384] []"},
		{"HMAC_512", "GENERATE_VERIFY_MAC", "[] [] [] [HMAC_SHA_512] []"},
		{"ML_DSA_44", "SIGN_VERIFY", dsa},
		{"ML_DSA_65", "SIGN_VERIFY", dsa},
		{"ML_DSA_87", "SIGN_VERIFY", dsa},
		{"ML_KEM_512", "ENCAPSULATE_DECAPSULATE", kem},
		{"ML_KEM_768", "ENCAPSULATE_DECAPSULATE", kem},
		{"ML_KEM_1024", "ENCAPSULATE_DECAPSULATE", kem},
	} {
		var m kms.KeyMetadata
		if strings.HasPrefix(c.spec, "RSA") {
			m = owner.fixedRSA(c.spec, c.usage)
		} else {
			made := false
			if m, made = owner.tryKeyOf(c.spec, c.usage); !made {
				continue
			}
		}
		lists := fmt.Sprint(m.EncryptionAlgorithms, m.SigningAlgorithms, m.KeyAgreementAlgorithms, m.MacAlgorithms, m.EncapsulationAlgorithms)
		if m.KeySpec != c.spec || m.CustomerMasterKeySpec != c.spec || m.KeyUsage != c.usage || m.KeyState != "Enabled" || lists != c.lists ||
			m.CurrentKeyMaterialID.Set != (c.spec == "SYMMETRIC_DEFAULT") {
			t.Errorf("%s, %s: made %+v with %s", c.spec, c.usage, m, lists)
		}
	}
}

// TestCreateRSAKey draws one, which happens apart, once everything else has been
// found to be right.
func TestCreateRSAKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKeyOf("RSA_2048", "ENCRYPT_DECRYPT", keyPolicy())
	if n := publicKey[*rsa.PublicKey](owner, key.KeyID).N.BitLen(); n != 2048 {
		t.Errorf("a modulus of %d bits", n)
	}
	blob := must[kms.EncryptOutput](owner, &kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x"), EncryptionAlgorithm: str("RSAES_OAEP_SHA_256")}).CiphertextBlob
	out := must[kms.DecryptOutput](owner, &kms.DecryptInput{KeyID: str(key.KeyID), CiphertextBlob: blob, EncryptionAlgorithm: str("RSAES_OAEP_SHA_256")})
	if shown(out.Plaintext) != "x" {
		t.Errorf("decrypted %q", shown(out.Plaintext))
	}

	made := w.apart
	in := &kms.CreateKeyInput{KeySpec: str("RSA_4096"), KeyUsage: str("SIGN_VERIFY")}
	w.user(home, "nobody").denied(in, "kms:CreateKey", "*", noIdentity("kms:CreateKey"))
	in.Policy = str("{}")
	if _, err := owner.do(in); !fault.Is(err, fault.MalformedPolicy) {
		t.Errorf("a policy without statements: %v", err)
	}
	in.Policy = optional.Of[string]{}
	ok(t, kms.SetCount(t.Context(), w.store, home, region, kms.KeysPerAccount))
	owner.refused(in, fault.LimitExceeded, "The account already has 100000 keys in this Region.")
	if w.apart != made {
		t.Errorf("%d keys were drawn for calls that were refused", w.apart-made)
	}
}

func tag(key, value string) kms.Tag { return kms.Tag{TagKey: str(key), TagValue: str(value)} }

func tags(n int) []kms.Tag {
	list := make([]kms.Tag, n)
	for i := range list {
		list[i] = tag(fmt.Sprintf("key-%03d", i), "v")
	}
	return list
}

func TestCreateKeyShape(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	const one = "1 validation error detected: "
	for _, c := range []struct {
		in   kms.CreateKeyInput
		code fault.Code
		want string
	}{
		{kms.CreateKeyInput{KeyUsage: str("X")}, fault.Validation, one + "Value 'X' at 'keyUsage' failed to satisfy constraint: " +
			"Member must satisfy enum value set: [SIGN_VERIFY, ENCRYPT_DECRYPT, GENERATE_VERIFY_MAC, KEY_AGREEMENT, ENCAPSULATE_DECAPSULATE]"},
		{kms.CreateKeyInput{Origin: str("X")}, fault.Validation, one + "Value 'X' at 'origin' failed to satisfy constraint: " +
			"Member must satisfy enum value set: [AWS_KMS, EXTERNAL, AWS_CLOUDHSM, EXTERNAL_KEY_STORE]"},
		{kms.CreateKeyInput{CustomerMasterKeySpec: str("ML_DSA_44"), KeySpec: str("ML_DSA_44"), KeyUsage: str("SIGN_VERIFY")}, fault.Validation,
			one + "Value 'ML_DSA_44' at 'customerMasterKeySpec' failed to satisfy constraint: Member must satisfy enum value set: " +
				"[RSA_2048, RSA_3072, RSA_4096, ECC_NIST_P256, ECC_NIST_P384, ECC_NIST_P521, ECC_SECG_P256K1, SYMMETRIC_DEFAULT, " +
				"HMAC_224, HMAC_256, HMAC_384, HMAC_512, SM2]"},
		{kms.CreateKeyInput{Policy: str("")}, fault.Validation,
			"2 validation errors detected: Value '' at 'policy' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
				`Value '' at 'policy' failed to satisfy constraint: Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+`},
		{kms.CreateKeyInput{Policy: str("€")}, fault.Validation, one + "Value '€' at 'policy' failed to satisfy constraint: " +
			`Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+`},
		{kms.CreateKeyInput{CustomKeyStoreID: str(""), Origin: str("AWS_CLOUDHSM")}, fault.Validation,
			one + "Value '' at 'customKeyStoreId' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{kms.CreateKeyInput{XksKeyID: str("a/b"), CustomKeyStoreID: str("cks-1"), Origin: str("EXTERNAL_KEY_STORE")}, fault.Validation,
			one + "Value 'a/b' at 'xksKeyId' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9-_.]+$"},
		{kms.CreateKeyInput{Tags: []kms.Tag{{}, tag("", strings.Repeat("v", 257))}}, fault.Validation,
			"4 validation errors detected: Value null at 'tags.1.member.tagKey' failed to satisfy constraint: Member must not be null; " +
				"Value null at 'tags.1.member.tagValue' failed to satisfy constraint: Member must not be null; " +
				"Value '' at 'tags.2.member.tagKey' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
				"Value '" + strings.Repeat("v", 257) + "' at 'tags.2.member.tagValue' failed to satisfy constraint: Member must have length less than or equal to 256"},

		{kms.CreateKeyInput{KeySpec: str("RSA_2048")}, fault.Validation,
			"You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."},
		{kms.CreateKeyInput{KeySpec: str("RSA_2048"), KeyUsage: str("KEY_AGREEMENT")}, fault.Validation,
			"KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048"},
		{kms.CreateKeyInput{KeyUsage: str("SIGN_VERIFY")}, fault.Validation,
			"KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT"},
		{kms.CreateKeyInput{KeySpec: str("HMAC_256"), CustomerMasterKeySpec: str("HMAC_224"), KeyUsage: str("GENERATE_VERIFY_MAC")}, fault.Validation,
			"KeySpec and CustomerMasterKeySpec must not differ."},
		{kms.CreateKeyInput{Origin: str("AWS_CLOUDHSM")}, fault.Validation, "CustomKeyStoreId is required with the origin AWS_CLOUDHSM."},
		{kms.CreateKeyInput{CustomKeyStoreID: str("cks-1")}, fault.Validation, "CustomKeyStoreId is not valid with the origin AWS_KMS."},
		{kms.CreateKeyInput{Origin: str("EXTERNAL_KEY_STORE"), CustomKeyStoreID: str("cks-1")}, fault.Validation,
			"XksKeyId is required with the origin EXTERNAL_KEY_STORE."},
		{kms.CreateKeyInput{XksKeyID: str("k")}, fault.Validation, "XksKeyId is not valid with the origin AWS_KMS."},

		{kms.CreateKeyInput{Tags: tags(51)}, kms.TagFault, "Too many tags"},
		{kms.CreateKeyInput{Tags: []kms.Tag{tag("a", "1"), tag("a", "2")}}, kms.TagFault, "Duplicate tag keys"},
		{kms.CreateKeyInput{Tags: []kms.Tag{tag("AWS:a", "1")}}, kms.TagFault, "Tags beginning with aws: are reserved"},

		{kms.CreateKeyInput{Origin: str("AWS_CLOUDHSM"), CustomKeyStoreID: str("cks-1")}, kms.CustomKeyStoreNotFound,
			"Custom key store cks-1 is not found."},
		{kms.CreateKeyInput{Origin: str("AWS_CLOUDHSM"), CustomKeyStoreID: str("cks-1"), MultiRegion: optional.Some(true)},
			fault.UnsupportedOperation, "Only symmetric, single-Region keys can be in a custom key store."},
		{kms.CreateKeyInput{Origin: str("EXTERNAL"), KeySpec: str("ML_DSA_44"), KeyUsage: str("SIGN_VERIFY")}, fault.UnsupportedOperation,
			"Key material of the spec ML_DSA_44 can't be imported."},
		{kms.CreateKeyInput{Origin: str("EXTERNAL"), KeySpec: str("ML_KEM_768"), KeyUsage: str("ENCAPSULATE_DECAPSULATE")}, fault.UnsupportedOperation,
			"Key material of the spec ML_KEM_768 can't be imported."},
		{kms.CreateKeyInput{KeySpec: str("SM2"), KeyUsage: str("SIGN_VERIFY")}, fault.UnsupportedOperation,
			"Keys of the spec SM2 are not supported in this Region."},
	} {
		owner.refused(&c.in, c.code, c.want)
	}
	must[kms.CreateKeyOutput](owner, &kms.CreateKeyInput{
		Description:           str(strings.Repeat("é", 8192)),
		CustomerMasterKeySpec: str("SYMMETRIC_DEFAULT"),
		Tags:                  append(tags(49), tag(strings.Repeat("é", 128), strings.Repeat("é", 256))),
	})
	_, err := owner.do(&kms.CreateKeyInput{Description: str(strings.Repeat("x", 8193))})
	if got := fault.From(err); got.Code != fault.Validation || !strings.HasSuffix(got.Message, "at 'description' failed to satisfy constraint: Member must have length less than or equal to 8192") {
		t.Errorf("a description that is too long: %v", err)
	}
}

func TestCreateKeyNeedsPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	maker := w.user(home, "maker", allow("kms:CreateKey"), allow("kms:PutKeyPolicy"))
	w.user(home, "nobody").denied(&kms.CreateKeyInput{}, "kms:CreateKey", "*", noIdentity("kms:CreateKey"))
	must[kms.CreateKeyOutput](maker, &kms.CreateKeyInput{})
	tagged := &kms.CreateKeyInput{Tags: []kms.Tag{tag("team", "blue")}}
	maker.denied(tagged, "kms:TagResource", "*", noIdentity("kms:TagResource"))
	both := w.user(home, "both", allow("kms:CreateKey"), allow("kms:PutKeyPolicy"), allow("kms:TagResource"))
	must[kms.CreateKeyOutput](both, tagged)
}

func TestKeyQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	owner.createKey()
	ok(t, kms.SetCount(t.Context(), w.store, home, region, kms.KeysPerAccount-1))
	owner.createKey()
	owner.refused(&kms.CreateKeyInput{}, fault.LimitExceeded, "The account already has 100000 keys in this Region.")
	w.root(abroad).createKey()
}
