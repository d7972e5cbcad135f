package sealed

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"testing"
	"time"
)

func TestPools(t *testing.T) {
	t.Parallel()
	w := newWorks(1, 2048, 4096)
	p := w.pools[0]
	ctx, cancel := context.WithCancel(t.Context())
	tick, done := make(chan time.Time), make(chan struct{})
	go func() {
		defer close(done)
		w.fillPools(ctx, tick)
	}()
	next := func() { tick <- time.Time{} } // taken only when the tick before is over

	next()
	next()
	if len(p.keys) != 0 {
		t.Fatalf("%d keys were drawn for nobody", len(p.keys))
	}
	first, err := w.draw(ctx, 2048)
	if err != nil {
		t.Fatal(err)
	}
	next() // somebody asked since the tick before
	next()
	next()
	if len(p.keys) != poolSize {
		t.Fatalf("%d keys wait, want %d", len(p.keys), poolSize)
	}
	asked := w.asked.Load()
	seen := map[string]bool{string(first.N.Bytes()): true}
	for range poolSize {
		k, err := w.draw(ctx, 2048)
		if err != nil || k.N.BitLen() != 2048 || k.Validate() != nil {
			t.Fatalf("a key that waited: %v", err)
		}
		seen[string(k.N.Bytes())] = true
	}
	if len(seen) != poolSize+1 {
		t.Errorf("%d different keys of %d", len(seen), poolSize+1)
	}
	if w.asked.Load() != asked {
		t.Error("keys that waited took turns")
	}
	next()
	next()
	if len(w.pools[1].keys) != 0 {
		t.Error("keys were drawn of a size that nobody asked for")
	}
	if len(p.keys) != poolSize {
		t.Errorf("%d keys wait after the pool was empty, want %d", len(p.keys), poolSize)
	}
	cancel()
	<-done
	if len(p.keys) != 0 {
		t.Errorf("%d keys wait after the end", len(p.keys))
	}
}

// TestWaitingAltered sees that a box that is not whole is an error, not a key.
func TestWaitingAltered(t *testing.T) {
	t.Parallel()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	w := newWaiting(k)
	if again, err := w.open(); err != nil || !again.Equal(k) {
		t.Errorf("another key, %v", err)
	}
	w.box[len(w.box)/2] ^= 1
	if _, err := w.open(); err == nil {
		t.Error("opened an altered box")
	}
}

// TestTurns sees that work waits for its turn and gives up with its context.
func TestTurns(t *testing.T) {
	t.Parallel()
	w := newWorks(1)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	err := w.turn(ctx, func() error {
		go func() { result <- w.turn(ctx, func() error { return nil }) }()
		cancel()
		return <-result
	})
	if err != context.Canceled {
		t.Errorf("worked beside another: %v", err)
	}
	if err := w.turn(ctx, func() error { return nil }); err != context.Canceled {
		t.Errorf("worked for nobody: %v", err)
	}
	if err := w.turn(t.Context(), func() error { return nil }); err != nil {
		t.Errorf("a turn was not given back: %v", err)
	}
}

// TestDrawsDoNotKeepUsers sees that who uses a key does not wait for who draws one.
func TestDrawsDoNotKeepUsers(t *testing.T) {
	t.Parallel()
	w := newWorks(1)
	err := w.inLine(t.Context(), w.draws, func() error {
		return w.turn(t.Context(), func() error { return nil })
	})
	if err != nil {
		t.Error(err)
	}
}
