package forwardaccess_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"claviger/client/forwardaccess"
)

const bodyMax = 1 << 16

// ann signs requests to the service.
var ann = aws.Credentials{AccessKeyID: "AKIAANN", SecretAccessKey: "secret of ann", SessionToken: "token of ann"}

// signed makes a request with a signature of ann's over everything in it.
func signed(t testing.TB, method, target, body string, header http.Header) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(t.Context(), ann, r, hex.EncodeToString(sum[:]), "vault", "eu-west-1", time.Now(), func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = true
	}); err != nil {
		t.Fatal(err)
	}
	return r
}

// sent is what a trade of evidence sends to Claviger.
func sent(t testing.TB, e *forwardaccess.Evidence, o forwardaccess.Options) url.Values {
	t.Helper()
	var form url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		form = r.PostForm
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	if _, err := client(server.URL).Trade(context.Background(), e, o); err != nil {
		t.Fatal(err)
	}
	return form
}

// fields are the header fields of a trade, in order.
func fields(form url.Values) (list [][2]string) {
	for i := 1; form.Has("Headers.member." + strconv.Itoa(i) + ".Name"); i++ {
		member := "Headers.member." + strconv.Itoa(i)
		list = append(list, [2]string{form.Get(member + ".Name"), form.Get(member + ".Value")})
	}
	return list
}

// TestCapture sends signed requests over the network and signs what was captured
// of them again: the same signature comes out only if nothing was lost or changed.
func TestCapture(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method, path, body string
		header             http.Header
		chunked            bool
	}{
		"plain":            {"GET", "/", "", nil, false},
		"body":             {"PUT", "/vaults/a", `{"KeyArn":"k"}`, http.Header{"Content-Type": {"application/json"}}, false},
		"escapes":          {"GET", "/a%20b/%2F/c%c3%a9?x=%20y&x=+&z&a=%26", "", nil, false},
		"dots and slashes": {"GET", "/a/../b//c/./?", "", nil, false},
		"repeated field":   {"POST", "/", "b", http.Header{"X-Custom": {"two", "one"}, "X-Empty": {""}}, false},
		"spaces":           {"POST", "/", "b", http.Header{"X-Custom": {"a   b"}}, false},
		"case":             {"POST", "/", "b", http.Header{"x-lOWER": {"Value"}}, false},
		"no length":        {"POST", "/", "b", nil, true},
		"cookie, unsigned": {"GET", "/", "", http.Header{"Cookie": {"secret"}}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var evidence *forwardaccess.Evidence
			service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				var err error
				if evidence, err = forwardaccess.Capture(r, bodyMax); err != nil {
					t.Error(err)
				}
				if body, err := io.ReadAll(r.Body); err != nil || string(body) != test.body {
					t.Errorf("the handler reads %q, %v", body, err)
				}
			}))
			defer service.Close()
			header := test.header.Clone()
			cookie := header.Get("Cookie")
			header.Del("Cookie")
			r := signed(t, test.method, service.URL+test.path, test.body, header)
			if test.chunked {
				r = unknownLength(t, r, test.body)
			}
			if cookie != "" {
				r.Header.Set("Cookie", cookie)
			}
			response, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if evidence == nil {
				t.Fatal("no evidence")
			}
			form := sent(t, evidence, forwardaccess.Options{})
			if got, want := resigned(t, form, test.body), r.Header.Get("Authorization"); got != want {
				t.Errorf("the captured request has the signature\n%s, want\n%s", got, want)
			}
			if got := form.Get("Uri"); got != r.URL.RequestURI() || form.Get("Method") != test.method {
				t.Errorf("captured %s %s", form.Get("Method"), got)
			}
			if cookie != "" && strings.Contains(form.Encode(), cookie) {
				t.Error("an unsigned cookie left the service")
			}
		})
	}
	if len(tests) < 9 {
		t.Errorf("only %d requests", len(tests))
	}
}

// unknownLength makes r one whose body has no length that is known beforehand,
// and signs it so.
func unknownLength(t *testing.T, r *http.Request, body string) *http.Request {
	t.Helper()
	r.Header.Del("Authorization")
	r.ContentLength = -1
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(body)))
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(t.Context(), ann, r, hex.EncodeToString(sum[:]), "vault", "eu-west-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	return r
}

// resigned signs the request of a trade as ann did, and returns the Authorization header.
func resigned(t *testing.T, form url.Values, body string) string {
	t.Helper()
	r, err := http.NewRequest(form.Get("Method"), "http://host.invalid"+form.Get("Uri"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = -1
	var at time.Time
	for _, f := range fields(form) {
		switch f[0] {
		case "host":
			r.Host = f[1]
		case "authorization", "user-agent", "accept-encoding":
		case "content-length":
			r.ContentLength, _ = strconv.ParseInt(f[1], 10, 64)
		case "x-amz-date":
			if at, err = time.Parse("20060102T150405Z", f[1]); err != nil {
				t.Fatal(err)
			}
		case "x-amz-security-token":
		default:
			r.Header[f[0]] = append(r.Header[f[0]], f[1])
		}
	}
	sum := sha256.Sum256([]byte(body))
	if got := form.Get("BodySha256"); got != hex.EncodeToString(sum[:]) {
		t.Errorf("captured the hash %s of another body", got)
	}
	if err := v4.NewSigner().SignHTTP(t.Context(), ann, r, form.Get("BodySha256"), "vault", "eu-west-1", at, func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = true
	}); err != nil {
		t.Fatal(err)
	}
	return r.Header.Get("Authorization")
}

// TestCaptureRefuses: what can't be evidence is refused without a call, and a
// body is not read further than the service takes.
func TestCaptureRefuses(t *testing.T) {
	t.Parallel()
	const good = "AWS4-HMAC-SHA256 Credential=k/20260101/r/vault/aws4_request, SignedHeaders=host;x-amz-date, Signature=00"
	tests := map[string]struct {
		change func(*http.Request)
		want   error
	}{
		"unsigned":            {func(r *http.Request) { r.Header.Del("Authorization") }, forwardaccess.ErrNotSigned},
		"signed twice":        {func(r *http.Request) { r.Header.Add("Authorization", good) }, forwardaccess.ErrNotSigned},
		"basic":               {func(r *http.Request) { r.Header.Set("Authorization", "Basic eDp5") }, forwardaccess.ErrNotSigned},
		"another algorithm":   {func(r *http.Request) { r.Header.Set("Authorization", "AWS4-ECDSA-P256-SHA256 x") }, forwardaccess.ErrNotSigned},
		"signs no headers":    {func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Signature=0") }, forwardaccess.ErrNotSigned},
		"absolute request":    {func(r *http.Request) { r.RequestURI = "http://other/" }, forwardaccess.ErrNotSigned},
		"asterisk":            {func(r *http.Request) { r.RequestURI = "*" }, forwardaccess.ErrNotSigned},
		"never received":      {func(r *http.Request) { r.RequestURI = "" }, forwardaccess.ErrNotSigned},
		"claims too much":     {func(r *http.Request) { r.ContentLength = bodyMax + 1 }, forwardaccess.ErrBodyTooLarge},
		"sends too much":      {func(r *http.Request) { r.Body, r.ContentLength = zeros(bodyMax+1), -1 }, forwardaccess.ErrBodyTooLarge},
		"breaks off":          {func(r *http.Request) { r.Body = io.NopCloser(io.MultiReader(zeros(1), broken{})) }, io.ErrUnexpectedEOF},
		"all that it may":     {func(r *http.Request) { r.Body, r.ContentLength = zeros(bodyMax), bodyMax }, nil},
		"presigned, unsigned": {func(r *http.Request) { r.RequestURI = "/?X-Amz-Signature=00"; r.Header.Del("Authorization") }, forwardaccess.ErrNotSigned},
	}
	for name, test := range tests {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("body"))
		r.Header.Set("Authorization", good)
		test.change(r)
		e, err := forwardaccess.Capture(r, bodyMax)
		if !errors.Is(err, test.want) || (e == nil) != (test.want != nil) {
			t.Errorf("%s: %v, %v; want %v", name, e, err, test.want)
		}
	}
	if len(tests) < 13 {
		t.Errorf("only %d requests", len(tests))
	}
}

func zeros(n int64) io.ReadCloser { return io.NopCloser(bytes.NewReader(make([]byte, n))) }

// broken is a connection that ends too early.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestTakenOut: what net/http keeps outside of the header is captured where it is signed.
func TestTakenOut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		signed string
		length int64
		coding []string
		want   string
	}{
		"length":            {"content-length;host", 4, nil, "content-length: 4"},
		"no body":           {"content-length;host", 0, nil, "content-length: 0"},
		"unsigned length":   {"host", 4, nil, ""},
		"chunked":           {"host;transfer-encoding", -1, []string{"chunked"}, "transfer-encoding: chunked"},
		"unsigned chunked":  {"host", -1, []string{"chunked"}, ""},
		"signed, not there": {"content-length;host;transfer-encoding", -1, nil, ""},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=k, SignedHeaders="+test.signed+", Signature=00")
		r.ContentLength, r.TransferEncoding = test.length, test.coding
		e, err := forwardaccess.Capture(r, 4)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, f := range fields(forwardaccess.Form(e)) {
			if f[0] != "authorization" && f[0] != "host" {
				got += f[0] + ": " + f[1]
			}
		}
		if got != test.want {
			t.Errorf("%s: captured %q, want %q", name, got, test.want)
		}
	}
}

// TestEvidenceIsNotPrinted: a signature can be presented again, so no text of
// evidence has it.
func TestEvidenceIsNotPrinted(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/a?b", nil)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=canary")
	e, err := forwardaccess.Capture(r, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.String(); got != "GET /a?b" {
		t.Errorf("evidence prints as %s", got)
	}
}

// FuzzCapture: whatever a server of net/http lets in, what is captured of it
// names each field in lower case and in order, begins with a path, and leaves
// the body as it was.
func FuzzCapture(f *testing.F) {
	const authorization = "Authorization: AWS4-HMAC-SHA256 Credential=k/20260101/r/vault/aws4_request, SignedHeaders=host;x-amz-date, Signature=00\r\n"
	f.Add([]byte("GET /a?b=c HTTP/1.1\r\nHost: h\r\nX-Amz-Date: 20260101T000000Z\r\n" + authorization + "\r\n"))
	f.Add([]byte("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n" + authorization + "\r\nabc"))
	f.Add([]byte("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n" + authorization + "\r\n3\r\nabc\r\n0\r\n\r\n"))
	f.Add([]byte("PUT http://h/ HTTP/1.1\r\nHost: h\r\n" + authorization + "\r\n"))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: AWS4-HMAC-SHA256 SignedHeaders=transfer-encoding;content-length;host\r\n\r\n"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
		if err != nil {
			return
		}
		e, err := forwardaccess.Capture(r, 1<<10)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatalf("the body can't be read again: %v", err)
		}
		form := forwardaccess.Form(e)
		sum := sha256.Sum256(body)
		if form.Get("BodySha256") != hex.EncodeToString(sum[:]) || !strings.HasPrefix(form.Get("Uri"), "/") {
			t.Errorf("captured %v", form)
		}
		names, hosts := []string{}, 0
		for _, field := range fields(form) {
			names = append(names, field[0])
			if field[0] != strings.ToLower(field[0]) {
				t.Errorf("captured a field %q", field[0])
			}
			if field[0] == "host" {
				hosts++
			}
		}
		if !slices.IsSorted(names) || hosts != 1 {
			t.Errorf("captured the fields %q", names)
		}
	})
}
