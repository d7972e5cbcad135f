package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"
)

// A room is an account of the preallocated space. An entry is admitted only if
// the pending batch fits with it: into the active segment, or, where it doesn't,
// into the spare. What doesn't fit the former goes to the latter as a whole, so
// whatever was admitted can be placed, also on a full disk.
type room struct {
	free    int64 // in the active segment, less what was placed
	spare   file  // the next segment's file, preallocated
	sparing bool  // it is being made
	unmade  error // why the last attempt to make it failed
	held    int64 // reserved
	signing bool  // free is already less by the next checkpoint
}

// Retries after an I/O error.
const (
	retryMin = 50 * time.Millisecond
	retryMax = 2 * time.Second
)

// reserveEntries is how many entries a reservation has room for.
const reserveEntries = 16

var errNoRoom = errors.New("no room for the next segment")

// left is the room for what is pending and held together. l.mu is held.
func (l *Log) left() int64 {
	if l.spare != nil {
		return max(l.free, usable(l.o.SegmentBytes))
	}
	return l.free
}

// admit returns nil when need bytes may join the pending batch and leave the
// bytes held. It waits while that can be hoped for soon. l.mu is held.
func (l *Log) admit(need, held int64) error {
	for {
		switch {
		case l.closed:
			return fmt.Errorf("%w: closed", ErrUnavailable)
		case l.failure != nil:
			return fmt.Errorf("%w: %w", ErrUnavailable, l.failure)
		case need+held > usable(l.o.SegmentBytes):
			return fmt.Errorf("%w: %d bytes, with %d reserved, do not fit a segment", ErrUnavailable, need, held)
		case l.pending.need > 0 && l.pending.need+need > batchBytesMax:
			l.changed.Wait() // for the committer
		case l.pending.need+need+held <= l.left():
			return nil
		case l.sparing:
			l.changed.Wait() // for the preparer
		case l.pending.need > 0 && need+held <= l.left():
			l.changed.Wait() // for the committer, who needs less than was asked for
		default:
			return fmt.Errorf("%w: %w", ErrUnavailable, errNoRoom)
		}
	}
}

// Reserve implements Trail: room for at most 16 entries whose records and side
// fields have n bytes together. It holds against a full disk where the file
// system keeps preallocated space for overwriting, not against other I/O errors.
func (l *Log) Reserve(n int) (release func(), err error) {
	if n < 0 {
		panic("audit: reservation of a negative size")
	}
	const account = 64 // what an account's name may take
	need := int64(n) + batchOverhead + reserveEntries*int64(sealedHead+entryHeadBytes+account+l.overhead)

	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.admit(need, l.held); err != nil {
		return nil, err
	}
	l.held += need
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.held -= need
		l.changed.Broadcast()
	}), nil
}

// place decides where a batch frame of n bytes goes: into the active segment
// (nil), or into the spare, which it returns. The first batch behind a checkpoint
// takes room for the next checkpoint too. l.mu is held.
func (l *Log) place(n int64) (spare file, err error) {
	if !l.fits(n) {
		if spare, err = l.takeSpare(); err != nil {
			return nil, err
		}
	}
	if !l.signing {
		l.free -= checkpointFrameBytes
		l.signing = true
	}
	l.free -= n
	return spare, nil
}

func (l *Log) fits(n int64) bool {
	if !l.signing {
		n += checkpointFrameBytes
	}
	return n <= l.free
}

// takeSpare hands out the spare, whose room counts from now on as that of the
// active segment. The next one can be made when begin has given it its name;
// until then appenders see that it is on its way. l.mu is held.
func (l *Log) takeSpare() (file, error) {
	spare := l.spare
	if spare == nil {
		return nil, errNoRoom
	}
	l.spare, l.sparing = nil, true
	l.free, l.signing = usable(l.o.SegmentBytes), false
	return spare, nil
}

// countRoom counts the room of a segment that holds no more than recovery
// records, which the slack is for. l.mu is held.
func (l *Log) countRoom() {
	a := l.active
	l.free, l.signing = usable(a.capacity), a.unsigned
	l.free = min(l.free, a.capacity-a.end-checkpointFrameBytes)
}

// prepare makes a spare, and tries until it has one or the log closes.
func (l *Log) prepare() {
	l.work.Go(func() {
		for wait := retryMin; !l.tryPrepare(); wait = min(2*wait, retryMax) {
			if !l.pause(wait) {
				return
			}
			l.mu.Lock()
			l.sparing = true
			l.mu.Unlock()
		}
	})
}

// tryPrepare reports whether there is a spare now, or none is needed any more.
func (l *Log) tryPrepare() bool {
	spare, err := newSpare(&l.o)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sparing, l.unmade = false, err
	if err == nil {
		l.spare = spare
	}
	l.changed.Broadcast()
	return err == nil
}

// newSpare makes an empty segment file in place of one that was left over.
func newSpare(o *Options) (file, error) {
	if err := o.folder.remove(spareName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return o.folder.create(spareName, o.SegmentBytes)
}

// dropSpare removes the spare when the log closes. l.mu is held.
func (l *Log) dropSpare() {
	if l.spare != nil {
		_ = l.spare.Close()
		_ = l.o.folder.remove(spareName) // the next Open does it otherwise
		l.spare = nil
	}
}

// pause waits, and reports false when the log is closing.
func (l *Log) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.closing:
		return false
	}
}
