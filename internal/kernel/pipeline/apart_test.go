package pipeline_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
)

// slow are a Use and a Change that need what work makes apart.
func (w *world) slow(work func(context.Context) (int, error)) (use, change operation.Operation) {
	use = operation.Use[in, out, struct{}, *in]{
		Name: "SlowGet", Actions: []string{"test:Get"}, Asks: asks("test:Get"),
		Run: func(c *operation.Call, i *in, _ struct{}) (*out, error) {
			_, _, r, err := read(c, i.Name)
			if err != nil {
				return nil, err
			}
			c.RestOn(w.store.Stamp(r, "counter:"+i.Name))
			made, err := operation.Apart(c, work)
			if err != nil {
				return nil, err
			}
			w.beforeRun()
			return &out{made}, nil
		},
	}.Operation()
	add := w.add()
	change = operation.Change[in, out, struct{}, *in]{
		Name: "SlowAdd", Actions: []string{"test:Add"}, Asks: asks("test:Add"),
		Run: func(c *operation.Call, tx store.Txn, i *in, _ struct{}) (*out, error) {
			if _, made := operation.Made[string](c); made {
				return nil, errors.New("something of another type was made")
			}
			if _, err := operation.Apart(c, work); err != nil {
				return nil, err
			}
			made, err := add.Walk(c, tx, i, func([]authz.Ask) error { return nil })
			if err != nil {
				return nil, err
			}
			return made.(*out), nil
		},
	}.Operation()
	return use, change
}

// TestMadeOnce: what takes long is made while nothing is held, and once, however
// often the call is walked.
func TestMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	works := 0
	get, add := w.slow(func(context.Context) (int, error) {
		works++
		if w.trail.held != 0 {
			t.Error("trail space is reserved while something is made")
		}
		return 7, nil
	})
	overtaken := 0
	w.beforeRun = func() {
		if overtaken++; overtaken > 3 {
			return
		}
		_, err := w.store.Update(t.Context(), ident.Bytes(), func(tx store.Txn) error {
			tx.Touch("counter:a")
			found, rev, err := counters.Get(t.Context(), tx, store.Key{store.S("a")})
			if errors.Is(err, store.ErrNotFound) {
				return counters.Insert(t.Context(), tx, &counter{Name: "a"})
			}
			if err != nil {
				return err
			}
			return counters.Put(t.Context(), tx, found, rev)
		})
		if err != nil {
			t.Error(err)
		}
	}
	for _, op := range []operation.Operation{get, add} {
		works, overtaken = 0, 0
		n, err := w.do(op, "a")
		if err != nil || works != 1 || overtaken != 4 || op.Name == "SlowGet" && n != 7 {
			t.Errorf("%s: %d, %v; made %d times in %d walks", op.Name, n, err, works, overtaken)
		}
	}
	// The next call makes its own.
	if _, err := w.do(get, "a"); err != nil || works != 2 {
		t.Errorf("made %d times, %v", works, err)
	}
	w.want("SlowGet", "SlowAdd", "SlowGet")
}

// TestNothingIsMadeForTheRefused: whoever may not call has nothing made, and a
// failure is recorded as any other.
func TestNothingIsMadeForTheRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	works := 0
	get, add := w.slow(func(context.Context) (int, error) {
		works++
		return 0, errors.New("no luck")
	})
	stranger := *w.credential
	caller := *stranger.Caller
	caller.Identity = nil
	stranger.Caller = &caller
	for _, op := range []operation.Operation{get, add} {
		if _, err := w.doAs(&stranger, op, "a"); !fault.Is(err, fault.AccessDenied) || works != 0 {
			t.Errorf("%s as a stranger: %v, made %d times", op.Name, err, works)
		}
	}
	for _, op := range []operation.Operation{get, add} {
		works = 0
		if _, err := w.do(op, "a"); !fault.Is(err, fault.InternalFailure) || works != 1 {
			t.Errorf("%s: %v, made %d times", op.Name, err, works)
		}
	}
	w.want("SlowGet AccessDenied", "SlowAdd AccessDenied", "SlowGet InternalFailure", "SlowAdd InternalFailure")
}

// TestPlacesAreFreeMeanwhile: changes go on while as many as there are places
// have something made.
func TestPlacesAreFreeMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const many = 40 // more than there are places
	var working, done sync.WaitGroup
	working.Add(many)
	finish := make(chan struct{})
	_, slowly := w.slow(func(context.Context) (int, error) {
		working.Done()
		<-finish
		return 0, nil
	})
	for range many {
		done.Go(func() {
			if _, err := w.do(slowly, "slow"); err != nil {
				t.Error(err)
			}
		})
	}
	working.Wait()
	if n, err := w.do(w.add(), "quick"); n != 1 || err != nil {
		t.Errorf("Add: %d, %v", n, err)
	}
	close(finish)
	done.Wait()
}
