package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"claviger/internal/ground/store/driver"
)

// OpID identifies one attempt at a change across retries. The zero OpID
// identifies nothing.
type OpID [16]byte

const (
	// updateTries bounds how often a closure is run again.
	updateTries = 40
	// freeTries is how many of them anybody may make at any time. Whoever was
	// overtaken that often waits for its turn, so that rivals for one row become
	// fewer instead of having each other fail.
	freeTries = 8
	// waitMax bounds the wait between two tries.
	waitMax = 64 * time.Millisecond
	// commitPatience is how long a commit may take before its outcome counts as
	// unknown. It is far beyond what a disk needs.
	commitPatience = 30 * time.Second
)

// Update runs fn, which may run several times and must have no effect outside
// its Txn, and commits what it buffered. An error of fn commits nothing and is
// returned as it is, except for ErrConflict, which runs fn again. The commit
// itself does not end with ctx: when Update returns an error other than
// ErrIndeterminate, nothing was applied.
//
// A transaction that was overtaken again and again is ErrUnavailable. One that
// holds nothing is not committed, and its position is that of its snapshot.
func (s *Store) Update(ctx context.Context, id OpID, fn func(Txn) error) (Commit, error) {
	var err error
	for try := range updateTries {
		if try == freeTries {
			if err := s.enter(ctx); err != nil {
				return Commit{}, err
			}
			defer s.leave()
		}
		var c Commit
		var again bool
		if c, again, err = s.try(ctx, id, fn); !again {
			return c, err
		}
		s.work.Overtaken.Add(1)
		if try+1 < updateTries {
			if err := wait(ctx, try%freeTries); err != nil {
				return Commit{}, err
			}
		}
	}
	if errors.Is(err, ErrConflict) {
		err = fmt.Errorf("%w: overtaken %d times: %w", ErrUnavailable, updateTries, err)
	}
	return Commit{}, err
}

// try runs fn once. It reports whether another try may fare better: after
// ErrExists of a commit too, because then fn sees for itself what exists.
func (s *Store) try(ctx context.Context, id OpID, fn func(Txn) error) (c Commit, again bool, err error) {
	v, err := s.view(ctx)
	if err != nil {
		return Commit{}, false, err
	}
	tx := newTransaction(v)
	if err := tx.run(fn); err != nil {
		return Commit{}, errors.Is(err, ErrConflict), err
	}
	if tx.empty() {
		return Commit{Position: tx.Position()}, false, nil
	}
	c, err = s.conclude(ctx, id, tx)
	return c, errors.Is(err, ErrConflict) || errors.Is(err, ErrExists), err
}

// run runs the closure and gives up the snapshot, so that none is held during a commit.
func (tx *transaction) run(fn func(Txn) error) (err error) {
	defer func() {
		tx.ended = true
		if e := tx.Close(); err == nil {
			err = e
		}
	}()
	return fn(tx)
}

// conclude seals and commits. Up to here the caller's context counts.
func (s *Store) conclude(ctx context.Context, id OpID, tx *transaction) (Commit, error) {
	if err := ctx.Err(); err != nil {
		return Commit{}, unavailable(err)
	}
	for _, account := range tx.accounts() {
		if err := s.provide(ctx, account); err != nil {
			if errors.Is(err, ErrIndeterminate) {
				// The key may have been stored or not. Of the change that needs it
				// nothing was, and the next one learns which it is.
				err = fmt.Errorf("%w: %v", ErrUnavailable, err)
			}
			return Commit{}, err
		}
	}
	// What was sealed by a key must be committed before the next one takes over:
	// Reseal passes each row once.
	s.sealing.RLock()
	defer s.sealing.RUnlock()
	b, err := tx.batch(id)
	if err != nil {
		return Commit{}, err
	}
	return s.commit(ctx, b)
}

// commit hands a batch to the driver, under a deadline of its own: an API call
// that gives up must not leave it half way.
func (s *Store) commit(ctx context.Context, b *driver.Batch) (Commit, error) {
	if err := s.Sound(); err != nil {
		return Commit{}, err
	}
	if forget := s.forget.Load(); forget > s.pruned.Load() {
		b.Prune = forget
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitPatience)
	defer cancel()
	began := s.begin()
	called := false // read only after the driver has said that the commit is done
	position, err := s.driver.Commit(ctx, b, func(position uint64) {
		called = true
		s.applied(b, Commit{Position: position, Events: b.Events})
	})
	s.ended(began, err)
	if err != nil {
		return Commit{}, fmt.Errorf("committing: %w", err)
	}
	if !called {
		return Commit{Position: position, Repeated: true}, nil
	}
	return Commit{Position: position, Events: b.Events}, nil
}

// applied makes a commit known, in the order of positions. Stamps end first, so
// that whoever is told of the commit finds no stamp that it has outdated.
func (s *Store) applied(b *driver.Batch, c Commit) {
	for _, entity := range b.Touches {
		s.slots.raise(entity, c.Position)
	}
	s.births.note(b.Writes, c.Position)
	s.newest.Store(c.Position)
	if b.Prune > s.pruned.Load() {
		s.pruned.Store(b.Prune)
	}
	if s.committed != nil {
		s.committed(c)
	}
}

// enter waits until no other transaction has its turn, which leave ends.
func (s *Store) enter(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
}

func (s *Store) leave() { <-s.turn }

// wait lets rivals pass: up to a millisecond at first, then longer, each time a
// different while.
func wait(ctx context.Context, try int) error {
	most := min(time.Millisecond<<min(try, 16), waitMax)
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	t := time.NewTimer(time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(most)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
}

// unavailable is what becomes of a call whose context ended before its commit began.
func unavailable(cause error) error { return fmt.Errorf("store: %w: %w", ErrUnavailable, cause) }
