package kms_test

import (
	"crypto/ecdsa"
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// TestConditions tries each condition key in a policy of one statement, once so
// that it holds and once so that it does not.
func TestConditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := must[kms.CreateKeyOutput](owner, &kms.CreateKeyInput{Tags: []kms.Tag{tag("Team", "blue"), tag("x", "1"), tag("X", "1")}}).KeyMetadata
	twin := must[kms.CreateKeyOutput](owner, &kms.CreateKeyInput{MultiRegion: optional.Some(true)}).KeyMetadata
	owner.createAlias("alias/a", key.KeyID)
	owner.createAlias("alias/b", key.KeyID)
	encrypt := func(k string, context map[string]string) any {
		return &kms.EncryptInput{KeyID: str(k), Plaintext: secret("x"), EncryptionContext: pairs.Of(context)}
	}
	none := map[string]string(nil)
	signer, mac := owner.createKeyOf("ECC_NIST_P256", "SIGN_VERIFY"), owner.createKeyOf("HMAC_256", "GENERATE_VERIFY_MAC")
	sign := &kms.SignInput{KeyID: str(signer.KeyID), Message: secret("x"), SigningAlgorithm: str("ECDSA_SHA_256")}
	digest := &kms.SignInput{KeyID: str(signer.KeyID), Message: secret(strings.Repeat("x", 32)), MessageType: str("DIGEST"), SigningAlgorithm: str("ECDSA_SHA_256")}
	peer := owner.createKeyOf("ECC_NIST_P256", "KEY_AGREEMENT")
	agree := &kms.DeriveSharedSecretInput{KeyID: str(peer.KeyID), KeyAgreementAlgorithm: str("ECDH"), PublicKey: spki(t, publicKey[*ecdsa.PublicKey](owner, peer.KeyID))}
	pair := &kms.GenerateDataKeyPairInput{KeyID: str(key.KeyID), KeyPairSpec: str("ECC_NIST_P256"), EncryptionContext: pairs.Of(map[string]string{"App": "shop"})}
	bare := &kms.GenerateDataKeyPairWithoutPlaintextInput{KeyID: str(key.KeyID), KeyPairSpec: str("ECC_NIST_P384")}
	oaep := &kms.EncryptInput{KeyID: str(owner.fixedRSA("RSA_2048", "ENCRYPT_DECRYPT").KeyID), Plaintext: secret("x"), EncryptionAlgorithm: str("RSAES_OAEP_SHA_256")}
	authenticate := &kms.GenerateMacInput{KeyID: str(mac.KeyID), Message: secret("x"), MacAlgorithm: str("HMAC_SHA_256")}
	make := func(in kms.CreateKeyInput) any {
		in.BypassPolicyLockoutSafetyCheck = optional.Some(true)
		return &in
	}
	cases := []struct {
		in        any
		condition string
		holds     bool
	}{
		{encrypt(key.KeyID, none), `"StringEquals":{"kms:CallerAccount":"` + home + `"}`, true},
		{encrypt(key.KeyID, none), `"StringEquals":{"kms:CallerAccount":"` + abroad + `"}`, false},
		{encrypt(key.KeyID, none), `"Null":{"kms:ViaService":"true"}`, true},
		{encrypt(key.KeyID, none), `"StringEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT","kms:KeyUsage":"ENCRYPT_DECRYPT","kms:KeyOrigin":"AWS_KMS"}`, true},
		{encrypt(key.KeyID, none), `"StringEquals":{"kms:CustomerMasterKeySpec":"SYMMETRIC_DEFAULT","kms:CustomerMasterKeyUsage":"ENCRYPT_DECRYPT"}`, true},
		{encrypt(key.KeyID, none), `"StringEquals":{"kms:KeyOrigin":"EXTERNAL"}`, false},
		{encrypt(key.KeyID, none), `"Bool":{"kms:MultiRegion":"false"},"Null":{"kms:MultiRegionKeyType":"true"}`, true},
		{encrypt(twin.KeyID, none), `"Bool":{"kms:MultiRegion":"true"},"StringEquals":{"kms:MultiRegionKeyType":"PRIMARY"}`, true},
		{encrypt(twin.KeyID, none), `"Bool":{"kms:MultiRegion":"false"}`, false},
		{encrypt("alias/a", none), `"StringEquals":{"kms:RequestAlias":"alias/a"}`, true},
		{encrypt(aliasARN("alias/a"), none), `"StringEquals":{"kms:RequestAlias":"alias/a"}`, true},
		{encrypt("alias/b", none), `"StringEquals":{"kms:RequestAlias":"alias/a"}`, false},
		{encrypt(key.KeyID, none), `"Null":{"kms:RequestAlias":"true"}`, true},
		{encrypt(key.KeyID, none), `"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/b"}`, true},
		{encrypt(key.KeyID, none), `"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/c"}`, false},
		{encrypt(twin.KeyID, none), `"Null":{"kms:ResourceAliases":"true"}`, true},
		{encrypt(key.KeyID, none), `"StringEquals":{"aws:ResourceTag/team":"blue"}`, true},
		{encrypt(key.KeyID, none), `"StringEquals":{"aws:ResourceTag/team":"red"}`, false},
		{encrypt(key.KeyID, none), `"StringEquals":{"aws:ResourceTag/x":"1"}`, false}, // x or X?
		{encrypt(key.KeyID, none), `"StringEquals":{"kms:EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}`, true},
		{encrypt(key.KeyID, map[string]string{"App": "shop"}), `"StringEquals":{"kms:EncryptionContext:app":"shop"}`, true},
		{encrypt(key.KeyID, map[string]string{"App": "Shop"}), `"StringEquals":{"kms:EncryptionContext:app":"shop"}`, false},
		{encrypt(key.KeyID, map[string]string{"App": "shop", "aPP": "shop"}), `"StringEquals":{"kms:EncryptionContext:app":"shop"}`, false},
		{encrypt(key.KeyID, map[string]string{"a": "1", "b": "2"}), `"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["a","b"]}`, true},
		{encrypt(key.KeyID, map[string]string{"a": "1", "B": "2"}), `"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["a","b"]}`, false},
		{encrypt(key.KeyID, none), `"Null":{"kms:EncryptionContextKeys":"true"}`, true},
		{encrypt(key.KeyID, none), `"StringEquals":{"aws:ResourceAccount":"` + home + `"}`, true},

		{sign, `"StringEquals":{"kms:SigningAlgorithm":"ECDSA_SHA_256","kms:MessageType":"RAW","kms:KeySpec":"ECC_NIST_P256","kms:KeyUsage":"SIGN_VERIFY"}`, true},
		{digest, `"StringEquals":{"kms:SigningAlgorithm":"ECDSA_SHA_256","kms:MessageType":"DIGEST"}`, true},
		{digest, `"StringEquals":{"kms:MessageType":"RAW"}`, false},
		{sign, `"StringEquals":{"kms:SigningAlgorithm":"ECDSA_SHA_384"}`, false},
		{sign, `"Null":{"kms:MacAlgorithm":"true","kms:EncryptionAlgorithm":"true"}`, true},
		{authenticate, `"StringEquals":{"kms:MacAlgorithm":"HMAC_SHA_256","kms:KeyUsage":"GENERATE_VERIFY_MAC"}`, true},
		{authenticate, `"StringEquals":{"kms:MacAlgorithm":"HMAC_SHA_512"}`, false},
		{authenticate, `"Null":{"kms:SigningAlgorithm":"true","kms:MessageType":"true"}`, true},
		{agree, `"StringEquals":{"kms:KeyAgreementAlgorithm":"ECDH","kms:KeyUsage":"KEY_AGREEMENT"}`, true},
		{agree, `"Null":{"kms:KeyAgreementAlgorithm":"true"}`, false},
		{pair, `"StringEquals":{"kms:DataKeyPairSpec":"ECC_NIST_P256","kms:EncryptionAlgorithm":"SYMMETRIC_DEFAULT","kms:EncryptionContext:app":"shop"}`, true},
		{pair, `"StringEquals":{"kms:DataKeyPairSpec":"RSA_2048"}`, false},
		{bare, `"StringEquals":{"kms:DataKeyPairSpec":"ECC_NIST_P384"}`, true},
		{bare, `"StringEquals":{"kms:DataKeyPairSpec":"ECC_NIST_P256"}`, false},
		{oaep, `"StringEquals":{"kms:EncryptionAlgorithm":"RSAES_OAEP_SHA_256","kms:KeySpec":"RSA_2048"}`, true},
		{oaep, `"StringEquals":{"kms:EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}`, false},
		{encrypt(key.KeyID, none), `"Null":{"kms:DataKeyPairSpec":"true","kms:KeyAgreementAlgorithm":"true"}`, true},
		{encrypt(key.KeyID, none), `"Null":{"kms:SigningAlgorithm":"true","kms:MessageType":"true","kms:MacAlgorithm":"true"}`, true},

		{make(kms.CreateKeyInput{}), `"StringEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT","kms:KeyUsage":"ENCRYPT_DECRYPT","kms:KeyOrigin":"AWS_KMS","kms:CallerAccount":"` + home + `"}`, true},
		{make(kms.CreateKeyInput{}), `"Bool":{"kms:BypassPolicyLockoutSafetyCheck":"true","kms:MultiRegion":"false"}`, true},
		{make(kms.CreateKeyInput{MultiRegion: optional.Some(true)}), `"StringEquals":{"kms:MultiRegionKeyType":"PRIMARY"}`, true},
		{make(kms.CreateKeyInput{Tags: []kms.Tag{tag("Team", "blue")}}), `"StringEquals":{"aws:RequestTag/team":"blue"}`, true},
		{make(kms.CreateKeyInput{Tags: []kms.Tag{tag("Team", "red")}}), `"StringEquals":{"aws:RequestTag/team":"blue"}`, false},
		{make(kms.CreateKeyInput{Tags: []kms.Tag{tag("Team", "red")}}), `"ForAllValues:StringEquals":{"aws:TagKeys":["Team"]}`, true},
		{&kms.TagResourceInput{KeyID: str(key.KeyID), Tags: []kms.Tag{tag("Team", "blue")}}, `"StringEquals":{"aws:RequestTag/Team":"blue","aws:ResourceTag/Team":"blue"}`, true},
		{&kms.TagResourceInput{KeyID: str(key.KeyID), Tags: []kms.Tag{tag("a", ""), tag("b", "")}}, `"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}`, false},
		{&kms.UntagResourceInput{KeyID: str(key.KeyID), TagKeys: []string{"none"}}, `"ForAnyValue:StringEquals":{"aws:TagKeys":"none"}`, true},
		{&kms.UntagResourceInput{KeyID: str(key.KeyID), TagKeys: []string{"none"}}, `"Null":{"aws:RequestTag/none":"true"}`, true},
		{&kms.DescribeKeyInput{KeyID: str("alias/a")}, `"StringEquals":{"kms:RequestAlias":"alias/a"}`, true},
	}
	for _, c := range cases {
		user := w.user(home, "u", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{`+c.condition+`}}]}`)
		_, err := user.do(c.in)
		if c.holds && err != nil || !c.holds && !fault.Is(err, fault.AccessDenied) {
			t.Errorf("%T under %s: %v", c.in, c.condition, err)
		}
	}
	if len(cases) < 35 {
		t.Errorf("%d cases", len(cases))
	}
}

// A Deny on the encryption context is not escaped by a second spelling of its name.
func TestDenyIsNotEscapedBySpelling(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"` + home + `"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Deny","Principal":"*","Action":"kms:Encrypt","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:embargo":"yes"}}}]}`)
	for _, context := range []map[string]string{
		{"embargo": "yes"}, {"Embargo": "yes"}, {"embargo": "yes", "EMBARGO": "no"}, {"embargo": "no", "EMBARGO": "no"},
	} {
		owner.denied(&kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x"), EncryptionContext: pairs.Of(context)},
			"kms:Encrypt", key.ARN, "with an explicit deny in a resource-based policy")
	}
	must[kms.EncryptOutput](owner, &kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x"), EncryptionContext: pairs.Of(map[string]string{"embargo": "no"})})
}
