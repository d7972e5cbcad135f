package iam

import (
	"context"
	"crypto/fips140"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"runtime"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

const (
	passwordMax   = 128 // characters
	passwordShown = `[\u0009\u000A\u000D\u0020-\u00FF]+`
)

// Functions by which passwords are kept.
const (
	kdfArgon2id = "argon2id"
	kdfPBKDF2   = "pbkdf2-hmac-sha-256"
)

// Parameters of Argon2id (RFC 9106). They are those that OWASP's cheat sheet on the
// storage of passwords gives as its minimum: 19 MiB and two passes, about 25
// milliseconds. More memory would let fewer calls be made at the same time, each
// of which may have 24 former passwords to compare with; a root key, of which
// there is one, takes more. Argon2id is not approved in FIPS 140-3 mode, which
// takes PBKDF2 (NIST SP 800-132) with the iterations of the same sheet.
const (
	argonMemory      = 19 << 10 // KiB
	argonPasses      = 2
	argonLanes       = 1
	pbkdf2Iterations = 600_000

	saltSize = 16
	hashSize = 32
)

// A passwordHash is what is kept of a password, with the parameters by which it
// was made: a later version may take others.
type passwordHash struct {
	KDF        string `json:"kdf"`
	MemoryKiB  uint32 `json:"memoryKiB,omitempty"`
	Passes     uint32 `json:"passes,omitempty"`
	Lanes      uint8  `json:"lanes,omitempty"`
	Iterations int    `json:"iterations,omitempty"`
	Salt       []byte `json:"salt"`
	Hash       []byte `json:"hash"`
}

// hashing admits as many at a time as there are processors but one: the others'
// calls go on meanwhile, and memory has a bound.
var hashing = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))

// hashPassword makes what is kept of a password. It takes long: it is called apart.
func hashPassword(ctx context.Context, password confidential.Bytes) (*passwordHash, error) {
	h := &passwordHash{KDF: kdfArgon2id, MemoryKiB: argonMemory, Passes: argonPasses, Lanes: argonLanes, Salt: make([]byte, saltSize)}
	if fips140.Enabled() {
		h = &passwordHash{KDF: kdfPBKDF2, Iterations: pbkdf2Iterations, Salt: h.Salt}
	}
	_, _ = rand.Read(h.Salt) // never fails: crypto/rand ends the program instead
	var err error
	h.Hash, err = h.derive(ctx, password)
	return h, err
}

// matches reports whether h was made of a password. It takes long: it is called apart.
func (h *passwordHash) matches(ctx context.Context, password confidential.Bytes) (bool, error) {
	derived, err := h.derive(ctx, password)
	return err == nil && subtle.ConstantTimeCompare(derived, h.Hash) == 1, err
}

func (h *passwordHash) derive(ctx context.Context, password confidential.Bytes) ([]byte, error) {
	select {
	case hashing <- struct{}{}:
		defer func() { <-hashing }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to hash a password: %w", ctx.Err())
	}
	switch plain := password.Reveal(reveal.Token{}); h.KDF {
	case kdfArgon2id:
		return argon2.IDKey(plain, h.Salt, h.Passes, h.MemoryKiB, h.Lanes, hashSize), nil
	case kdfPBKDF2:
		return pbkdf2.Key(sha256.New, string(plain), h.Salt, h.Iterations, hashSize)
	}
	return nil, fmt.Errorf("a password was kept by an unknown function %q", h.KDF)
}

// checkPassword demands the characters that a password may have.
func checkPassword(c *check.Checks, path string, password confidential.Bytes) {
	if !password.IsSet() {
		return
	}
	plain := password.Reveal(reveal.Token{})
	c.Bytes(path, true, utf8.RuneCount(plain), 1, passwordMax)
	allowed := len(plain) > 0
	for _, r := range string(plain) {
		if r > 0xff || r < ' ' && !strings.ContainsRune("\t\n\r", r) {
			allowed = false
		}
	}
	c.Secret(path, allowed, passwordShown)
}
