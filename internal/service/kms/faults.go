package kms

import "claviger/internal/words/fault"

// Codes of the service, as the public model names them. Shared codes are those
// of package fault.
// https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
const (
	AlreadyExists          fault.Code = "AlreadyExistsException"
	Conflict               fault.Code = "ConflictException"
	CustomKeyStoreNotFound fault.Code = "CustomKeyStoreNotFoundException"
	DependencyTimeout      fault.Code = "DependencyTimeoutException"
	Disabled               fault.Code = "DisabledException"
	ExpiredImportToken     fault.Code = "ExpiredImportTokenException"
	IncorrectKey           fault.Code = "IncorrectKeyException"
	IncorrectKeyMaterial   fault.Code = "IncorrectKeyMaterialException"
	InvalidAliasName       fault.Code = "InvalidAliasNameException"
	InvalidARN             fault.Code = "InvalidArnException"
	InvalidCiphertext      fault.Code = "InvalidCiphertextException"
	InvalidGrantID         fault.Code = "InvalidGrantIdException"
	InvalidGrantToken      fault.Code = "InvalidGrantTokenException"
	InvalidImportToken     fault.Code = "InvalidImportTokenException"
	InvalidKeyUsage        fault.Code = "InvalidKeyUsageException"
	InvalidMAC             fault.Code = "KMSInvalidMacException"
	InvalidMarker          fault.Code = "InvalidMarkerException"
	InvalidSignature       fault.Code = "KMSInvalidSignatureException"
	InvalidState           fault.Code = "KMSInvalidStateException"
	NotFound               fault.Code = "NotFoundException"
	TagFault               fault.Code = "TagException"
)

// errCiphertext has no message: which check failed is nobody's business.
var errCiphertext = &fault.Fault{Code: InvalidCiphertext}

// These have none on AWS either. The last is a peer's key that does not fit.
var (
	errSignature = &fault.Fault{Code: InvalidSignature}
	errMAC       = &fault.Fault{Code: InvalidMAC}
	errPublicKey = &fault.Fault{Code: fault.Validation}
)

// errHidden is the one answer to whoever presents a ciphertext without a right
// to its key, whether the key exists or not.
var errHidden = &fault.Fault{
	Code:    fault.AccessDenied,
	Message: "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
}

var errIncorrectKey = &fault.Fault{
	Code:    IncorrectKey,
	Message: "The key ID in the request does not identify a CMK that can perform this operation.",
}

var errAlias = &fault.Fault{Code: InvalidARN, Message: "Key Aliases are not supported for this operation."}

var errDryRun = &fault.Fault{
	Code:    fault.DryRunOperation,
	Message: "The request would have succeeded, but the DryRun option is set.",
}

func validation(format string, args ...any) *fault.Fault {
	return fault.New(fault.Validation, format, args...)
}

func keyMissing(arn string) *fault.Fault { return fault.New(NotFound, "Key '%s' does not exist", arn) }

func grantMissing(id string) *fault.Fault { return fault.New(NotFound, "Grant ID %s not found", id) }

func aliasMissing(arn string) *fault.Fault { return fault.New(NotFound, "Alias %s is not found.", arn) }
