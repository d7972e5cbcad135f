package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// authority issues the certificates of a test, into the files of a directory.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.issue("ca", &x509.Certificate{
		Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

// issue makes a certificate for an hour, in the files NAME.pem and NAME.key.
func (a *authority) issue(name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key := must[*ecdsa.PrivateKey](a.t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	issuer, with := a.cert, a.key
	if issuer == nil {
		issuer, with = template, key
	}
	der := must[[]byte](a.t)(x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), with))
	private := must[[]byte](a.t)(x509.MarshalPKCS8PrivateKey(key))
	a.write(name+".pem", "CERTIFICATE", der)
	a.write(name+".key", "PRIVATE KEY", private)
	return must[*x509.Certificate](a.t)(x509.ParseCertificate(der)), key
}

// server issues a certificate for localhost to a server, by whose name the test tells it.
func (a *authority) server(file, name string, ends time.Time) {
	a.t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: ends,
	}
	a.issue(file, template)
}

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(a.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// flags are those of a server with the certificate in a file.
func (a *authority) flags(name string, more ...string) []string {
	return append([]string{"--tls-cert", a.file(name + ".pem"), "--tls-key", a.file(name + ".key")}, more...)
}

// client returns an HTTP client that trusts the authority and shows the
// certificate in a file, if one is named. It opens a connection for each request.
func (a *authority) client(shown string) *http.Client {
	a.t.Helper()
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"}
	config.RootCAs.AddCert(a.cert)
	if shown != "" {
		pair := must[tls.Certificate](a.t)(tls.LoadX509KeyPair(a.file(shown+".pem"), a.file(shown+".key")))
		// Shown whatever authorities the server names.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return &http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
}

// over has an SDK client of KMS use an HTTP client.
func over(c *client, with *http.Client) *kms.Client {
	options := c.kms.Options()
	options.HTTPClient = with
	return kms.New(options)
}

// handshakeEnds demands that a server ends the handshake of a client with an
// alert. With TLS 1.3 the client has finished its own half by then and finds the
// alert when it reads; it writes nothing, so that no reset overtakes the alert.
func handshakeEnds(t *testing.T, endpoint string, c *http.Client) {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(endpoint, "https://"), c.Transport.(*http.Transport).TLSClientConfig)
	if err == nil {
		defer conn.Close()
		if err = conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err == nil {
			_, err = conn.Read(make([]byte, 1))
		}
	}
	if err == nil || !strings.Contains(err.Error(), "remote error: tls: ") {
		t.Errorf("the handshake did not end: %v", err)
	}
}

// field returns a field of the line that says that the server is ready.
func (p *process) field(name string) string {
	p.t.Helper()
	for line := range strings.Lines(p.output()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["msg"] == "ready" {
			value, _ := fields[name].(string)
			return value
		}
	}
	p.t.Fatal("the server is not ready")
	return ""
}

// TestTLS serves a durable server beyond loopback, to the official SDK; policies
// and records say that the connection was TLS.
func TestTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	ca.server("server", "first", time.Now().Add(time.Hour))
	p := serve(t, filepath.Join(t.TempDir(), "data"), append(ca.flags("server"), "--listen", "0.0.0.0:0")...)
	address := "https://127.0.0.1:" + p.endpoint[strings.LastIndex(p.endpoint, ":")+1:]
	if !strings.HasPrefix(p.endpoint, "https://") {
		t.Errorf("says that it serves %s", p.endpoint)
	}
	p.endpoint = address
	root := over(p.root(), ca.client(""))
	policy := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + rootAccount + `:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Deny","Principal":"*","Action":"kms:Encrypt","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`
	made := must[*kms.CreateKeyOutput](t)(root.CreateKey(t.Context(), &kms.CreateKeyInput{Policy: &policy}))
	if _, err := root.Encrypt(t.Context(), &kms.EncryptInput{KeyId: made.KeyMetadata.KeyId, Plaintext: []byte("over TLS")}); err != nil {
		t.Errorf("Encrypt over TLS: %v", err)
	}
	if _, err := p.root().kms.ListKeys(t.Context(), nil); err == nil {
		t.Error("a client that does not know the authority trusts the server")
	}
	var told []map[string]any
	out, _, _ := command(t, []string{"audit", "tail", "--socket", p.admin})
	for line := range strings.Lines(out) {
		var r struct {
			EventName  string
			TLSDetails map[string]any `json:"tlsDetails"`
		}
		if json.Unmarshal([]byte(line), &r) == nil && r.EventName == "Encrypt" {
			told = append(told, r.TLSDetails)
		}
	}
	host := strings.TrimPrefix(address, "https://")
	if len(told) != 1 || told[0]["tlsVersion"] != "TLSv1.3" || told[0]["clientProvidedHostHeader"] != host ||
		!strings.HasPrefix(told[0]["cipherSuite"].(string), "TLS_AES_") {
		t.Errorf("the record of Encrypt has %v", told)
	}
}

// TestTLSReload replaces the certificate of a server that serves.
func TestTLSReload(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	ca.server("server", "first", time.Now().Add(time.Hour))
	p := start(t, append([]string{"dev", "--listen", "127.0.0.1:0", "--log-format", "json"}, ca.flags("server")...))
	now := ca.client("")
	kept := ca.client("")
	kept.Transport.(*http.Transport).DisableKeepAlives = false
	served := func(c *http.Client) string {
		t.Helper()
		answer := must[*http.Response](t)(c.Get(p.endpoint + "/healthz"))
		defer answer.Body.Close()
		must[[]byte](t)(io.ReadAll(answer.Body)) // so that the connection can be kept
		return answer.TLS.PeerCertificates[0].Subject.CommonName
	}
	// hangUp sends the signal and waits until the server has said what came of it.
	hangUp := func(says string) {
		t.Helper()
		before := strings.Count(p.output(), says)
		if err := p.signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(30 * time.Second); strings.Count(p.output(), says) == before; {
			if time.Now().After(end) {
				t.Fatalf("did not say %q:\n%s", says, p.output())
			}
			served(kept)
		}
	}
	if got := served(kept) + served(now); got != "firstfirst" {
		t.Errorf("serves %s", got)
	}
	ca.server("server", "second", time.Now().Add(time.Hour))
	hangUp("serving TLS")
	if got := served(kept) + served(now); got != "firstsecond" {
		t.Errorf("after the certificate was replaced it serves %s", got)
	}
	if err := os.Chmod(ca.file("server.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	hangUp("the one before is served")
	if err := os.Remove(ca.file("server.key")); err != nil {
		t.Fatal(err)
	}
	hangUp("the one before is served")
	if got := served(kept) + served(now); got != "firstsecond" {
		t.Errorf("after a failure it serves %s", got)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("ended with %d", code)
	}
}

// TestHangupWithoutCertificate: a server that has no certificate to read anew, such as
// one behind a proxy that ends TLS, goes on when it is asked to reload.
func TestHangupWithoutCertificate(t *testing.T) {
	t.Parallel()
	p := serve(t, filepath.Join(t.TempDir(), "data"))
	if err := p.signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); !strings.Contains(p.output(), "none was read anew") && time.Now().Before(end); {
		answer, err := http.Get(p.endpoint + "/healthz")
		if err != nil {
			t.Fatalf("it does not answer: %v", err)
		}
		_ = answer.Body.Close()
	}
	if code := p.stop(); code != 0 || !strings.Contains(p.output(), "none was read anew") {
		t.Errorf("ended with %d:\n%s", code, p.output())
	}
}

// TestTLSRefusals: a server does not start with TLS that nobody could use, or
// that the operator did not mean.
func TestTLSRefusals(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	ca.server("server", "server", time.Now().Add(time.Hour))
	ca.server("other", "other", time.Now().Add(time.Hour))
	ca.server("open", "open", time.Now().Add(time.Hour))
	if err := os.Chmod(ca.file("open.key"), 0o640); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		says string
		code int
		args []string
		env  []string
	}{
		{says: "must be given together", code: 2, args: []string{"--tls-cert", ca.file("server.pem")}},
		{says: "must be given together", code: 2, args: []string{"--tls-key", ca.file("server.key")}},
		{says: "must be given together", code: 2, args: ca.flags("server", "--tls-client-ca", ca.file("ca.pem"))},
		{says: "must be given together", code: 2, args: ca.flags("server", "--tls-client-name", "a")},
		{says: "needs --tls-cert", code: 2, args: []string{"--tls-client-ca", ca.file("ca.pem"), "--tls-client-name", "a"}},
		{says: "does not match", code: 1, args: []string{"--tls-cert", ca.file("server.pem"), "--tls-key", ca.file("other.key")}},
		{says: "chmod 0400", code: 1, args: ca.flags("open")},
		{says: "no such file", code: 1, args: ca.flags("none")},
		{says: "hold no certificate", code: 1, args: ca.flags("server", "--tls-client-ca", ca.file("server.key"), "--tls-client-name", "a")},
		{says: "trusted proxies", code: 2, args: []string{"--trusted-proxies", "10.0.0.0/8,proxy.example.org"}},
		{says: "without TLS", code: 2, args: []string{"--xks-listen", "0.0.0.0:0"}},
		{says: "CLAVIGER_TLS ", code: 2, env: []string{"CLAVIGER_TLS=true"}},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		args := append([]string{"serve", "--init", "--data", dir, "--listen", "127.0.0.1:0"}, test.args...)
		if _, errs, code := command(t, args, test.env...); code != test.code || !strings.Contains(errs, test.says) {
			t.Errorf("%v ended with %d and said %q, want %d and %q", test.args, code, errs, test.code, test.says)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%v made the data directory", test.args)
		}
	}
	if _, errs, code := command(t, append([]string{"dev", "--tls"}, ca.flags("server")...)); code != 2 || !strings.Contains(errs, "only one of them") {
		t.Errorf("dev with two certificates ended with %d and said %q", code, errs)
	}
	ca.server("old", "old", time.Now().Add(-time.Minute))
	if p := start(t, append([]string{"dev", "--listen", "127.0.0.1:0", "--log-format", "json"}, ca.flags("old")...)); !strings.Contains(p.output(), "the certificate has expired") {
		t.Errorf("an expired certificate is served without a word:\n%s", p.output())
	}
}

// TestTLSDevelopment: a development server makes itself a certificate, which
// clients trust by the file that it names.
func TestTLSDevelopment(t *testing.T) {
	t.Parallel()
	p := dev(t, "--tls")
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(must[[]byte](t)(os.ReadFile(p.field("ca_bundle")))) {
		t.Fatal("the file holds no certificate")
	}
	trusting := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	if _, err := over(p.account(rootAccount), trusting).ListKeys(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if _, err := p.account(rootAccount).kms.ListKeys(t.Context(), nil); err == nil {
		t.Error("a client that was told nothing trusts the server")
	}
}

// TestMutualTLS: where client certificates are demanded, the handshake of
// everybody else ends, and no other address leads past that.
func TestMutualTLS(t *testing.T) {
	t.Parallel()
	const kmsName = "cks.kms.us-east-1.amazonaws.com"
	ca, other := newAuthority(t), newAuthority(t)
	ca.server("server", "server", time.Now().Add(time.Hour))
	asClient := func(name string) *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	}
	ca.issue("kms", asClient(kmsName))
	ca.issue("wrong", asClient("cks.kms.us-east-2.amazonaws.com"))
	other.issue("kms", asClient(kmsName))
	foreign := ca.client("")
	foreign.Transport.(*http.Transport).TLSClientConfig.GetClientCertificate = other.client("kms").Transport.(*http.Transport).TLSClientConfig.GetClientCertificate
	demand := ca.flags("server", "--tls-client-ca", ca.file("ca.pem"), "--tls-client-name", kmsName)

	t.Run("every API", func(t *testing.T) {
		t.Parallel()
		p := dev(t, demand...)
		root := p.account(rootAccount)
		if _, err := over(root, ca.client("kms")).ListKeys(t.Context(), nil); err != nil {
			t.Error(err)
		}
		for _, refused := range []*http.Client{ca.client(""), ca.client("wrong"), foreign} {
			handshakeEnds(t, p.endpoint, refused)
			if _, err := over(root, refused).ListKeys(t.Context(), nil); err == nil {
				t.Error("a client without the certificate is answered")
			}
		}
	})
	t.Run("the proxy interface", func(t *testing.T) {
		t.Parallel()
		p := dev(t, append(demand, "--xks-listen", "127.0.0.1:0")...)
		proxy := p.field("xks_endpoint")
		s := newExternalStore(t, p, "team/a")
		s.endpoint, s.http = proxy, ca.client("kms")
		s.must("/health", map[string]any{})
		s.decrypt(s.encrypt("over mutual TLS"), "over mutual TLS")
		for _, refused := range []*http.Client{ca.client(""), ca.client("wrong"), foreign} {
			handshakeEnds(t, proxy, refused)
			if _, err := refused.Post(proxy+s.path+"/health", "application/json", strings.NewReader("{}")); err == nil {
				t.Error("a client without the certificate is answered")
			}
		}

		// The other APIs are at the other address, without certificates, and only there.
		root := p.account(rootAccount)
		if _, err := over(root, ca.client("")).ListKeys(t.Context(), nil); err != nil {
			t.Error(err)
		}
		options := over(root, ca.client("kms")).Options()
		options.BaseEndpoint = aws.String(proxy)
		if _, err := kms.New(options).ListKeys(t.Context(), nil); err == nil {
			t.Error("KMS is served at the address of the proxy interface")
		}
		s.endpoint, s.http = p.endpoint, ca.client("")
		if status, answer := s.send("/health", map[string]any{}); status != 403 {
			t.Errorf("without a certificate the proxy interface answers %d %s", status, answer)
		}
	})
}

// TestBothSides: one server keeps the external keys of another, over TLS.
func TestBothSides(t *testing.T) {
	t.Parallel()
	const name = "xks.example.com"
	ca := newAuthority(t)
	ca.issue("server", &x509.Certificate{DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	outside := dev(t, ca.flags("server", "--xks-listen", "127.0.0.1:0")...)
	s := newExternalStore(t, outside, "team/a")
	address := strings.TrimPrefix(outside.field("xks_endpoint"), "https://")
	p := dev(t, "--key-store-ca", ca.file("ca.pem"), "--key-store-address", name+"="+address)
	root := p.account(rootAccount).kms
	store := must[*kms.CreateCustomKeyStoreOutput](t)(root.CreateCustomKeyStore(t.Context(), &kms.CreateCustomKeyStoreInput{
		CustomKeyStoreName: aws.String("outside"), CustomKeyStoreType: types.CustomKeyStoreTypeExternalKeyStore,
		XksProxyConnectivity: types.XksProxyConnectivityTypePublicEndpoint,
		XksProxyUriEndpoint:  aws.String("https://" + name), XksProxyUriPath: &s.path,
		XksProxyAuthenticationCredential: &types.XksProxyAuthenticationCredentialType{
			AccessKeyId: &s.credentials.AccessKeyID, RawSecretAccessKey: &s.credentials.SecretAccessKey,
		},
	}))
	must[*kms.ConnectCustomKeyStoreOutput](t)(root.ConnectCustomKeyStore(t.Context(), &kms.ConnectCustomKeyStoreInput{CustomKeyStoreId: store.CustomKeyStoreId}))
	for end := time.Now().Add(30 * time.Second); ; {
		found := must[*kms.DescribeCustomKeyStoresOutput](t)(root.DescribeCustomKeyStores(t.Context(), nil)).CustomKeyStores[0]
		if found.ConnectionState == types.ConnectionStateTypeConnected {
			break
		}
		if found.ConnectionState == types.ConnectionStateTypeFailed || time.Now().After(end) {
			t.Fatalf("the store is %s: %s\n%s", found.ConnectionState, found.ConnectionErrorCode, p.output())
		}
	}
	key := must[*kms.CreateKeyOutput](t)(root.CreateKey(t.Context(), &kms.CreateKeyInput{
		Origin: types.OriginTypeExternalKeyStore, CustomKeyStoreId: store.CustomKeyStoreId, XksKeyId: aws.String("foo"),
	})).KeyMetadata.KeyId
	sealed := must[*kms.EncryptOutput](t)(root.Encrypt(t.Context(), &kms.EncryptInput{KeyId: key, Plaintext: []byte("in two halves")})).CiphertextBlob
	if opened := must[*kms.DecryptOutput](t)(root.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: sealed})); string(opened.Plaintext) != "in two halves" {
		t.Errorf("decrypted to %q", opened.Plaintext)
	}
	s.operate("xks-key", "disable", "team/a", "foo")
	if _, err := root.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: sealed}); err == nil {
		t.Error("decrypts though the other half is disabled")
	}
}

// A proxy adds header fields to requests, as one in front of a server does.
type proxy struct{ header map[string]string }

func (p proxy) Do(r *http.Request) (*http.Response, error) {
	for name, value := range p.header {
		r.Header.Set(name, value)
	}
	return http.DefaultClient.Do(r)
}

// TestTrustedProxy: the word of a proxy counts for policies and records where
// the operator says so.
func TestTrustedProxy(t *testing.T) {
	t.Parallel()
	policy := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + rootAccount + `:root"},"Action":["kms:CreateKey","kms:PutKeyPolicy"],"Resource":"*"},
		{"Effect":"Allow","Principal":"*","Action":"kms:Encrypt","Resource":"*","Condition":{
			"Bool":{"aws:SecureTransport":"true"},"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}]}`
	through := proxy{map[string]string{"X-Forwarded-For": "198.51.100.1, 192.0.2.7", "X-Forwarded-Proto": "https"}}
	for name, test := range map[string]struct {
		args []string
		from string
		ok   bool
	}{
		"trusted": {[]string{"--trusted-proxies", "10.0.0.0/8,127.0.0.1"}, "192.0.2.7", true},
		"unknown": {[]string{"--trusted-proxies", "10.0.0.0/8"}, "127.0.0.1", false},
	} {
		p := dev(t, test.args...)
		root := p.account(rootAccount)
		made := must[*kms.CreateKeyOutput](t)(root.kms.CreateKey(t.Context(), &kms.CreateKeyInput{Policy: &policy}))
		options := root.kms.Options()
		options.HTTPClient = through
		if _, err := kms.New(options).Encrypt(t.Context(), &kms.EncryptInput{KeyId: made.KeyMetadata.KeyId, Plaintext: []byte("x")}); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
		out, _, _ := command(t, []string{"audit", "tail", "--socket", p.admin})
		seen := 0
		for line := range strings.Lines(out) {
			var r struct {
				EventName       string
				SourceIPAddress string          `json:"sourceIPAddress"`
				TLSDetails      json.RawMessage `json:"tlsDetails"`
			}
			if err := json.Unmarshal([]byte(line), &r); err != nil || r.EventName != "Encrypt" {
				continue
			}
			if seen++; r.SourceIPAddress != test.from || r.TLSDetails != nil {
				t.Errorf("%s: recorded from %s with %s", name, r.SourceIPAddress, r.TLSDetails)
			}
		}
		if seen != 1 {
			t.Errorf("%s: %d records", name, seen)
		}
	}
}
