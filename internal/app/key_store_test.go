package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"claviger/internal/edge/xksclient"
	"claviger/internal/ground/store/drivertest"
	"claviger/internal/service/kms"
	"claviger/internal/service/kms/kmstest"
	"claviger/internal/service/kms/xksproxy"
	"claviger/internal/service/kms/xksproxytest"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// serveProxy serves handler over TLS as the host of the samples' key stores, and
// returns the settings with which it is reached.
func serveProxy(t *testing.T, handler http.Handler) *outside {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{strings.TrimPrefix(xksproxytest.Endpoint, "https://")},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return &outside{KeyStoreCA: file, KeyStoreAddresses: []string{template.DNSNames[0] + "=" + server.Listener.Addr().String()}}
}

// reaching makes a world that reaches proxies by settings, with the patience that
// a busy machine needs.
func reaching(t *testing.T, o *outside) *world {
	t.Helper()
	options, err := o.options()
	if err != nil {
		t.Fatal(err)
	}
	options.Patience = 10 * time.Second
	client, err := xksclient.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return newWorldWith(t, drivertest.Open(t), "", func(f *foundations) { f.reach(client) })
}

// connectedStore connects a key store and returns its id.
func (w *world) connectedStore(in *kms.CreateCustomKeyStoreInput) optional.Of[string] {
	w.t.Helper()
	out := w.must(w.caller(owner), "kms:CreateCustomKeyStore", in)
	id := optional.Some(out.(*kms.CreateCustomKeyStoreOutput).CustomKeyStoreID)
	w.must(w.caller(owner), "kms:ConnectCustomKeyStore", &kms.ConnectCustomKeyStoreInput{CustomKeyStoreID: id})
	w.connected(id)
	return id
}

// connected makes sure that a key store is, or becomes so now.
func (w *world) connected(id optional.Of[string]) {
	w.t.Helper()
	if err := w.server.keys.ConnectDue(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	out := w.must(w.caller(owner), "kms:DescribeCustomKeyStores", &kms.DescribeCustomKeyStoresInput{CustomKeyStoreID: id})
	if e := out.(*kms.DescribeCustomKeyStoresOutput).CustomKeyStores[0]; e.ConnectionState != "CONNECTED" {
		w.t.Fatalf("the store is %s %s", e.ConnectionState, e.ConnectionErrorCode.V)
	}
}

// TestKeyStoreOverTLS: a key store whose proxy is reached as the operator says,
// over a real connection, with the request id of the record.
func TestKeyStoreOverTLS(t *testing.T) {
	t.Parallel()
	proxy := xksproxytest.New()
	w := reaching(t, serveProxy(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.Contains(r.Header.Get("Authorization"), "/us-east-1/kms-xks-proxy/aws4_request") {
			t.Errorf("the proxy was sent %v, %v", r.Header, err)
		}
		status, answer, _ := proxy.Handle(r.URL.Path, body)
		rw.WriteHeader(status)
		_, _ = rw.Write(answer)
	})))
	store := w.connectedStore(kmstest.KeyStore("outside"))
	key := w.must(w.caller(owner), "kms:CreateKey", &kms.CreateKeyInput{
		Origin: optional.Some("EXTERNAL_KEY_STORE"), CustomKeyStoreID: store, XksKeyID: optional.Some(xksproxytest.Key),
	}).(*kms.CreateKeyOutput).KeyMetadata.KeyID
	_, next := w.records(1)
	out := w.must(w.caller(owner), "kms:Decrypt", &kms.DecryptInput{CiphertextBlob: w.blob(key)}).(*kms.DecryptOutput)
	if string(secretBytes(out.Plaintext)) != string(secretBytes(canary())) {
		t.Error("another plaintext came back")
	}
	bodies := proxy.Bodies()
	blob := w.blob(key)
	proxy.Refuse(403, "AccessDeniedException")
	_, err := w.call(w.caller(owner), "kms:Decrypt", &kms.DecryptInput{CiphertextBlob: blob})
	if !fault.Is(err, kms.InvalidState) || strings.Contains(err.Error(), "words of the proxy") {
		t.Errorf("a caller is told %v", err)
	}
	if log := w.log.String(); !strings.Contains(log, `error=AccessDeniedException message="words of the proxy's own"`) {
		t.Errorf("the operator is told %s", log)
	}
	list, _ := w.records(next)
	record := string(list[1].Record) // of Decrypt
	if !strings.Contains(record, `"additionalEventData":{"customKeyStoreId":"`+store.V+`","xksKeyId":"`+xksproxytest.Key+`"}`) {
		t.Errorf("the record is %s", record)
	}
	_, rest, _ := strings.Cut(record, `"requestID":"`)
	if id, _, _ := strings.Cut(rest, `"`); !strings.Contains(bodies[len(bodies)-1], `"kmsRequestId":"`+id+`"`) {
		t.Errorf("the proxy was asked %s, the record is %s", bodies[len(bodies)-1], record)
	}
}

// TestConnectionOutlivesTheProcess: a key store that was being connected when the
// server ended is connected by the next one.
func TestConnectionOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var asked atomic.Bool
	silent := func(ctx context.Context, r *xksproxy.Request) (int, []byte, error) {
		if asked.Swap(true) { // the first request is that of CreateCustomKeyStore
			<-ctx.Done()
			return 0, nil, xksproxy.ErrTimeout
		}
		return xksproxytest.New().Send(ctx, r)
	}
	w := newDurableWorldWith(t, dir, func(f *foundations) { f.proxies = silent })
	store := optional.Some(w.must(w.caller(owner), "kms:CreateCustomKeyStore", kmstest.KeyStore("outside")).(*kms.CreateCustomKeyStoreOutput).CustomKeyStoreID)
	w.must(w.caller(owner), "kms:ConnectCustomKeyStore", &kms.ConnectCustomKeyStoreInput{CustomKeyStoreID: store})
	w.restarted(dir, time.Now)
	w.connected(store)
}

// TestOutsideSettings: what the operator says of proxies is taken whole or refused.
func TestOutsideSettings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"xks.example.com=127.0.0.1:8443": true, "XKS.example.com=proxy.internal:443": true, "xks.example.com=[::1]:8443": true,
		"xks.example.com": false, "=127.0.0.1:8443": false, "xks.example.com=127.0.0.1": false, "xks.example.com=:8443": false, "xks.example.com=host:": false,
	} {
		o := &outside{KeyStoreAddresses: []string{text}}
		options, err := o.options()
		if (err == nil) != want || want && options.Addresses["xks.example.com"] == "" {
			t.Errorf("%s: %v, %v", text, options.Addresses, err)
		}
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if _, err := (&outside{KeyStoreCA: file}).client(); err == nil {
		t.Error("a file that is not there is taken")
	}
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (&outside{KeyStoreCA: file}).client(); err == nil {
		t.Error("a file without certificates is taken")
	}
}
