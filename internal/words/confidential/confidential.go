// Package confidential holds bytes that can't be printed.
//
// Plaintexts, secret access keys and other values that must reach the caller
// and nobody else are carried as Bytes, whatever prints, logs or encodes them.
package confidential

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"claviger/internal/words/confidential/reveal"
)

const mask = "[confidential]"

// Bytes is a secret value. The data is behind a closure because fmt prints the
// unexported fields of a struct without asking their String method.
// The zero value is empty.
type Bytes struct {
	get func() []byte
}

// New takes ownership of b: the caller must not use it afterwards.
func New(b []byte) Bytes {
	if b == nil {
		return Bytes{}
	}
	return Bytes{get: func() []byte { return b }}
}

// Len returns the number of bytes.
func (b Bytes) Len() int {
	if b.get == nil {
		return 0
	}
	return len(b.get())
}

// IsSet tells an absent value from an empty one.
func (b Bytes) IsSet() bool { return b.get != nil }

// Within reports whether every byte is one of an alphabet. It tells no more.
func (b Bytes) Within(alphabet string) bool {
	if b.get == nil {
		return true
	}
	for _, c := range b.get() {
		if strings.IndexByte(alphabet, c) < 0 {
			return false
		}
	}
	return true
}

// Reveal returns the bytes themselves, not a copy. The token is the importer's
// permission; see package reveal.
func (b Bytes) Reveal(reveal.Token) []byte {
	if b.get == nil {
		return nil
	}
	return b.get()
}

// String returns a mask.
func (Bytes) String() string { return mask }

// GoString returns a mask.
func (Bytes) GoString() string { return mask }

// Format writes a mask for every verb.
func (Bytes) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// MarshalText returns a mask, so that no encoder of the standard library can
// write the value by accident.
func (Bytes) MarshalText() ([]byte, error) { return []byte(mask), nil }

// LogValue returns a mask.
func (Bytes) LogValue() slog.Value { return slog.StringValue(mask) }
