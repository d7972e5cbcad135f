package audit

import (
	"fmt"
	"sync/atomic"
	"time"

	"claviger/internal/ground/tally"
)

// Work is what a Log has done so far.
type Work struct {
	Records  atomic.Uint64    // that became durable
	Bytes    atomic.Uint64    // of their batches, as they are stored
	Failures atomic.Uint64    // how often the trail stopped taking records
	Batch    *tally.Histogram // records of a batch
	Sync     *tally.Histogram // time that a batch took to become durable
}

func newWork() Work { return Work{Batch: tally.Numbers(), Sync: tally.Seconds()} }

// written counts a batch.
func (w *Work) written(records, bytes int, took time.Duration) {
	w.Records.Add(uint64(records))
	w.Bytes.Add(uint64(bytes))
	w.Batch.Observe(int64(records))
	w.Sync.Observe(int64(took))
}

// Work counts what the log does.
func (l *Log) Work() *Work { return &l.counted }

// Pending is how many records wait to become durable, those too that are being
// written.
func (l *Log) Pending() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pending.entries) + l.writing
}

// Check returns why the trail takes no records, or why it soon won't: the next
// segment can't be made, which on a full disk is the first that fails.
func (l *Log) Check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return fmt.Errorf("%w: closed", ErrUnavailable)
	case l.failure != nil:
		return fmt.Errorf("%w: %w", ErrUnavailable, l.failure)
	case l.spare == nil && l.unmade != nil:
		return fmt.Errorf("making room for the next segment of the trail: %w", l.unmade)
	}
	return nil
}
