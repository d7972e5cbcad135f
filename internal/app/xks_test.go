package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"claviger/internal/ground/store/drivertest"
	"claviger/internal/service/xks"
	"claviger/internal/words/optional"
)

// TestProxy has the cases of AWS's published test client.
func TestProxy(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.key("foo")
	p.key("encrypt_only", func(in *xks.CreateExternalKeyInput) { in.NoDecrypt = true })
	p.key("decrypt_only", func(in *xks.CreateExternalKeyInput) { in.NoEncrypt = true })
	p.key("impotent", func(in *xks.CreateExternalKeyInput) { in.NoEncrypt, in.NoDecrypt = true, true })
	health := object{"requestMetadata": object{"kmsOperation": "KmsHealthCheck", "kmsRequestId": "1"}}
	a := p.want("health", "health", health, 200, "")
	if text := fmt.Sprint(a.body); text != "map[ekmFleetDetails:[map[healthStatus:ACTIVE id:1 model:Claviger]] ekmVendor:Claviger xksProxyFleetSize:1 xksProxyModel:Claviger xksProxyVendor:Claviger]" {
		t.Errorf("health is %s", text)
	}
	for path, whole := range map[string]object{
		"health":            health,
		"keys/foo/metadata": {"requestMetadata": metadata("CreateKey")},
		"keys/foo/encrypt":  encryption([]byte("plaintext\n")),
	} {
		p.want(path, path, whole, 200, "")
		p.want(path+" without metadata", path, whole.with("requestMetadata", nil), 400, "ValidationException")
		p.want(path+" with empty metadata", path, whole.with("requestMetadata", object{}), 400, "ValidationException")
		p.want(path+" with a member that nobody knows", path, whole.with("tomorrow", []any{1, object{"a": nil}}), 200, "")

		wrong := *p
		wrong.credential.AccessKeyID = "Invalid" + p.credential.AccessKeyID
		wrong.want(path+" with another id", path, whole, 401, "AuthenticationFailedException")
		wrong.credential = p.credential
		wrong.credential.SecretAccessKey = "Invalid" + p.credential.SecretAccessKey
		wrong.want(path+" with another secret", path, whole, 401, "AuthenticationFailedException")
		wrong.credential, wrong.prefix = p.credential, p.prefix+"/invalid"
		wrong.want(path+" of another prefix", path, whole, 404, "InvalidUriPathException")
	}
	for _, operation := range []string{"CreateKey", "DescribeKey", "SomethingNew"} {
		a := p.want("metadata", "keys/foo/metadata", object{"requestMetadata": metadata(operation)}, 200, "")
		if text := fmt.Sprint(a.body); text != "map[keySpec:AES_256 keyStatus:ENABLED keyUsage:[ENCRYPT DECRYPT]]" {
			t.Errorf("metadata is %s", text)
		}
	}
	p.want("no such key", "keys/none/metadata", object{"requestMetadata": metadata("CreateKey")}, 404, "KeyNotFoundException")
	p.want("no such key", "keys/none/encrypt", encryption([]byte("x")), 404, "KeyNotFoundException")
	p.want("no plaintext", "keys/foo/encrypt", encryption(nil).with("plaintext", nil), 400, "ValidationException")

	proxyRoundTrips(p, "foo")

	// Keys that may not do everything.
	text := encryption([]byte("plaintext\n"))
	a = p.want("encrypt-only", "keys/encrypt_only/encrypt", text, 200, "")
	p.want("encrypt-only", "keys/encrypt_only/decrypt", decryption(a), 400, "InvalidKeyUsageException")
	p.want("encrypt-only with CDIV", "keys/encrypt_only/encrypt", text.with("ciphertextDataIntegrityValueAlgorithm", "SHA_256"), 400, "InvalidKeyUsageException")
	for _, key := range []string{"decrypt_only", "impotent"} {
		p.want(key, "keys/"+key+"/encrypt", text, 400, "InvalidKeyUsageException")
		p.want(key+" with CDIV", "keys/"+key+"/encrypt", text.with("ciphertextDataIntegrityValueAlgorithm", "SHA_256"), 400, "InvalidKeyUsageException")
	}
	p.want("impotent", "keys/impotent/decrypt", decryption(a), 400, "InvalidKeyUsageException")
	p.want("decrypt-only, ciphertext of another key", "keys/decrypt_only/decrypt", decryption(a), 400, "InvalidCiphertextException")
}

// proxyRoundTrips encrypts and decrypts with and without what can go with it.
func proxyRoundTrips(p *provider, key string) {
	p.t.Helper()
	encrypt, decrypt := "keys/"+key+"/encrypt", "keys/"+key+"/decrypt"
	for _, c := range []struct {
		plaintext, aad int
		cdiv           bool
	}{{12, 33, false}, {12, 0, false}, {12, 33, true}, {12, 0, true}, {4096, 8192, false}, {4300, 8192, true}, {1, 0, true}} {
		plaintext, aad := bytes.Repeat([]byte("p"), c.plaintext), bytes.Repeat([]byte("a"), c.aad)
		in := encryption(plaintext)
		if c.aad > 0 {
			in["additionalAuthenticatedData"] = aad
		}
		if c.cdiv {
			in["ciphertextDataIntegrityValueAlgorithm"] = "SHA_256"
		}
		a := p.want("encrypt", encrypt, in, 200, "")
		parts := [][]byte{aad}
		for _, part := range []struct {
			name string
			size int
		}{{"ciphertextMetadata", 20}, {"initializationVector", 12}, {"ciphertext", c.plaintext}, {"authenticationTag", 16}} {
			b := a.blob(p.t, part.name)
			if len(b) != part.size {
				p.t.Errorf("%s has %d bytes", part.name, len(b))
			}
			parts = append(parts, b)
		}
		sum := sha256.Sum256(slices.Concat(parts...))
		if cdiv := a.blob(p.t, "ciphertextDataIntegrityValue"); c.cdiv && !bytes.Equal(cdiv, sum[:]) || !c.cdiv && cdiv != nil {
			p.t.Errorf("the integrity value is %x, not %x", cdiv, sum)
		}
		out := decryption(a)
		if c.aad > 0 {
			p.want("no AAD", decrypt, out, 400, "InvalidCiphertextException")
			p.want("another AAD", decrypt, out.with("additionalAuthenticatedData", []byte("other")), 400, "InvalidCiphertextException")
			out["additionalAuthenticatedData"] = aad
		}
		if got := p.want("decrypt", decrypt, out, 200, "").blob(p.t, "plaintext"); !bytes.Equal(got, plaintext) {
			p.t.Errorf("%d bytes do not come back", c.plaintext)
		}
		if c.aad+20 > 8192 { // longer than what is supported
			continue
		}
		p.want("metadata moved into the AAD", decrypt,
			out.with("ciphertextMetadata", nil, "additionalAuthenticatedData", slices.Concat(aad, parts[1])), 400, "InvalidCiphertextException")
	}
}

// TestProxyLengths: one below, on, and one above.
func TestProxyLengths(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.key("foo")
	const encrypt, decrypt = "keys/foo/encrypt", "keys/foo/decrypt"
	of := func(n int) []byte { return bytes.Repeat([]byte{7}, n) }
	for n, want := range map[int]string{0: "ValidationException", 1: "", 4299: "", 4300: "", 4301: "UnsupportedOperationException"} {
		p.want(fmt.Sprint(n, " bytes"), encrypt, encryption(of(n)), statusOf(want), want)
	}
	for n, want := range map[int]string{0: "", 8191: "", 8192: "", 8193: "UnsupportedOperationException"} {
		p.want(fmt.Sprint(n, " bytes of AAD"), encrypt, encryption(of(1)).with("additionalAuthenticatedData", of(n)), statusOf(want), want)
	}
	out := decryption(p.want("encrypt", encrypt, encryption(of(20)), 200, ""))
	for member, sizes := range map[string][]int{
		"initializationVector": {0, 11, 13, 16}, "authenticationTag": {0, 15, 17}, "ciphertextMetadata": {0, 19, 21}, "ciphertext": {0, 19, 21, 4300},
	} {
		whole, err := base64.StdEncoding.DecodeString(out[member].(string))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range sizes {
			other := append(bytes.Clone(whole), of(n)...)[:n]
			p.want(fmt.Sprintf("%s of %d bytes", member, n), decrypt, out.with(member, other), 400, "InvalidCiphertextException")
		}
		want := "ValidationException"
		if member == "ciphertextMetadata" { // the interface lets it be absent
			want = "InvalidCiphertextException"
		}
		p.want("without "+member, decrypt, out.with(member, nil), 400, want)
	}
	p.want("a ciphertext that is too long", decrypt, out.with("ciphertext", of(4301)), 501, "UnsupportedOperationException")
	for member, value := range map[string]any{
		"encryptionAlgorithm": "AES_CBC", "plaintext": "_-8=", "additionalAuthenticatedData": "YQ", "requestMetadata": "x",
		"ciphertextDataIntegrityValueAlgorithm": "SHA_512",
	} {
		p.want(member, encrypt, encryption(of(1)).with(member, value), 400, "ValidationException")
	}
	for name, size := range map[string]int{"awsPrincipalArn": 2048, "kmsKeyArn": 2048} {
		at := encryption(of(1)).with("requestMetadata", metadata("Encrypt").with(name, strings.Repeat("x", size)))
		over := encryption(of(1)).with("requestMetadata", metadata("Encrypt").with(name, strings.Repeat("x", size+1)))
		p.key(name)
		p.want(name, "keys/"+name+"/encrypt", at, 200, "")
		p.want(name, "keys/"+name+"/encrypt", over, 400, "ValidationException")
		p.want("no "+name, "keys/"+name+"/encrypt", encryption(of(1)).with("requestMetadata", metadata("Encrypt").with(name, nil)), 400, "ValidationException")
	}
	p.want("no KMS key", "keys/foo/metadata", object{"requestMetadata": metadata("CreateKey").with("kmsKeyArn", nil)}, 200, "")

	// The body as a whole. A member that nobody knows fills it.
	for _, n := range []int{32<<10 - 1, 32 << 10, 32<<10 + 1} {
		text, err := json.Marshal(encryption(of(1)).with("filler", ""))
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.Replace(text, []byte(`"filler":"`), []byte(`"filler":"`+strings.Repeat("x", n-len(text))), 1)
		want := ""
		if n > 32<<10 {
			want = "UnsupportedOperationException"
		}
		if a := p.send(p.request(encrypt, text)); a.status != statusOf(want) || a.name() != want || len(text) != n {
			t.Errorf("a body of %d bytes: %d %v", len(text), a.status, a.body)
		}
	}
}

// statusOf is the HTTP status of some errors.
func statusOf(name string) int {
	switch name {
	case "":
		return 200
	case "UnsupportedOperationException":
		return 501
	}
	return 400
}

func TestProxyRequests(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.key("foo")
	body, err := json.Marshal(encryption([]byte("x")))
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		change func(r *http.Request) // before it is signed
		status int
		name   string
	}{
		"plain":           {func(*http.Request) {}, 200, ""},
		"GET":             {func(r *http.Request) { r.Method = "GET" }, 405, "UnsupportedOperationException"},
		"PUT":             {func(r *http.Request) { r.Method = "PUT" }, 405, "UnsupportedOperationException"},
		"query":           {func(r *http.Request) { r.URL.RawQuery = "a=b" }, 404, "InvalidUriPathException"},
		"another call":    {func(r *http.Request) { r.URL.Path += "s" }, 404, "InvalidUriPathException"},
		"another version": {func(r *http.Request) { r.URL.Path = strings.Replace(r.URL.Path, "/v1/", "/v1/v1/", 1) }, 404, "InvalidUriPathException"},
		"no content type": {func(r *http.Request) { r.Header.Del("Content-Type") }, 200, ""},
		"a field of AWS":  {func(r *http.Request) { r.Header.Set("X-Amz-Target", "TrentService.Decrypt") }, 200, ""},
		"a source":        {func(r *http.Request) { r.Header.Set("X-Amz-Source-Account", owner) }, 403, "AccessDeniedException"},
		"a session token": {func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "token") }, 401, "AuthenticationFailedException"},
	} {
		r := p.request("keys/foo/encrypt", body)
		r.Header.Del("Authorization")
		c.change(r)
		p.sign(r, body, "kms-xks-proxy", "ap-south-2")
		a := p.send(r)
		if a.status != c.status || a.name() != c.name || (a.header.Get("Allow") == "POST") != (c.status == 405) {
			t.Errorf("%s: %d %v %v", what, a.status, a.body, a.header)
		}
	}
	unsigned := p.request("keys/foo/encrypt", body)
	unsigned.Header.Del("Authorization")
	another := p.request("keys/foo/encrypt", body)
	p.sign(another, body, "kms", "us-east-1")
	for what, r := range map[string]*http.Request{"no signature": unsigned, "a signature for another service": another} {
		if a := p.send(r); a.status != 401 || a.name() != "AuthenticationFailedException" {
			t.Errorf("%s: %d %v", what, a.status, a.body)
		}
	}
	for _, text := range []string{"", "[]", "{", `{"plaintext":"eA==","plaintext":"eA=="}`, "\xff"} {
		if a := p.send(p.request("keys/foo/encrypt", []byte(text))); a.status != 400 || a.name() != "ValidationException" {
			t.Errorf("%q: %d %v", text, a.status, a.body)
		}
	}
	// The credential of a key store is nobody's elsewhere, and IAM's is none here.
	r, err := http.NewRequestWithContext(context.Background(), "POST", p.url+"/", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService.ListKeys")
	p.sign(r, []byte("{}"), "kms", "us-east-1")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 400 {
		t.Errorf("ListKeys with the credential of a key store: %d", response.StatusCode)
	}
	root := *p
	root.credential.AccessKeyID, root.credential.SecretAccessKey = owner, "test"
	root.want("root user", "keys/foo/encrypt", encryption([]byte("x")), 401, "AuthenticationFailedException")
}

// TestProxyClock: five minutes either way.
func TestProxyClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	w := newWorldWith(t, drivertest.Open(t), "", func(f *foundations) { f.now = func() time.Time { return now } })
	p := w.provide("clock", w.serve())
	health := object{"requestMetadata": metadata("KmsHealthCheck")}
	for off, want := range map[time.Duration]int{
		4*time.Minute + 59*time.Second: 200, 5 * time.Minute: 200, 5*time.Minute + time.Second: 401,
	} {
		for _, sign := range []time.Duration{1, -1} {
			p.at = func() time.Time { return now.Add(sign * off) }
			if a := p.call("health", health); a.status != want {
				t.Errorf("signed %v off: %d %v", sign*off, a.status, a.body)
			}
		}
	}
}

func TestProxyCredentials(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.key("foo")
	other := p.w.provide("team/b", p.url)
	other.key("foo")
	health := object{"requestMetadata": metadata("KmsHealthCheck")}
	stranger := *p
	stranger.credential = other.credential
	stranger.want("another key store's credential", "health", health, 401, "AuthenticationFailedException")

	in := &xks.CreateExternalKeyStoreCredentialInput{Prefix: optional.Some(p.prefix)}
	second := p.w.operate("CreateExternalKeyStoreCredential", in).(*xks.CreateExternalKeyStoreCredentialOutput)
	if len(second.ExternalKeyStore.Credentials) != 2 {
		t.Errorf("%+v", second.ExternalKeyStore)
	}
	if _, err := p.w.server.operate(context.Background(), "CreateExternalKeyStoreCredential", func(to any) { assign(to, in) }); err == nil {
		t.Error("a third credential was added")
	}
	q := *p
	q.use(&second.Configuration)
	for _, one := range []*provider{p, &q} {
		one.want("one of two credentials", "health", health, 200, "")
	}
	p.w.operate("DeleteExternalKeyStoreCredential", &xks.DeleteExternalKeyStoreCredentialInput{
		Prefix: optional.Some(p.prefix), AccessKeyID: optional.Some(p.credential.AccessKeyID),
	})
	p.want("a credential that was removed", "health", health, 401, "AuthenticationFailedException")
	q.want("the other one", "health", health, 200, "")
}

// TestProxyRotation: a credential is rotated again and again while calls are
// made, and none fails.
func TestProxyRotation(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.key("foo")
	const clients, rotations = 4, 20
	var newest atomic.Pointer[provider]
	newest.Store(p)
	stop, answered := make(chan struct{}), make(chan int)
	// A call that has begun with a credential is over before that is replaced twice.
	var replacing sync.RWMutex
	var running sync.WaitGroup
	for range clients {
		running.Go(func() {
			for {
				replacing.RLock()
				a := newest.Load().call("keys/foo/encrypt", encryption([]byte("under load")))
				replacing.RUnlock()
				select {
				case answered <- a.status:
				case <-stop:
					return
				}
			}
		})
	}
	// during takes answers while work is done, and at least as many as there are clients.
	during := func(work func()) {
		worked, taken := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(taken)
			for n, busy := 0, worked; busy != nil || n < clients; {
				select {
				case <-busy:
					busy = nil
				case status := <-answered:
					if n++; status != 200 {
						t.Errorf("answered %d", status)
					}
				}
			}
		}()
		work()
		close(worked)
		<-taken
	}
	in := &xks.RotateExternalKeyStoreCredentialInput{Prefix: optional.Some(p.prefix)}
	for range rotations {
		next := *p
		during(func() {
			out := p.w.operate("RotateExternalKeyStoreCredential", in)
			next.use(&out.(*xks.RotateExternalKeyStoreCredentialOutput).Configuration)
		})
		during(func() {
			replacing.Lock()
			newest.Store(&next)
			replacing.Unlock()
		})
	}
	close(stop)
	running.Wait()
	p.want("the first credential", "health", object{"requestMetadata": metadata("x")}, 401, "AuthenticationFailedException")
	newest.Load().want("the last credential", "health", object{"requestMetadata": metadata("x")}, 200, "")
}

// TestProxyOrder: of several things that are wrong with a request, the first in
// the order of the interface is answered.
func TestProxyOrder(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.key("foo", func(in *xks.CreateExternalKeyInput) { in.NoEncrypt, in.KMSKeys = true, []string{kmsKeyOne} })
	p.w.operate("DisableExternalKey", &xks.DisableExternalKeyInput{KeyStore: optional.Some(p.prefix), ExternalKeyID: optional.Some("foo")})
	wrong := *p
	wrong.credential.SecretAccessKey += "x"
	nowhere := wrong
	nowhere.prefix = "nowhere"

	malformed := encryption([]byte("x")).with("requestMetadata", nil)
	other := encryption([]byte("x")).by(kmsKeyTwo)
	get := nowhere.request("keys/none/encrypt", nil)
	get.Method = http.MethodGet
	if a := nowhere.send(get); a.status != 405 {
		t.Errorf("method before path: %d %v", a.status, a.body)
	}
	nowhere.want("path before signature", "keys/none/encrypt", malformed, 404, "InvalidUriPathException")
	wrong.want("signature before body", "keys/none/encrypt", malformed, 401, "AuthenticationFailedException")
	p.want("body before key", "keys/none/encrypt", malformed, 400, "ValidationException")
	p.want("key before authorization", "keys/none/encrypt", other, 404, "KeyNotFoundException")
	p.want("authorization before status", "keys/foo/encrypt", other, 403, "AccessDeniedException")
	p.want("status before usage", "keys/foo/encrypt", encryption([]byte("x")), 400, "InvalidStateException")
	p.w.operate("EnableExternalKey", &xks.EnableExternalKeyInput{KeyStore: optional.Some(p.prefix), ExternalKeyID: optional.Some("foo")})
	p.want("usage", "keys/foo/encrypt", encryption([]byte("x")), 400, "InvalidKeyUsageException")
}
