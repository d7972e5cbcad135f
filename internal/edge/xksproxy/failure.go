package xksproxy

import (
	"reflect"

	"claviger/internal/edge/awsjson"
	"claviger/internal/words/fault"
)

// spelling is how a code stands on the wire.
type spelling struct {
	name   string
	status int
}

// Errors of the interface. What they are for is said by whoever refuses.
var (
	invalidRequest       = spelling{"ValidationException", 400}
	authenticationFailed = spelling{"AuthenticationFailedException", 401}
	unsupported          = spelling{"UnsupportedOperationException", 501}
	internal             = spelling{"InternalException", 500}
)

var spellings = map[fault.Code]spelling{
	fault.Validation:    invalidRequest,
	fault.Serialization: invalidRequest,

	"InvalidStateException":      {"InvalidStateException", 400},
	"InvalidCiphertextException": {"InvalidCiphertextException", 400},
	"InvalidKeyUsageException":   {"InvalidKeyUsageException", 400},

	fault.ExpiredToken:          authenticationFailed,
	fault.IncompleteSignature:   authenticationFailed,
	fault.InvalidSignature:      authenticationFailed,
	fault.MissingAuthentication: authenticationFailed,
	fault.UnrecognizedClient:    authenticationFailed,

	fault.AccessDenied:     {"AccessDeniedException", 403},
	"KeyNotFoundException": {"KeyNotFoundException", 404},
	InvalidURIPath:         {"InvalidUriPathException", 404},
	MethodNotAllowed:       {"UnsupportedOperationException", 405},
	fault.Throttling:       {"ThrottlingException", 429},

	// The interface has no other name for what is larger than a provider takes.
	fault.RequestEntityTooLarge: unsupported,
	fault.UnsupportedOperation:  unsupported,

	fault.ServiceUnavailable: {"DependencyTimeoutException", 503},
}

// Codes of requests that reach no key store.
const (
	InvalidURIPath   fault.Code = "InvalidUriPathException"
	MethodNotAllowed fault.Code = "MethodNotAllowed"
)

// failure is the body of an error.
type failure struct {
	Name    string `aws:"errorName"`
	Message string `aws:"errorMessage"`
}

var failureShape = awsjson.Plan(reflect.TypeFor[failure]())

// messageMax is how many characters an errorMessage may have.
const messageMax = 511

// Error renders a fault: the name of the error, the HTTP status, the body. A code
// that the interface does not have is an internal failure, and says nothing.
func Error(f *fault.Fault) (name string, status int, body []byte) {
	s, ok := spellings[f.Code]
	out := failure{Name: s.name, Message: printable(f.Message)}
	if !ok {
		s = internal
		out = failure{Name: s.name, Message: "The request could not be completed because of an internal error."}
	}
	return s.name, s.status, failureShape.Append(nil, &out)
}

// printable returns as much of a text as the interface lets through: ASCII from
// space to tilde.
func printable(text string) string {
	b := []byte(text[:min(len(text), messageMax)])
	for i, c := range b {
		if c < 0x20 || c > 0x7e {
			b[i] = '?'
		}
	}
	return string(b)
}
