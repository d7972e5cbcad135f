package xks

import (
	"claviger/internal/ground/sealed"
	"claviger/internal/words/fault"
)

// Codes of the proxy interface.
const (
	InvalidCiphertext fault.Code = "InvalidCiphertextException"
	InvalidKeyUsage   fault.Code = "InvalidKeyUsageException"
	InvalidState      fault.Code = "InvalidStateException"
	InvalidURIPath    fault.Code = "InvalidUriPathException"
	KeyNotFound       fault.Code = "KeyNotFoundException"
)

// Codes of what the operator is refused.
const (
	AlreadyExists fault.Code = "AlreadyExists"
	NoSuchEntity  fault.Code = "NoSuchEntity"
	InUse         fault.Code = "InUse"
)

func noSuchKeyStore(prefix string) error {
	return fault.New(NoSuchEntity, "There is no key store with the prefix %s.", prefix)
}

func noSuchKey(prefix, id string) error {
	return fault.New(NoSuchEntity, "The key store %s has no external key %s.", prefix, id)
}

var (
	errKeyNotFound = fault.New(KeyNotFound, "The external key does not exist.")
	errDisabled    = fault.New(InvalidState, "The external key is disabled.")
	errUsage       = fault.New(InvalidKeyUsage, "The external key can't be used for this operation.")
	errNoIntegrity = fault.New(InvalidKeyUsage, "An external key that can't decrypt gives no ciphertext data integrity value.")
	errCiphertext  = fault.New(InvalidCiphertext, "The ciphertext does not open.")
	errForbidden   = fault.New(fault.AccessDenied, "The external key may not be used for this KMS key.")
	errStranger    = fault.New(fault.AccessDenied, "The caller may not ask about this key store.")
	errNoKeyStore  = fault.New(InvalidURIPath, "The key store does not exist.")
	errTooLarge    = fault.New(fault.UnsupportedOperation,
		"This key store takes at most %d bytes of plaintext and %d of additional authenticated data.", sealed.MaxExternalPlaintext, sealed.MaxExternalAAD)
)
