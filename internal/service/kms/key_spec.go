package kms

import (
	"slices"

	"claviger/internal/words/fault"
)

// Key usages.
const (
	usageEncryptDecrypt         = "ENCRYPT_DECRYPT"
	usageSignVerify             = "SIGN_VERIFY"
	usageMAC                    = "GENERATE_VERIFY_MAC"
	usageKeyAgreement           = "KEY_AGREEMENT"
	usageEncapsulateDecapsulate = "ENCAPSULATE_DECAPSULATE"
)

// symmetricDefault names a key spec and its one encryption algorithm.
const symmetricDefault = "SYMMETRIC_DEFAULT"

// A keySpec is a kind of key material, with the usages that it can have.
type keySpec struct {
	name   string
	usages []string
	legacy bool // also a value of the older member CustomerMasterKeySpec
}

// keySpecs are all specs of the public model, whether keys of them can be made
// here or not.
// https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
var keySpecs = []keySpec{
	{"RSA_2048", []string{usageEncryptDecrypt, usageSignVerify}, true},
	{"RSA_3072", []string{usageEncryptDecrypt, usageSignVerify}, true},
	{"RSA_4096", []string{usageEncryptDecrypt, usageSignVerify}, true},
	{"ECC_NIST_P256", []string{usageSignVerify, usageKeyAgreement}, true},
	{"ECC_NIST_P384", []string{usageSignVerify, usageKeyAgreement}, true},
	{"ECC_NIST_P521", []string{usageSignVerify, usageKeyAgreement}, true},
	{"ECC_SECG_P256K1", []string{usageSignVerify}, true},
	{symmetricDefault, []string{usageEncryptDecrypt}, true},
	{"HMAC_224", []string{usageMAC}, true},
	{"HMAC_256", []string{usageMAC}, true},
	{"HMAC_384", []string{usageMAC}, true},
	{"HMAC_512", []string{usageMAC}, true},
	{"SM2", []string{usageEncryptDecrypt, usageSignVerify, usageKeyAgreement}, true},
	{"ML_DSA_44", []string{usageSignVerify}, false},
	{"ML_DSA_65", []string{usageSignVerify}, false},
	{"ML_DSA_87", []string{usageSignVerify}, false},
	{"ECC_NIST_EDWARDS25519", []string{usageSignVerify}, false},
	{"ML_KEM_512", []string{usageEncapsulateDecapsulate}, false},
	{"ML_KEM_768", []string{usageEncapsulateDecapsulate}, false},
	{"ML_KEM_1024", []string{usageEncapsulateDecapsulate}, false},
}

var (
	keySpecNames    = specNames(func(keySpec) bool { return true })
	legacySpecNames = specNames(func(s keySpec) bool { return s.legacy })
	keyUsages       = []string{usageSignVerify, usageEncryptDecrypt, usageMAC, usageKeyAgreement, usageEncapsulateDecapsulate}
	keyOrigins      = []string{originKMS, originExternal, originCloudHSM, originXKS}
	dataKeySpecs    = []string{"AES_256", "AES_128"}

	encryptionAlgorithms = []string{symmetricDefault, "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"}
)

func specNames(keep func(keySpec) bool) []string {
	var names []string
	for _, s := range keySpecs {
		if keep(s) {
			names = append(names, s.name)
		}
	}
	return names
}

// usageFits reports whether a key of the spec can have the usage.
func usageFits(spec, usage string) bool {
	return slices.ContainsFunc(keySpecs, func(s keySpec) bool {
		return s.name == spec && slices.Contains(s.usages, usage)
	})
}

// encrypts refuses a key that can't do an encryption operation with algorithm.
func (k *Key) encrypts(operation, algorithm string) error {
	if err := k.used(operation, usageEncryptDecrypt); err != nil {
		return err
	}
	if k.Spec != symmetricDefault || algorithm != symmetricDefault {
		return fault.New(InvalidKeyUsage, "Algorithm %s is incompatible with key spec %s.", algorithm, k.Spec)
	}
	return nil
}

// wraps refuses a key that can't encrypt data keys.
func (k *Key) wraps(operation string) error {
	if k.Spec != symmetricDefault {
		return k.misused(operation)
	}
	return k.used(operation, usageEncryptDecrypt)
}

func (k *Key) used(operation, usage string) error {
	if k.Usage != usage {
		return k.misused(operation)
	}
	return nil
}

func (k *Key) misused(operation string) error {
	return fault.New(InvalidKeyUsage, "%s key usage is %s which is not valid for %s.", k.ARN, k.Usage, operation)
}
