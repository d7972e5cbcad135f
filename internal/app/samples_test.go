package app

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"strconv"
	"sync/atomic"
	"time"

	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/explanation"
	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/service/kms/kmstest"
	"claviger/internal/service/sts"
	"claviger/internal/service/xks"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// countingDriver counts how often the store is read.
type countingDriver struct {
	driver.Driver
	snapshots atomic.Int64
}

func (d *countingDriver) Snapshot(ctx context.Context) (driver.Snapshot, error) {
	d.snapshots.Add(1)
	return d.Driver.Snapshot(ctx)
}

// canary is a plaintext that is easily recognised.
func canary() confidential.Bytes { return confidential.New([]byte(canaryText)) }

const canaryText = "canary in a coal mine, 32 bytes!"

// fresh makes a name that the world has not seen.
func (w *world) fresh(prefix string) string {
	w.names++
	return prefix + strconv.Itoa(w.names)
}

// key makes a key of the owner's and returns its id.
func (w *world) key() string {
	in := &kms.CreateKeyInput{}
	if w.keyInput != nil {
		in = w.keyInput()
	}
	out := w.must(w.caller(owner), "kms:CreateKey", in)
	return out.(*kms.CreateKeyOutput).KeyMetadata.KeyID
}

// keyOf makes a key of a spec and a usage, and returns its id.
func (w *world) keyOf(spec, usage string) optional.Of[string] {
	out := w.must(w.caller(owner), "kms:CreateKey", &kms.CreateKeyInput{KeySpec: optional.Some(spec), KeyUsage: optional.Some(usage)})
	return optional.Some(out.(*kms.CreateKeyOutput).KeyMetadata.KeyID)
}

func (w *world) signer() optional.Of[string] { return w.keyOf("ECC_NIST_P256", "SIGN_VERIFY") }

func (w *world) mac() optional.Of[string] { return w.keyOf("HMAC_256", "GENERATE_VERIFY_MAC") }

func (w *world) encapsulator() optional.Of[string] {
	return w.keyOf("ML_KEM_768", "ENCAPSULATE_DECAPSULATE")
}

// external makes a key that awaits material.
func (w *world) external() optional.Of[string] {
	out := w.must(w.caller(owner), "kms:CreateKey", &kms.CreateKeyInput{Origin: optional.Some("EXTERNAL")})
	return optional.Some(out.(*kms.CreateKeyOutput).KeyMetadata.KeyID)
}

// importing makes what imports the canary as the material of a key.
func (w *world) importing(key optional.Of[string]) *kms.ImportKeyMaterialInput {
	set := w.must(w.caller(owner), "kms:GetParametersForImport", &kms.GetParametersForImportInput{
		KeyID: key, WrappingAlgorithm: optional.Some("RSAES_OAEP_SHA_256"), WrappingKeySpec: optional.Some("RSA_2048"),
	}).(*kms.GetParametersForImportOutput)
	public, err := x509.ParsePKIXPublicKey(set.PublicKey)
	if err != nil {
		w.t.Fatal(err)
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), []byte(canaryText), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &kms.ImportKeyMaterialInput{
		KeyID: key, ImportToken: set.ImportToken, EncryptedKeyMaterial: wrapped, ExpirationModel: optional.Some("KEY_MATERIAL_DOES_NOT_EXPIRE"),
	}
}

// primary makes a multi-Region primary key of the owner's and returns its id.
func (w *world) primary() optional.Of[string] {
	out := w.must(w.caller(owner), "kms:CreateKey", &kms.CreateKeyInput{MultiRegion: optional.Some(true)})
	return optional.Some(out.(*kms.CreateKeyOutput).KeyMetadata.KeyID)
}

// blob encrypts the canary under a key.
func (w *world) blob(key string) []byte {
	out := w.must(w.caller(owner), "kms:Encrypt", &kms.EncryptInput{KeyID: optional.Some(key), Plaintext: canary()})
	return out.(*kms.EncryptOutput).CiphertextBlob
}

// alias makes an alias of a new key.
func (w *world) alias() string {
	name := w.fresh("alias/sample")
	w.must(w.caller(owner), "kms:CreateAlias", &kms.CreateAliasInput{AliasName: optional.Some(name), TargetKeyID: optional.Some(w.key())})
	return name
}

// customKeyStore makes an external key store and returns its id.
func (w *world) customKeyStore() optional.Of[string] {
	in := kmstest.KeyStore(w.fresh("store "))
	in.XksProxyURIPath = optional.Some("/" + w.fresh("tenant") + "/kms/xks/v1")
	out := w.must(w.caller(owner), "kms:CreateCustomKeyStore", in)
	return optional.Some(out.(*kms.CreateCustomKeyStoreOutput).CustomKeyStoreID)
}

// grant makes a grant on a new key, and returns the ids of both.
func (w *world) grant() (key, grant optional.Of[string]) {
	key = optional.Some(w.key())
	out := w.must(w.caller(owner), "kms:CreateGrant", &kms.CreateGrantInput{
		KeyID: key, GranteePrincipal: optional.Some(owner), RetiringPrincipal: optional.Some(owner), Operations: []string{"Encrypt"},
	})
	return key, optional.Some(out.(*kms.CreateGrantOutput).GrantID)
}

// newUser makes an IAM user without any permission and returns its credential.
func (w *world) newUser(account, name string) *authz.Credential {
	root := w.caller(account)
	w.must(root, "iam:CreateUser", &iam.CreateUserInput{UserName: optional.Some(name)})
	out := w.must(root, "iam:CreateAccessKey", &iam.CreateAccessKeyInput{UserName: optional.Some(name)})
	return w.caller(out.(*iam.CreateAccessKeyOutput).AccessKey.AccessKeyID)
}

// user makes a user for a sample.
func (w *world) user() optional.Of[string] {
	name := optional.Some(w.fresh("sample"))
	w.must(w.caller(owner), "iam:CreateUser", &iam.CreateUserInput{UserName: name})
	return name
}

// accessKey makes a user with an access key.
func (w *world) accessKey() (user, id optional.Of[string]) {
	user = w.user()
	out := w.must(w.caller(owner), "iam:CreateAccessKey", &iam.CreateAccessKeyInput{UserName: user})
	return user, optional.Some(out.(*iam.CreateAccessKeyOutput).AccessKey.AccessKeyID)
}

// serviceCredential makes a user with a credential for a service.
func (w *world) serviceCredential() (user, id optional.Of[string]) {
	user = w.user()
	out := w.must(w.caller(owner), "iam:CreateServiceSpecificCredential", &iam.CreateServiceSpecificCredentialInput{
		UserName: user, ServiceName: optional.Some("codecommit.amazonaws.com"),
	})
	return user, optional.Some(out.(*iam.CreateServiceSpecificCredentialOutput).ServiceSpecificCredential.ServiceSpecificCredentialID)
}

const sampleDocument = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`

// userPolicy makes a user with an inline policy named "sample".
func (w *world) userPolicy() optional.Of[string] {
	user := w.user()
	w.must(w.caller(owner), "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: user, PolicyName: optional.Some("sample"), PolicyDocument: optional.Some(sampleDocument)})
	return user
}

const sampleTrust = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + owner + `"},"Action":"sts:AssumeRole"}}`

// role makes a role with an inline policy named "sample".
func (w *world) role() optional.Of[string] {
	role := w.bareRole()
	w.must(w.caller(owner), "iam:PutRolePolicy", &iam.PutRolePolicyInput{RoleName: role, PolicyName: optional.Some("sample"), PolicyDocument: optional.Some(sampleDocument)})
	return role
}

// bareRole makes a role without a policy.
func (w *world) bareRole() optional.Of[string] {
	role := optional.Some(w.fresh("sample"))
	w.must(w.caller(owner), "iam:CreateRole", &iam.CreateRoleInput{RoleName: role, AssumeRolePolicyDocument: optional.Some(sampleTrust)})
	return role
}

// managedPolicy makes a managed policy of the owner's and returns its ARN.
func (w *world) managedPolicy() optional.Of[string] {
	out := w.must(w.caller(owner), "iam:CreatePolicy", &iam.CreatePolicyInput{PolicyName: optional.Some(w.fresh("sample")), PolicyDocument: optional.Some(sampleDocument)})
	return optional.Some(out.(*iam.CreatePolicyOutput).Policy.ARN)
}

// policyVersion makes a second version of a managed policy and returns its id.
func (w *world) policyVersion(policy optional.Of[string]) optional.Of[string] {
	out := w.must(w.caller(owner), "iam:CreatePolicyVersion", &iam.CreatePolicyVersionInput{PolicyARN: policy, PolicyDocument: optional.Some(sampleDocument)})
	return optional.Some(out.(*iam.CreatePolicyVersionOutput).PolicyVersion.VersionID)
}

// attached makes a user and a role that have a managed policy attached.
func (w *world) attached() (user, role, policy optional.Of[string]) {
	user, role, policy = w.user(), w.bareRole(), w.managedPolicy()
	w.must(w.caller(owner), "iam:AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: user, PolicyARN: policy})
	w.must(w.caller(owner), "iam:AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: role, PolicyARN: policy})
	return user, role, policy
}

// userARN makes a user of the owner's with a policy and returns its ARN.
func (w *world) userARN() optional.Of[string] {
	return optional.Some("arn:aws:iam::" + owner + ":user/" + w.userPolicy().V)
}

// boundedUser makes a user that has a permissions boundary.
func (w *world) boundedUser() optional.Of[string] {
	user := w.user()
	w.must(w.caller(owner), "iam:PutUserPermissionsBoundary", &iam.PutUserPermissionsBoundaryInput{UserName: user, PermissionsBoundary: w.managedPolicy()})
	return user
}

// boundedRole makes a role that has a permissions boundary.
func (w *world) boundedRole() optional.Of[string] {
	role := w.bareRole()
	w.must(w.caller(owner), "iam:PutRolePermissionsBoundary", &iam.PutRolePermissionsBoundaryInput{RoleName: role, PermissionsBoundary: w.managedPolicy()})
	return role
}

// group makes an empty group.
func (w *world) group() optional.Of[string] {
	name := optional.Some(w.fresh("sample"))
	w.must(w.caller(owner), "iam:CreateGroup", &iam.CreateGroupInput{GroupName: name})
	return name
}

// fullGroup makes a group with a user, an inline policy and an attached one.
func (w *world) fullGroup() optional.Of[string] {
	name := w.group()
	w.must(w.caller(owner), "iam:AddUserToGroup", &iam.AddUserToGroupInput{GroupName: name, UserName: w.user()})
	w.must(w.caller(owner), "iam:PutGroupPolicy", &iam.PutGroupPolicyInput{GroupName: name, PolicyName: optional.Some("sample"), PolicyDocument: optional.Some(sampleDocument)})
	w.must(w.caller(owner), "iam:AttachGroupPolicy", &iam.AttachGroupPolicyInput{GroupName: name, PolicyARN: w.managedPolicy()})
	return name
}

func identityTags() []iam.Tag {
	return []iam.Tag{{Key: optional.Some("team"), Value: optional.Some("red")}}
}

const samplePolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + owner + `:root"},"Action":"kms:*","Resource":"*"}]}`

func tags() []kms.Tag {
	return []kms.Tag{{TagKey: optional.Some("team"), TagValue: optional.Some("red")}}
}

// samples has one valid input for every operation, to be called by the owner.
var samples = map[string]func(w *world) any{
	"kms:CancelKeyDeletion": func(w *world) any {
		key := optional.Some(w.key())
		w.must(w.caller(owner), "kms:ScheduleKeyDeletion", &kms.ScheduleKeyDeletionInput{KeyID: key})
		return &kms.CancelKeyDeletionInput{KeyID: key}
	},
	"kms:ConnectCustomKeyStore": func(w *world) any {
		return &kms.ConnectCustomKeyStoreInput{CustomKeyStoreID: w.customKeyStore()}
	},
	"kms:CreateAlias": func(w *world) any {
		return &kms.CreateAliasInput{AliasName: optional.Some("alias/new"), TargetKeyID: optional.Some(w.key())}
	},
	"kms:CreateCustomKeyStore": func(w *world) any { return kmstest.KeyStore("sample") },
	"kms:CreateGrant": func(w *world) any {
		return &kms.CreateGrantInput{
			KeyID: optional.Some(w.key()), GranteePrincipal: optional.Some(stranger), Operations: []string{"Decrypt"},
			Constraints: &kms.GrantConstraints{EncryptionContextEquals: pairs.Of(map[string]string{"a": "b"})},
		}
	},
	"kms:CreateKey": func(*world) any {
		return &kms.CreateKeyInput{Description: optional.Some("sample"), Policy: optional.Some(samplePolicy), Tags: tags()}
	},
	"kms:Decapsulate": func(w *world) any {
		in := &kms.EncapsulateInput{KeyID: w.encapsulator(), EncapsulationAlgorithm: optional.Some("ML_KEM")}
		out := w.must(w.caller(owner), "kms:Encapsulate", in).(*kms.EncapsulateOutput)
		return &kms.DecapsulateInput{KeyID: in.KeyID, EncapsulationAlgorithm: in.EncapsulationAlgorithm, SharedSecretCiphertextBlob: out.SharedSecretCiphertextBlob}
	},
	"kms:Decrypt": func(w *world) any { return &kms.DecryptInput{CiphertextBlob: w.blob(w.key())} },
	"kms:DeleteAlias": func(w *world) any {
		return &kms.DeleteAliasInput{AliasName: optional.Some(w.alias())}
	},
	"kms:DeleteCustomKeyStore": func(w *world) any {
		return &kms.DeleteCustomKeyStoreInput{CustomKeyStoreID: w.customKeyStore()}
	},
	"kms:DescribeCustomKeyStores": func(w *world) any {
		return &kms.DescribeCustomKeyStoresInput{CustomKeyStoreID: w.customKeyStore()}
	},
	"kms:DeleteImportedKeyMaterial": func(w *world) any {
		key := w.external()
		w.must(w.caller(owner), "kms:ImportKeyMaterial", w.importing(key))
		return &kms.DeleteImportedKeyMaterialInput{KeyID: key}
	},
	"kms:DeriveSharedSecret": func(w *world) any {
		key := w.keyOf("ECC_NIST_P256", "KEY_AGREEMENT")
		public := w.must(w.caller(owner), "kms:GetPublicKey", &kms.GetPublicKeyInput{KeyID: key}).(*kms.GetPublicKeyOutput).PublicKey
		return &kms.DeriveSharedSecretInput{KeyID: key, KeyAgreementAlgorithm: optional.Some("ECDH"), PublicKey: public}
	},
	"kms:DescribeKey": func(w *world) any { return &kms.DescribeKeyInput{KeyID: optional.Some(w.key())} },
	"kms:DisableKey":  func(w *world) any { return &kms.DisableKeyInput{KeyID: optional.Some(w.key())} },
	"kms:DisconnectCustomKeyStore": func(w *world) any {
		store := w.customKeyStore()
		w.must(w.caller(owner), "kms:ConnectCustomKeyStore", &kms.ConnectCustomKeyStoreInput{CustomKeyStoreID: store})
		if err := w.server.keys.ConnectDue(w.t.Context()); err != nil { // else the background does it while a law looks
			w.t.Fatal(err)
		}
		return &kms.DisconnectCustomKeyStoreInput{CustomKeyStoreID: store}
	},
	"kms:EnableKey": func(w *world) any {
		key := optional.Some(w.key())
		w.must(w.caller(owner), "kms:DisableKey", &kms.DisableKeyInput{KeyID: key})
		return &kms.EnableKeyInput{KeyID: key}
	},
	"kms:DisableKeyRotation": func(w *world) any {
		key := optional.Some(w.key())
		w.must(w.caller(owner), "kms:EnableKeyRotation", &kms.EnableKeyRotationInput{KeyID: key})
		return &kms.DisableKeyRotationInput{KeyID: key}
	},
	"kms:EnableKeyRotation": func(w *world) any {
		return &kms.EnableKeyRotationInput{KeyID: optional.Some(w.key()), RotationPeriodInDays: optional.Some(180)}
	},
	"kms:Encapsulate": func(w *world) any {
		return &kms.EncapsulateInput{KeyID: w.encapsulator(), EncapsulationAlgorithm: optional.Some("ML_KEM")}
	},
	"kms:Encrypt": func(w *world) any {
		return &kms.EncryptInput{KeyID: optional.Some(w.key()), Plaintext: canary(), EncryptionContext: pairs.Of(map[string]string{"a": "b"})}
	},
	"kms:GenerateDataKey": func(w *world) any {
		return &kms.GenerateDataKeyInput{KeyID: optional.Some(w.key()), KeySpec: optional.Some("AES_256")}
	},
	"kms:GenerateDataKeyPair": func(w *world) any {
		return &kms.GenerateDataKeyPairInput{KeyID: optional.Some(w.key()), KeyPairSpec: optional.Some("ECC_NIST_P256")}
	},
	"kms:GenerateDataKeyPairWithoutPlaintext": func(w *world) any {
		return &kms.GenerateDataKeyPairWithoutPlaintextInput{KeyID: optional.Some(w.key()), KeyPairSpec: optional.Some("ECC_NIST_EDWARDS25519")}
	},
	"kms:GenerateDataKeyWithoutPlaintext": func(w *world) any {
		return &kms.GenerateDataKeyWithoutPlaintextInput{KeyID: optional.Some(w.key()), NumberOfBytes: optional.Some(32)}
	},
	"kms:GenerateMac": func(w *world) any {
		return &kms.GenerateMacInput{KeyID: w.mac(), Message: canary(), MacAlgorithm: optional.Some("HMAC_SHA_256")}
	},
	"kms:GenerateRandom": func(*world) any { return &kms.GenerateRandomInput{NumberOfBytes: optional.Some(32)} },
	"kms:GetKeyLastUsage": func(w *world) any {
		return &kms.GetKeyLastUsageInput{KeyID: optional.Some(w.key())}
	},
	"kms:GetKeyPolicy": func(w *world) any { return &kms.GetKeyPolicyInput{KeyID: optional.Some(w.key())} },
	"kms:GetKeyRotationStatus": func(w *world) any {
		return &kms.GetKeyRotationStatusInput{KeyID: optional.Some(w.key())}
	},
	"kms:GetParametersForImport": func(w *world) any {
		return &kms.GetParametersForImportInput{
			KeyID: w.external(), WrappingAlgorithm: optional.Some("RSAES_OAEP_SHA_256"), WrappingKeySpec: optional.Some("RSA_2048"),
		}
	},
	"kms:GetPublicKey":      func(w *world) any { return &kms.GetPublicKeyInput{KeyID: w.signer()} },
	"kms:ImportKeyMaterial": func(w *world) any { return w.importing(w.external()) },
	"kms:ListAliases":       func(*world) any { return &kms.ListAliasesInput{} },
	"kms:ListGrants": func(w *world) any {
		key, _ := w.grant()
		return &kms.ListGrantsInput{KeyID: key}
	},
	"kms:ListKeyPolicies": func(w *world) any { return &kms.ListKeyPoliciesInput{KeyID: optional.Some(w.key())} },
	"kms:ListKeyRotations": func(w *world) any {
		return &kms.ListKeyRotationsInput{KeyID: optional.Some(w.key())}
	},
	"kms:ListKeys": func(*world) any { return &kms.ListKeysInput{} },
	"kms:ListResourceTags": func(w *world) any {
		return &kms.ListResourceTagsInput{KeyID: optional.Some(w.key())}
	},
	"kms:ListRetirableGrants": func(*world) any {
		return &kms.ListRetirableGrantsInput{RetiringPrincipal: optional.Some("arn:aws:iam::" + owner + ":root")}
	},
	"kms:PutKeyPolicy": func(w *world) any {
		return &kms.PutKeyPolicyInput{KeyID: optional.Some(w.key()), Policy: optional.Some(samplePolicy)}
	},
	"kms:ReEncrypt": func(w *world) any {
		return &kms.ReEncryptInput{CiphertextBlob: w.blob(w.key()), DestinationKeyID: optional.Some(w.key())}
	},
	"kms:ReplicateKey": func(w *world) any {
		return &kms.ReplicateKeyInput{
			KeyID: w.primary(), ReplicaRegion: optional.Some(secondRegion),
			Description: optional.Some("sample"), Policy: optional.Some(samplePolicy), Tags: tags(),
		}
	},
	"kms:RetireGrant": func(w *world) any {
		key, grant := w.grant()
		return &kms.RetireGrantInput{KeyID: key, GrantID: grant}
	},
	"kms:RevokeGrant": func(w *world) any {
		key, grant := w.grant()
		return &kms.RevokeGrantInput{KeyID: key, GrantID: grant}
	},
	"kms:RotateKeyOnDemand": func(w *world) any {
		return &kms.RotateKeyOnDemandInput{KeyID: optional.Some(w.key())}
	},
	"kms:ScheduleKeyDeletion": func(w *world) any {
		return &kms.ScheduleKeyDeletionInput{KeyID: optional.Some(w.key()), PendingWindowInDays: optional.Some(7)}
	},
	"kms:Sign": func(w *world) any {
		return &kms.SignInput{KeyID: w.signer(), Message: canary(), SigningAlgorithm: optional.Some("ECDSA_SHA_256")}
	},
	"kms:TagResource": func(w *world) any {
		return &kms.TagResourceInput{KeyID: optional.Some(w.key()), Tags: tags()}
	},
	"kms:UntagResource": func(w *world) any {
		key := optional.Some(w.key())
		w.must(w.caller(owner), "kms:TagResource", &kms.TagResourceInput{KeyID: key, Tags: tags()})
		return &kms.UntagResourceInput{KeyID: key, TagKeys: []string{"team"}}
	},
	"kms:UpdateAlias": func(w *world) any {
		return &kms.UpdateAliasInput{AliasName: optional.Some(w.alias()), TargetKeyID: optional.Some(w.key())}
	},
	"kms:UpdateCustomKeyStore": func(w *world) any {
		return &kms.UpdateCustomKeyStoreInput{
			CustomKeyStoreID: w.customKeyStore(), XksProxyAuthenticationCredential: kmstest.KeyStore("").XksProxyAuthenticationCredential,
		}
	},
	"kms:UpdateKeyDescription": func(w *world) any {
		return &kms.UpdateKeyDescriptionInput{KeyID: optional.Some(w.key()), Description: optional.Some("new")}
	},
	"kms:UpdatePrimaryRegion": func(w *world) any {
		key := w.primary()
		w.must(w.caller(owner), "kms:ReplicateKey", &kms.ReplicateKeyInput{KeyID: key, ReplicaRegion: optional.Some(secondRegion)})
		return &kms.UpdatePrimaryRegionInput{KeyID: key, PrimaryRegion: optional.Some(secondRegion)}
	},
	"kms:Verify": func(w *world) any {
		in := &kms.SignInput{KeyID: w.signer(), Message: canary(), SigningAlgorithm: optional.Some("ECDSA_SHA_256")}
		out := w.must(w.caller(owner), "kms:Sign", in).(*kms.SignOutput)
		return &kms.VerifyInput{KeyID: in.KeyID, Message: in.Message, SigningAlgorithm: in.SigningAlgorithm, Signature: out.Signature}
	},
	"kms:VerifyMac": func(w *world) any {
		in := &kms.GenerateMacInput{KeyID: w.mac(), Message: canary(), MacAlgorithm: optional.Some("HMAC_SHA_256")}
		out := w.must(w.caller(owner), "kms:GenerateMac", in).(*kms.GenerateMacOutput)
		return &kms.VerifyMacInput{KeyID: in.KeyID, Message: in.Message, MacAlgorithm: in.MacAlgorithm, Mac: out.Mac}
	},

	"iam:AddUserToGroup": func(w *world) any {
		return &iam.AddUserToGroupInput{GroupName: w.group(), UserName: w.user()}
	},
	"iam:AttachGroupPolicy": func(w *world) any {
		return &iam.AttachGroupPolicyInput{GroupName: w.group(), PolicyARN: w.managedPolicy()}
	},
	"iam:AttachRolePolicy": func(w *world) any {
		return &iam.AttachRolePolicyInput{RoleName: w.bareRole(), PolicyARN: w.managedPolicy()}
	},
	"iam:AttachUserPolicy": func(w *world) any {
		return &iam.AttachUserPolicyInput{UserName: w.user(), PolicyARN: w.managedPolicy()}
	},
	"iam:CreateAccessKey": func(w *world) any { return &iam.CreateAccessKeyInput{UserName: w.user()} },
	"iam:CreateGroup":     func(*world) any { return &iam.CreateGroupInput{GroupName: optional.Some("new")} },
	"iam:CreatePolicy": func(*world) any {
		return &iam.CreatePolicyInput{PolicyName: optional.Some("new"), PolicyDocument: optional.Some(sampleDocument), Tags: identityTags()}
	},
	"iam:CreatePolicyVersion": func(w *world) any {
		return &iam.CreatePolicyVersionInput{PolicyARN: w.managedPolicy(), PolicyDocument: optional.Some(sampleDocument), SetAsDefault: optional.Some(true)}
	},
	"iam:CreateRole": func(*world) any {
		return &iam.CreateRoleInput{RoleName: optional.Some("new"), AssumeRolePolicyDocument: optional.Some(sampleTrust), Tags: identityTags()}
	},
	"iam:CreateUser": func(*world) any { return &iam.CreateUserInput{UserName: optional.Some("new")} },
	"iam:CreateServiceSpecificCredential": func(w *world) any {
		return &iam.CreateServiceSpecificCredentialInput{UserName: w.user(), ServiceName: optional.Some("codecommit.amazonaws.com")}
	},
	"iam:DeleteServiceSpecificCredential": func(w *world) any {
		user, id := w.serviceCredential()
		return &iam.DeleteServiceSpecificCredentialInput{UserName: user, ServiceSpecificCredentialID: id}
	},
	"iam:ListServiceSpecificCredentials": func(w *world) any {
		user, _ := w.serviceCredential()
		return &iam.ListServiceSpecificCredentialsInput{UserName: user, ServiceName: optional.Some("codecommit.amazonaws.com")}
	},
	"iam:ResetServiceSpecificCredential": func(w *world) any {
		user, id := w.serviceCredential()
		return &iam.ResetServiceSpecificCredentialInput{UserName: user, ServiceSpecificCredentialID: id}
	},
	"iam:UpdateServiceSpecificCredential": func(w *world) any {
		user, id := w.serviceCredential()
		return &iam.UpdateServiceSpecificCredentialInput{UserName: user, ServiceSpecificCredentialID: id, Status: optional.Some("Inactive")}
	},
	"iam:DeleteAccessKey": func(w *world) any {
		user, id := w.accessKey()
		return &iam.DeleteAccessKeyInput{UserName: user, AccessKeyID: id}
	},
	"iam:DeleteGroup": func(w *world) any { return &iam.DeleteGroupInput{GroupName: w.group()} },
	"iam:DeleteGroupPolicy": func(w *world) any {
		return &iam.DeleteGroupPolicyInput{GroupName: w.fullGroup(), PolicyName: optional.Some("sample")}
	},
	"iam:DeletePolicy": func(w *world) any { return &iam.DeletePolicyInput{PolicyARN: w.managedPolicy()} },
	"iam:DeletePolicyVersion": func(w *world) any {
		policy := w.managedPolicy()
		return &iam.DeletePolicyVersionInput{PolicyARN: policy, VersionID: w.policyVersion(policy)}
	},
	"iam:DeleteRole": func(w *world) any { return &iam.DeleteRoleInput{RoleName: w.bareRole()} },
	"iam:DeleteRolePermissionsBoundary": func(w *world) any {
		return &iam.DeleteRolePermissionsBoundaryInput{RoleName: w.boundedRole()}
	},
	"iam:DeleteRolePolicy": func(w *world) any {
		return &iam.DeleteRolePolicyInput{RoleName: w.role(), PolicyName: optional.Some("sample")}
	},
	"iam:DeleteUser": func(w *world) any { return &iam.DeleteUserInput{UserName: w.user()} },
	"iam:DeleteUserPermissionsBoundary": func(w *world) any {
		return &iam.DeleteUserPermissionsBoundaryInput{UserName: w.boundedUser()}
	},
	"iam:DeleteUserPolicy": func(w *world) any {
		return &iam.DeleteUserPolicyInput{UserName: w.userPolicy(), PolicyName: optional.Some("sample")}
	},
	"iam:DetachGroupPolicy": func(w *world) any {
		group := w.fullGroup()
		out := w.must(w.caller(owner), "iam:ListAttachedGroupPolicies", &iam.ListAttachedGroupPoliciesInput{GroupName: group})
		attached := out.(*iam.ListAttachedGroupPoliciesOutput).AttachedPolicies
		return &iam.DetachGroupPolicyInput{GroupName: group, PolicyARN: optional.Some(attached[0].PolicyARN)}
	},
	"iam:DetachRolePolicy": func(w *world) any {
		_, role, policy := w.attached()
		return &iam.DetachRolePolicyInput{RoleName: role, PolicyARN: policy}
	},
	"iam:DetachUserPolicy": func(w *world) any {
		user, _, policy := w.attached()
		return &iam.DetachUserPolicyInput{UserName: user, PolicyARN: policy}
	},
	"iam:GetAccountAuthorizationDetails": func(*world) any { return &iam.GetAccountAuthorizationDetailsInput{} },
	"iam:GetGroup":                       func(w *world) any { return &iam.GetGroupInput{GroupName: w.fullGroup()} },
	"iam:GetGroupPolicy": func(w *world) any {
		return &iam.GetGroupPolicyInput{GroupName: w.fullGroup(), PolicyName: optional.Some("sample")}
	},
	"iam:GetPolicy": func(w *world) any { return &iam.GetPolicyInput{PolicyARN: w.managedPolicy()} },
	"iam:GetPolicyVersion": func(w *world) any {
		return &iam.GetPolicyVersionInput{PolicyARN: w.managedPolicy(), VersionID: optional.Some("v1")}
	},
	"iam:GetContextKeysForCustomPolicy": func(*world) any {
		return &iam.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{sampleDocument}}
	},
	"iam:GetContextKeysForPrincipalPolicy": func(w *world) any {
		return &iam.GetContextKeysForPrincipalPolicyInput{PolicySourceARN: w.userARN()}
	},
	"iam:GetRole": func(w *world) any { return &iam.GetRoleInput{RoleName: w.role()} },
	"iam:GetRolePolicy": func(w *world) any {
		return &iam.GetRolePolicyInput{RoleName: w.role(), PolicyName: optional.Some("sample")}
	},
	"iam:GetUser": func(w *world) any { return &iam.GetUserInput{UserName: w.boundedUser()} },
	"iam:GetUserPolicy": func(w *world) any {
		return &iam.GetUserPolicyInput{UserName: w.userPolicy(), PolicyName: optional.Some("sample")}
	},
	"iam:ListAccessKeys": func(w *world) any { return &iam.ListAccessKeysInput{UserName: w.user()} },
	"iam:ListAttachedGroupPolicies": func(w *world) any {
		return &iam.ListAttachedGroupPoliciesInput{GroupName: w.fullGroup()}
	},
	"iam:ListAttachedRolePolicies": func(w *world) any {
		_, role, _ := w.attached()
		return &iam.ListAttachedRolePoliciesInput{RoleName: role}
	},
	"iam:ListAttachedUserPolicies": func(w *world) any {
		user, _, _ := w.attached()
		return &iam.ListAttachedUserPoliciesInput{UserName: user}
	},
	"iam:ListEntitiesForPolicy": func(w *world) any {
		_, _, policy := w.attached()
		return &iam.ListEntitiesForPolicyInput{PolicyARN: policy}
	},
	"iam:ListGroupPolicies": func(w *world) any { return &iam.ListGroupPoliciesInput{GroupName: w.fullGroup()} },
	"iam:ListGroups":        func(*world) any { return &iam.ListGroupsInput{} },
	"iam:ListGroupsForUser": func(w *world) any { return &iam.ListGroupsForUserInput{UserName: w.user()} },
	"iam:ListInstanceProfilesForRole": func(w *world) any {
		return &iam.ListInstanceProfilesForRoleInput{RoleName: w.role()}
	},
	"iam:ListPoliciesGrantingServiceAccess": func(w *world) any {
		return &iam.ListPoliciesGrantingServiceAccessInput{ARN: w.userARN(), ServiceNamespaces: []string{"kms"}}
	},
	"iam:ListPolicies":       func(*world) any { return &iam.ListPoliciesInput{} },
	"iam:ListPolicyTags":     func(w *world) any { return &iam.ListPolicyTagsInput{PolicyARN: w.managedPolicy()} },
	"iam:ListPolicyVersions": func(w *world) any { return &iam.ListPolicyVersionsInput{PolicyARN: w.managedPolicy()} },
	"iam:ListRolePolicies":   func(w *world) any { return &iam.ListRolePoliciesInput{RoleName: w.role()} },
	"iam:ListRoles":          func(*world) any { return &iam.ListRolesInput{} },
	"iam:ListRoleTags":       func(w *world) any { return &iam.ListRoleTagsInput{RoleName: w.role()} },
	"iam:ListUserPolicies":   func(w *world) any { return &iam.ListUserPoliciesInput{UserName: w.user()} },
	"iam:ListUsers":          func(*world) any { return &iam.ListUsersInput{} },
	"iam:ListUserTags":       func(w *world) any { return &iam.ListUserTagsInput{UserName: w.user()} },
	"iam:PutGroupPolicy": func(w *world) any {
		return &iam.PutGroupPolicyInput{GroupName: w.group(), PolicyName: optional.Some("sample"), PolicyDocument: optional.Some(sampleDocument)}
	},
	"iam:PutRolePermissionsBoundary": func(w *world) any {
		return &iam.PutRolePermissionsBoundaryInput{RoleName: w.bareRole(), PermissionsBoundary: w.managedPolicy()}
	},
	"iam:PutRolePolicy": func(w *world) any {
		return &iam.PutRolePolicyInput{RoleName: w.role(), PolicyName: optional.Some("sample"), PolicyDocument: optional.Some(sampleDocument)}
	},
	"iam:PutUserPermissionsBoundary": func(w *world) any {
		return &iam.PutUserPermissionsBoundaryInput{UserName: w.user(), PermissionsBoundary: w.managedPolicy()}
	},
	"iam:PutUserPolicy": func(w *world) any {
		return &iam.PutUserPolicyInput{UserName: w.user(), PolicyName: optional.Some("sample"), PolicyDocument: optional.Some(sampleDocument)}
	},
	"iam:RemoveUserFromGroup": func(w *world) any {
		group := w.fullGroup()
		out := w.must(w.caller(owner), "iam:GetGroup", &iam.GetGroupInput{GroupName: group})
		return &iam.RemoveUserFromGroupInput{GroupName: group, UserName: out.(*iam.GetGroupOutput).Users[0].UserName}
	},
	"iam:SetDefaultPolicyVersion": func(w *world) any {
		policy := w.managedPolicy()
		return &iam.SetDefaultPolicyVersionInput{PolicyARN: policy, VersionID: w.policyVersion(policy)}
	},
	"iam:TagPolicy": func(w *world) any { return &iam.TagPolicyInput{PolicyARN: w.managedPolicy(), Tags: identityTags()} },
	"iam:TagRole":   func(w *world) any { return &iam.TagRoleInput{RoleName: w.role(), Tags: identityTags()} },
	"iam:TagUser":   func(w *world) any { return &iam.TagUserInput{UserName: w.user(), Tags: identityTags()} },
	"iam:UntagPolicy": func(w *world) any {
		return &iam.UntagPolicyInput{PolicyARN: w.managedPolicy(), TagKeys: []string{"team"}}
	},
	"iam:SimulateCustomPolicy": func(*world) any {
		return &iam.SimulateCustomPolicyInput{PolicyInputList: []string{sampleDocument}, ActionNames: []string{"kms:Encrypt"}}
	},
	"iam:SimulatePrincipalPolicy": func(w *world) any {
		return &iam.SimulatePrincipalPolicyInput{PolicySourceARN: w.userARN(), ActionNames: []string{"kms:Encrypt"}}
	},
	"iam:UntagRole": func(w *world) any {
		return &iam.UntagRoleInput{RoleName: w.role(), TagKeys: []string{"team"}}
	},
	"iam:UntagUser": func(w *world) any {
		return &iam.UntagUserInput{UserName: w.user(), TagKeys: []string{"team"}}
	},
	"iam:UpdateAccessKey": func(w *world) any {
		user, id := w.accessKey()
		return &iam.UpdateAccessKeyInput{UserName: user, AccessKeyID: id, Status: optional.Some("Inactive")}
	},
	"iam:UpdateAssumeRolePolicy": func(w *world) any {
		return &iam.UpdateAssumeRolePolicyInput{RoleName: w.role(), PolicyDocument: optional.Some(sampleTrust)}
	},
	"iam:UpdateGroup": func(w *world) any {
		return &iam.UpdateGroupInput{GroupName: w.group(), NewPath: optional.Some("/new/"), NewGroupName: optional.Some("renamed")}
	},
	"iam:UpdateRole": func(w *world) any {
		return &iam.UpdateRoleInput{RoleName: w.role(), Description: optional.Some("new")}
	},
	"iam:UpdateRoleDescription": func(w *world) any {
		return &iam.UpdateRoleDescriptionInput{RoleName: w.role(), Description: optional.Some("new")}
	},
	"iam:UpdateUser": func(w *world) any {
		return &iam.UpdateUserInput{UserName: w.user(), NewPath: optional.Some("/new/"), NewUserName: optional.Some("renamed")}
	},

	"sts:AssumeRole": func(w *world) any {
		return &sts.AssumeRoleInput{RoleARN: optional.Some("arn:aws:iam::" + owner + ":role/" + w.role().V), RoleSessionName: optional.Some("sample")}
	},
	"sts:CreateForwardAccessSession": func(w *world) any {
		user := w.newUser(owner, w.fresh("reader"))
		return trading(newRequest("GET", "/documents/1", "").signedBy(user, documentsSigning, "us-east-1", time.Now()))
	},
	"sts:DecodeAuthorizationMessage": func(w *world) any {
		refused := &explanation.Explanation{Action: "kms:ListKeys", Resource: "*"}
		message := explanation.NewMessages(w.keyring).Encode(&w.caller(owner).Caller.Principal, time.Now(), refused)
		return &sts.DecodeAuthorizationMessageInput{EncodedMessage: optional.Some(message)}
	},
	"sts:GetAccessKeyInfo": func(w *world) any {
		return &sts.GetAccessKeyInfoInput{AccessKeyID: optional.Some(w.newUser(owner, w.fresh("keyed")).AccessKeyID)}
	},
	"sts:GetFederationToken": func(*world) any {
		return &sts.GetFederationTokenInput{Name: optional.Some("sample")}
	},
	"sts:GetCallerIdentity": func(*world) any { return &sts.GetCallerIdentityInput{} },
	"sts:GetSessionToken":   func(*world) any { return &sts.GetSessionTokenInput{} },

	"kms-xks-proxy:Decrypt": func(w *world) any { return w.externalDecryption() },
	"kms-xks-proxy:Encrypt": func(w *world) any { return w.externalEncryption() },
	"kms-xks-proxy:GetHealthStatus": func(w *world) any {
		w.keyStore()
		return &xks.GetHealthStatusInput{KeyStore: sampleStore, RequestMetadata: requestMetadata("KmsHealthCheck")}
	},
	"kms-xks-proxy:GetKeyMetadata": func(w *world) any {
		return &xks.GetKeyMetadataInput{KeyStore: sampleStore, ExternalKeyID: w.externalKey(), RequestMetadata: requestMetadata("CreateKey")}
	},
}

// authors make the calls of those samples that the owner's root user can't make.
var authors = map[string]func(w *world) *authz.Credential{
	"sts:AssumeRole":                 func(w *world) *authz.Credential { return w.userWith(w.fresh("assumer"), `"sts:AssumeRole"`) },
	"sts:CreateForwardAccessSession": (*world).documentsService,
	"kms-xks-proxy:Decrypt":          (*world).keyStore,
	"kms-xks-proxy:Encrypt":          (*world).keyStore,
	"kms-xks-proxy:GetHealthStatus":  (*world).keyStore,
	"kms-xks-proxy:GetKeyMetadata":   (*world).keyStore,
}

// author returns who makes the call of a sample.
func (w *world) author(name string) *authz.Credential {
	if make := authors[name]; make != nil {
		return make(w)
	}
	return w.caller(owner)
}

// userWith makes a user of the owner's who may do some actions to everything.
func (w *world) userWith(name, actions string) *authz.Credential {
	user := w.newUser(owner, name)
	document := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}}`
	w.must(w.caller(owner), "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: optional.Some(name), PolicyName: optional.Some("own"), PolicyDocument: optional.Some(document)})
	return w.caller(user.AccessKeyID)
}
