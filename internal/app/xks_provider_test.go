package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"claviger/internal/edge/httpfront"
	"claviger/internal/service/xks"
	"claviger/internal/words/optional"
)

// A provider is an external key store, served over HTTP, with all that a key
// management service is told of it.
type provider struct {
	t          testing.TB
	w          *world
	url        string // of the server, without a path
	prefix     string
	credential aws.Credentials
	at         func() time.Time // of signatures
}

// newProvider serves a world with one key store.
func newProvider(t testing.TB) *provider {
	t.Helper()
	w := newWorld(t)
	return w.provide("team/a", w.serve())
}

// serve serves the world's API and returns its address.
func (w *world) serve() string {
	w.t.Helper()
	door := w.door(w.t)
	s := httptest.NewUnstartedServer(nil)
	s.Config = httpfront.New(httpfront.Options{
		Handler: door, BodyMax: door.BodyMax, Ready: func() bool { return true },
		Panicked: func(cause any) { w.t.Errorf("panic: %v", cause) },
	})
	s.Start()
	w.t.Cleanup(s.Close)
	return s.URL
}

// provide makes a key store.
func (w *world) provide(prefix, url string) *provider {
	w.t.Helper()
	out := w.operate("CreateExternalKeyStore", &xks.CreateExternalKeyStoreInput{Prefix: optional.Some(prefix)})
	p := w.provider(prefix, url)
	p.use(&out.(*xks.CreateExternalKeyStoreOutput).Configuration)
	return p
}

// provider names a key store without a credential.
func (w *world) provider(prefix, url string) *provider {
	return &provider{t: w.t, w: w, url: url, prefix: prefix, at: time.Now}
}

// use signs with a credential from now on.
func (p *provider) use(c *xks.ProxyConfiguration) {
	p.credential = aws.Credentials{AccessKeyID: c.Credential.AccessKeyID, SecretAccessKey: string(secretBytes(c.Credential.RawSecretAccessKey))}
}

// key makes an external key.
func (p *provider) key(id string, change ...func(*xks.CreateExternalKeyInput)) {
	p.t.Helper()
	in := &xks.CreateExternalKeyInput{KeyStore: optional.Some(p.prefix), ExternalKeyID: optional.Some(id)}
	for _, c := range change {
		c(in)
	}
	p.w.operate("CreateExternalKey", in)
}

// An answer of the interface.
type proxyAnswer struct {
	status int
	header http.Header
	body   map[string]any
}

// name is that of the error, empty where there is none.
func (a *proxyAnswer) name() string { name, _ := a.body["errorName"].(string); return name }

func (a *proxyAnswer) blob(t testing.TB, member string) []byte {
	t.Helper()
	var b []byte
	text, _ := json.Marshal(a.body[member])
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatalf("%s of %v: %v", member, a.body, err)
	}
	return b
}

// object is a body.
type object map[string]any

// with returns a copy of m with members set; those that are nil are removed.
func (m object) with(pairs ...any) object {
	m = maps.Clone(m)
	for i := 0; i < len(pairs); i += 2 {
		if name := pairs[i].(string); pairs[i+1] == nil {
			delete(m, name)
		} else {
			m[name] = pairs[i+1]
		}
	}
	return m
}

const (
	kmsKeyOne = "arn:aws:kms:us-east-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	kmsKeyTwo = "arn:aws:kms:eu-west-1:210987654321:key/ffffabcd-12ab-34cd-56ef-1234567890ab"
)

// metadata is the metadata of a request.
func metadata(operation string) object {
	return object{
		"awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice", "kmsKeyArn": kmsKeyOne, "kmsOperation": operation,
		"kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae", "kmsViaService": "ebs",
	}
}

func encryption(plaintext []byte) object {
	return object{"requestMetadata": metadata("Encrypt"), "plaintext": plaintext, "encryptionAlgorithm": "AES_GCM"}
}

// decryption asks for what an answer to encryption holds.
func decryption(a *proxyAnswer) object {
	return object{
		"requestMetadata": metadata("Decrypt"), "encryptionAlgorithm": "AES_GCM", "ciphertext": a.body["ciphertext"],
		"initializationVector": a.body["initializationVector"], "authenticationTag": a.body["authenticationTag"],
		"ciphertextMetadata": a.body["ciphertextMetadata"],
	}
}

// request signs a request to a path below the interface's.
func (p *provider) request(path string, body []byte) *http.Request {
	p.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, p.url+"/"+p.prefix+"/kms/xks/v1/"+path, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	p.sign(r, body, "kms-xks-proxy", "us-east-1")
	return r
}

// sign signs as the SDKs do.
func (p *provider) sign(r *http.Request, body []byte, service, region string) {
	p.t.Helper()
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(context.Background(), p.credential, r, hex.EncodeToString(sum[:]), service, region, p.at()); err != nil {
		p.t.Fatal(err)
	}
}

func (p *provider) send(r *http.Request) *proxyAnswer {
	p.t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	a := &proxyAnswer{status: response.StatusCode, header: response.Header}
	if err := json.Unmarshal(text, &a.body); err != nil || response.Header.Get("Content-Type") != "application/json" {
		p.t.Fatalf("answered %q: %v", text, err)
	}
	return a
}

// call calls the interface.
func (p *provider) call(path string, body any) *proxyAnswer {
	p.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.send(p.request(path, text))
}

// want calls the interface and wants a status and the name of an error, or 200
// and none.
func (p *provider) want(what, path string, body any, status int, name string) *proxyAnswer {
	p.t.Helper()
	a := p.call(path, body)
	if a.status != status || a.name() != name {
		p.t.Errorf("%s: answered %d %v, want %d %s", what, a.status, a.body, status, name)
	}
	return a
}
