package iam

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/record"
	"claviger/internal/words/ident"
)

// When an access key or a role was last used is read off the trail: no call writes
// it. Records are read as they become durable, before their calls are answered,
// into memory; now and then what memory has goes into a table, with the place in
// the trail up to which the table is complete. A start reads on from there.

// A lastUse is the last call that an access key signed, or that a session of a
// role made, whatever was answered.
type lastUse struct {
	ID      string    `json:"id"` // of the access key or role
	Account string    `json:"account"`
	Time    time.Time `json:"time"`    // whole seconds, as the record has it
	Service string    `json:"service"` // such as kms
	Region  string    `json:"region"`
}

var lastUseTable = &store.Table[lastUse]{
	Schema:  driver.Schema{Name: "iam_last_use", PrimaryKey: []driver.Column{{Name: "id"}}},
	Version: 1,
	Key:     func(u *lastUse) store.Key { return lastUseKey(u.ID) },
	Account: func(u *lastUse) string { return u.Account },
}

func lastUseKey(id string) store.Key { return store.Key{store.S(id)} }

// tracking says how far the table of last uses has followed the trail.
type tracking struct {
	Sequence uint64 `json:"sequence"` // of the last record that the table knows of
}

var trackingTable = &store.Table[tracking]{
	Schema:  driver.Schema{Name: "iam_tracking", PrimaryKey: []driver.Column{{Name: "trail"}}},
	Version: 1,
	Key:     func(*tracking) store.Key { return trackingKey },
}

// trackingKey is the key of the one row there is.
var trackingKey = store.Key{store.S("")}

// lastUses has the uses that the table may not have yet.
type lastUses struct {
	mu      sync.Mutex
	recent  map[string]lastUse
	reached uint64 // the record that recent and the table know together
	stored  uint64 // the record that the table alone knows
}

// Recorded is told of the records of the trail: which number a record has, for
// whose trail it is, the time of the call, and what it says; nil where that is of
// no interest.
func (s *Service) Recorded(sequence uint64, account string, at time.Time, b *record.Brief) {
	u := &s.lastUses
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reached = sequence
	if b == nil {
		return
	}
	used := lastUse{Account: account, Time: at.UTC().Truncate(time.Second), Service: strings.TrimSuffix(b.Source, ".amazonaws.com"), Region: b.Region}
	for _, id := range []string{b.AccessKeyID, b.RoleID} {
		if id == "" || strings.HasPrefix(id, "ASIA") { // of temporary credentials nobody asks
			continue
		}
		if u.recent == nil {
			u.recent = make(map[string]lastUse)
		}
		used.ID = id
		u.recent[id] = used
	}
}

// lastUse returns the last use of an access key or role, nil where none is known.
func (s *Service) lastUse(c *operation.Call, id string) (*lastUse, error) {
	s.lastUses.mu.Lock()
	recent, known := s.lastUses.recent[id]
	s.lastUses.mu.Unlock()
	if known {
		return &recent, nil
	}
	// What leaves the memory is in the table already: the row is read as it is
	// now, not as the call's view has it.
	used, _, err := lastUseTable.Get(c.Context, s.store.Glance(), lastUseKey(id))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the last use of %s: %w", id, err)
	}
	return used, nil
}

// A Read calls fn for the records of the trail from a number on, as Recorded
// takes them.
type Read func(ctx context.Context, from uint64, fn func(sequence uint64, account string, at time.Time, b *record.Brief) error) error

// recentMax is how many uses gather in memory before a start stores them.
const recentMax = 10_000

// CatchUp reads what the trail has beyond the table of last uses. It is called at
// start, before the first call.
func (s *Service) CatchUp(ctx context.Context, read Read) error {
	u := &s.lastUses
	mark, err := s.tracked(ctx)
	if err != nil {
		return err
	}
	u.reached, u.stored = mark, mark
	first, err := s.readOn(ctx, max(mark, 1), read)
	if err == nil && mark > 0 && first != mark {
		// Not the trail that was followed so far, or not all of it.
		u.reached = 0
		_, err = s.readOn(ctx, 1, read)
	}
	if err != nil {
		return fmt.Errorf("reading the trail for last uses: %w", err)
	}
	return s.StoreLastUses(ctx)
}

// readOn reads the trail from a number on and returns the number that it found first.
func (s *Service) readOn(ctx context.Context, from uint64, read Read) (first uint64, err error) {
	err = read(ctx, from, func(sequence uint64, account string, at time.Time, b *record.Brief) error {
		if first == 0 {
			first = sequence
		}
		s.Recorded(sequence, account, at, b)
		if len(s.lastUses.recent) < recentMax {
			return nil
		}
		return s.StoreLastUses(ctx)
	})
	return first, err
}

// tracked returns how far the table has followed the trail, 0 where it has not begun.
func (s *Service) tracked(ctx context.Context) (mark uint64, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		t, _, err := trackingTable.Get(ctx, r, trackingKey)
		if err == nil {
			mark = t.Sequence
		}
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, fmt.Errorf("reading how far last uses are known: %w", err)
	}
	return mark, nil
}

const (
	storedAtOnce = 100     // last uses that one commit stores
	behindMax    = 100_000 // records without a use that a start may have to read again
)

// StoreLastUses brings the table of last uses up to what memory has. One does it
// at a time.
func (s *Service) StoreLastUses(ctx context.Context) error {
	u := &s.lastUses
	u.mu.Lock()
	reached, uses := u.reached, maps.Clone(u.recent)
	u.mu.Unlock()
	if len(uses) == 0 && reached-u.stored < behindMax {
		return nil
	}
	for chunk := range slices.Chunk(slices.Collect(maps.Values(uses)), storedAtOnce) {
		_, err := s.store.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
			for i := range chunk {
				if err := chunk[i].keep(ctx, tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("storing last uses: %w", err)
		}
		u.forget(chunk)
	}
	// A crash before this commit has the next start read again what is stored.
	_, err := s.store.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
		_, rev, err := trackingTable.Get(ctx, tx, trackingKey)
		if errors.Is(err, store.ErrNotFound) {
			return trackingTable.Insert(ctx, tx, &tracking{Sequence: reached})
		}
		if err != nil {
			return err
		}
		return trackingTable.Put(ctx, tx, &tracking{Sequence: reached}, rev)
	})
	if err != nil {
		return fmt.Errorf("storing how far last uses are known: %w", err)
	}
	u.stored = reached
	return nil
}

// forget drops uses that were stored, but for those that others came after.
func (u *lastUses) forget(stored []lastUse) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range stored {
		if u.recent[stored[i].ID] == stored[i] {
			delete(u.recent, stored[i].ID)
		}
	}
}

// keep stores a use, unless what was used is gone: then nobody can ask for it.
func (u *lastUse) keep(ctx context.Context, tx store.Txn) error {
	exists, err := u.usedExists(ctx, tx)
	if !exists || err != nil {
		return err
	}
	old, rev, err := lastUseTable.Get(ctx, tx, lastUseKey(u.ID))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return lastUseTable.Insert(ctx, tx, u)
	case err != nil:
		return err
	case old.Time.After(u.Time): // of another trail than the one that is followed now
		return nil
	}
	return lastUseTable.Put(ctx, tx, u, rev)
}

// usedExists reports whether there is the access key or the role that was used, and
// has the transaction conflict if it goes.
func (u *lastUse) usedExists(ctx context.Context, tx store.Txn) (bool, error) {
	_, rev, err := accessKeys.Get(ctx, tx, accessKeyKey(u.ID))
	if err == nil {
		accessKeys.Require(tx, accessKeyKey(u.ID), rev)
		return true, nil
	}
	if errors.Is(err, store.ErrNotFound) {
		if _, rev, err = roles.Get(ctx, tx, roleKey(u.ID)); err == nil {
			roles.Require(tx, roleKey(u.ID), rev)
			return true, nil
		}
	}
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return false, fmt.Errorf("reading what %s is: %w", u.ID, err)
}

// forgetUse drops what is stored of the uses of an access key or role that is
// deleted.
func forgetUse(ctx context.Context, tx store.Txn, id string) error {
	_, rev, err := lastUseTable.Get(ctx, tx, lastUseKey(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = lastUseTable.Delete(ctx, tx, lastUseKey(id), rev)
	}
	if err != nil {
		return fmt.Errorf("forgetting the last use of %s: %w", id, err)
	}
	return nil
}
