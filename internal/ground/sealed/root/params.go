package root

import (
	"bytes"
	"crypto/fips140"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"

	"claviger/internal/ground/sealed"
	"claviger/internal/words/confidential"
)

// Names in params.
const (
	sourceFile       = "file"
	sourcePassphrase = "passphrase"
	sourcePKCS11     = "pkcs11"
	sourceAWSKMS     = "awskms"
	kdfArgon2id      = "argon2id"
	kdfPBKDF2        = "pbkdf2-hmac-sha-256"
)

// What Create writes, and the bounds within which Open believes what it reads:
// whoever could write params must not be able to weaken a key or to let the
// program run out of memory.
const (
	paramsVersion = 1
	maxParams     = 4096 // bytes
	saltSize      = 16
	maxSaltSize   = 64
	maxWrapped    = 2048

	argonMemory    = 64 << 10 // KiB; RFC 9106 §4, second recommended option
	argonMaxMemory = 1 << 20
	argonPasses    = 3
	argonMaxPasses = 16
	argonLanes     = 1
	argonMaxLanes  = 16

	pbkdf2Iterations    = 600_000
	pbkdf2MaxIterations = 10_000_000
)

// params says how the root key is made from what its source gives.
type params struct {
	Version    int    `json:"version"`
	Source     string `json:"source"`
	KDF        string `json:"kdf,omitempty"`
	MemoryKiB  uint32 `json:"memoryKiB,omitempty"`
	Passes     uint32 `json:"passes,omitempty"`
	Lanes      uint8  `json:"lanes,omitempty"`
	Iterations int    `json:"iterations,omitempty"`
	Salt       []byte `json:"salt,omitempty"`
	Wrapped    []byte `json:"wrapped,omitempty"`
}

func fileParams() *params { return &params{Version: paramsVersion, Source: sourceFile} }

// newParams draws a salt. Argon2id is not an approved function, so FIPS 140-3
// mode takes PBKDF2 (NIST SP 800-132), with the iterations that the absence of
// a memory cost asks for.
func newParams() *params {
	p := &params{Version: paramsVersion, Source: sourcePassphrase, Salt: make([]byte, saltSize)}
	_, _ = rand.Read(p.Salt)
	if fips140.Enabled() {
		p.KDF, p.Iterations = kdfPBKDF2, pbkdf2Iterations
		return p
	}
	p.KDF, p.MemoryKiB, p.Passes, p.Lanes = kdfArgon2id, argonMemory, argonPasses, argonLanes
	return p
}

func (p *params) encode() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic("root: " + err.Error())
	}
	return b
}

// parseParams reads what encode wrote, strictly.
func parseParams(b []byte) (*params, error) {
	if len(b) > maxParams {
		return nil, badParams("too long")
	}
	var p params
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil || d.InputOffset() != int64(len(b)) {
		return nil, badParams("not of the form that was written")
	}
	if p.Version != paramsVersion {
		return nil, badParams(fmt.Sprintf("version %d, which this program does not know", p.Version))
	}
	return &p, p.check()
}

func badParams(what string) error { return fmt.Errorf("root: parameters of the root key: %s", what) }

// check refuses what no version of this program writes.
func (p *params) check() error {
	argon := p.MemoryKiB >= argonMemory && p.MemoryKiB <= argonMaxMemory &&
		p.Passes >= argonPasses && p.Passes <= argonMaxPasses &&
		p.Lanes >= argonLanes && p.Lanes <= argonMaxLanes
	noArgon := p.MemoryKiB == 0 && p.Passes == 0 && p.Lanes == 0
	salt := len(p.Salt) >= saltSize && len(p.Salt) <= maxSaltSize
	underived := p.KDF == "" && noArgon && p.Iterations == 0 && len(p.Salt) == 0
	var ok bool
	switch {
	case p.Source == sourcePKCS11 || p.Source == sourceAWSKMS:
		return bounded(underived && len(p.Wrapped) > 0 && len(p.Wrapped) <= maxWrapped)
	case len(p.Wrapped) > 0:
	case p.Source == sourceFile:
		ok = underived
	case p.Source == sourcePassphrase && p.KDF == kdfArgon2id:
		ok = argon && salt && p.Iterations == 0
	case p.Source == sourcePassphrase && p.KDF == kdfPBKDF2:
		ok = noArgon && salt && p.Iterations >= pbkdf2Iterations && p.Iterations <= pbkdf2MaxIterations
	}
	return bounded(ok)
}

func bounded(ok bool) error {
	if !ok {
		return badParams("out of bounds")
	}
	return nil
}

// Derivation says in words how the root key that params belong to is made, as
// far as that is no secret.
func Derivation(b []byte) (source, derivation string, err error) {
	p, err := parseParams(b)
	if err != nil {
		return "", "", err
	}
	switch p.KDF {
	case kdfArgon2id:
		derivation = fmt.Sprintf("Argon2id, %d KiB, %d passes, %d lanes", p.MemoryKiB, p.Passes, p.Lanes)
	case kdfPBKDF2:
		derivation = fmt.Sprintf("PBKDF2-HMAC-SHA-256, %d iterations", p.Iterations)
	}
	return p.Source, derivation, nil
}

// errNotApproved is what becomes of a store whose passphrase was chosen outside
// FIPS 140-3 mode.
var errNotApproved = errors.New("root: the root key of this store is derived by Argon2id, which is not approved in FIPS 140-3 mode")

// derive makes the root key of a passphrase.
func (p *params) derive(passphrase []byte) (*sealed.RootKey, error) {
	if p.KDF == kdfArgon2id {
		if fips140.Enabled() {
			return nil, errNotApproved
		}
		raw := argon2.IDKey(passphrase, p.Salt, p.Passes, p.MemoryKiB, p.Lanes, keySize)
		return sealed.NewRootKey(confidential.New(raw))
	}
	raw, err := pbkdf2.Key(sha256.New, string(passphrase), p.Salt, p.Iterations, keySize)
	if err != nil {
		return nil, fmt.Errorf("root: deriving the root key: %w", err)
	}
	return sealed.NewRootKey(confidential.New(raw))
}
