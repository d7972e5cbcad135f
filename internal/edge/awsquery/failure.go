package awsquery

import "claviger/internal/words/fault"

// spelling is how a code stands on the wire.
type spelling struct {
	code   string
	status int
}

// spellings of the codes that this protocol does not send under their own
// name, or with a status other than 400.
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
var spellings = map[fault.Code]spelling{
	fault.AccessDenied:          {"AccessDenied", 403},
	fault.ExpiredToken:          {"ExpiredToken", 403},
	fault.InternalFailure:       {"InternalFailure", 500},
	fault.InvalidSignature:      {"SignatureDoesNotMatch", 403},
	fault.LimitExceeded:         {"LimitExceeded", 409},
	fault.MissingAuthentication: {"MissingAuthenticationToken", 403},
	fault.RequestEntityTooLarge: {"RequestEntityTooLarge", 413},
	fault.Serialization:         {"MalformedInput", 400},
	fault.ServiceUnavailable:    {"ServiceUnavailable", 503},
	fault.UnknownOperation:      {"InvalidAction", 400},
	fault.UnrecognizedClient:    {"InvalidClientTokenId", 403},
	fault.Validation:            {"ValidationError", 400},

	// Of IAM's own model, https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
	"ConcurrentModification":        {"ConcurrentModification", 409},
	"DeleteConflict":                {"DeleteConflict", 409},
	"EntityAlreadyExists":           {"EntityAlreadyExists", 409},
	"EntityTemporarilyUnmodifiable": {"EntityTemporarilyUnmodifiable", 409},
	"InvalidAuthenticationCode":     {"InvalidAuthenticationCode", 403},
	"NoSuchEntity":                  {"NoSuchEntity", 404},
	"ReportExpired":                 {"ReportExpired", 410},
	"ReportInProgress":              {"ReportInProgress", 404},
	"ReportNotPresent":              {"ReportNotPresent", 410},
	"PolicyEvaluation":              {"PolicyEvaluation", 500},
	"ServiceFailure":                {"ServiceFailure", 500},

	// Of the model of STS, https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html
	"IDPRejectedClaim":        {"IDPRejectedClaim", 403},
	"RegionDisabledException": {"RegionDisabledException", 403},
}

// Error renders a fault: code as this protocol spells it, HTTP status, XML body.
func Error(f *fault.Fault, namespace, requestID string) (code string, status int, body []byte) {
	s, ok := spellings[f.Code]
	if !ok {
		s = spelling{string(f.Code), 400}
	}
	kind := "Sender"
	if s.status >= 500 {
		kind = "Receiver"
	}
	body = append(body, `<ErrorResponse xmlns="`...)
	body = appendText(body, namespace)
	body = append(body, `"><Error><Type>`+kind+`</Type><Code>`...)
	body = appendText(body, s.code)
	body = append(body, `</Code><Message>`...)
	body = appendText(body, f.Message)
	body = append(body, `</Message></Error><RequestId>`...)
	body = appendText(body, requestID)
	return s.code, s.status, append(body, `</RequestId></ErrorResponse>`...)
}
