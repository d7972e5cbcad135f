package sealed

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"

	"claviger/internal/ground/sealed/shamir"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

// A Share is one of several of a root key: a threshold of them give it back,
// fewer say nothing about it. docs/formats/root-key-shares.md has its form.
type Share struct {
	Installation Installation
	Set          string // 16 hex digits: shares of one splitting have the same
	Number       int    // from 1
	Shares       int
	Threshold    int

	raw func() []byte // the 80 bytes; a closure, as in confidential.Bytes
}

// The bytes of a share:
//
//	version 1 | threshold 1 | shares 1 | number 1 | installation 16 |
//	root check, first half 16 | set 8 | share 32 | SHA-256 of all before, 4
const (
	shareVersion = 1
	shareCheck   = 4 + installationSize
	shareSet     = shareCheck + 16
	shareValue   = shareSet + 8
	shareBody    = shareValue + keySize
	shareSize    = shareBody + 4
)

// ErrShare is for shares that can't be read or do not belong together.
var ErrShare = errors.New("share of a root key refused")

func errShare(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrShare, fmt.Errorf(format, args...))
}

// Split takes the root key of an installation apart.
func (r *RootKey) Split(i Installation, shares, threshold int) ([]*Share, error) {
	if threshold < 2 || shares < threshold || shares > shamir.Most {
		return nil, errShare("a threshold of %d among %d shares; 2 <= threshold <= shares <= %d", threshold, shares, shamir.Most)
	}
	check := r.check(i)
	set := make([]byte, shareValue-shareSet)
	_, _ = rand.Read(set)
	var list []*Share
	var err error
	r.key.with(func(secret []byte) []byte {
		var values [][]byte
		if values, err = shamir.Split(secret, shares, threshold, rand.Reader); err != nil {
			return nil
		}
		for n, value := range values {
			b := append(make([]byte, 0, shareSize), shareVersion, byte(threshold), byte(shares), byte(n+1))
			b = append(b, i[:]...)
			b = append(b, check[:shareSet-shareCheck]...)
			b = append(b, set...)
			b = append(b, value...)
			sum := sha256.Sum256(b)
			list = append(list, newShare(append(b, sum[:shareSize-shareBody]...)))
			clear(value)
		}
		return nil
	})
	return list, err
}

func newShare(b []byte) *Share {
	return &Share{
		Installation: Installation(b[4:shareCheck]),
		Set:          hex.EncodeToString(b[shareSet:shareValue]),
		Number:       int(b[3]), Shares: int(b[2]), Threshold: int(b[1]),
		raw: func() []byte { return b },
	}
}

// Text is a share as it is kept, on paper too.
func (s *Share) Text() confidential.Bytes {
	letters := base32.StdEncoding.EncodeToString(s.raw())
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Claviger root key, share %d of %d: any %d give the key back.\n", s.Number, s.Shares, s.Threshold)
	fmt.Fprintf(&b, "# Installation %s, set %s.\n", s.Installation, s.Set)
	b.WriteString("# Keep it secret, and apart from the others.\n\n")
	for i := 0; i < len(letters); i += 4 {
		end := byte(' ')
		if i%32 == 28 {
			end = '\n'
		}
		b.WriteString(letters[i : i+4])
		b.WriteByte(end)
	}
	return confidential.New(b.Bytes())
}

// MaxShareText is how many bytes of text ParseShare reads.
const MaxShareText = 4096

// ParseShare reads what Text wrote, also where somebody has typed it: lines that
// begin with # don't count, nor do blanks, hyphens, ends of lines and case.
func ParseShare(text confidential.Bytes) (*Share, error) {
	raw := text.Reveal(reveal.Token{})
	if len(raw) > MaxShareText {
		return nil, errShare("more than %d bytes", MaxShareText)
	}
	letters := shareLetters(raw)
	defer clear(letters)
	const want = shareSize / 5 * 8
	if len(letters) != want {
		return nil, errShare("%d letters and digits, where a share has %d", len(letters), want)
	}
	b := make([]byte, shareSize)
	if n, err := base32.StdEncoding.Decode(b, letters); err != nil || n != shareSize {
		return nil, errShare("a letter or digit that no share has: A to Z and 2 to 7 are used")
	}
	if sum := sha256.Sum256(b[:shareBody]); !bytes.Equal(sum[:shareSize-shareBody], b[shareBody:]) {
		return nil, errShare("the sum at its end is another: a letter is wrong")
	}
	if b[0] != shareVersion {
		return nil, errShare("version %d, which this program does not know", b[0])
	}
	s := newShare(b)
	if s.Threshold < 2 || s.Shares < s.Threshold || s.Number < 1 || s.Number > s.Shares {
		return nil, errShare("number %d of %d, threshold %d", s.Number, s.Shares, s.Threshold)
	}
	return s, nil
}

// shareLetters is what counts of a text.
func shareLetters(text []byte) []byte {
	letters := make([]byte, 0, len(text))
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			continue
		}
		for _, c := range line {
			switch {
			case c == ' ' || c == '\t' || c == '-' || c == '\r' || c == '\n':
			case c >= 'a' && c <= 'z':
				letters = append(letters, c-'a'+'A')
			default:
				letters = append(letters, c)
			}
		}
	}
	return letters
}

// common is what shares of one splitting have in common.
func (s *Share) common() string {
	b := s.raw()
	return string(b[:3]) + string(b[4:shareValue])
}

// Combine gives a root key back. It refuses shares of several splittings, one that
// comes twice, and too few, and what they yield if that is not the key that was
// taken apart.
func Combine(shares []*Share) (confidential.Bytes, *RootKey, error) {
	if len(shares) == 0 {
		return confidential.Bytes{}, nil, errShare("there is none")
	}
	first := shares[0]
	var xs []byte
	var values [][]byte
	for _, s := range shares {
		if s.common() != first.common() {
			return confidential.Bytes{}, nil, errShare("they are of different sets (%s and %s)", first.Set, s.Set)
		}
		if bytes.IndexByte(xs, byte(s.Number)) >= 0 {
			return confidential.Bytes{}, nil, errShare("number %d comes twice", s.Number)
		}
		xs = append(xs, byte(s.Number))
		values = append(values, s.raw()[shareValue:shareBody])
	}
	if len(shares) < first.Threshold {
		return confidential.Bytes{}, nil, errShare("%d are too few: %d of the set are needed", len(shares), first.Threshold)
	}
	secret := shamir.Combine(xs, values)
	root := &RootKey{key: takeKey(bytes.Clone(secret))}
	check := root.check(first.Installation)
	if !bytes.Equal(check[:shareSet-shareCheck], first.raw()[shareCheck:shareSet]) {
		clear(secret)
		return confidential.Bytes{}, nil, errShare("what they yield is not the key that was taken apart")
	}
	return confidential.New(secret), root, nil
}
