// Package fault holds the errors that callers are meant to see.
//
// Everything that is not a Fault is ours alone: From turns it into
// InternalFailure and drops every word of the cause. How a code is spelled on
// the wire, and with which status, is the protocol's business (package edge).
package fault

import (
	"errors"
	"fmt"
)

// A Code names a kind of fault. The codes below are shared by all services and
// protocols, which spell some of them differently; a service declares its own
// codes beside its operations, with the exact name of the public model.
type Code string

// Codes that every service and protocol has.
const (
	AccessDenied          Code = "AccessDenied"
	ExpiredToken          Code = "ExpiredToken"
	IncompleteSignature   Code = "IncompleteSignature"
	InternalFailure       Code = "InternalFailure"
	InvalidSignature      Code = "InvalidSignature"
	MissingAuthentication Code = "MissingAuthenticationToken"
	RequestEntityTooLarge Code = "RequestEntityTooLarge"
	Serialization         Code = "Serialization"
	ServiceUnavailable    Code = "ServiceUnavailable"
	Throttling            Code = "Throttling"
	UnknownOperation      Code = "UnknownOperation"
	UnrecognizedClient    Code = "UnrecognizedClient"
	Validation            Code = "Validation"
	DryRunOperation       Code = "DryRunOperationException"
	UnsupportedOperation  Code = "UnsupportedOperationException"
	MalformedPolicy       Code = "MalformedPolicyDocument"
	LimitExceeded         Code = "LimitExceeded"
)

// A Fault is an error meant for the caller. Its message may be shown to
// anybody who made the call; it never holds a secret.
type Fault struct {
	Code    Code
	Message string // empty where the public API sends no message at all
	Reason  string // for programs, of those faults that have one; mostly empty
}

// New makes a Fault whose message is formatted as by fmt.Sprintf. Text that
// comes from a caller belongs into args, never into format.
func New(code Code, format string, args ...any) *Fault {
	return &Fault{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error prints code and message.
func (f *Fault) Error() string {
	if f.Message == "" {
		return string(f.Code)
	}
	return string(f.Code) + ": " + f.Message
}

// From returns the Fault inside err. An error without one becomes
// InternalFailure, and says nothing of its cause.
func From(err error) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return &Fault{Code: InternalFailure, Message: "The request could not be completed because of an internal error."}
}

// Is reports whether err carries a Fault with the given code.
func Is(err error, code Code) bool {
	var f *Fault
	return errors.As(err, &f) && f.Code == code
}
