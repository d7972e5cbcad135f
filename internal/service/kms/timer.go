package kms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

// A task is what is to be done when a timer is due.
type task string

const (
	taskDelete task = "delete" // destroy a key that is pending deletion
	taskSweep  task = "sweep"  // remove what a destroyed key has left behind
	taskRotate task = "rotate" // give a key new material
	taskExpire task = "expire" // remove imported material
	taskShred  task = "shred"  // clear the files of imported material that was removed

	taskConnect task = "connect" // connect a custom key store, whose id stands where a key's does
)

// timerRecord finds work that is due without a look at every key. It decides
// nothing: the key's own record says what is to become of the key, and when.
type timerRecord struct {
	Task    task      `json:"task"`
	Due     time.Time `json:"due"`
	Region  string    `json:"region"`
	KeyID   string    `json:"keyId"`
	Account string    `json:"account"`
}

var timerTable = &store.Table[timerRecord]{
	Schema: driver.Schema{
		Name:       "kms_timer",
		PrimaryKey: []driver.Column{{Name: "task"}, {Name: "due", Int: true}, {Name: "region"}, {Name: "key_id"}},
	},
	Version: 1,
	Key: func(t *timerRecord) store.Key {
		return store.Key{store.S(string(t.Task)), store.N(t.Due.UnixMicro()), store.S(t.Region), store.S(t.KeyID)}
	},
	Account: func(t *timerRecord) string { return t.Account },
}

// timer returns the key's timer for a task.
func (r *keyRecord) timer(t task, due time.Time) *timerRecord {
	return &timerRecord{Task: t, Due: due, Region: r.Region, KeyID: r.ID, Account: r.Account}
}

// timers lists the timers that a key has, as its record says. All that writes a
// key's record keeps to it, see resetTimers.
func (r *keyRecord) timers() []*timerRecord {
	var list []*timerRecord
	if r.State == statePendingDeletion && !r.hasReplicas() {
		list = append(list, r.timer(taskDelete, r.Deletion))
	}
	if r.rotates() {
		list = append(list, r.timer(taskRotate, r.Rotation.Next))
	}
	if due := r.lapses(); !due.IsZero() {
		list = append(list, r.timer(taskExpire, due))
	}
	return list
}

// resetTimers brings a key's timers from those of its record before to those of
// the one after; nil where there is none.
func resetTimers(ctx context.Context, tx store.Txn, before, after *keyRecord) error {
	var old, wanted []*timerRecord
	if before != nil {
		old = before.timers()
	}
	if after != nil {
		wanted = after.timers()
	}
	for _, t := range old {
		if !slices.ContainsFunc(wanted, t.same) {
			if err := t.stop(ctx, tx); err != nil {
				return err
			}
		}
	}
	for _, t := range wanted {
		if !slices.ContainsFunc(old, t.same) {
			if err := t.start(ctx, tx); err != nil {
				return err
			}
		}
	}
	return nil
}

// same reports whether two timers of one key are the same.
func (t *timerRecord) same(other *timerRecord) bool {
	return t.Task == other.Task && t.Due.Equal(other.Due)
}

func (t *timerRecord) start(ctx context.Context, tx store.Txn) error {
	if err := timerTable.Insert(ctx, tx, t); err != nil {
		return fmt.Errorf("starting the timer of key %s: %w", t.KeyID, err)
	}
	return nil
}

// stop removes t, which must be there.
func (t *timerRecord) stop(ctx context.Context, tx store.Txn) error {
	_, rev, err := timerTable.Get(ctx, tx, timerTable.Key(t))
	if err == nil {
		err = timerTable.Delete(ctx, tx, timerTable.Key(t), rev)
	}
	if err != nil {
		return fmt.Errorf("stopping the timer of key %s: %w", t.KeyID, damaged(err))
	}
	return nil
}

// timersRead is how many timers are read at a time.
const timersRead = 100

// timers returns those of a task that come after a given one, or the first;
// the earliest first, and not all of them.
func (s *Service) timers(ctx context.Context, of task, after *timerRecord) ([]*timerRecord, error) {
	var key store.Key
	if after != nil {
		key = timerTable.Key(after)
	}
	var list []*timerRecord
	err := s.store.View(ctx, func(r store.Reader) error {
		return timerTable.Scan(ctx, r, "", store.Key{store.S(string(of))}, key, timersRead, func(t *timerRecord, _ store.Rev) error {
			list = append(list, t)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading timers: %w", err)
	}
	return list, nil
}

// Limits of one call that does what is due.
const (
	doneAtOnce   = 1000 // timers that were seen to
	failedAtOnce = 100  // timers that can't be
)

// due does what is due of a task by now, the most overdue first, and returns for
// how many timers it was done. One that fails does not keep others from it.
func (s *Service) due(ctx context.Context, of task, now time.Time, do func(context.Context, *timerRecord, time.Time) (bool, error)) (n int, err error) {
	var failed []error
	var last *timerRecord
	for {
		page, err := s.timers(ctx, of, last)
		if err != nil || len(page) == 0 {
			return n, errors.Join(append(failed, err)...)
		}
		for _, last = range page {
			if last.Due.After(now) || n == doneAtOnce || len(failed) == failedAtOnce {
				return n, errors.Join(failed...)
			}
			switch done, err := do(ctx, last, now); {
			case err != nil:
				failed = append(failed, err)
			case done:
				n++
			}
		}
	}
}

// ripe returns the key of a timer that is due; nil if the timer is no longer there.
func (s *Service) ripe(ctx context.Context, tx store.Txn, t *timerRecord) (*Key, error) {
	_, _, err := timerTable.Get(ctx, tx, timerTable.Key(t))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rec, rev, err := keyTable.Get(ctx, tx, keyKey(t.Region, t.KeyID))
	if err != nil {
		return nil, damaged(err)
	}
	if !slices.ContainsFunc(rec.timers(), t.same) {
		return nil, fmt.Errorf("its timer says otherwise than the key: %w", store.ErrDamaged)
	}
	return &Key{keyRecord: *rec, ARN: rec.arn(), rev: rev}, nil
}

// beingSwept reports whether something of a destroyed key may be left. There are
// few such keys at a time.
func beingSwept(ctx context.Context, r store.Reader, region, id string) (found bool, err error) {
	prefix := store.Key{store.S(string(taskSweep))}
	var last store.Key
	for n := timersRead; n == timersRead && !found; {
		n = 0
		err := timerTable.Scan(ctx, r, "", prefix, last, timersRead, func(t *timerRecord, _ store.Rev) error {
			n++
			last = timerTable.Key(t)
			found = found || t.Region == region && t.KeyID == id
			return nil
		})
		if err != nil {
			return false, fmt.Errorf("reading timers: %w", err)
		}
	}
	return found, nil
}
