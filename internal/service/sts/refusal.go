package sts

import (
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// Codes of the service, as the public model and AWS's answers spell them.
const (
	InvalidAuthorizationMessage fault.Code = "InvalidAuthorizationMessageException"
	InvalidParameterValue       fault.Code = "InvalidParameterValue"
	PackedPolicyTooLarge        fault.Code = "PackedPolicyTooLarge"
)

// withoutSecondFactor refuses a call that claims a second factor. Nobody has a
// device, so that no serial number and no code can be right.
func withoutSecondFactor(serial optional.Of[string], code confidential.Bytes) error {
	switch {
	case !serial.Set && !code.IsSet():
		return nil
	case !serial.Set || !code.IsSet():
		return fault.New(fault.AccessDenied, "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code. ")
	}
	return fault.New(fault.AccessDenied, "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
}
