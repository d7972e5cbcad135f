package kms

import (
	"math/bits"
	"slices"
)

// An operationSet is a set of the operations that a grant may permit. Rows of
// the store hold it: bits keep their meaning.
type operationSet uint32

// grantOperations are the operations that a grant may permit, each at the bit
// that stands for it.
// https://docs.aws.amazon.com/kms/latest/developerguide/grants.html#terms-grant-operations
var grantOperations = []string{
	"Decrypt",
	"Encrypt",
	"GenerateDataKey",
	"GenerateDataKeyWithoutPlaintext",
	"ReEncryptFrom",
	"ReEncryptTo",
	"Sign",
	"Verify",
	"GetPublicKey",
	"CreateGrant",
	"RetireGrant",
	"DescribeKey",
	"GenerateDataKeyPair",
	"GenerateDataKeyPairWithoutPlaintext",
	"GenerateMac",
	"VerifyMac",
	"DeriveSharedSecret",
	"Encapsulate",
	"Decapsulate",
}

// Sets with a meaning.
var (
	createsGrants = setOf("CreateGrant")
	retiresGrants = setOf("RetireGrant")

	// heedless operations take no encryption context: the constraint of a grant
	// does not limit them, its source ARN does.
	heedless = setOf("DescribeKey", "GetPublicKey")

	// ofEveryKey can be permitted on any kind of key.
	ofEveryKey = setOf("CreateGrant", "RetireGrant", "DescribeKey")
)

// ofUsage are the operations that keys of a usage perform, beside those of every
// key; symmetric encryption keys have a set of their own.
// https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-compare.html
var ofUsage = map[string]operationSet{
	usageEncryptDecrypt:         setOf("Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"),
	usageSignVerify:             setOf("Sign", "Verify", "GetPublicKey"),
	usageKeyAgreement:           setOf("DeriveSharedSecret", "GetPublicKey"),
	usageMAC:                    setOf("GenerateMac", "VerifyMac"),
	usageEncapsulateDecapsulate: setOf("Encapsulate", "Decapsulate", "GetPublicKey"),
}

var ofSymmetricKeys = setOf("Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext",
	"GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo")

// grantable is what a grant on k may permit.
func (r *keyRecord) grantable() operationSet {
	if r.Spec == symmetricDefault {
		return ofEveryKey | ofSymmetricKeys
	}
	return ofEveryKey | ofUsage[r.Usage]
}

// setOf makes a set. Names that are not in the list count for nothing; inputs
// have been checked before.
func setOf(names ...string) operationSet {
	var set operationSet
	for _, name := range names {
		if i := slices.Index(grantOperations, name); i >= 0 {
			set |= 1 << i
		}
	}
	return set
}

// has reports whether all of other are in set.
func (set operationSet) has(other operationSet) bool { return set&other == other }

// names lists the operations of set.
func (set operationSet) names() []string {
	list := make([]string, 0, bits.OnesCount32(uint32(set)))
	for i, name := range grantOperations {
		if set&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return list
}
