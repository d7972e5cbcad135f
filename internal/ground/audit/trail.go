// Package audit is the trail: an append-only log of what was called.
//
// Records are sealed, batches have a Merkle root, roots are chained, and
// checkpoints are signed, so that what was recorded can be verified offline and
// can't be altered by whoever holds the files without the keys.
//
// The format is specified in docs/formats/trail.md.
package audit

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"
)

var (
	// ErrStale means that what an entry rests on has changed before it took its
	// number: the call must be decided again. Nothing was appended.
	ErrStale = errors.New("audit: premises changed")
	// ErrUnavailable means that the trail can't take a record now, so no call may begin.
	// From Ticket.Wait it means that the outcome is unknown: the entries are
	// normally gone, but a crash right after may leave them in the trail.
	ErrUnavailable = errors.New("audit: trail unavailable")
	// ErrDamaged means that stored bytes are not what was written.
	ErrDamaged = errors.New("audit: trail damaged")
	// ErrLocked means that another Log has the directory open.
	ErrLocked = errors.New("audit: trail in use")
)

// A Trail takes entries. Log and Ring implement it.
type Trail interface {
	// Append gives the entries their numbers, together and in order, if valid
	// (which may be nil) reports true in the same step. The entries' bytes must
	// not change afterwards. Wait on the ticket before the call is answered.
	Append(entries []Entry, valid func() bool) (Ticket, error)
	// AppendOutbox appends the entries of a committed change at its position in
	// the store's order; positions must rise. A position that is already in the
	// trail is not appended again. Once a position was given up (its ticket
	// failed), every later one is refused until Outbox was asked.
	AppendOutbox(position uint64, entries []Entry) (Ticket, error)
	// Outbox is the highest outbox position in the trail.
	Outbox() uint64
	// Reserve makes sure that n bytes of entries can be appended even if the
	// disk fills up meanwhile. Release the reservation after the append, or when none follows.
	Reserve(n int) (release func(), err error)
	// Read calls fn for entries from sequence number from on, in order, until
	// the newest durable one.
	Read(ctx context.Context, from uint64, fn func(sequence uint64, e Entry) error) error
	// Wait blocks until an entry numbered from or higher is readable.
	Wait(ctx context.Context, from uint64) error
	Close() error
}

// Cipher seals the entries of a segment (package sealed makes it).
type Cipher interface {
	Seal(dst []byte, sequence uint64, associated, plaintext []byte) []byte
	Open(dst []byte, sequence uint64, associated, sealed []byte) ([]byte, error)
	Overhead() int
}

// Signer signs checkpoints with Ed25519 (RFC 8032).
type Signer interface {
	Sign(message []byte) []byte
	Public() []byte
}

const (
	segmentBytesDefault = 32 << 20
	segmentBytesMin     = 8 << 10
	originBytesMax      = 255
)

// Options of Open.
type Options struct {
	Dir string
	// Origin is the installation id, bound into every segment and checkpoint:
	// 1 to 255 visible ASCII characters other than "+".
	Origin string
	Cipher func(salt []byte) Cipher // key of a segment
	Signer Signer
	Now    func() time.Time
	// SegmentBytes is the preallocated size of a segment, 32 MiB by default, 8 KiB at least.
	SegmentBytes int64
	// Observe is told of entries once they are durable, in their order and before
	// any Ticket for them is kept: the first one's number, and the entries, whose
	// slice is not its own. It may be nil. All who wait for the trail wait for it.
	Observe func(first uint64, entries []Entry)

	folder folder // in place of Dir, in tests
}

// checked returns o with its defaults, or what is wrong with it.
func (o Options) checked() (Options, error) {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = segmentBytesDefault
	}
	switch {
	case o.Dir == "" && o.folder == nil:
		return o, errors.New("audit: no directory given")
	case !validOrigin(o.Origin):
		return o, fmt.Errorf("audit: origin %q must be 1 to %d visible ASCII characters other than +", o.Origin, originBytesMax)
	case o.Cipher == nil || o.Signer == nil || o.Now == nil:
		return o, errors.New("audit: cipher, signer and time are required")
	case len(o.Signer.Public()) != ed25519.PublicKeySize:
		return o, fmt.Errorf("audit: public key of %d bytes, not %d", len(o.Signer.Public()), ed25519.PublicKeySize)
	case o.SegmentBytes < segmentBytesMin:
		return o, fmt.Errorf("audit: segments of %d bytes are too small, the least is %d", o.SegmentBytes, segmentBytesMin)
	}
	o.SegmentBytes = padded(o.SegmentBytes)
	if o.folder == nil {
		o.folder = directory(o.Dir)
	}
	return o, nil
}

// validOrigin keeps to what may be a key name in a signed note.
func validOrigin(s string) bool {
	if len(s) < 1 || len(s) > originBytesMax {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '+' {
			return false
		}
	}
	return true
}
