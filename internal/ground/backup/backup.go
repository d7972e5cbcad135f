// Package backup is the format of a backup: everything that a store keeps and
// the trail beside it, in one stream that is signed at its end.
//
// Rows are in it as they are stored, with their bodies sealed, and so are the
// trail's segments. The root key is not. The format is specified in
// docs/formats/backup.md.
package backup

import (
	"encoding/hex"
	"errors"
	"time"

	"claviger/internal/ground/store"
)

var (
	// ErrFormat means that something is no backup, or not one that this program
	// can read.
	ErrFormat = errors.New("backup: not a backup that this program can read")
	// ErrDamaged means that a backup is not as it was written: cut off, or altered.
	ErrDamaged = errors.New("backup: damaged or cut off")
	// ErrForeign means that a backup was not signed by the installation whose
	// keyring it has.
	ErrForeign = errors.New("backup: not signed by its installation")
)

const (
	magic   = "CLVBKUP\x01"
	version = 1

	headBytes = 1 + 4   // kind and length of a chunk
	bodyMax   = 4 << 20 // of a chunk
	rowsBytes = 1 << 20 // about which a chunk of rows is closed
	dataBytes = 1 << 20 // of a segment in one chunk

	// signed keeps the signature from passing for one of something else.
	signed = "claviger backup v1\n"

	digestBytes    = 32
	signatureBytes = 64
)

// Kinds of chunks.
const (
	kindHeader   = 'H'
	kindTable    = 'T'
	kindRows     = 'R'
	kindSegment  = 'S'
	kindData     = 'D'
	kindManifest = 'M'
	kindEnd      = 'E'
)

// A Header says of what a backup is.
type Header struct {
	Version      int       `json:"version"` // of the format
	Installation string    `json:"installation"`
	Created      time.Time `json:"created"`
	Engine       string    `json:"engine"` // which kept the store; any takes it
	Schema       int       `json:"schema"`
	Position     uint64    `json:"position"`    // of the store
	Incarnation  string    `json:"incarnation"` // empty for the first
}

// A Segment sums up one of the trail's.
type Segment struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	Digest string `json:"digest"` // SHA-256 in hexadecimal
}

// A Manifest says what a backup holds.
type Manifest struct {
	Tables   []store.Sum `json:"tables"`
	Segments []Segment   `json:"segments"`
	Head     []byte      `json:"head"` // of the trail, signed; see docs/formats/trail.md
	Last     uint64      `json:"last"` // number of the trail's last record
}

// A Summary is what reading a backup to its end tells.
type Summary struct {
	Header
	Manifest
	Digest [digestBytes]byte // of everything before the end
}

// Name names the backup among all others.
func (s *Summary) Name() string { return hex.EncodeToString(s.Digest[:]) }
