package audit

import (
	"fmt"
	"sync"
	"time"
)

// Open opens or begins the trail in o.Dir. A torn tail is closed by a recovery
// record that names the bytes dropped; damage elsewhere in the newest segment is
// an error (ErrDamaged). Older segments are for Verify to read. The directory is
// made with mode 0700 and is one Log's alone until Close (else ErrLocked).
func Open(o Options) (*Log, error) {
	o, err := o.checked()
	if err != nil {
		return nil, err
	}
	lock, err := o.folder.lock()
	if err != nil {
		return nil, fmt.Errorf("locking the trail: %w", err)
	}
	l, err := open(o)
	if err != nil {
		_ = lock.Close()
		return nil, err
	}
	l.lock = lock
	l.work.Go(l.run)
	l.prepare()
	return l, nil
}

// open begins a segment behind the end of the trail. Each Open begins one, with
// a salt of its own, so that no number is sealed twice under one key even where
// a torn batch is given up.
func open(o Options) (*Log, error) {
	e, err := findEnding(&o)
	if err != nil {
		return nil, err
	}
	e.trim(&o) // a full disk may have the room for no other segment
	spare, err := newSpare(&o)
	if err != nil {
		return nil, fmt.Errorf("preallocating a segment: %w", err)
	}
	h := header{
		origin:  o.Origin,
		number:  e.newest + 1,
		before:  e.tip,
		ended:   e.offset,
		dropped: e.torn,
		created: o.Now(),
	}
	h.draw()
	a, err := begin(&o, spare, h)
	if err != nil {
		return nil, err
	}
	l := newLog(o, e, a)
	// A crash here leaves the recovery owed: the next Open finds that no batch
	// follows the header that declares it.
	if err := l.recordOwed(); err != nil {
		_ = a.f.Close()
		return nil, err
	}
	l.countRoom()
	return l, nil
}

func newLog(o Options, e *ending, a *active) *Log {
	l := &Log{
		o:         o,
		overhead:  a.cipher.Overhead(),
		kick:      make(chan struct{}, 1),
		closing:   make(chan struct{}),
		committer: committer{active: a, second: time.NewTimer(checkpointEvery), owed: e.owed},
		counted:   newWork(),
		pending:   newBatch(),
		idle:      newBatch(),
		outbox:    e.tip.outbox,
		durable:   e.tip,
		room:      room{sparing: true},
		places:    places{oldest: max(e.oldest, 1), firsts: make(map[uint64]uint64)},
	}
	l.changed = sync.NewCond(&l.mu)
	l.moveTo(a)
	return l
}
