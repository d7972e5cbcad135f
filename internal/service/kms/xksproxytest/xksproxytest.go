// Package xksproxytest is the proxy of somebody else's key manager, for tests: it
// does what the published description asks for, unless a test has it misbehave.
package xksproxytest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"strings"
	"sync"

	"claviger/internal/service/kms/xksproxy"
)

// What stores of a Proxy are made with.
const (
	Endpoint    = "https://xks.example.com"
	Path        = "/tenant/kms/xks/v1" // one of many: all but those that begin with /wrong are served
	AccessKeyID = "XKSTESTACCESSKEY234567"
	Secret      = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
	Key         = "external-key-1" // an enabled AES-256 key for both uses
	OtherKey    = "external-key-2" // another one
)

// A Proxy is safe for concurrent use.
type Proxy struct {
	mu      sync.Mutex
	cipher  cipher.AEAD
	twist   func(path string, status int, answer []byte) (int, []byte, error)
	bodies  []string
	keys    map[string]Metadata
	version string
}

// Metadata of an external key, as the proxy tells it.
type Metadata struct {
	Spec   string   `json:"keySpec"`
	Usage  []string `json:"keyUsage"`
	Status string   `json:"keyStatus"`
}

// Good is what a key must be like.
func Good() Metadata {
	return Metadata{Spec: "AES_256", Usage: []string{"DECRYPT", "ENCRYPT", "WRAP"}, Status: "ENABLED"}
}

// New returns a proxy with the keys Key and OtherKey.
func New() *Proxy {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("xksproxytest: " + err.Error())
	}
	p := &Proxy{keys: map[string]Metadata{Key: Good(), OtherKey: Good()}, version: "version 1"}
	if p.cipher, err = cipher.NewGCM(block); err != nil {
		panic("xksproxytest: " + err.Error())
	}
	return p
}

// Set makes a key, or changes what the proxy tells of it.
func (p *Proxy) Set(id string, m Metadata) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys[id] = m
}

// Twist has f put something else in place of each answer; nil ends that.
func (p *Proxy) Twist(f func(path string, status int, answer []byte) (int, []byte, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.twist = f
}

// Refuse has the proxy answer everything with an error.
func (p *Proxy) Refuse(status int, errorName string) {
	p.Twist(func(string, int, []byte) (int, []byte, error) { return refusal(status, errorName) })
}

// Bodies returns path and body of every request so far.
func (p *Proxy) Bodies() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.bodies...)
}

// Send is the proxy as a transport without a network. The signature, which there
// is none of, is replaced by a look at the credential.
func (p *Proxy) Send(_ context.Context, r *xksproxy.Request) (int, []byte, error) {
	if r.To.AccessKeyID != AccessKeyID {
		return refusal(401, "AuthenticationFailedException")
	}
	return p.Handle(r.Path, r.Body)
}

type message struct {
	Ciphertext []byte `json:"ciphertext,omitempty"`
	Plaintext  []byte `json:"plaintext,omitempty"`
	AAD        []byte `json:"additionalAuthenticatedData,omitempty"`
	IV         []byte `json:"initializationVector,omitempty"`
	Tag        []byte `json:"authenticationTag,omitempty"`
	Metadata   []byte `json:"ciphertextMetadata,omitempty"`
	Integrity  []byte `json:"ciphertextDataIntegrityValue,omitempty"`
}

// Handle answers a request whose author has been authenticated.
func (p *Proxy) Handle(path string, body []byte) (int, []byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bodies = append(p.bodies, path+" "+string(body))
	status, answer, err := p.handle(path, body)
	if p.twist != nil && err == nil {
		return p.twist(path, status, answer)
	}
	return status, answer, err
}

func (p *Proxy) handle(path string, body []byte) (int, []byte, error) {
	prefix, rest, ok := strings.Cut(path, "/kms/xks/v1")
	if !ok || prefix == "/wrong" {
		return refusal(404, "InvalidUriPathException")
	}
	if rest == "/health" {
		return 200, []byte(Healthy("ACTIVE")), nil
	}
	parts := strings.Split(rest, "/") // "", "keys", id, verb
	if len(parts) != 4 || parts[1] != "keys" {
		return refusal(404, "InvalidUriPathException")
	}
	key, known := p.keys[parts[2]]
	var m message
	switch {
	case !known:
		return refusal(404, "KeyNotFoundException")
	case parts[3] == "metadata":
		return written(200, key)
	case key.Status != "ENABLED":
		return refusal(400, "InvalidStateException")
	case json.Unmarshal(body, &m) != nil:
		return refusal(400, "ValidationException")
	case parts[3] == "encrypt":
		return p.encrypt(parts[2], &m)
	case parts[3] == "decrypt":
		return p.decrypt(parts[2], &m)
	}
	return refusal(404, "InvalidUriPathException")
}

func (p *Proxy) encrypt(key string, m *message) (int, []byte, error) {
	out := message{IV: make([]byte, 12), Metadata: []byte(p.version)}
	_, _ = rand.Read(out.IV)
	sealed := p.cipher.Seal(nil, out.IV, m.Plaintext, associated(key, m.AAD, out.Metadata))
	out.Ciphertext, out.Tag = sealed[:len(m.Plaintext)], sealed[len(m.Plaintext):]
	h := sha256.New()
	for _, part := range [][]byte{m.AAD, out.Metadata, out.IV, out.Ciphertext, out.Tag} {
		h.Write(part)
	}
	out.Integrity = h.Sum(nil)
	return written(200, out)
}

func (p *Proxy) decrypt(key string, m *message) (int, []byte, error) {
	if len(m.IV) != p.cipher.NonceSize() {
		return refusal(400, "ValidationException")
	}
	plaintext, err := p.cipher.Open(nil, m.IV, append(m.Ciphertext, m.Tag...), associated(key, m.AAD, m.Metadata))
	if err != nil {
		return refusal(400, "InvalidCiphertextException")
	}
	return written(200, message{Plaintext: plaintext})
}

func associated(key string, aad, metadata []byte) []byte {
	b := append([]byte(key), 0)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(aad))), aad...)
	return append(append(b, byte(len(metadata))), metadata...)
}

// Healthy is what a proxy tells of itself and of one key manager.
func Healthy(status string) string {
	return `{"xksProxyFleetSize":1,"xksProxyVendor":"Example","xksProxyModel":"One","ekmVendor":"Example",` +
		`"ekmFleetDetails":[{"id":"hsm-1","model":"Two","healthStatus":"` + status + `"}]}`
}

func refusal(status int, errorName string) (int, []byte, error) {
	return written(status, map[string]string{"errorName": errorName, "errorMessage": "words of the proxy's own"})
}

func written(status int, answer any) (int, []byte, error) {
	b, err := json.Marshal(answer)
	return status, b, err
}
