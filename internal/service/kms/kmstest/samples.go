// Package kmstest is one valid input for each operation of the key management
// service, for tests that walk the table of operations.
package kmstest

import (
	"encoding/base64"
	"maps"

	"claviger/internal/service/kms"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// A Fixture is what must exist before the samples can be called.
type Fixture struct {
	Key        string // id or ARN of an enabled key of the operation's kind, see Kind
	Other      string // id or ARN of another one
	Alias      string // name of an alias of Key
	NewAlias   string // name of an alias that does not exist
	Ciphertext []byte // made with Key, under Context where that is symmetric
	Signature  []byte // of Secret, made with Key: also where that is a MAC
	Grant      string // id of a grant on Key
	Pending    string // id or ARN of a key that is pending deletion
	KeyStore   string // id of a custom key store that is disconnected and has no keys
	Connected  string // id of another one, which is connected
	Primary    string // id or ARN of a multi-Region primary key
	Replica    string // Region of its replica
	Region     string // another Region, in which it has none
	Principal  string // of the caller's account, in a form that a grant can name

	// Of a Key whose material is imported: a token, and the material that it has,
	// wrapped as the token says.
	ImportToken, Wrapped []byte
}

// Context is the encryption context of all samples.
var Context = pairs.Map{{Key: "purpose", Value: "sample"}}

// Secret is the plaintext of all samples that take one.
const Secret = "sample plaintext that nobody may see"

// Kind returns the spec and usage of a key that an operation can be called on.
func Kind(operation string) (spec, usage string) {
	switch operation {
	case "GetPublicKey", "Sign", "Verify":
		return "ECC_NIST_P256", "SIGN_VERIFY"
	case "DeriveSharedSecret":
		return "ECC_NIST_P256", "KEY_AGREEMENT"
	case "Decapsulate", "Encapsulate":
		return "ML_KEM_768", "ENCAPSULATE_DECAPSULATE"
	case "GenerateMac", "VerifyMac":
		return "HMAC_256", "GENERATE_VERIFY_MAC"
	default:
		return "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"
	}
}

// Imports reports whether an operation can be called on keys with imported
// material alone.
func Imports(operation string) bool {
	switch operation {
	case "DeleteImportedKeyMaterial", "GetParametersForImport", "ImportKeyMaterial":
		return true
	}
	return false
}

// The algorithms that samples name.
const (
	signing  = "ECDSA_SHA_256"
	wrapping = "RSAES_OAEP_SHA_256"
	mac      = "HMAC_SHA_256"
	ecdh     = "ECDH"
	kem      = "ML_KEM"
)

// peer is the public key of nobody, on P-256.
func peer() []byte {
	const der = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENc/W7wh1lAh60gs4NXzj1cpgaE" +
		"MRa3I5H2leTudNgvpoKxqliG3rJzEJe0rtTetCC5Muwesd/KVlDGtgxuW66g=="
	b, err := base64.StdEncoding.DecodeString(der)
	if err != nil {
		panic("kmstest: " + err.Error())
	}
	return b
}

// message is what the samples sign.
func message() confidential.Bytes { return confidential.New([]byte(Secret)) }

// Samples returns, by the name of the operation, what makes a fresh input: a
// pointer to the operation's In that is valid for the fixture.
func Samples() map[string]func(Fixture) any {
	key := optional.Some[string]
	samples := map[string]func(Fixture) any{
		"CancelKeyDeletion": func(f Fixture) any { return &kms.CancelKeyDeletionInput{KeyID: key(f.Pending)} },
		"CreateAlias": func(f Fixture) any {
			return &kms.CreateAliasInput{AliasName: key(f.NewAlias), TargetKeyID: key(f.Key)}
		},
		"CreateGrant": func(f Fixture) any {
			return &kms.CreateGrantInput{
				KeyID:            key(f.Key),
				GranteePrincipal: key(f.Principal),
				Operations:       []string{"Decrypt", "DescribeKey"},
				Constraints:      &kms.GrantConstraints{EncryptionContextSubset: Context},
			}
		},
		"CreateKey": func(Fixture) any {
			return &kms.CreateKeyInput{
				Description: key("a sample"),
				Tags:        []kms.Tag{{TagKey: key("team"), TagValue: key("blue")}},
			}
		},
		"Decapsulate": func(f Fixture) any {
			return &kms.DecapsulateInput{KeyID: key(f.Key), EncapsulationAlgorithm: key(kem), SharedSecretCiphertextBlob: f.Ciphertext}
		},
		"Decrypt": func(f Fixture) any {
			return &kms.DecryptInput{CiphertextBlob: f.Ciphertext, EncryptionContext: Context, KeyID: key(f.Key)}
		},
		"DeleteAlias": func(f Fixture) any { return &kms.DeleteAliasInput{AliasName: key(f.Alias)} },
		"DeriveSharedSecret": func(f Fixture) any {
			return &kms.DeriveSharedSecretInput{KeyID: key(f.Key), KeyAgreementAlgorithm: key(ecdh), PublicKey: peer()}
		},
		"DescribeKey":        func(f Fixture) any { return &kms.DescribeKeyInput{KeyID: key(f.Key)} },
		"DisableKey":         func(f Fixture) any { return &kms.DisableKeyInput{KeyID: key(f.Key)} },
		"DisableKeyRotation": func(f Fixture) any { return &kms.DisableKeyRotationInput{KeyID: key(f.Key)} },
		"EnableKey":          func(f Fixture) any { return &kms.EnableKeyInput{KeyID: key(f.Key)} },
		"EnableKeyRotation": func(f Fixture) any {
			return &kms.EnableKeyRotationInput{KeyID: key(f.Key), RotationPeriodInDays: optional.Some(90)}
		},
		"Encapsulate": func(f Fixture) any {
			return &kms.EncapsulateInput{KeyID: key(f.Key), EncapsulationAlgorithm: key(kem)}
		},
		"Encrypt": func(f Fixture) any {
			return &kms.EncryptInput{KeyID: key(f.Key), Plaintext: confidential.New([]byte(Secret)), EncryptionContext: Context}
		},
		"GenerateDataKey": func(f Fixture) any {
			return &kms.GenerateDataKeyInput{KeyID: key(f.Key), EncryptionContext: Context, KeySpec: key("AES_256")}
		},
		"GenerateDataKeyPair": func(f Fixture) any {
			return &kms.GenerateDataKeyPairInput{KeyID: key(f.Key), EncryptionContext: Context, KeyPairSpec: key("ECC_NIST_P256")}
		},
		"GenerateDataKeyPairWithoutPlaintext": func(f Fixture) any {
			return &kms.GenerateDataKeyPairWithoutPlaintextInput{KeyID: key(f.Key), EncryptionContext: Context, KeyPairSpec: key("ECC_NIST_P384")}
		},
		"GenerateDataKeyWithoutPlaintext": func(f Fixture) any {
			return &kms.GenerateDataKeyWithoutPlaintextInput{KeyID: key(f.Key), EncryptionContext: Context, NumberOfBytes: optional.Some(64)}
		},
		"GenerateMac": func(f Fixture) any {
			return &kms.GenerateMacInput{KeyID: key(f.Key), Message: message(), MacAlgorithm: key(mac)}
		},
		"GenerateRandom":       func(Fixture) any { return &kms.GenerateRandomInput{NumberOfBytes: optional.Some(32)} },
		"GetKeyLastUsage":      func(f Fixture) any { return &kms.GetKeyLastUsageInput{KeyID: key(f.Key)} },
		"GetKeyPolicy":         func(f Fixture) any { return &kms.GetKeyPolicyInput{KeyID: key(f.Key)} },
		"GetKeyRotationStatus": func(f Fixture) any { return &kms.GetKeyRotationStatusInput{KeyID: key(f.Key)} },
		"GetPublicKey":         func(f Fixture) any { return &kms.GetPublicKeyInput{KeyID: key(f.Key)} },
		"ListAliases":          func(Fixture) any { return &kms.ListAliasesInput{} },
		"ListGrants":           func(f Fixture) any { return &kms.ListGrantsInput{KeyID: key(f.Key)} },
		"ListKeyPolicies":      func(f Fixture) any { return &kms.ListKeyPoliciesInput{KeyID: key(f.Key)} },
		"ListKeyRotations":     func(f Fixture) any { return &kms.ListKeyRotationsInput{KeyID: key(f.Key)} },
		"ListKeys":             func(Fixture) any { return &kms.ListKeysInput{} },
		"ListResourceTags":     func(f Fixture) any { return &kms.ListResourceTagsInput{KeyID: key(f.Key)} },
		"ListRetirableGrants": func(f Fixture) any {
			return &kms.ListRetirableGrantsInput{RetiringPrincipal: key(f.Principal)}
		},
		"PutKeyPolicy": func(f Fixture) any {
			return &kms.PutKeyPolicyInput{
				KeyID: key(f.Key),
				Policy: key(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
					`"Principal":"*","Action":"kms:*","Resource":"*"}]}`),
			}
		},
		"ReEncrypt": func(f Fixture) any {
			return &kms.ReEncryptInput{CiphertextBlob: f.Ciphertext, SourceEncryptionContext: Context, DestinationKeyID: key(f.Other)}
		},
		"RetireGrant":       func(f Fixture) any { return &kms.RetireGrantInput{KeyID: key(f.Key), GrantID: key(f.Grant)} },
		"RevokeGrant":       func(f Fixture) any { return &kms.RevokeGrantInput{KeyID: key(f.Key), GrantID: key(f.Grant)} },
		"RotateKeyOnDemand": func(f Fixture) any { return &kms.RotateKeyOnDemandInput{KeyID: key(f.Key)} },
		"ScheduleKeyDeletion": func(f Fixture) any {
			return &kms.ScheduleKeyDeletionInput{KeyID: key(f.Key), PendingWindowInDays: optional.Some(7)}
		},
		"Sign": func(f Fixture) any {
			return &kms.SignInput{KeyID: key(f.Key), Message: message(), SigningAlgorithm: key(signing)}
		},
		"TagResource": func(f Fixture) any {
			return &kms.TagResourceInput{KeyID: key(f.Key), Tags: []kms.Tag{{TagKey: key("team"), TagValue: key("red")}}}
		},
		"UntagResource": func(f Fixture) any {
			return &kms.UntagResourceInput{KeyID: key(f.Key), TagKeys: []string{"team"}}
		},
		"UpdateAlias": func(f Fixture) any {
			return &kms.UpdateAliasInput{AliasName: key(f.Alias), TargetKeyID: key(f.Other)}
		},
		"UpdateKeyDescription": func(f Fixture) any {
			return &kms.UpdateKeyDescriptionInput{KeyID: key(f.Key), Description: key("another sample")}
		},
		"Verify": func(f Fixture) any {
			return &kms.VerifyInput{KeyID: key(f.Key), Message: message(), SigningAlgorithm: key(signing), Signature: f.Signature}
		},
		"VerifyMac": func(f Fixture) any {
			return &kms.VerifyMacInput{KeyID: key(f.Key), Message: message(), MacAlgorithm: key(mac), Mac: f.Signature}
		},
	}
	maps.Copy(samples, ofImports())
	maps.Copy(samples, keyStoreSamples())
	maps.Copy(samples, ofRelatedKeys())
	return samples
}

// ofImports are the samples of the operations on imported material alone.
func ofImports() map[string]func(Fixture) any {
	key := optional.Some[string]
	return map[string]func(Fixture) any{
		"DeleteImportedKeyMaterial": func(f Fixture) any { return &kms.DeleteImportedKeyMaterialInput{KeyID: key(f.Key)} },
		"GetParametersForImport": func(f Fixture) any {
			return &kms.GetParametersForImportInput{KeyID: key(f.Key), WrappingAlgorithm: key(wrapping), WrappingKeySpec: key("RSA_2048")}
		},
		"ImportKeyMaterial": func(f Fixture) any {
			return &kms.ImportKeyMaterialInput{
				KeyID: key(f.Key), ImportToken: f.ImportToken, EncryptedKeyMaterial: f.Wrapped, ExpirationModel: key("KEY_MATERIAL_DOES_NOT_EXPIRE"),
			}
		},
	}
}

// ofRelatedKeys are the samples of the operations on multi-Region keys alone.
func ofRelatedKeys() map[string]func(Fixture) any {
	key := optional.Some[string]
	return map[string]func(Fixture) any{
		"ReplicateKey": func(f Fixture) any {
			return &kms.ReplicateKeyInput{
				KeyID:         key(f.Primary),
				ReplicaRegion: key(f.Region),
				Description:   key("a replica"),
				Tags:          []kms.Tag{{TagKey: key("team"), TagValue: key("blue")}},
			}
		},
		"UpdatePrimaryRegion": func(f Fixture) any {
			return &kms.UpdatePrimaryRegionInput{KeyID: key(f.Primary), PrimaryRegion: key(f.Replica)}
		},
	}
}
