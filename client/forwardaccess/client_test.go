package forwardaccess_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"claviger/client/forwardaccess"
)

// answer is a session that ends late.
var answer = answerUntil("2999-01-02T03:04:05Z")

func answerUntil(expiration string) string {
	return `<CreateForwardAccessSessionResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><CreateForwardAccessSessionResult>` +
		`<Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>canary&lt;</SecretAccessKey><SessionToken>token</SessionToken>` +
		`<Expiration>` + expiration + `</Expiration></Credentials><UserArn>arn:aws:iam::111122223333:user/ann</UserArn>` +
		`</CreateForwardAccessSessionResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></CreateForwardAccessSessionResponse>`
}

func client(endpoint string) *forwardaccess.Client {
	return &forwardaccess.Client{
		Endpoint: endpoint,
		Region:   "eu-west-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIASERVICE", SecretAccessKey: "secret of the service"}, nil
		}),
	}
}

func evidence(t testing.TB) *forwardaccess.Evidence {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00")
	e, err := forwardaccess.Capture(r, 0)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestTrade: the call is signed for STS by the service, and its answer is who
// the user is and credentials that end.
func TestTrade(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := r.Header.Get("Authorization"); !strings.Contains(a, "Credential=AKIASERVICE/") || !strings.Contains(a, "/eu-west-1/sts/aws4_request") {
			t.Errorf("signed as %s", a)
		}
		if r.Method != http.MethodPost || r.URL.Path != "/" || len(r.Header.Values("Idempotency-Key")) != 0 {
			t.Errorf("asked %s %s with %v", r.Method, r.URL.Path, r.Header)
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	s, err := client(server.URL+"/").Trade(t.Context(), evidence(t), forwardaccess.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s.User() != "arn:aws:iam::111122223333:user/ann" || s.Account() != "111122223333" || s.Expires().Year() != 2999 {
		t.Errorf("traded for %v of %s until %v", s, s.Account(), s.Expires())
	}
	c, err := s.Retrieve(t.Context())
	if err != nil || c.AccessKeyID != "ASIAEXAMPLE" || c.SecretAccessKey != "canary<" || c.SessionToken != "token" || !c.CanExpire || c.AccountID != "111122223333" {
		t.Errorf("retrieved the credentials of %s, %v", c.AccessKeyID, err)
	}
	if text := fmt.Sprintf("%v %+v %s", s, s, s); strings.Contains(text, "canary") {
		t.Errorf("a session prints as %s", text)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	form := sent(t, evidence(t), forwardaccess.Options{
		Duration: 90 * time.Second,
		SourceIP: netip.MustParseAddr("::ffff:192.0.2.1"),
		PassRole: "arn:aws:iam::111122223333:role/r",
	})
	for name, want := range map[string]string{
		"Action": "CreateForwardAccessSession", "Version": "2011-06-15", "DurationSeconds": "90",
		"SourceIp": "192.0.2.1", "PassRoleArn": "arn:aws:iam::111122223333:role/r",
	} {
		if got := form.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	form = sent(t, evidence(t), forwardaccess.Options{})
	for _, name := range []string{"DurationSeconds", "SourceIp", "PassRoleArn"} {
		if form.Has(name) {
			t.Errorf("%s is sent though it was not given", name)
		}
	}
	for _, d := range []time.Duration{-time.Second, time.Millisecond, 1500 * time.Millisecond, forwardaccess.DurationMax + time.Second} {
		if _, err := client("http://127.0.0.1:0").Trade(t.Context(), evidence(t), forwardaccess.Options{Duration: d}); err == nil || !strings.Contains(err.Error(), "whole seconds") {
			t.Errorf("a session of %v: %v", d, err)
		}
	}
}

// TestRefusals: a refusal keeps its code, text, request id and status; what is
// no answer of the protocol is an error that repeats nothing of it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	refusal := func(code, message string) string {
		return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>` + code +
			`</Code><Message>` + message + `</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`
	}
	tests := []struct {
		status int
		body   string
		want   *forwardaccess.Error // nil: an error of another kind
		fault  smithy.ErrorFault
	}{
		{403, refusal("AccessDenied", "a &amp; b"), &forwardaccess.Error{Code: "AccessDenied", Message: "a & b", RequestID: "r-1", Status: 403}, smithy.FaultClient},
		{503, refusal("ServiceUnavailable", ""), &forwardaccess.Error{Code: "ServiceUnavailable", RequestID: "r-1", Status: 503}, smithy.FaultServer},
		{502, "<html>canary</html>", &forwardaccess.Error{Code: "UnknownError", Message: "Bad Gateway", Status: 502}, smithy.FaultServer},
		{403, refusal("", "canary"), &forwardaccess.Error{Code: "UnknownError", Message: "Forbidden", Status: 403}, smithy.FaultClient},
		{307, "", &forwardaccess.Error{Code: "UnknownError", Message: "Temporary Redirect", Status: 307}, smithy.FaultClient},
		{200, refusal("AccessDenied", "canary"), nil, 0},
		{200, "canary", nil, 0},
		{200, strings.Replace(answer, "arn:aws:iam::111122223333:user/ann", "canary", 1), nil, 0},
		{200, strings.Replace(answer, "<SessionToken>token</SessionToken>", "", 1), nil, 0},
		{200, strings.Replace(answer, "2999-", "canary", 1), nil, 0},
		{200, answer + strings.Repeat(" ", 256<<10), nil, 0},
	}
	for i, test := range tests {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.body)
		}))
		s, err := client(server.URL).Trade(t.Context(), evidence(t), forwardaccess.Options{})
		server.Close()
		if s != nil || err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%d: %v, %v", i, s, err)
		}
		var refused *forwardaccess.Error
		if errors.As(err, &refused) != (test.want != nil) || refused != nil && *refused != *test.want {
			t.Errorf("%d: %#v, want %#v", i, refused, test.want)
		}
		var api smithy.APIError
		if errors.As(err, &api) && (api.ErrorFault() != test.fault || api.ErrorCode() != test.want.Code || api.ErrorMessage() != test.want.Message) {
			t.Errorf("%d: the SDK sees %s on side %v", i, api.ErrorCode(), api.ErrorFault())
		}
	}
}

// TestProvider: credentials are traded for when they are needed, once for as
// long as they last, and anew afterwards.
func TestProvider(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		expiration string
		trades     int64
		fails      bool
	}{
		{"2999-01-02T03:04:05Z", 1, false},
		{"2001-01-02T03:04:05Z", 3, true},
	} {
		var trades atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			trades.Add(1)
			_, _ = io.WriteString(w, answerUntil(test.expiration))
		}))
		provider := client(server.URL).Provider(evidence(t), forwardaccess.Options{})
		if trades.Load() != 0 {
			t.Error("traded before anything was asked")
		}
		for range 3 {
			if c, err := provider.Retrieve(t.Context()); (err != nil) != test.fails || !test.fails && c.AccessKeyID != "ASIAEXAMPLE" {
				t.Errorf("until %s: %s, %v", test.expiration, c.AccessKeyID, err)
			}
		}
		server.Close()
		if got := trades.Load(); got != test.trades {
			t.Errorf("until %s: %d trades, want %d", test.expiration, got, test.trades)
		}
	}
}

// FuzzParse: no answer makes a session without all its parts.
func FuzzParse(f *testing.F) {
	f.Add(200, []byte(answer))
	f.Add(403, []byte(`<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>`))
	f.Add(200, []byte(`<CreateForwardAccessSessionResponse/>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		s, err := forwardaccess.Parse(status, body)
		if (s == nil) == (err == nil) {
			t.Fatalf("parsed %v, %v", s, err)
		}
		if s == nil {
			return
		}
		c, err := s.Retrieve(t.Context())
		if err == nil && (!c.HasKeys() || c.SessionToken == "" || len(s.Account()) != 12 || !strings.Contains(s.User(), s.Account())) {
			t.Errorf("parsed the session of %q in %q", s.User(), s.Account())
		}
	})
}
