package xksclient

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"claviger/internal/words/confidential"
)

const (
	host     = "xks.example.com"
	endpoint = "https://" + host
)

// A far is a proxy behind TLS, with a certificate of an authority of its own.
type far struct {
	server *httptest.Server
	roots  []byte // the authority
	calls  atomic.Int64
	fresh  atomic.Int64 // connections
}

// newFar serves handler under a certificate for a host name.
func newFar(t *testing.T, name string, handler http.HandlerFunc) *far {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	ok(t, err)
	f := &far{roots: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
	f.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.calls.Add(1)
		handler(w, r)
	}))
	f.server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	f.server.Config.ErrorLog = nil
	f.server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			f.fresh.Add(1)
		}
	}
	f.server.StartTLS()
	t.Cleanup(f.server.Close)
	return f
}

// client reaches f under the host's name. Its patience is that of a busy machine.
func (f *far) client(t *testing.T, change func(*Options)) *Client {
	t.Helper()
	o := Options{Roots: f.roots, Addresses: map[string]string{host: f.server.Listener.Addr().String()}, Patience: 10 * time.Second, Now: time.Now}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	ok(t, err)
	return c
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func request() *Request {
	return &Request{
		Store: "cks-1", Endpoint: endpoint, Path: "/tenant/kms/xks/v1/health", Region: "us-east-1",
		AccessKeyID: "XKSTESTACCESSKEY234567", Secret: confidential.New([]byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ")),
		Body: []byte(`{}`), AnswerMax: 1000,
	}
}

func TestPost(t *testing.T) {
	t.Parallel()
	f := newFar(t, host, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || r.Host != host || r.RequestURI != "/tenant/kms/xks/v1/health" || string(body) != "{}" ||
			r.Header.Get("Content-Type") != "application/json" || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=XKSTESTACCESSKEY234567/") ||
			r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Amz-Security-Token") != "" || r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("the proxy was sent %s %s %s %v %s", r.Method, r.Host, r.RequestURI, r.Header, body)
		}
		w.WriteHeader(404)
		_, _ = w.Write([]byte("answer"))
	})
	c := f.client(t, nil)
	for range 3 {
		status, answer, err := c.Post(t.Context(), request())
		if status != 404 || string(answer) != "answer" || err != nil {
			t.Fatalf("%d %s, %v", status, answer, err)
		}
	}
	if f.fresh.Load() != 1 {
		t.Errorf("%d connections for three requests", f.fresh.Load())
	}
	// Another store has connections of its own.
	other := request()
	other.Store = "cks-2"
	if _, _, err := c.Post(t.Context(), other); err != nil || f.fresh.Load() != 2 {
		t.Errorf("%v, %d connections", err, f.fresh.Load())
	}
}

// TestDeadConnections: a connection that the proxy has closed meanwhile costs
// nobody an answer.
func TestDeadConnections(t *testing.T) {
	t.Parallel()
	f := newFar(t, host, func(http.ResponseWriter, *http.Request) {})
	c := f.client(t, nil)
	for range 10 {
		if _, _, err := c.Post(t.Context(), request()); err != nil {
			t.Fatal(err)
		}
		f.server.CloseClientConnections()
	}
	if f.calls.Load() != 10 {
		t.Errorf("%d calls for ten requests", f.calls.Load())
	}
}

// TestSignature has the vector of the published description's fields, which a
// stock signer has computed.
func TestSignature(t *testing.T) {
	t.Parallel()
	r := request()
	r.Path = "/example/uri/path/prefix/kms/xks/v1/health"
	r.Body = []byte(`{"requestMetadata":{"kmsRequestId":"4112f4d6-db54-4af4-ae30-c55a22a8dfae","kmsOperation":"KmsHealthCheck"}}`)
	h, err := http.NewRequest(http.MethodPost, endpoint+r.Path, bytes.NewReader(r.Body))
	ok(t, err)
	sign(h, r, time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	const want = "AWS4-HMAC-SHA256 Credential=XKSTESTACCESSKEY234567/20260101/us-east-1/kms-xks-proxy/aws4_request, " +
		"SignedHeaders=host;x-amz-date, Signature=c48e7b1dc412572c1b2ef18182f99cc30e9122eda8c6353b2a23ba713e1608c4"
	if got := h.Header.Get("Authorization"); got != want || h.Header.Get("X-Amz-Date") != "20260101T120000Z" {
		t.Errorf("signed with %s", got)
	}
}

// TestNothingIsFollowed: a redirect is an answer like any other.
func TestNothingIsFollowed(t *testing.T) {
	t.Parallel()
	f := newFar(t, host, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://elsewhere.example.com/", http.StatusTemporaryRedirect)
	})
	status, _, err := f.client(t, nil).Post(t.Context(), request())
	if status != 307 || err != nil || f.calls.Load() != 1 {
		t.Errorf("%d, %v after %d calls", status, err, f.calls.Load())
	}
}

// TestAnswerLimit: one byte below, on and above what an answer may have, and one
// that never ends.
func TestAnswerLimit(t *testing.T) {
	t.Parallel()
	var size atomic.Int64
	f := newFar(t, host, func(w http.ResponseWriter, r *http.Request) {
		for n := size.Load(); n > 0; n -= 1 << 10 {
			if _, err := w.Write(make([]byte, min(n, 1<<10))); err != nil {
				return
			}
		}
	})
	c := f.client(t, nil)
	for n, want := range map[int64]error{999: nil, 1000: nil, 1001: ErrResponse, 10 << 20: ErrResponse} {
		size.Store(n)
		_, answer, err := c.Post(t.Context(), request())
		if !errors.Is(err, want) || want == nil && (err != nil || len(answer) != int(n)) {
			t.Errorf("%d bytes: %d, %v", n, len(answer), err)
		}
	}
}

// TestPatience is that of the protocol: a proxy that keeps silent is given up,
// and after several such requests in a row left alone for a while.
func TestPatience(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var silent, sent atomic.Bool
	useless := request() // is not to be sent
	useless.Path = "/useless/kms/xks/v1/health"
	f := newFar(t, host, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == useless.Path { // others that were given up may come late
			sent.Store(true)
		}
		if silent.Load() {
			<-release
		}
	})
	t.Cleanup(func() { close(release) })
	now := time.Now()
	c := f.client(t, func(o *Options) {
		o.Now = func() time.Time { return now }
	})
	if _, _, err := c.Post(t.Context(), request()); err != nil { // so that a connection is there
		t.Fatal(err)
	}
	silent.Store(true)
	c.o.Patience = Patience
	began := time.Now()
	if _, _, err := c.Post(t.Context(), request()); !errors.Is(err, ErrTimeout) || time.Since(began) < 250*time.Millisecond {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	c.o.Patience = time.Millisecond // enough of waiting
	for range lostMax - 1 {
		_, _, _ = c.Post(t.Context(), request())
	}
	for range 100 {
		if _, _, err := c.Post(t.Context(), useless); !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrUnreachable) {
			t.Errorf("a line that is left alone answers %v", err)
		}
	}
	if sent.Load() {
		t.Error("a request was sent over a line that is left alone")
	}
	other := request()
	other.Store = "cks-2"
	silent.Store(false)
	c.o.Patience = 10 * time.Second
	if _, _, err := c.Post(t.Context(), other); err != nil {
		t.Errorf("another store suffers: %v", err)
	}
	now = now.Add(recovery)
	for range 2 {
		if _, _, err := c.Post(t.Context(), request()); err != nil {
			t.Errorf("a line that was left alone long enough answers %v", err)
		}
	}
}

// TestOneTries: of many requests to a proxy that may be back, one is sent.
func TestOneTries(t *testing.T) {
	t.Parallel()
	l := &line{}
	now := time.Now()
	for range lostMax {
		if err := l.open(now); err != nil {
			t.Fatal(err)
		}
		l.note(now, ErrTimeout, true)
	}
	if err := l.open(now.Add(recovery - 1)); err != ErrTimeout {
		t.Errorf("too early: %v", err)
	}
	now = now.Add(recovery)
	if err := l.open(now); err != nil {
		t.Errorf("in time: %v", err)
	}
	if err := l.open(now); err != ErrTimeout {
		t.Errorf("the second one: %v", err)
	}
	l.note(now, ErrTLS, false) // a failure that takes no time says nothing of what is lost
	if err := l.open(now); err != ErrTimeout {
		t.Errorf("after a failure: %v", err)
	}
	l.note(now, nil, false)
	if err := l.open(now); err != nil {
		t.Errorf("after a success: %v", err)
	}
}

// TestFailures tells apart where a request ended.
func TestFailures(t *testing.T) {
	t.Parallel()
	answers := func(http.ResponseWriter, *http.Request) {}
	f := newFar(t, host, answers)
	elsewhere := newFar(t, "other.example.com", answers)
	address := f.server.Listener.Addr().String()
	plain := httptest.NewServer(http.HandlerFunc(answers))
	t.Cleanup(plain.Close)
	breaks := newFar(t, host, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("not a hundred"))
	})
	for what, c := range map[string]struct {
		client *Client
		want   error
	}{
		"a good one":              {f.client(t, nil), nil},
		"an unknown authority":    {f.client(t, func(o *Options) { o.Roots = nil }), ErrTLS},
		"another host's name":     {elsewhere.client(t, nil), ErrTLS},
		"no TLS":                  {f.client(t, func(o *Options) { o.Addresses = map[string]string{host: plain.Listener.Addr().String()} }), ErrTLS},
		"nobody there":            {f.client(t, func(o *Options) { o.Addresses = map[string]string{host: "127.0.0.1:0"} }), ErrUnreachable}, // nor will be, as at a port that was given back
		"no such address":         {f.client(t, func(o *Options) { o.Addresses = map[string]string{host: "nowhere"} }), ErrUnreachable},
		"an answer that breaks":   {breaks.client(t, nil), ErrUnreachable},
		"the operator's own word": {f.client(t, func(o *Options) { o.Addresses = map[string]string{host: address}; o.AllowPrivate = false }), nil},
	} {
		if _, _, err := c.client.Post(t.Context(), request()); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := f.client(t, nil).Post(gone, request()); err == nil {
		t.Error("a caller that has gone away is answered")
	}
	if c, err := New(Options{}); err != nil || c.o.Patience != 250*time.Millisecond {
		t.Errorf("the patience of the protocol is not 250 ms: %v", err)
	}
	if _, err := New(Options{Roots: []byte("no certificate")}); err == nil {
		t.Error("roots without a certificate are taken")
	}
}

// TestServices: a VPC endpoint service is where the operator says, and nowhere else.
func TestServices(t *testing.T) {
	t.Parallel()
	f := newFar(t, host, func(http.ResponseWriter, *http.Request) {})
	c := f.client(t, func(o *Options) { o.Addresses = map[string]string{"service": f.server.Listener.Addr().String()} })
	if !c.Reaches("service") || c.Reaches("other") {
		t.Error("another service is reached")
	}
	for service, want := range map[string]error{"service": nil, "other": ErrUnreachable} {
		r := request()
		r.Service = service
		if _, _, err := c.Post(t.Context(), r); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v", service, err)
		}
	}
}

// TestPublic: names that lead into the server's own networks are refused, unless
// the operator allows it.
func TestPublic(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"8.8.8.8": true, "93.184.216.34": true, "2606:2800:220:1::1": true, "::ffff:8.8.8.8": true,
		"127.0.0.1": false, "127.8.8.8": false, "10.0.0.1": false, "172.16.0.1": false, "172.32.0.1": true, "192.168.1.1": false,
		"169.254.169.254": false, "0.0.0.0": false, "100.64.0.1": false, "224.0.0.1": false, "255.255.255.255": false, "198.18.0.1": false,
		"::": false, "::1": false, "fe80::1": false, "fd00::1": false, "ff02::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false,
		"64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001:0:7f00:1::": false, "::127.0.0.1": false, "fec0::1": false, "fe80::1%eth0": false,
		"fd00:ec2::254": false,
	} {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is public: %v", text, got)
		}
	}
	r := request()
	r.Endpoint = "https://localhost"
	c, err := New(Options{Patience: 5 * time.Second, Now: time.Now})
	ok(t, err)
	dial := c.dialer("localhost", "")
	if _, err := dial(t.Context(), "tcp", "8.8.8.8:443"); err == nil || !strings.Contains(err.Error(), "not public") {
		t.Errorf("localhost: %v", err)
	}
	if _, _, err := c.Post(t.Context(), r); !errors.Is(err, ErrUnreachable) {
		t.Errorf("localhost: %v", err)
	}
	allowed, err := New(Options{AllowPrivate: true, Patience: 5 * time.Second, Now: time.Now})
	ok(t, err)
	if _, err := allowed.dialer("localhost", "")(t.Context(), "tcp", "ignored"); err != nil && strings.Contains(err.Error(), "not public") {
		t.Errorf("localhost, where it is allowed: %v", err)
	}
}

// TestLinesAreBounded: moved and forgotten stores don't fill the memory.
func TestLinesAreBounded(t *testing.T) {
	t.Parallel()
	c, err := New(Options{})
	ok(t, err)
	for i := range linesMax + 10 {
		r := request()
		r.Store = strings.Repeat("x", i)
		c.line(r)
	}
	if len(c.lines) != linesMax {
		t.Errorf("%d lines are kept", len(c.lines))
	}
}
