package awsquery_test

import (
	"encoding/xml"
	"testing"

	"claviger/internal/edge/awsquery"
	"claviger/internal/words/fault"
)

func TestError(t *testing.T) {
	t.Parallel()
	for in, want := range map[fault.Code]struct {
		code   string
		status int
		kind   string
	}{
		fault.AccessDenied:          {"AccessDenied", 403, "Sender"},
		fault.ExpiredToken:          {"ExpiredToken", 403, "Sender"},
		fault.IncompleteSignature:   {"IncompleteSignature", 400, "Sender"},
		fault.InternalFailure:       {"InternalFailure", 500, "Receiver"},
		fault.InvalidSignature:      {"SignatureDoesNotMatch", 403, "Sender"},
		fault.LimitExceeded:         {"LimitExceeded", 409, "Sender"},
		fault.MalformedPolicy:       {"MalformedPolicyDocument", 400, "Sender"},
		fault.MissingAuthentication: {"MissingAuthenticationToken", 403, "Sender"},
		fault.RequestEntityTooLarge: {"RequestEntityTooLarge", 413, "Sender"},
		fault.Serialization:         {"MalformedInput", 400, "Sender"},
		fault.ServiceUnavailable:    {"ServiceUnavailable", 503, "Receiver"},
		fault.Throttling:            {"Throttling", 400, "Sender"},
		fault.UnknownOperation:      {"InvalidAction", 400, "Sender"},
		fault.UnrecognizedClient:    {"InvalidClientTokenId", 403, "Sender"},
		fault.Validation:            {"ValidationError", 400, "Sender"},
		"NoSuchEntity":              {"NoSuchEntity", 404, "Sender"},
		"EntityAlreadyExists":       {"EntityAlreadyExists", 409, "Sender"},
		"DeleteConflict":            {"DeleteConflict", 409, "Sender"},
		"InvalidInput":              {"InvalidInput", 400, "Sender"},
		"ServiceFailure":            {"ServiceFailure", 500, "Receiver"},
	} {
		const message = "The user with name <é&\"> cannot be found."
		code, status, body := awsquery.Error(&fault.Fault{Code: in, Message: message}, "https://iam.amazonaws.com/doc/2010-05-08/", "0-1")
		if code != want.code || status != want.status {
			t.Errorf("%s is %s with status %d, want %s with %d", in, code, status, want.code, want.status)
		}
		var got struct {
			XMLName   xml.Name `xml:"https://iam.amazonaws.com/doc/2010-05-08/ ErrorResponse"`
			Type      string   `xml:"Error>Type"`
			Code      string   `xml:"Error>Code"`
			Message   string   `xml:"Error>Message"`
			RequestID string   `xml:"RequestId"`
		}
		if err := xml.Unmarshal(body, &got); err != nil || got.Type != want.kind || got.Code != want.code || got.Message != message || got.RequestID != "0-1" {
			t.Errorf("%s has body %s (%v)", in, body, err)
		}
	}
}
