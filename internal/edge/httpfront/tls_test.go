package httpfront_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"claviger/internal/edge/httpfront"
)

// An authority issues certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = a.sign(template)
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	return a
}

// sign makes a certificate, of itself where the authority is none yet. Without
// dates it is good now.
func (a *authority) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	issuer, with := a.cert, a.key
	if issuer == nil {
		issuer, with = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), with)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// server issues a certificate for localhost, with a common name to tell it by.
func (a *authority) server(name string) httpfront.Certificates {
	a.t.Helper()
	cert, key := a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return httpfront.Certificates{
		Chain: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}),
		Key:   pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}
}

// client issues a certificate for client authentication.
func (a *authority) client(template x509.Certificate) []tls.Certificate {
	a.t.Helper()
	if template.ExtKeyUsage == nil {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	cert, key := a.sign(&template)
	return []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}
}

// trust is the configuration of a client that trusts a.
func (a *authority) trust() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS10}
}

// serveTLS returns the address of a server, its TLS, and what it was asked.
func serveTLS(t *testing.T, c httpfront.Certificates) (string, *httpfront.TLS, *echo) {
	t.Helper()
	secure, err := httpfront.NewTLS(c)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	handler := new(echo)
	server := httpfront.New(httpfront.Options{Handler: handler, Ready: func() bool { return true }})
	server.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	done := make(chan struct{})
	secured := secure.Listen(listener)
	if c.ClientCAs != nil {
		secured = secure.ListenNamed(listener)
	}
	go func() { defer close(done); _ = server.Serve(secured) }()
	t.Cleanup(func() { server.Close(); <-done })
	return listener.Addr().String(), secure, handler
}

// A visit is a TLS connection on which requests can be made.
type visit struct {
	conn   *tls.Conn
	reader *bufio.Reader
}

func open(address string, config *tls.Config) (*visit, error) {
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		return nil, err
	}
	return &visit{conn, bufio.NewReader(conn)}, nil
}

// ask makes a request. With TLS 1.3 it is the first that can learn that the
// server did not take the client's certificate.
func (v *visit) ask() error {
	if _, err := io.WriteString(v.conn, "POST / HTTP/1.1\r\nHost: kms.localhost\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
		return err
	}
	answer, err := http.ReadResponse(v.reader, nil)
	if err != nil {
		return err
	}
	if body, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != 200 || string(body) != "{}" {
		return fmt.Errorf("answered %d %q, %v", answer.StatusCode, body, err)
	}
	return nil
}

// try opens a connection, makes one request, and returns the server's name.
func try(address string, config *tls.Config) (string, error) {
	v, err := open(address, config)
	if err != nil {
		return "", err
	}
	defer v.conn.Close()
	return v.conn.ConnectionState().PeerCertificates[0].Subject.CommonName, v.ask()
}

// alerted opens a connection and returns what ended it. It writes nothing, so
// that the server's alert is not lost to a reset.
func alerted(address string, config *tls.Config) error {
	v, err := open(address, config)
	if err != nil {
		return err
	}
	defer v.conn.Close()
	if err := v.conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	_, err = v.reader.ReadByte()
	return err
}

// TestTLSVersions: what is agreed on, and what stands of it in messages.
func TestTLSVersions(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "ca")
	address, _, handler := serveTLS(t, ca.server("server"))
	for name, test := range map[string]struct {
		max             uint16
		suites          []uint16
		version, cipher string // "" where the handshake ends
	}{
		"1.3":                  {version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", max: tls.VersionTLS13},
		"1.2":                  {version: "TLSv1.2", cipher: "ECDHE-ECDSA-AES128-GCM-SHA256", max: tls.VersionTLS12},
		"1.2 with AES-256":     {version: "TLSv1.2", cipher: "ECDHE-ECDSA-AES256-GCM-SHA384", max: tls.VersionTLS12, suites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}},
		"1.2 with CBC":         {max: tls.VersionTLS12, suites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}},
		"1.2 without exchange": {max: tls.VersionTLS12, suites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}},
		"1.1":                  {max: tls.VersionTLS11},
	} {
		config := ca.trust()
		config.MaxVersion, config.CipherSuites, config.NextProtos = test.max, test.suites, []string{"h2", "http/1.1"}
		v, err := open(address, config)
		if (err == nil) != (test.version != "") {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		if err := v.ask(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		state := v.conn.ConnectionState()
		if state.NegotiatedProtocol != "http/1.1" {
			t.Errorf("%s: speaks %q", name, state.NegotiatedProtocol)
		}
		if test.max == tls.VersionTLS13 && state.CurveID != tls.X25519MLKEM768 {
			t.Errorf("%s: agreed on keys by %v", name, state.CurveID)
		}
		v.conn.Close()
		m := handler.asked[len(handler.asked)-1]
		if !m.Secure || m.TLS == nil || m.TLS.Version != test.version || m.TLS.Cipher != test.cipher || m.Host != "kms.localhost" {
			t.Errorf("%s: told of %+v", name, m.TLS)
		}
	}
	if status, body := exchange(t, address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); status != 400 || !strings.Contains(body, "HTTPS") {
		t.Errorf("plain HTTP: %d %s", status, body)
	}
	if len(handler.asked) != 3 {
		t.Errorf("asked %d times", len(handler.asked))
	}
}

// caller is the name of AWS KMS's client certificate.
const caller = "cks.kms.us-east-1.amazonaws.com"

// TestClientCertificates: the handshake of everybody who is not named ends, and
// no request comes through.
func TestClientCertificates(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t, "ca"), newAuthority(t, "ca") // of the same name
	demanding := ca.server("server")
	demanding.ClientCAs, demanding.ClientNames = ca.pem, []string{caller, "second.example.org"}
	address, _, handler := serveTLS(t, demanding)
	by := func(name string) x509.Certificate { return x509.Certificate{Subject: pkix.Name{CommonName: name}} }
	past := by(caller)
	past.NotBefore, past.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	serving := by(caller)
	serving.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	served := 0
	for name, test := range map[string]struct {
		shown []tls.Certificate
		ok    bool
	}{
		"common name":      {ca.client(by(caller)), true},
		"second name":      {ca.client(by("second.example.org")), true},
		"DNS name":         {ca.client(x509.Certificate{DNSNames: []string{"a.example.org", caller}}), true},
		"none":             {nil, false},
		"no name":          {ca.client(x509.Certificate{}), false},
		"other name":       {ca.client(by("cks.kms.us-east-2.amazonaws.com")), false},
		"other case":       {ca.client(by("CKS.kms.us-east-1.amazonaws.com")), false},
		"wildcard":         {ca.client(x509.Certificate{DNSNames: []string{"*.kms.us-east-1.amazonaws.com"}}), false},
		"end of a name":    {ca.client(by("x" + caller)), false},
		"other authority":  {other.client(by(caller)), false},
		"expired":          {ca.client(past), false},
		"server's purpose": {ca.client(serving), false},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			config := ca.trust()
			config.MaxVersion = version
			// What GetClientCertificate returns is shown whatever the server asks for.
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if test.shown == nil {
					return new(tls.Certificate), nil
				}
				return &test.shown[0], nil
			}
			_, err := try(address, config)
			if (err == nil) != test.ok {
				t.Errorf("%s over %s: %v", name, tls.VersionName(version), err)
			}
			if test.ok {
				served++
				continue
			}
			if err := alerted(address, config); err == nil || !strings.Contains(err.Error(), "remote error: tls: ") {
				t.Errorf("%s over %s: the handshake did not end: %v", name, tls.VersionName(version), err)
			}
		}
	}
	if len(handler.asked) != served || served == 0 {
		t.Errorf("%d requests came through, not %d", len(handler.asked), served)
	}
}

// TestReplace: certificates are replaced under open connections, whole or not at all.
func TestReplace(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "ca")
	first := ca.server("first")
	address, secure, _ := serveTLS(t, first)
	before, err := open(address, ca.trust())
	if err != nil {
		t.Fatal(err)
	}
	defer before.conn.Close()
	second := ca.server("second")
	for name, wrong := range map[string]httpfront.Certificates{
		"nothing":                    {},
		"another's key":              {Chain: second.Chain, Key: first.Key},
		"no key":                     {Chain: second.Chain},
		"no certificate":             {Key: second.Key},
		"swapped":                    {Chain: second.Key, Key: second.Chain},
		"authorities that hold none": {Chain: second.Chain, Key: second.Key, ClientCAs: []byte{}, ClientNames: []string{caller}},
		"authorities that are a key": {Chain: second.Chain, Key: second.Key, ClientCAs: second.Key, ClientNames: []string{caller}},
		"names without an authority": {Chain: second.Chain, Key: second.Key, ClientNames: []string{caller}},
		"a certificate that was cut": {Chain: second.Chain[:len(second.Chain)/2], Key: second.Key},
		"a private key that was cut": {Chain: second.Chain, Key: second.Key[:len(second.Key)/2]},
	} {
		if err := secure.Replace(wrong); err == nil {
			t.Errorf("%s: taken", name)
		}
		if _, err := httpfront.NewTLS(wrong); err == nil {
			t.Errorf("%s: taken at the start", name)
		}
		if got, err := try(address, ca.trust()); got != "first" || err != nil {
			t.Errorf("%s: serves %s, %v", name, got, err)
		}
	}
	if err := secure.Replace(second); err != nil {
		t.Fatal(err)
	}
	if got, err := try(address, ca.trust()); got != "second" || err != nil || secure.Certificate().Subject.CommonName != "second" {
		t.Errorf("serves %s, %v", got, err)
	}
	if err := before.ask(); err != nil {
		t.Errorf("a connection of before: %v", err)
	}
}

// TestResumption: a session is resumed after a replacement, and only by who may
// still call.
func TestResumption(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t, "ca"), newAuthority(t, "other")
	with := func(authority []byte, name string) httpfront.Certificates {
		c := ca.server("server")
		c.ClientCAs, c.ClientNames = authority, []string{name}
		return c
	}
	for name, test := range map[string]struct {
		later httpfront.Certificates
		ok    bool
	}{
		"same rules":      {with(ca.pem, caller), true},
		"other name":      {with(ca.pem, "second.example.org"), false},
		"other authority": {with(other.pem, caller), false},
		"nobody":          {ca.server("server"), false},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			address, secure, _ := serveTLS(t, with(ca.pem, caller))
			config := ca.trust()
			config.MaxVersion, config.ClientSessionCache = version, tls.NewLRUClientSessionCache(1)
			config.Certificates = ca.client(x509.Certificate{Subject: pkix.Name{CommonName: caller}})
			if _, err := try(address, config); err != nil {
				t.Fatal(err)
			}
			if err := secure.Replace(test.later); err != nil {
				t.Fatal(err)
			}
			v, err := open(address, config)
			if err == nil {
				if err = v.ask(); err == nil && !v.conn.ConnectionState().DidResume {
					t.Errorf("%s: was not resumed", name)
				}
				v.conn.Close()
			}
			if (err == nil) != test.ok {
				t.Errorf("%s over %s: %v", name, tls.VersionName(version), err)
			}
		}
	}
}

// TestLocalCertificates: they are good for this machine's names, and only those.
func TestLocalCertificates(t *testing.T) {
	t.Parallel()
	c, authority, err := httpfront.LocalCertificates(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	address, _, _ := serveTLS(t, c)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		t.Fatal("the authority has no certificate")
	}
	for name, ok := range map[string]bool{
		"localhost": true, "kms.localhost": true, "any.localhost": true, "127.0.0.1": true, "::1": true,
		"example.org": false, "192.0.2.1": false, "a.b.localhost": false,
	} {
		if _, err := try(address, &tls.Config{RootCAs: pool, ServerName: name}); (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := try(address, &tls.Config{ServerName: "localhost"}); err == nil {
		t.Error("trusted by who trusts public authorities")
	}
}
