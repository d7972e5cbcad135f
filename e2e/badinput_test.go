package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// raw is a request that no SDK would send, signed by the official signer.
type raw struct {
	service, target, contentType, method, path, body string
	header                                           map[string]string
	skew                                             time.Duration // of the client's clock
	tamper                                           func(*http.Request)
	id, secret                                       string // bank's root user where they are not given
	region, host                                     string
}

// reply is what came back.
type reply struct {
	status    int
	code      string
	message   string
	body      string
	requestID string
}

func (r raw) send(t *testing.T, p *process) reply {
	t.Helper()
	method, path := or(r.method, http.MethodPost), or(r.path, "/")
	request, err := http.NewRequestWithContext(t.Context(), method, p.endpoint+path, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	if r.contentType != "-" {
		request.Header.Set("Content-Type", or(r.contentType, "application/x-amz-json-1.1"))
	}
	if r.target != "" {
		request.Header.Set("X-Amz-Target", r.target)
	}
	if r.host != "" {
		request.Host = r.host
	}
	for name, value := range r.header {
		request.Header.Set(name, value)
	}
	at := time.Now().Add(r.skew)
	sum := sha256.Sum256([]byte(r.body))
	credentials := aws.Credentials{AccessKeyID: or(r.id, bank), SecretAccessKey: or(r.secret, "test")}
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, request, hex.EncodeToString(sum[:]), or(r.service, "kms"), or(r.region, "us-east-1"), at); err != nil {
		t.Fatal(err)
	}
	if r.tamper != nil {
		r.tamper(request)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return read(answer, body)
}

func read(answer *http.Response, body []byte) reply {
	out := reply{status: answer.StatusCode, body: string(body), requestID: answer.Header.Get("x-amzn-RequestId")}
	var j struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	var x struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal(body, &j) == nil {
		out.code, out.message = j.Type, j.Message
	} else if xml.Unmarshal(body, &x) == nil {
		out.code, out.message = x.Error.Code, x.Error.Message
	}
	return out
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

const query = "application/x-www-form-urlencoded; charset=utf-8"

// TestFIPSHost: names of FIPS hosts are served in FIPS 140-3 mode and refused without it.
func TestFIPSHost(t *testing.T) {
	t.Parallel()
	call := raw{target: "TrentService.ListKeys", body: `{}`, host: "kms-fips.us-east-1.localhost"}
	got := call.send(t, start(t, []string{"dev", "--listen", "127.0.0.1:0", "--log-format", "json"}, "GODEBUG=fips140=off"))
	if got.status != 400 || got.code != "ValidationException" || !strings.Contains(got.message, "FIPS 140-3") {
		t.Errorf("without: %d %s: %s", got.status, got.code, got.message)
	}
	got = call.send(t, start(t, []string{"dev", "--listen", "127.0.0.1:0", "--log-format", "json"}, "GODEBUG=fips140=on"))
	if got.status != 200 {
		t.Errorf("in FIPS 140-3 mode: %d %s: %s", got.status, got.code, got.message)
	}
}

// TestBadInput sends what must be refused, and demands the refusal's exact kind.
func TestBadInput(t *testing.T) {
	t.Parallel()
	p := dev(t)
	for name, test := range map[string]struct {
		raw
		status int
		code   string
		says   string // a part of the message
	}{
		"malformed JSON":    {raw{target: "TrentService.ListKeys", body: `{"Limit":`}, 400, "SerializationException", ""},
		"JSON array":        {raw{target: "TrentService.ListKeys", body: `[]`}, 400, "SerializationException", ""},
		"trailing data":     {raw{target: "TrentService.ListKeys", body: `{}{}`}, 400, "SerializationException", ""},
		"string for number": {raw{target: "TrentService.ListKeys", body: `{"Limit":"1"}`}, 400, "SerializationException", ""},
		"number for string": {raw{target: "TrentService.DescribeKey", body: `{"KeyId":1}`}, 400, "SerializationException", ""},
		"duplicate member":  {raw{target: "TrentService.ListKeys", body: `{"Limit":1,"Limit":2}`}, 400, "SerializationException", ""},
		"duplicate context": {raw{target: "TrentService.Encrypt", body: `{"KeyId":"x","Plaintext":"eA==","EncryptionContext":{"a":"1","a":"2"}}`}, 400, "SerializationException", ""},
		"invalid UTF-8":     {raw{target: "TrentService.DescribeKey", body: "{\"KeyId\":\"\xff\"}"}, 400, "SerializationException", ""},
		"bad Base64":        {raw{target: "TrentService.Encrypt", body: `{"KeyId":"x","Plaintext":"@@"}`}, 400, "SerializationException", ""},
		"deep nesting":      {raw{target: "TrentService.ListKeys", body: `{"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`}, 400, "SerializationException", ""},
		"unknown operation": {raw{target: "TrentService.Frobnicate", body: `{}`}, 400, "UnknownOperationException", ""},
		"unknown target":    {raw{target: "OtherService.Encrypt", body: `{}`}, 400, "UnknownOperationException", ""},
		"no target":         {raw{body: `{}`}, 400, "UnknownOperationException", ""},
		"wrong method":      {raw{target: "TrentService.ListKeys", method: "PUT", body: `{}`}, 400, "UnknownOperationException", ""},
		"wrong path":        {raw{target: "TrentService.ListKeys", path: "/keys", body: `{}`}, 400, "UnknownOperationException", ""},
		"null for required": {raw{target: "TrentService.DescribeKey", body: `{"KeyId":null}`}, 400, "ValidationException", "Value null at 'keyId' failed to satisfy constraint: Member must not be null"},
		"two violations":    {raw{target: "TrentService.Encrypt", body: `{"KeyId":""}`}, 400, "ValidationException", "2 validation errors detected: "},
		"limit of zero":     {raw{target: "TrentService.ListKeys", body: `{"Limit":0}`}, 400, "ValidationException", "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"},

		"wrong secret":     {raw{target: "TrentService.ListKeys", body: `{}`, secret: "wrong"}, 400, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided."},
		"altered body":     {raw{target: "TrentService.ListKeys", body: `{}`, tamper: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`[]`)) }}, 400, "InvalidSignatureException", "The request signature we calculated"},
		"altered target":   {raw{target: "TrentService.ListKeys", body: `{}`, tamper: func(r *http.Request) { r.Header.Set("X-Amz-Target", "TrentService.ListAliases") }}, 400, "InvalidSignatureException", "The request signature we calculated"},
		"unsigned header":  {raw{target: "TrentService.ListKeys", body: `{}`, tamper: func(r *http.Request) { r.Header.Set("X-Amz-Extra", "1") }}, 400, "InvalidSignatureException", ""},
		"clock behind":     {raw{target: "TrentService.ListKeys", body: `{}`, skew: -6 * time.Minute}, 400, "InvalidSignatureException", "Signature expired: "},
		"clock ahead":      {raw{target: "TrentService.ListKeys", body: `{}`, skew: 6 * time.Minute}, 400, "InvalidSignatureException", "Signature not yet current: "},
		"no signature":     {raw{target: "TrentService.ListKeys", body: `{}`, tamper: func(r *http.Request) { r.Header.Del("Authorization") }}, 400, "MissingAuthenticationTokenException", ""},
		"half a signature": {raw{target: "TrentService.ListKeys", body: `{}`, tamper: func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x") }}, 400, "IncompleteSignatureException", ""},
		"unknown Region":   {raw{target: "TrentService.ListKeys", body: `{}`, region: "mars-north-1"}, 400, "InvalidSignatureException", "Credential should be scoped to a valid region"},
		"unknown service":  {raw{target: "TrentService.ListKeys", body: `{}`, service: "s3"}, 400, "InvalidSignatureException", "Credential should be scoped to correct service"},
		"too large":        {raw{target: "TrentService.Encrypt", body: `{"KeyId":"` + strings.Repeat("x", 1<<20) + `"}`}, 413, "RequestEntityTooLargeException", ""},

		"query: unknown action":  {raw{service: "iam", contentType: query, body: "Action=Frobnicate&Version=2010-05-08"}, 400, "InvalidAction", "Could not find operation Frobnicate for version 2010-05-08"},
		"query: wrong version":   {raw{service: "sts", contentType: query, body: "Action=GetCallerIdentity&Version=2010-05-08"}, 400, "InvalidAction", "Could not find operation GetCallerIdentity for version 2010-05-08"},
		"query: bad escape":      {raw{service: "iam", contentType: query, body: "Action=%zz"}, 400, "MalformedInput", ""},
		"query: twice":           {raw{service: "iam", contentType: query, body: "Action=CreateUser&Version=2010-05-08&UserName=a&UserName=b"}, 400, "MalformedInput", ""},
		"query: missing member":  {raw{service: "iam", contentType: query, body: "Action=CreateUser&Version=2010-05-08"}, 400, "ValidationError", "Value null at 'userName' failed to satisfy constraint: Member must not be null"},
		"query: clock behind":    {raw{service: "sts", contentType: query, body: "Action=GetCallerIdentity&Version=2011-06-15", skew: -16 * time.Minute}, 403, "SignatureDoesNotMatch", "Signature expired: "},
		"query: within 15 min":   {raw{service: "sts", contentType: query, body: "Action=GetCallerIdentity&Version=2011-06-15", skew: -14 * time.Minute}, 200, "", ""},
		"query: wrong secret":    {raw{service: "sts", contentType: query, body: "Action=GetCallerIdentity&Version=2011-06-15", secret: "wrong"}, 403, "SignatureDoesNotMatch", "The request signature we calculated"},
		"query: no signature":    {raw{service: "sts", contentType: query, body: "Action=GetCallerIdentity&Version=2011-06-15", tamper: func(r *http.Request) { r.Header.Del("Authorization") }}, 403, "MissingAuthenticationToken", "Request is missing Authentication Token"},
		"query: own Region":      {raw{service: "iam", contentType: query, body: "Action=ListUsers&Version=2010-05-08", region: "eu-west-1"}, 200, "", ""},
		"query: named, Region":   {raw{service: "iam", contentType: query, body: "Action=ListUsers&Version=2010-05-08", region: "eu-west-1", host: "iam.localhost"}, 403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region, not 'eu-west-1'."},
		"query: named":           {raw{service: "iam", contentType: query, body: "Action=ListUsers&Version=2010-05-08", host: "iam.localhost"}, 200, "", ""},
		"named, other Region":    {raw{target: "TrentService.ListKeys", body: `{}`, host: "kms.eu-west-1.localhost"}, 400, "InvalidSignatureException", "Credential should be scoped to a valid region, not 'us-east-1'."},
		"named, other service":   {raw{target: "TrentService.ListKeys", body: `{}`, host: "sts.us-east-1.localhost"}, 400, "InvalidSignatureException", "Credential should be scoped to correct service: 'sts'."},
		"named":                  {raw{target: "TrentService.ListKeys", body: `{}`, host: "kms.us-east-1.localhost"}, 200, "", ""},
		"query: garbage for int": {raw{service: "iam", contentType: query, body: "Action=ListUsers&Version=2010-05-08&MaxItems=many"}, 400, "MalformedInput", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := test.send(t, p)
			if got.status != test.status || got.code != test.code || !strings.Contains(got.message, test.says) {
				t.Errorf("answered %d %s: %s\nwant %d %s: …%s…\n%s", got.status, got.code, got.message, test.status, test.code, test.says, got.body)
			}
			if len(got.requestID) != 36 {
				t.Errorf("the request id is %q", got.requestID)
			}
		})
	}
}

// TestBadHTTP sends bytes that are hardly HTTP.
func TestBadHTTP(t *testing.T) {
	t.Parallel()
	p := dev(t)
	address := strings.TrimPrefix(p.endpoint, "http://")
	for name, test := range map[string]struct {
		sent   string
		status string
	}{
		"absolute request line": {"POST http://kms.example.org/ HTTP/1.1\r\nHost: " + address + "\r\nContent-Length: 0\r\n\r\n", "403"},
		"oversized header":      {"POST / HTTP/1.1\r\nHost: " + address + "\r\nX-Big: " + strings.Repeat("x", 80<<10) + "\r\n\r\n", "431"},
		"not HTTP":              {"\x16\x03\x01\x02\x00\r\n\r\n", "400"},
		"no host":               {"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "400"},
		"two lengths":           {"POST / HTTP/1.1\r\nHost: " + address + "\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connection, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer connection.Close()
			go func() { _, _ = io.WriteString(connection, test.sent) }()
			answer := make([]byte, 64)
			n, err := connection.Read(answer)
			if want := "HTTP/1.1 " + test.status; !bytes.HasPrefix(answer[:n], []byte(want)) {
				t.Errorf("answered %q (%v), want %s", answer[:n], err, want)
			}
		})
	}
}

// TestSlowClients holds connections that send their header a byte at a time,
// and demands that others are served meanwhile and that the slow ones end.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	p := dev(t)
	address := strings.TrimPrefix(p.endpoint, "http://")
	began := time.Now()
	ended := make(chan time.Duration, 50)
	for range cap(ended) {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		if _, err := io.WriteString(connection, "POST / HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = io.Copy(io.Discard, connection) // until the server hangs up
			ended <- time.Since(began)
		}()
	}
	if _, err := p.account(bank).kms.ListKeys(t.Context(), nil); err != nil {
		t.Errorf("others are not served: %v", err)
	}
	for range cap(ended) {
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			t.Fatal("a slow client was not ended")
		}
	}
}

// TestRecordOfRefusals demands that what was signed is recorded, even if it can't be read.
func TestRecordOfRefusals(t *testing.T) {
	t.Parallel()
	p := dev(t)
	for _, r := range []raw{
		{target: "TrentService.Frobnicate", body: `{}`},
		{target: "TrentService.List Keys;", body: `{}`},
		{target: "TrentService.ListKeys", body: `{`},
		{service: "iam", contentType: query, body: "Action=%zz"},
		{target: "TrentService.ListKeys", body: `{}`, secret: "wrong"}, // no call
	} {
		r.send(t, p)
	}
	var got []string
	for _, r := range p.records() {
		if r.EventSource != "claviger" {
			got = append(got, fmt.Sprintf("%s %s %s %v", r.EventSource, r.EventName, r.ErrorCode, r.RequestParameters == nil))
		}
	}
	want := []string{
		"kms.amazonaws.com Frobnicate UnknownOperationException true",
		"kms.amazonaws.com Unknown UnknownOperationException true",
		"kms.amazonaws.com ListKeys SerializationException true",
		"iam.amazonaws.com Unknown MalformedInput true",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("recorded\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
