package pipeline_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
)

// expire deletes a counter, as a service does when its time has come. Where
// there is none, there is nothing to do.
func (w *world) expire(ctx context.Context, name string) error {
	return w.pipeline.CarryOut(ctx, "test.amazonaws.com", func(tx store.Txn) (*operation.Event, error) {
		w.beforeRun()
		key := store.Key{store.S(name)}
		_, rev, err := counters.Get(ctx, tx, key)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		event := &operation.Event{Name: "Expire", Time: time.Unix(1, 0), Region: "us-east-1", Account: account}
		return event, counters.Delete(ctx, tx, key, rev)
	})
}

func TestCarryOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.expire(t.Context(), "a"); err != nil {
		t.Errorf("with nothing to do: %v", err)
	}
	if _, err := w.do(w.add(), "a"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.expire(t.Context(), "a"); err != nil {
			t.Error(err)
		}
	}
	if n, err := w.do(w.get(), "a"); n != 0 || err != nil {
		t.Errorf("Get afterwards: %d, %v", n, err)
	}
	w.want("Add", "Expire", "Get")

	failure := errors.New("no")
	err := w.pipeline.CarryOut(t.Context(), "test.amazonaws.com", func(tx store.Txn) (*operation.Event, error) {
		return &operation.Event{Name: "Never", Account: account}, failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("a change that fails: %v", err)
	}
	w.want("Add", "Expire", "Get")
	if w.trail.held != 0 {
		t.Errorf("%d reservations were not released", w.trail.held)
	}
}

// TestCarryOutOnce: of many that carry out the same, one does, and the rest find
// nothing to do.
func TestCarryOutOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.do(w.add(), "a"); err != nil {
		t.Fatal(err)
	}
	var tries atomic.Int64
	w.beforeRun = func() { tries.Add(1) }
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := w.expire(t.Context(), "a"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if tries.Load() < 8 {
		t.Errorf("%d tries", tries.Load())
	}
	w.want("Add", "Expire")
}

// TestCarryOutWaitsForTheTrail: what can't be recorded is not done; what was done
// and could not be recorded is recorded later, once.
func TestCarryOutWaitsForTheTrail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.do(w.add(), "a"); err != nil {
		t.Fatal(err)
	}
	w.beforeRun = func() { w.trail.breakIt(true) } // after the reservation, before the commit
	if err := w.expire(t.Context(), "a"); err == nil {
		t.Error("answered without a record")
	}
	w.beforeRun = func() { t.Error("begun while the trail lacks a change") }
	if err := w.expire(t.Context(), "a"); err == nil {
		t.Error("another was begun without a trail")
	}
	w.trail.breakIt(false)
	for range 2 {
		if err := w.pipeline.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.beforeRun = func() {}
	if err := w.expire(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	w.want("Add", "Expire")
}

// TestUnrecorded: a change whose record is durable is not on its way, also where nobody
// has waited for it, as of a commit whose outcome was unknown for too long.
func TestUnrecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.openLog(t.TempDir(), time.Now)
	if _, err := w.orphan("Orphan"); err != nil {
		t.Fatal(err)
	}
	if err := w.trail.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := w.do(w.add(), "a"); err != nil { // whose batch comes after that of the orphan
		t.Fatal(err)
	}
	if n := w.pipeline.Unrecorded(); n != 0 {
		t.Errorf("%d changes are said to be on their way", n)
	}
}
