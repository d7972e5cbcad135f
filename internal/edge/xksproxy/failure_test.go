package xksproxy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"claviger/internal/edge/xksproxy"
	"claviger/internal/words/fault"
)

// TestErrors is the table of the published interface.
func TestErrors(t *testing.T) {
	t.Parallel()
	for code, want := range map[fault.Code]struct {
		name   string
		status int
	}{
		fault.Validation:             {"ValidationException", 400},
		fault.Serialization:          {"ValidationException", 400},
		"InvalidStateException":      {"InvalidStateException", 400},
		"InvalidCiphertextException": {"InvalidCiphertextException", 400},
		"InvalidKeyUsageException":   {"InvalidKeyUsageException", 400},
		fault.InvalidSignature:       {"AuthenticationFailedException", 401},
		fault.UnrecognizedClient:     {"AuthenticationFailedException", 401},
		fault.MissingAuthentication:  {"AuthenticationFailedException", 401},
		fault.IncompleteSignature:    {"AuthenticationFailedException", 401},
		fault.AccessDenied:           {"AccessDeniedException", 403},
		"KeyNotFoundException":       {"KeyNotFoundException", 404},
		xksproxy.InvalidURIPath:      {"InvalidUriPathException", 404},
		xksproxy.MethodNotAllowed:    {"UnsupportedOperationException", 405},
		fault.Throttling:             {"ThrottlingException", 429},
		fault.InternalFailure:        {"InternalException", 500},
		"SomethingElse":              {"InternalException", 500},
		fault.UnsupportedOperation:   {"UnsupportedOperationException", 501},
		fault.RequestEntityTooLarge:  {"UnsupportedOperationException", 501},
		fault.ServiceUnavailable:     {"DependencyTimeoutException", 503},
	} {
		name, status, body := xksproxy.Error(&fault.Fault{Code: code, Message: "Läßt \"es\"\nnicht zu."})
		var got struct{ ErrorName, ErrorMessage string }
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		if name != want.name || status != want.status || got.ErrorName != name {
			t.Errorf("%s: %s, %d, %s", code, name, status, body)
		}
		if known := want.status != 500; known != (got.ErrorMessage == `L????t "es"?nicht zu.`) {
			t.Errorf("%s says %q", code, got.ErrorMessage)
		}
	}
	_, _, body := xksproxy.Error(fault.New(fault.Validation, "%s", strings.Repeat("z", 600)))
	if n := strings.Count(string(body), "z"); n != 511 {
		t.Errorf("a message of %d characters", n)
	}
}
