package app

import (
	"context"
	"errors"
	"testing"

	"claviger/internal/ground/store"
)

// TestStoreWork: a commit is counted as applied with its time, a try that was
// overtaken as a conflict, and a change that was given up as neither.
func TestStoreWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.key()
	work := w.server.store.Work()
	commits, overtaken := work.Commits.Load(), work.Overtaken.Load()
	if timed := work.Took.Read().Count; commits == 0 || timed != commits {
		t.Errorf("%d commits, of which %d were timed", commits, timed)
	}
	tries := 0
	_, err := w.server.store.Update(context.Background(), newOpID(), func(store.Txn) error {
		if tries++; tries < 3 {
			return store.ErrConflict
		}
		return nil // and nothing is written
	})
	if err != nil {
		t.Fatal(err)
	}
	given := errors.New("given up")
	if _, err := w.server.store.Update(context.Background(), newOpID(), func(store.Txn) error { return given }); !errors.Is(err, given) {
		t.Fatal(err)
	}
	if n := work.Overtaken.Load() - overtaken; n != 2 {
		t.Errorf("%d conflicts are counted, want 2", n)
	}
	if n := work.Commits.Load() - commits; n != 0 || work.Failed.Load() != 0 || work.Unknown.Load() != 0 {
		t.Errorf("commits are counted that were none: %d, %d failed", n, work.Failed.Load())
	}
}
