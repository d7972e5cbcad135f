package awsjson_test

import (
	"encoding/json"
	"testing"

	"claviger/internal/edge/awsjson"
	"claviger/internal/words/fault"
)

func TestError(t *testing.T) {
	t.Parallel()
	for in, want := range map[fault.Code]struct {
		code   string
		status int
	}{
		fault.AccessDenied:           {"AccessDeniedException", 400},
		fault.ExpiredToken:           {"ExpiredTokenException", 400},
		fault.IncompleteSignature:    {"IncompleteSignatureException", 400},
		fault.InternalFailure:        {"InternalFailure", 500},
		fault.InvalidSignature:       {"InvalidSignatureException", 400},
		fault.LimitExceeded:          {"LimitExceededException", 400},
		fault.MalformedPolicy:        {"MalformedPolicyDocumentException", 400},
		fault.MissingAuthentication:  {"MissingAuthenticationTokenException", 400},
		fault.RequestEntityTooLarge:  {"RequestEntityTooLargeException", 413},
		fault.Serialization:          {"SerializationException", 400},
		fault.ServiceUnavailable:     {"ServiceUnavailable", 503},
		fault.Throttling:             {"ThrottlingException", 400},
		fault.UnknownOperation:       {"UnknownOperationException", 400},
		fault.UnrecognizedClient:     {"UnrecognizedClientException", 400},
		fault.Validation:             {"ValidationException", 400},
		fault.DryRunOperation:        {"DryRunOperationException", 400},
		fault.UnsupportedOperation:   {"UnsupportedOperationException", 400},
		"KMSInternalException":       {"KMSInternalException", 500},
		"KeyUnavailableException":    {"KeyUnavailableException", 500},
		"DependencyTimeoutException": {"DependencyTimeoutException", 500},
		"ServiceException":           {"ServiceException", 500},
		"NotFoundException":          {"NotFoundException", 400},
	} {
		const message = "Key '\"é\n' does not exist"
		code, status, body := awsjson.Error(&fault.Fault{Code: in, Message: message}, false)
		if code != want.code || status != want.status {
			t.Errorf("%s is %s with status %d, want %s with %d", in, code, status, want.code, want.status)
		}
		member := "message"
		if in == fault.AccessDenied {
			member = "Message"
		}
		var got map[string]string
		if err := json.Unmarshal(body, &got); err != nil || len(got) != 2 || got["__type"] != want.code || got[member] != message {
			t.Errorf("%s has body %s (%v)", in, body, err)
		}
	}
	if _, _, body := awsjson.Error(&fault.Fault{Code: "InvalidInputException", Message: "no", Reason: "INVALID_ENUM"}, true); string(body) != `{"__type":"InvalidInputException","Message":"no","Reason":"INVALID_ENUM"}` {
		t.Errorf("with a reason and a capital the body is %s", body)
	}
	if _, _, body := awsjson.Error(&fault.Fault{Code: "InvalidCiphertextException"}, false); string(body) != `{"__type":"InvalidCiphertextException"}` {
		t.Errorf("without a message the body is %s", body)
	}
}
