package sts

import "claviger/internal/words/fault"

// Codes of the service, as the public model and AWS's answers spell them.
const (
	InvalidAuthorizationMessage fault.Code = "InvalidAuthorizationMessageException"
	InvalidParameterValue       fault.Code = "InvalidParameterValue"
	PackedPolicyTooLarge        fault.Code = "PackedPolicyTooLarge"
)
