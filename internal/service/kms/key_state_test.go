package kms_test

import (
	"testing"

	"claviger/internal/ground/store"
	"claviger/internal/service/kms"
	"claviger/internal/service/kms/kmstest"
)

var errDamaged = store.ErrDamaged

// TestKeyStates walks the matrix of the public reference, as far as its
// operations exist here.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html#key-state-table
func TestKeyStates(t *testing.T) {
	t.Parallel()
	crypt := map[string]string{
		"Enabled":                "",
		"Disabled":               "is disabled.",
		"PendingDeletion":        "is pending deletion.",
		"PendingReplicaDeletion": "is pending deletion.",
		"PendingImport":          "is pending import.",
		"Unavailable":            "is unavailable.",
		"Creating":               "is creating.",
		"Updating":               "",
	}
	label := map[string]string{
		"Enabled":                "",
		"Disabled":               "",
		"PendingDeletion":        "is pending deletion.",
		"PendingReplicaDeletion": "is pending deletion.",
		"PendingImport":          "",
		"Unavailable":            "",
		"Creating":               "",
		"Updating":               "",
	}
	toggle := map[string]string{
		"Enabled":                "",
		"Disabled":               "",
		"PendingDeletion":        "is pending deletion.",
		"PendingReplicaDeletion": "is pending deletion.",
		"PendingImport":          "is pending import.",
		"Unavailable":            "",
		"Creating":               "is creating.",
		"Updating":               "is updating.",
	}
	grant := map[string]string{
		"Enabled":                "",
		"Disabled":               "is disabled.",
		"PendingDeletion":        "is pending deletion.",
		"PendingReplicaDeletion": "is pending deletion.",
		"PendingImport":          "is pending import.",
		"Unavailable":            "",
		"Creating":               "is creating.",
		"Updating":               "",
	}
	schedule := map[string]string{
		"Enabled":                "",
		"Disabled":               "",
		"PendingDeletion":        "is pending deletion.",
		"PendingReplicaDeletion": "is pending deletion.",
		"PendingImport":          "",
		"Unavailable":            "",
		"Creating":               "",
		"Updating":               "is updating.",
	}
	cancel := map[string]string{
		"Enabled":                "is not pending deletion.",
		"Disabled":               "is not pending deletion.",
		"PendingDeletion":        "",
		"PendingReplicaDeletion": "",
		"PendingImport":          "is not pending deletion.",
		"Unavailable":            "is not pending deletion.",
		"Creating":               "is not pending deletion.",
		"Updating":               "is not pending deletion.",
	}
	show := map[string]string{
		"Enabled":                "",
		"Disabled":               "",
		"PendingDeletion":        "is pending deletion.",
		"PendingReplicaDeletion": "is pending deletion.",
		"PendingImport":          "",
		"Unavailable":            "",
		"Creating":               "is creating.",
		"Updating":               "",
	}
	receive := map[string]string{
		"PendingDeletion":        "is pending deletion.",
		"PendingReplicaDeletion": "is pending deletion.",
		"Creating":               "is creating.",
		"Updating":               "is updating.",
	}
	bring := map[string]string{
		"PendingDeletion":        "is pending deletion.",
		"PendingReplicaDeletion": "is pending deletion.",
		"Creating":               "is creating.",
	}
	remove := map[string]string{
		"Creating": "is creating.",
		"Updating": "is updating.",
	}
	replicate := map[string]string{
		"Enabled":                "",
		"Disabled":               "is disabled.",
		"PendingDeletion":        "is pending deletion.",
		"PendingReplicaDeletion": "is pending deletion.",
		"PendingImport":          "is pending import.",
		"Unavailable":            "is unavailable.", // no multi-Region key ever is
		"Creating":               "is creating.",
		"Updating":               "is updating.",
	}
	always := map[string]string{}
	matrix := map[string]map[string]string{
		"CancelKeyDeletion":                   cancel,
		"CreateAlias":                         label,
		"CreateGrant":                         grant,
		"Decapsulate":                         crypt,
		"Decrypt":                             crypt,
		"DeleteAlias":                         always,
		"DeriveSharedSecret":                  crypt,
		"DeleteImportedKeyMaterial":           remove,
		"DescribeKey":                         always,
		"DisableKey":                          toggle,
		"DisableKeyRotation":                  crypt,
		"EnableKey":                           toggle,
		"EnableKeyRotation":                   crypt,
		"Encapsulate":                         crypt,
		"Encrypt":                             crypt,
		"GenerateDataKey":                     crypt,
		"GenerateDataKeyPair":                 crypt,
		"GenerateDataKeyPairWithoutPlaintext": crypt,
		"GenerateDataKeyWithoutPlaintext":     crypt,
		"GenerateMac":                         crypt,
		"GetKeyLastUsage":                     always,
		"GetKeyPolicy":                        always,
		"GetKeyRotationStatus":                always,
		"GetParametersForImport":              receive,
		"GetPublicKey":                        show,
		"ImportKeyMaterial":                   bring,
		"ListAliases":                         always,
		"ListGrants":                          always,
		"ListKeyPolicies":                     always,
		"ListKeyRotations":                    always,
		"ListResourceTags":                    always,
		"PutKeyPolicy":                        always,
		"ReEncrypt":                           crypt,
		"ReplicateKey":                        replicate,
		"RetireGrant":                         always,
		"RevokeGrant":                         always,
		"RotateKeyOnDemand":                   crypt,
		"ScheduleKeyDeletion":                 schedule,
		"Sign":                                crypt,
		"TagResource":                         label,
		"UntagResource":                       label,
		"UpdateAlias":                         always, // the state of the old key; the new one's is tested below
		"UpdateKeyDescription":                label,
		"UpdatePrimaryRegion":                 crypt, // the state of the primary key; the replica's is tested there
		"Verify":                              crypt,
		"VerifyMac":                           crypt,
	}
	samples := kmstest.Samples()
	cases := 0
	for name, row := range matrix {
		t.Run(name, func(t *testing.T) { // whose databases are closed when it ends
			var w *world
			var owner *actor
			var fixture kmstest.Fixture
			var key kms.KeyMetadata
			for state := range crypt {
				if w == nil || w.operations[name].Writes { // what only reads leaves all as it was
					w = newWorld(t)
					owner = w.root(home)
					fixture, key = preparedFor(w, owner, name)
				}
				if name == "ReplicateKey" || name == "UpdatePrimaryRegion" {
					key = owner.described(fixture.Primary)
				}
				w.state(key.KeyID, state)
				fixture.Pending = key.KeyID
				in := samples[name](fixture)
				code := kms.InvalidState
				if row[state] == "is disabled." {
					code = kms.Disabled
				}
				if want := row[state]; want != "" {
					owner.refused(in, code, key.ARN+" "+want)
				} else if _, err := owner.do(in); err != nil {
					t.Errorf("in state %s: %v", state, err)
				}
				cases++
			}
		})
	}
	if cases != 8*46 {
		t.Errorf("%d cases", cases)
	}
}

// A key that is of the wrong kind and in the wrong state is of the wrong kind.
func TestUsageBeforeState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	fixture, symmetric := prepared(w, owner)
	fixture.Signature = []byte("signature")
	signer := owner.createKeyOf("ECC_NIST_P256", "SIGN_VERIFY")
	samples := kmstest.Samples()
	tried := 0
	for _, c := range []struct {
		key        kms.KeyMetadata
		operations []string
	}{
		{signer, []string{
			"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext",
			"ReEncrypt", "GenerateMac", "VerifyMac", "DeriveSharedSecret", "Encapsulate", "Decapsulate",
		}},
		{symmetric, []string{"Sign", "Verify", "GenerateMac", "VerifyMac", "DeriveSharedSecret", "Encapsulate", "Decapsulate"}},
	} {
		for _, state := range []string{"Enabled", "Disabled"} {
			w.state(c.key.KeyID, state)
			for _, name := range c.operations {
				in := naming(samples[name](fixture), members[name].member, c.key.KeyID)
				if name == "Decrypt" { // a ciphertext that names another key would be refused before
					in.(*kms.DecryptInput).CiphertextBlob = []byte("foreign")
				}
				owner.refused(in, kms.InvalidKeyUsage, c.key.ARN+" key usage is "+c.key.KeyUsage+" which is not valid for "+name+".")
				tried++
			}
		}
	}
	if tried != 2*(12+7) {
		t.Error("not all were tried")
	}
}
