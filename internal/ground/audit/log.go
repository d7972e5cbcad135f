package audit

import (
	"context"
	"fmt"
	"io"
	"sync"
)

// batchBytesMax bounds a batch of more than one Append.
const batchBytesMax = 4 << 20

// Log is the durable trail: segments in a directory, one sync for all who wait.
//
// Appenders join their entries to the pending batch under one lock; an entry's
// number is its place there. The committer, a single goroutine, takes the
// batch, seals it, makes it durable by one write, and wakes all who wait for it,
// while the next batch gathers.
type Log struct {
	o        Options
	overhead int // of the cipher, per entry
	lock     io.Closer

	kick    chan struct{} // there is something to commit
	closing chan struct{}
	work    sync.WaitGroup // committer and preparer
	committer

	mu      sync.Mutex
	changed *sync.Cond // pending was taken, or room, failure or closed have changed
	pending *batch     // gathers
	writing int        // entries of the batch that is being committed
	idle    *batch     // the other batch, while it isn't being committed
	outbox  uint64     // highest position that was joined
	carrier *promise   // of the batch that it was joined to
	lost    bool       // a position that was joined was given up, and Outbox not asked since
	durable tip        // the end of what was acknowledged
	failure error      // nil while the trail takes entries
	closed  bool
	readers chan struct{} // closed when durable moves on; nil while nobody waits
	room
	places
	counted Work
}

// Append implements Trail. It blocks while the pending batch is full or the
// next segment is being made ready.
func (l *Log) Append(entries []Entry, valid func() bool) (Ticket, error) {
	var few [4]digest
	leaves := appendLeaves(few[:0], entries)
	bytes, need := l.need(entries)

	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.admit(need, l.held); err != nil {
		return Ticket{}, err
	}
	if valid != nil && !valid() {
		return Ticket{}, ErrStale
	}
	if len(entries) == 0 {
		return Ticket{}, nil
	}
	return l.join(entries, leaves, bytes, need), nil
}

// AppendOutbox implements Trail. It may use room that was reserved. A position
// without entries is remembered, and stored with the next batch.
//
// Once a position was given up it is ErrUnavailable until Outbox has been
// asked: otherwise a later position could pass the one that was lost, and
// nobody would append that again.
func (l *Log) AppendOutbox(position uint64, entries []Entry) (Ticket, error) {
	leaves := appendLeaves(nil, entries)
	bytes, need := l.need(entries)

	l.mu.Lock()
	defer l.mu.Unlock()
	if position > l.outbox {
		if err := l.admit(need, 0); err != nil {
			return Ticket{}, err
		}
	}
	// Asked again, since admit may have waited.
	switch {
	case l.lost:
		return Ticket{}, fmt.Errorf("%w: changes before position %d are missing", ErrUnavailable, position)
	case position <= l.durable.outbox:
		return Ticket{}, nil
	case position <= l.outbox:
		return Ticket{l.carrier}, nil // joined already: no later than with the newest position
	}
	l.outbox, l.pending.outbox, l.carrier = position, position, l.pending.promise
	return l.join(entries, leaves, bytes, need), nil
}

// join adds entries to the pending batch. l.mu is held.
func (l *Log) join(entries []Entry, leaves []digest, bytes, need int64) Ticket {
	b := l.pending
	b.entries = append(b.entries, entries...)
	b.leaves = append(b.leaves, leaves...)
	b.bytes += bytes
	b.need += need
	select {
	case l.kick <- struct{}{}:
	default: // the committer knows
	}
	return Ticket{b.promise}
}

// appendLeaves hashes outside of the lock, on the appender's time.
func appendLeaves(leaves []digest, entries []Entry) []digest {
	for i := range entries {
		leaves = append(leaves, leaf(&entries[i]))
	}
	return leaves
}

// need returns the bytes that entries take in a batch, and the room that must
// be there for them if they are the only ones in it.
func (l *Log) need(entries []Entry) (bytes, need int64) {
	for i := range entries {
		bytes += sealedSize(&entries[i], l.overhead)
	}
	return bytes, bytes + batchOverhead
}

// Outbox implements Trail: the highest durable position. Whoever asks goes on
// from there.
func (l *Log) Outbox() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = false
	return l.durable.outbox
}

// Head returns a signed head of what is durable, as Verify takes it.
func (l *Log) Head() []byte {
	l.mu.Lock()
	t := l.durable
	l.mu.Unlock()
	h := t.head(l.o.Origin, l.o.Now())
	return h.note(l.o.Signer)
}

// Wait implements Trail. After Close it returns ErrUnavailable where it would block.
func (l *Log) Wait(ctx context.Context, from uint64) error {
	for {
		l.mu.Lock()
		if l.durable.last >= from {
			l.mu.Unlock()
			return nil
		}
		if l.closed {
			l.mu.Unlock()
			return fmt.Errorf("%w: closed", ErrUnavailable)
		}
		if l.readers == nil {
			l.readers = make(chan struct{})
		}
		moved := l.readers
		l.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wakeReaders wakes all who wait for entries to read. l.mu is held.
func (l *Log) wakeReaders() {
	if l.readers != nil {
		close(l.readers)
		l.readers = nil
	}
}

// Close commits what is pending, signs a last checkpoint and gives the
// directory free. Later calls return nil.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.changed.Broadcast()
	close(l.closing)
	l.mu.Unlock()

	l.work.Wait()
	l.mu.Lock()
	l.wakeReaders()
	l.dropSpare()
	err := l.failure
	l.mu.Unlock()
	if lockErr := l.lock.Close(); err == nil {
		err = lockErr
	}
	return err
}

// Reached tells how far the trail got: the number of the newest durable entry, 0
// where there is none, and the highest durable outbox position. Other than
// Outbox it promises nothing.
func (l *Log) Reached() (last, outbox uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.durable.last, l.durable.outbox
}
