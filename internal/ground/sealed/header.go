package sealed

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// The keyring's header, version 1 with one master key, else version 2. All of it up
// to the wrapped master keys is the wrap's associated data.
//
//	magic 8 | version 1 | installation 16 | n, the newest master key's version 4 | root check 32 |
//	N 16 | IV 12 | wrapped master keys n · 32 + 16 | SHA-256 of all before 32
const (
	headerMagic    = "CLVKRING"
	headerVersion  = 1 // one master key
	headerVersion2 = 2 // more
	mastersMax     = 255

	headerPrefix = len(headerMagic) + 1 + installationSize + 4 + keySize
)

// headerBody is the length of a header with n master keys, but for its sum.
func headerBody(n int) int { return headerPrefix + variateSize + n*keySize + tagSize }

// ErrMasters means that a keyring has as many master keys as it can have.
var ErrMasters = fmt.Errorf("sealed: a keyring has at most %d master keys", mastersMax)

// A header is a parsed one, not yet opened.
type header struct {
	installation Installation
	check        [keySize]byte
	masters      int
	raw          []byte
}

// appendPrefix appends what stands before the wrapped master keys.
func appendPrefix(dst []byte, installation Installation, masters int, check [keySize]byte) []byte {
	version := byte(headerVersion)
	if masters > 1 {
		version = headerVersion2
	}
	dst = append(dst, headerMagic...)
	dst = append(dst, version)
	dst = append(dst, installation[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(masters))
	return append(dst, check[:]...)
}

func wrapHeader(installation Installation, masters []*key, root *RootKey, v variates) []byte {
	prefix := appendPrefix(nil, installation, len(masters), root.check(installation))
	plain := make([]byte, 0, len(masters)*keySize)
	defer func() { clear(plain) }()
	for _, m := range masters {
		plain = m.with(func(b []byte) []byte { return append(plain, b...) })
	}
	return appendSum(root.key.box(labelMaster, nil, prefix, v, nil, plain))
}

func appendSum(b []byte) []byte {
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// check is a value that only this root key yields for an installation, and
// that says nothing about the key.
func (r *RootKey) check(installation Installation) (check [keySize]byte) {
	s := getScratch()
	defer s.release()
	r.key.derive(s, labelRootCheck, installation[:], &check)
	return check
}

// fingerprintSize is how many bytes of the root check name a root key to people.
const fingerprintSize = 8

func fingerprint(check [keySize]byte) string { return hex.EncodeToString(check[:fingerprintSize]) }

// A Description is what a header says to everybody.
type Description struct {
	Installation  Installation
	Fingerprint   string // of the root key that opens it
	MasterVersion int    // of the newest master key; they count from 1
}

// Describe reads a header without opening it. Errors are those of Open.
func Describe(b []byte) (*Description, error) {
	h, err := parseHeader(b)
	if err != nil {
		return nil, err
	}
	return &Description{Installation: h.installation, Fingerprint: fingerprint(h.check), MasterVersion: h.masters}, nil
}

// Fingerprint names the root key of an installation: 16 hex digits of the root
// check, which stands in the header and says nothing about the key.
func (r *RootKey) Fingerprint(i Installation) string { return fingerprint(r.check(i)) }

// Opens reports whether r is the root key of a header. It is false for one that
// can't be read.
func (r *RootKey) Opens(header []byte) bool {
	h, err := parseHeader(header)
	if err != nil {
		return false
	}
	check := r.check(h.installation)
	return hmac.Equal(check[:], h.check[:])
}

// errDamaged is for a header that is not as it was written.
var errDamaged = fmt.Errorf("%w: the keyring header is damaged", ErrCiphertext)

// parseHeader splits a header. Every version ends with the SHA-256 of all before
// it, which tells damage from a newer version and from a wrong root key. The
// sum proves nothing: only unwrap does.
func parseHeader(b []byte) (*header, error) {
	body := len(b) - sha256.Size
	if body <= len(headerMagic) || !bytes.HasPrefix(b, []byte(headerMagic)) {
		return nil, errDamaged
	}
	if sha256.Sum256(b[:body]) != [sha256.Size]byte(b[body:]) {
		return nil, errDamaged
	}
	version := b[len(headerMagic)]
	if version != headerVersion && version != headerVersion2 {
		return nil, fmt.Errorf("sealed: the keyring header has version %d, which this program does not know", version)
	}
	if body < headerPrefix {
		return nil, errDamaged
	}
	masters := binary.BigEndian.Uint32(b[len(headerMagic)+1+installationSize:])
	if masters < 1 || masters > mastersMax || (masters == 1) != (version == headerVersion) || body != headerBody(int(masters)) {
		return nil, errDamaged
	}
	h := &header{raw: b[:body], masters: int(masters)}
	copy(h.installation[:], b[len(headerMagic)+1:])
	copy(h.check[:], b[headerPrefix-keySize:])
	return h, nil
}

// unwrap returns the master keys.
func (h *header) unwrap(root *RootKey) ([]*key, error) {
	check := root.check(h.installation)
	if !hmac.Equal(check[:], h.check[:]) {
		return nil, ErrRootKey
	}
	plain, err := root.key.unbox(labelMaster, nil, h.raw[:headerPrefix], nil, h.raw)
	if err != nil {
		return nil, fmt.Errorf("%w: the keyring header was altered", err)
	}
	masters := make([]*key, h.masters)
	for i := range masters {
		masters[i] = takeKey(plain[i*keySize : (i+1)*keySize])
	}
	return masters, nil
}
