// Package lastuse follows the trail for when something was last used.
//
// No call writes its use. Records are read as they become durable, before their
// calls are answered, into memory; now and then what memory has goes into a table,
// with the place in the trail up to which the table is complete. A start reads on
// from there, so that a crash loses nothing.
package lastuse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/record"
	"claviger/internal/words/ident"
)

const (
	recentMax    = 10_000 // uses that gather in memory before a start stores them
	storedAtOnce = 100    // uses that one commit stores
	behindMax    = 10_000 // records that are read again rather than stored after a start
)

// A Mark says how far a table of last uses has followed the trail.
type Mark struct {
	Since    time.Time `json:"since,omitzero"` // no use before is known; zero where nobody asks for it
	Sequence uint64    `json:"sequence"`       // of the last record that the table knows of
}

// Marks declares a table with one row, the Mark.
func Marks(name string) *store.Table[Mark] {
	return &store.Table[Mark]{
		Schema:  driver.Schema{Name: name, PrimaryKey: []driver.Column{{Name: "trail"}}},
		Version: 1,
		Key:     func(*Mark) store.Key { return markKey },
	}
}

// markKey is the key of the one row there is.
var markKey = store.Key{store.S("")}

// A Record is told of a record of the trail: which number it has, for whose trail
// it is, the time of the call, and what it says; nil where that is of no interest.
type Record func(sequence uint64, account string, at time.Time, b *record.Brief)

// A Read calls fn for the records of the trail from a number on.
type Read func(ctx context.Context, from uint64, fn func(sequence uint64, account string, at time.Time, b *record.Brief) error) error

// A Use is the last use of what K names.
type Use[K, U comparable] struct {
	Key K
	Use U
}

// A Tracker has the uses that a table may not have yet. It is safe for concurrent
// use once CatchUp has returned.
type Tracker[K, U comparable] struct {
	store *store.Store
	marks *store.Table[Mark]
	keep  func(ctx context.Context, tx store.Txn, key K, use U) error

	mu      sync.Mutex
	recent  map[K]U
	reached Mark // what recent and the table know together

	storing sync.Mutex // held by the one that stores
	stored  Mark       // what the table alone knows
}

// New returns a tracker whose marks stand in a table that Marks has declared. keep
// stores a use, in a transaction of several.
func New[K, U comparable](s *store.Store, marks *store.Table[Mark], keep func(ctx context.Context, tx store.Txn, key K, use U) error) *Tracker[K, U] {
	return &Tracker[K, U]{store: s, marks: marks, keep: keep, recent: make(map[K]U)}
}

// Reach notes that the trail has a record, and the uses that it is.
func (t *Tracker[K, U]) Reach(sequence uint64, uses []Use[K, U]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reached.Sequence = sequence
	for i := range uses {
		t.recent[uses[i].Key] = uses[i].Use
	}
}

// Recent returns a use that memory has. What leaves the memory is in the table
// already: who finds nothing here reads the row as it is now.
func (t *Tracker[K, U]) Recent(key K) (U, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	use, ok := t.recent[key]
	return use, ok
}

// Since returns from when on uses are known.
func (t *Tracker[K, U]) Since() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reached.Since
}

// A Follower is a Tracker on its way along the trail at a start, see CatchUp.
type Follower interface {
	// begin returns the number of the last record that the table knows, 0 if none.
	begin(ctx context.Context) (mark uint64, err error)
	// restart has the follower begin with the first record that there is.
	restart()
	take(ctx context.Context, sequence uint64, account string, at time.Time, b *record.Brief) error
	// end is told how the reading ended, and returns whether the table is far behind.
	end(err error) (behind bool, _ error)
}

// CatchUp reads what the trail has beyond the tables of all followers, as far as it
// can once for all of them. It is called at start, before the first call, which waits
// for it and so not for the storing. Where a table is far behind, Store is called for
// at once: then one crash after the other leaves no start more to read.
func CatchUp(ctx context.Context, read Read, followers ...Follower) (behind bool, _ error) {
	walkers := make([]*walker, len(followers))
	for i, f := range followers {
		mark, err := f.begin(ctx)
		if err != nil {
			return false, err
		}
		walkers[i] = &walker{Follower: f, mark: mark}
	}
	return walk(ctx, read, walkers)
}

// A walker is a follower with where it begins, and with the number that it was told first.
type walker struct {
	Follower
	mark, first uint64
}

func walk(ctx context.Context, read Read, walkers []*walker) (behind bool, _ error) {
	least := slices.MinFunc(walkers, func(a, b *walker) int { return cmp.Compare(a.mark, b.mark) }).mark
	err := read(ctx, max(least, 1), func(sequence uint64, account string, at time.Time, b *record.Brief) error {
		for _, w := range walkers {
			if sequence < w.mark {
				continue
			}
			if w.first == 0 {
				w.first = sequence
			}
			if err := w.take(ctx, sequence, account, at, b); err != nil {
				return err
			}
		}
		return nil
	})
	var again []*walker
	for _, w := range walkers {
		switch {
		case err == nil && w.mark > 0 && w.first != w.mark: // not the trail that was followed so far, or not all of it
			w.restart()
			again = append(again, &walker{Follower: w.Follower})
		case errors.Is(err, audit.ErrDamaged) && w.mark > least && w.first == 0: // what it lacks lies beyond the damage
			again = append(again, w)
		default:
			far, err := w.end(err)
			if err != nil {
				return false, err
			}
			behind = behind || far
		}
	}
	if len(again) == 0 {
		return behind, nil
	}
	far, err := walk(ctx, read, again)
	return behind || far, err
}

type follower[K, U comparable] struct {
	*Tracker[K, U]
	now  time.Time
	told Record
}

// Follow returns t as a follower. told is told of records and calls Reach; now is the
// time, or zero where nobody asks from when on uses are known.
func (t *Tracker[K, U]) Follow(now time.Time, told Record) Follower {
	return &follower[K, U]{Tracker: t, now: now, told: told}
}

func (f *follower[K, U]) begin(ctx context.Context) (uint64, error) {
	mark, err := markOf(ctx, f.store, f.marks)
	f.reached, f.stored = mark, mark
	return mark.Sequence, err
}

func (f *follower[K, U]) restart() { f.reached = Mark{} }

func (f *follower[K, U]) take(ctx context.Context, sequence uint64, account string, at time.Time, b *record.Brief) error {
	if !f.now.IsZero() && f.reached.Since.IsZero() {
		f.reached.Since = at
	}
	f.told(sequence, account, at, b)
	if len(f.recent) < recentMax {
		return nil
	}
	return f.Store(ctx)
}

func (f *follower[K, U]) end(err error) (behind bool, _ error) {
	switch {
	case errors.Is(err, audit.ErrDamaged): // uses may be missing, so that what is known begins here
		f.reached.Since = f.now
	case err != nil:
		return false, fmt.Errorf("reading the trail for last uses: %w", err)
	case f.reached.Since.IsZero():
		f.reached.Since = f.now
	}
	if !f.now.IsZero() {
		f.reached.Since = f.reached.Since.UTC().Truncate(time.Millisecond) // as answers carry it
	}
	// Of a trail that is shorter than what was followed so far the difference wraps:
	// the mark is one of another trail, and is to be replaced, too.
	return f.reached.Sequence-f.stored.Sequence >= behindMax, nil
}

// markOf returns how far a table has followed the trail, zero where it has not begun.
func markOf(ctx context.Context, s *store.Store, marks *store.Table[Mark]) (mark Mark, err error) {
	err = s.View(ctx, func(r store.Reader) error {
		m, _, err := marks.Get(ctx, r, markKey)
		if err == nil {
			mark = *m
		}
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return mark, fmt.Errorf("reading how far last uses are known: %w", err)
	}
	return mark, nil
}

// Store brings the table up to what memory has. The mark goes on also where no record
// is a use: it tells of a trail whose end is gone, see Known.
func (t *Tracker[K, U]) Store(ctx context.Context) error {
	t.storing.Lock()
	defer t.storing.Unlock()
	t.mu.Lock()
	reached, uses := t.reached, maps.Clone(t.recent)
	t.mu.Unlock()
	if len(uses) == 0 && reached.Since.Equal(t.stored.Since) && reached.Sequence == t.stored.Sequence {
		return nil
	}
	for chunk := range slices.Chunk(slices.Collect(maps.Keys(uses)), storedAtOnce) {
		_, err := t.store.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
			for _, key := range chunk {
				if err := t.keep(ctx, tx, key, uses[key]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("storing last uses: %w", err)
		}
		t.forget(chunk, uses)
	}
	// A crash before this commit has the next start read again what is stored.
	_, err := t.store.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
		_, rev, err := t.marks.Get(ctx, tx, markKey)
		if errors.Is(err, store.ErrNotFound) {
			return t.marks.Insert(ctx, tx, &reached)
		}
		if err != nil {
			return err
		}
		return t.marks.Put(ctx, tx, &reached, rev)
	})
	if err != nil {
		return fmt.Errorf("storing how far last uses are known: %w", err)
	}
	t.stored = reached
	return nil
}

// forget drops uses that were stored, but for those that others came after.
func (t *Tracker[K, U]) forget(keys []K, stored map[K]U) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range keys {
		if t.recent[key] == stored[key] {
			delete(t.recent, key)
		}
	}
}

// Known returns the number of a record that the trail has had: the last that a table
// of last uses knows of, 0 if none.
func Known(ctx context.Context, s *store.Store, marks *store.Table[Mark]) (uint64, error) {
	mark, err := markOf(ctx, s, marks)
	return mark.Sequence, err
}

// Unfollow has the next start follow the trail from its beginning, as one that was
// never followed. It is for a server that has not begun.
func (t *Tracker[K, U]) Unfollow(ctx context.Context) error {
	_, err := t.store.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
		_, rev, err := t.marks.Get(ctx, tx, markKey)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return t.marks.Put(ctx, tx, &Mark{}, rev)
	})
	if err != nil {
		return fmt.Errorf("forgetting how far last uses were known: %w", err)
	}
	return nil
}
