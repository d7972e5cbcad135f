package awsjson

import "claviger/internal/words/fault"

// spelling is how a code stands on the wire.
type spelling struct {
	code   string
	status int
}

// spellings of the codes that this protocol does not send under their own
// name, or with a status other than 400.
// https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
var spellings = map[fault.Code]spelling{
	fault.AccessDenied:          {"AccessDeniedException", 400},
	fault.ExpiredToken:          {"ExpiredTokenException", 400},
	fault.IncompleteSignature:   {"IncompleteSignatureException", 400},
	fault.InternalFailure:       {"InternalFailure", 500},
	fault.InvalidSignature:      {"InvalidSignatureException", 400},
	fault.LimitExceeded:         {"LimitExceededException", 400},
	fault.MalformedPolicy:       {"MalformedPolicyDocumentException", 400},
	fault.MissingAuthentication: {"MissingAuthenticationTokenException", 400},
	fault.RequestEntityTooLarge: {"RequestEntityTooLargeException", 413},
	fault.Serialization:         {"SerializationException", 400},
	fault.ServiceUnavailable:    {"ServiceUnavailable", 503},
	fault.Throttling:            {"ThrottlingException", 400},
	fault.UnknownOperation:      {"UnknownOperationException", 400},
	fault.UnrecognizedClient:    {"UnrecognizedClientException", 400},
	fault.Validation:            {"ValidationException", 400},

	// Server faults of KMS, https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors
	"DependencyTimeoutException": {"DependencyTimeoutException", 500},
	"KMSInternalException":       {"KMSInternalException", 500},
	"KeyUnavailableException":    {"KeyUnavailableException", 500},

	// The server fault of Organizations.
	"ServiceException": {"ServiceException", 500},
}

// Error renders a fault: the code as this protocol spells it, the HTTP status, the body.
// A fault without a text has a body without the member. capital says that the
// service spells the member "Message", as its model does.
func Error(f *fault.Fault, capital bool) (code string, status int, body []byte) {
	s, ok := spellings[f.Code]
	if !ok {
		s = spelling{string(f.Code), 400}
	}
	body = appendString([]byte(`{"__type":`), s.code)
	if f.Message != "" {
		body = appendString(append(body, textMember(f.Code, capital)...), f.Message)
	}
	if f.Reason != "" {
		body = appendString(append(body, `,"Reason":`...), f.Reason)
	}
	return s.code, s.status, append(body, '}')
}

// textMember begins the member that holds a fault's text. What refuses access
// on AWS stands before the services, and spells it with a capital letter.
// Clients read both.
func textMember(c fault.Code, capital bool) string {
	if c == fault.AccessDenied || capital {
		return `,"Message":`
	}
	return `,"message":`
}
