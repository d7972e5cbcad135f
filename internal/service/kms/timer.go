package kms

import (
	"context"
	"fmt"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

// A task is what is to be done when a timer is due.
type task string

const (
	taskDelete task = "delete" // destroy a key that is pending deletion
	taskSweep  task = "sweep"  // remove what a destroyed key has left behind
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

// timer returns the timer for a task that is due when the key is to be destroyed.
func (r *keyRecord) timer(t task) *timerRecord {
	return &timerRecord{Task: t, Due: r.Deletion, Region: r.Region, KeyID: r.ID, Account: r.Account}
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
