package audit

import (
	"context"
	"fmt"
	"sync"
)

// Ring is a bounded trail in memory for development: the newest entries, each
// readable at once, nothing durable. It has no files that anybody could alter,
// so it hashes and signs nothing.
type Ring struct {
	mu      sync.Mutex
	kept    []Entry // entry n lies at n modulo its length
	last    uint64  // number of the newest entry
	outbox  uint64
	closed  bool
	readers chan struct{} // closed when an entry is added; nil while nobody waits
	observe func(first uint64, entries []Entry)
}

// NewRing keeps at most n entries, one at least.
func NewRing(n int) *Ring { return &Ring{kept: make([]Entry, max(n, 1))} }

// Observe has observe, which may be nil, told of entries as Options.Observe is.
// It is called before the first Append.
func (r *Ring) Observe(observe func(first uint64, entries []Entry)) *Ring {
	r.observe = observe
	return r
}

// Append implements Trail.
func (r *Ring) Append(entries []Entry, valid func() bool) (Ticket, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return Ticket{}, fmt.Errorf("%w: closed", ErrUnavailable)
	}
	if valid != nil && !valid() {
		return Ticket{}, ErrStale
	}
	r.add(entries)
	return Ticket{}, nil
}

// AppendOutbox implements Trail.
func (r *Ring) AppendOutbox(position uint64, entries []Entry) (Ticket, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return Ticket{}, fmt.Errorf("%w: closed", ErrUnavailable)
	}
	if position > r.outbox {
		r.outbox = position
		r.add(entries)
	}
	return Ticket{}, nil
}

// add gives entries their numbers. r.mu is held.
func (r *Ring) add(entries []Entry) {
	for _, e := range entries {
		r.last++
		r.kept[r.last%uint64(len(r.kept))] = e
	}
	if r.observe != nil && len(entries) > 0 {
		r.observe(r.last-uint64(len(entries))+1, entries)
	}
	if r.readers != nil && len(entries) > 0 {
		close(r.readers)
		r.readers = nil
	}
}

// Outbox implements Trail.
func (r *Ring) Outbox() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.outbox
}

// Reserve implements Trail. Memory needs no reservation: the oldest entries make room.
func (r *Ring) Reserve(n int) (release func(), err error) {
	if n < 0 {
		panic("audit: reservation of a negative size")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, fmt.Errorf("%w: closed", ErrUnavailable)
	}
	return func() {}, nil
}

// Read implements Trail. Where the entry numbered from is gone it begins at the
// oldest that is kept; entries that go while fn runs are left out too.
func (r *Ring) Read(ctx context.Context, from uint64, fn func(sequence uint64, e Entry) error) error {
	r.mu.Lock()
	until := r.last
	r.mu.Unlock()
	for from = max(from, 1); from <= until; from++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		var e Entry
		if from, e = r.at(from); from > until {
			break
		}
		if err := fn(from, e); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// at returns the entry numbered n, or the oldest one kept if that is gone.
func (r *Ring) at(n uint64) (uint64, Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if size := uint64(len(r.kept)); r.last > size {
		n = max(n, r.last-size+1)
	}
	return n, r.kept[n%uint64(len(r.kept))]
}

// Wait implements Trail. After Close it returns ErrUnavailable where it would block.
func (r *Ring) Wait(ctx context.Context, from uint64) error {
	for {
		r.mu.Lock()
		if r.last >= from {
			r.mu.Unlock()
			return nil
		}
		if r.closed {
			r.mu.Unlock()
			return fmt.Errorf("%w: closed", ErrUnavailable)
		}
		if r.readers == nil {
			r.readers = make(chan struct{})
		}
		moved := r.readers
		r.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close ends the trail. What it holds stays readable.
func (r *Ring) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.readers != nil {
		close(r.readers)
		r.readers = nil
	}
	return nil
}
