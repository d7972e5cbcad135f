// Package store keeps records of declared tables under optimistic transactions.
//
// A record's body is sealed before a driver sees it; its key, indexed columns,
// account, revision and schema version are bound to it, so that a row can't be
// read, moved, swapped or altered outside this program without being noticed.
// What is stored is written down in docs/formats/store.md.
package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"claviger/internal/ground/store/driver"
)

// The closed set of errors, see package driver.
var (
	ErrNotFound      = driver.ErrNotFound
	ErrExists        = driver.ErrExists
	ErrConflict      = driver.ErrConflict
	ErrUnavailable   = driver.ErrUnavailable
	ErrIndeterminate = driver.ErrIndeterminate
	ErrTooLarge      = driver.ErrTooLarge
	ErrDamaged       = driver.ErrDamaged
	ErrSchema        = driver.ErrSchema
	ErrOlder         = driver.ErrOlder
	ErrLocked        = driver.ErrLocked
)

// SchemaVersion is the version of the set of tables.
const SchemaVersion = 2

// Key is a tuple of column values.
type Key = driver.Key

// Rev is the revision of a row; it grows by one with each transaction that
// writes the row. No revision of a key ever returns, also not when the row is
// deleted and inserted again.
type Rev = int64

// S and N make column values.
func S(s string) driver.Value { return driver.Value{S: s} }

// N makes an integer column value.
func N(n int64) driver.Value { return driver.Value{N: n, IsInt: true} }

// A Sealer seals bodies under the key of an account ("" for what belongs to
// the installation). Package sealed offers one.
type Sealer interface {
	Seal(account string, associated, plaintext []byte) ([]byte, error)
	Open(account string, associated, sealed []byte) ([]byte, error)
	// Known reports whether the account has a key. Draw makes the next one and returns
	// it wrapped; Install makes a wrapped key usable. The newest key seals, all open.
	Known(account string) bool
	Draw(account string) (wrapped []byte, err error)
	Install(account string, wrapped []byte) error
	// Generation is how many keys the account has had; old says that the newest of
	// them is to be followed by another. Stale reports whether what Seal returned was
	// sealed by an earlier key than the newest.
	Generation(account string) (n int, old bool)
	Stale(account string, sealed []byte) bool
	Digester
}

// Options of Open.
type Options struct {
	Tables []AnyTable
	Sealer Sealer
	// Committed is called for every commit in the order of positions, before
	// Update returns and after stamps of the touched entities have ended. It
	// must not write to the store: no commit goes on while it runs.
	Committed func(Commit)
	// Now tells how long commits take. Without it that is not counted.
	Now func() time.Time
}

// A Commit that has been applied.
type Commit struct {
	Position uint64
	Events   [][]byte
	// Repeated says that the OpID had been applied before, at Position. What
	// the closure did this time was dropped, and Events is nil.
	Repeated bool
}

// Store is an open store. It is safe for concurrent use.
type Store struct {
	driver    driver.Driver
	sealer    Sealer
	committed func(Commit)
	slots     slots
	births    births
	drawing   sync.Mutex    // held while an account gets its key
	sealing   sync.RWMutex  // held for reading from sealing to commit, for writing while a next key takes over
	turn      chan struct{} // holds the transaction that was overtaken often and has its turn
	newest    atomic.Uint64 // position of the last commit
	forget    atomic.Uint64 // events up to here may go
	pruned    atomic.Uint64 // events up to here have gone
	now       func() time.Time
	work      Work
	ledger    ledger
	valuing   sync.Mutex // held until it is known what became of the replacing of values
}

// Open brings the driver's schema up to date and returns the store. The store
// owns d and closes it, also where Open fails.
func Open(ctx context.Context, d driver.Driver, o Options) (*Store, error) {
	s := &Store{driver: d, sealer: o.Sealer, committed: o.Committed, now: o.Now, work: newWork(), turn: make(chan struct{}, 1)}
	s.slots.init()
	s.births.init()
	s.ledger.keys = o.Sealer
	if err := s.open(ctx, o.Tables); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, tables []AnyTable) error {
	schemas := Schemas(tables)
	names := make(map[string]bool)
	ids := map[uint32]bool{tableID(driver.Values.Name): true}
	for i, t := range tables {
		if err := t.validate(); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if names[schemas[i].Name] {
			return fmt.Errorf("store: table %s declared twice", schemas[i].Name)
		}
		names[schemas[i].Name] = true
		id := tableID(schemas[i].Name)
		if ids[id] {
			return fmt.Errorf("store: the digest takes table %s for another one; give it another name", schemas[i].Name)
		}
		ids[id] = true
	}
	if err := s.driver.Migrate(ctx, SchemaVersion, schemas); err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	at, values, err := s.values(ctx)
	if err != nil {
		return err
	}
	s.newest.Store(at)
	if err := s.installKeys(values); err != nil {
		return err
	}
	return s.settle(ctx, at, values)
}

// View runs fn on one snapshot, which ends with it. An error of fn is returned
// as it is. Snapshots are limited in number: fn should not wait for another.
func (s *Store) View(ctx context.Context, fn func(Reader) error) (err error) {
	v, err := s.view(ctx)
	if err != nil {
		return err
	}
	defer func() { // also where fn panics
		if e := v.Close(); err == nil {
			err = e
		}
	}()
	return fn(v)
}

// Snapshot opens a view that the caller closes. While it is open the database
// can't let go of what it shows: keep it for a call, not for longer.
func (s *Store) Snapshot(ctx context.Context) (Snapshot, error) {
	v, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Outbox returns events of commits after from, oldest first. It stops when it
// has max events, but gives the events of one commit together.
func (s *Store) Outbox(ctx context.Context, from uint64, max int) ([]driver.Event, error) {
	events, err := s.driver.Outbox(ctx, from, max)
	if err != nil {
		return nil, fmt.Errorf("reading the outbox: %w", err)
	}
	for i := range events {
		if events[i].Body, err = s.openEvent(ctx, &events[i]); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// Forget lets events of commits up to position be deleted by a later commit.
func (s *Store) Forget(position uint64) {
	for {
		now := s.forget.Load()
		if position <= now || s.forget.CompareAndSwap(now, position) {
			return
		}
	}
}

// Meta and PutMeta keep small values of the installation, such as the wrapped
// master key. They are not sealed, but the digest is over them too. Meta returns
// ErrNotFound where there is none.
func (s *Store) Meta(ctx context.Context, key string) ([]byte, error) {
	return s.driver.Meta(ctx, key)
}

// PutMeta inserts or replaces values. It panics at a key below "account-key/",
// where the store keeps the only copy of what opens an account's rows, and at
// that of the digest. Once begun it does not end with ctx: who replaces a value
// next must find the one that it replaces, or the digest sums up another.
func (s *Store) PutMeta(ctx context.Context, values map[string][]byte) error {
	for key := range values {
		if strings.HasPrefix(key, accountKeys) || strings.HasPrefix(key, laterAccountKeys) || slices.Contains(apart, key) {
			panic("store: meta key " + key + " is the store's own")
		}
	}
	if err := s.Sound(); err != nil {
		return err
	}
	s.valuing.Lock()
	defer s.valuing.Unlock()
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	ctx = context.WithoutCancel(ctx)
	old := make(map[string][]byte)
	for key := range values {
		v, err := s.driver.Meta(ctx, key)
		switch {
		case err == nil:
			old[key] = v
		case !errors.Is(err, ErrNotFound):
			return err
		}
	}
	change := newDeltas(s.ledger.keys)
	change.values(old, values)
	return s.driver.PutMeta(ctx, values, s.ledger.roll(change.done()))
}

// Check reads the whole database and returns ErrDamaged where its structure is
// broken. A driver that keeps no files has nothing to check.
func (s *Store) Check(ctx context.Context) error {
	if k, ok := s.driver.(driver.Keeper); ok {
		return k.Check(ctx)
	}
	return nil
}

// Truncate takes out of the files what was deleted or overwritten before: call
// it after key material was destroyed.
func (s *Store) Truncate(ctx context.Context) error {
	if k, ok := s.driver.(driver.Keeper); ok {
		return k.Truncate(ctx)
	}
	return nil
}

// TruncateMeta is Truncate for the small values of PutMeta: call it after one of
// them was replaced that nobody is to find any more.
func (s *Store) TruncateMeta(ctx context.Context) error {
	if k, ok := s.driver.(driver.MetaKeeper); ok {
		return k.TruncateMeta(ctx)
	}
	return s.Truncate(ctx)
}

// Close closes the driver. A commit that has begun ends first.
func (s *Store) Close() error { return s.driver.Close() }
