// Package storetest is the contract of the store, as tests that every driver passes.
package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

// A test is one clause of the contract.
type test struct {
	name string
	run  func(t *testing.T, d driver.Driver)
}

// casesMin is how many clauses there are at least. It keeps a table from
// getting lost.
const casesMin = 100

// Run runs the whole contract. open returns an empty driver for each clause.
func Run(t *testing.T, open func(t *testing.T) driver.Driver) {
	var all []test
	for _, list := range [][]test{rowTests(), scanTests(), logTests(), recordTests(), sealingTests(), resealTests(), stampTests(), digestTests(), crowdTests(), modelTests()} {
		all = append(all, list...)
	}
	if len(all) < casesMin {
		t.Fatalf("only %d clauses", len(all))
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			t.Cleanup(func() {
				if err := d.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			c.run(t, d)
		})
	}
}

// ring returns a keyring that really seals.
func ring(t *testing.T) *sealed.Keyring {
	t.Helper()
	root, err := sealed.NewRootKey(sealed.Random(32))
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A journal is what a store's Committed was told.
type journal struct {
	mu      sync.Mutex
	commits []store.Commit
}

func (j *journal) add(c store.Commit) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.commits = append(j.commits, c)
}

func (j *journal) positions() []uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	var list []uint64
	for _, c := range j.commits {
		list = append(list, c.Position)
	}
	return list
}

func openStore(t *testing.T, d driver.Driver, sealer store.Sealer) (*store.Store, *journal) {
	t.Helper()
	j := new(journal)
	s, err := store.Open(t.Context(), d, store.Options{Tables: tables(), Sealer: sealer, Committed: j.add})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return s, j
}

// wantErr fails the test unless err is want, which may be nil.
func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func wantEqual[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func update(t *testing.T, s *store.Store, fn func(store.Txn) error) store.Commit {
	t.Helper()
	c, err := s.Update(t.Context(), store.OpID{}, fn)
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
	return c
}

func view(t *testing.T, s *store.Store, fn func(store.Reader) error) {
	t.Helper()
	if err := s.View(t.Context(), fn); err != nil {
		t.Fatalf("View: %v", err)
	}
}

// migrate prepares a driver that is tested without a store above it.
func migrate(t *testing.T, d driver.Driver) {
	t.Helper()
	if err := d.Migrate(t.Context(), 1, schemas()); err != nil {
		t.Fatalf("Migrate: %v", err)
	}
}

func commit(t *testing.T, d driver.Driver, b *driver.Batch) uint64 {
	t.Helper()
	position, err := d.Commit(t.Context(), b, nil)
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return position
}

func refused(t *testing.T, d driver.Driver, b *driver.Batch, want error) {
	t.Helper()
	before := head(t, d)
	if _, err := d.Commit(t.Context(), b, func(uint64) { t.Error("callback of a refused batch") }); !errors.Is(err, want) {
		t.Fatalf("Commit: got error %v, want %v", err, want)
	}
	wantEqual(t, "position after a refusal", head(t, d), before)
}

func snapshot(t *testing.T, d driver.Driver) driver.Snapshot {
	t.Helper()
	s, err := d.Snapshot(t.Context())
	if err != nil {
		t.Fatalf("Snapshot: %v", err)
	}
	return s
}

func head(t *testing.T, d driver.Driver) uint64 {
	t.Helper()
	s := snapshot(t, d)
	defer closeSnapshot(t, s)
	return s.Position()
}

func closeSnapshot(t *testing.T, s driver.Snapshot) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("closing a snapshot: %v", err)
	}
}

// read returns a row as it is now.
func read(t *testing.T, d driver.Driver, table *driver.Schema, key driver.Key) (driver.Row, error) {
	t.Helper()
	s := snapshot(t, d)
	defer closeSnapshot(t, s)
	return s.Get(t.Context(), table, key)
}

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
