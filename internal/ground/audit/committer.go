package audit

import (
	"fmt"
	"runtime"
	"time"
)

// checkpointEvery is how long entries go unsigned under load.
const checkpointEvery = time.Second

// A committer is what only the goroutine that commits touches.
type committer struct {
	active  *active
	encoder encoder
	second  *time.Timer // until a checkpoint is due
	owed    []given     // what was given up and has no record yet
}

// run commits until the log closes.
func (l *Log) run() {
	for {
		var err error
		select {
		case <-l.kick:
			l.gather()
			err = l.commit()
		case <-l.second.C:
			err = l.checkpoint()
		case <-l.closing:
			l.finish()
			return
		}
		if err != nil && !l.mend(err) {
			l.finish()
			return
		}
	}
}

// gather lets whoever is ready to append join the pending batch: one sync for
// many costs no more than one for the first of them. It waits for nobody: where
// nothing else can run, it returns at once.
func (l *Log) gather() {
	for joined := l.joined(); ; {
		runtime.Gosched()
		now := l.joined()
		if now == joined {
			return
		}
		joined = now
	}
}

// joined is the number of entries in the pending batch.
func (l *Log) joined() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pending.entries)
}

// commit makes the pending batch durable and wakes who waits for it. After an
// error the batch is given up and the trail takes no entries.
func (l *Log) commit() error {
	b, spare, err := l.take()
	if err == nil && spare != nil {
		err = l.roll(spare)
	}
	t := l.durable // no other goroutine writes it
	if err == nil {
		t, err = l.write(b)
	}
	if err != nil {
		l.fail(err, b)
		return err
	}
	// A crash here leaves entries in the trail whose callers got no answer.
	first := l.durable.last + 1
	l.acknowledge(t)
	if l.o.Observe != nil && len(b.entries) > 0 {
		l.o.Observe(first, b.entries)
	}
	b.promise.settle(nil)
	l.giveBack(b)
	return nil
}

// take replaces the pending batch by an empty one and finds a place for it.
func (l *Log) take() (b *batch, spare file, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, l.pending, l.idle = l.pending, l.idle, nil
	l.writing = len(b.entries)
	if len(b.entries) > 0 {
		spare, err = l.place(b.frameBytes())
	}
	l.changed.Broadcast()
	return b, spare, err
}

// giveBack empties a batch for the next take.
func (l *Log) giveBack(b *batch) {
	b.reset()
	l.mu.Lock()
	l.idle = b
	l.mu.Unlock()
}

// write appends the frame of a batch and returns the tip behind it.
func (l *Log) write(b *batch) (tip, error) {
	if len(b.entries) == 0 {
		t := l.durable
		t.outbox = max(t.outbox, b.outbox)
		return t, nil
	}
	frame, t := l.encoder.batch(l.durable, b, l.active.cipher)
	if int64(len(frame)) > b.frameBytes() {
		panic("audit: cipher seals to more than its overhead")
	}
	began := l.o.Now()
	if err := l.active.append(frame); err != nil {
		return tip{}, err
	}
	l.counted.written(len(b.entries), len(frame), l.o.Now().Sub(began))
	if !l.active.unsigned {
		l.active.unsigned = true
		l.second.Reset(checkpointEvery)
	}
	return t, nil
}

// acknowledge makes t what readers and callers see as durable.
func (l *Log) acknowledge(t tip) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.last > l.durable.last {
		l.mark(l.durable.last+1, l.end)
	}
	l.durable, l.end, l.writing = t, l.active.end, 0
	l.wakeReaders()
}

// checkpoint signs the tip, unless it is signed already. Its room was taken with
// the first unsigned batch.
func (l *Log) checkpoint() error {
	a := l.active
	if !a.unsigned {
		return nil
	}
	h := l.durable.head(l.o.Origin, l.o.Now())
	if err := a.append(h.checkpointFrame(l.o.Signer)); err != nil {
		l.fail(err, nil)
		return err
	}
	a.unsigned = false
	l.mu.Lock()
	l.end, l.signing = a.end, false
	l.mu.Unlock()
	return nil
}

// roll makes spare the active segment. It says where the one before ends and
// what was given up there.
func (l *Log) roll(spare file) error {
	old := l.active
	h := header{
		origin:  l.o.Origin,
		number:  old.header.number + 1,
		before:  l.durable,
		ended:   old.end,
		dropped: old.attempt,
		created: l.o.Now(),
	}
	h.draw()
	next, err := begin(&l.o, spare, h)
	l.prepare()
	if err != nil {
		return err
	}
	// From here on the old segment is history. A crash before the first batch
	// leaves an empty segment, which the next Open continues.
	l.active = next
	if old.attempt > 0 {
		l.owed = append(l.owed, given{old.header.number, old.end, old.attempt})
	}
	l.mu.Lock()
	l.moveTo(next)
	l.mu.Unlock()
	old.trim()
	_ = old.f.Close() // all of it is durable
	return nil
}

// finish commits what is pending, signs the tip and closes the segment.
func (l *Log) finish() {
	l.mu.Lock()
	failed := l.failure != nil
	l.mu.Unlock()
	if !failed && l.commit() == nil && l.checkpoint() == nil {
		l.active.trim()
	}
	_ = l.active.f.Close()
}

// fail gives up b, which may be nil, and what is pending. Their numbers will be
// given to others; the bytes of b that may be in the file are declared dropped
// by the next segment. Only a crash before that can leave b in the trail.
func (l *Log) fail(err error, b *batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failure, l.writing = err, 0
	l.counted.Failures.Add(1)
	l.lost = l.lost || l.outbox > l.durable.outbox
	l.outbox, l.carrier = l.durable.outbox, nil
	lost := fmt.Errorf("%w: %w", ErrUnavailable, err)
	l.pending.promise.settle(lost)
	l.pending.reset()
	if b != nil {
		b.promise.settle(lost)
		b.reset()
		l.idle = b
	}
	l.changed.Broadcast()
}

// mend tries to go on in a new segment until it succeeds; it reports false when the
// log closes before.
func (l *Log) mend(err error) bool {
	for wait := retryMin; err != nil; wait = min(2*wait, retryMax) {
		if !l.pause(wait) {
			return false
		}
		err = l.restart()
		l.mu.Lock()
		if l.failure = err; err == nil {
			l.countRoom()
			l.changed.Broadcast()
		}
		l.mu.Unlock()
	}
	return true
}

// restart begins a segment behind what was acknowledged, once that has been
// read back, and records in it what was given up.
func (l *Log) restart() error {
	if err := l.readBack(); err != nil {
		return err
	}
	l.mu.Lock()
	spare, err := l.takeSpare()
	l.mu.Unlock()
	if err != nil {
		return err
	}
	if err := l.roll(spare); err != nil {
		return err
	}
	return l.recordOwed()
}

// readBack checks that the active segment holds what was acknowledged.
func (l *Log) readBack() error {
	s, err := openStored(&l.o, l.active.header.number)
	if err != nil {
		return err
	}
	defer s.Close()
	c := &checker{o: &l.o, tip: s.header.before}
	end, err := c.frames(s, l.active.end)
	if err != nil {
		return err
	}
	if end != l.active.end || c.tip.last != l.durable.last || c.tip.chain != l.durable.chain {
		return &damage{segment: s.header.number, offset: end, sequence: c.tip.last + 1, what: "acknowledged entries are missing"}
	}
	return nil
}
