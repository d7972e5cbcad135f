package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"claviger/internal/ground/store/driver"
)

// accountKeys begins the meta keys of wrapped account keys; the account follows.
// Those of later generations begin otherwise, with the generation in four digits before the account.
const (
	accountKeys      = "account-key/"
	laterAccountKeys = "later-account-key/"
)

// accountKey is the meta key of a generation of an account's key.
func accountKey(account string, generation int) string {
	if generation == 1 {
		return accountKeys + account
	}
	return fmt.Sprintf("%s%04d/%s", laterAccountKeys, generation, account)
}

// installKeys makes all account keys usable, each account's in their order.
func (s *Store) installKeys(values map[string][]byte) error {
	keys := slices.Sorted(maps.Keys(values))
	for _, prefix := range []string{accountKeys, laterAccountKeys} {
		for _, key := range keys {
			account, ok := strings.CutPrefix(key, prefix)
			if !ok {
				continue
			}
			if prefix == laterAccountKeys {
				_, account, _ = strings.Cut(account, "/")
			}
			if err := s.install(account, values[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) install(account string, wrapped []byte) error {
	if err := s.sealer.Install(account, wrapped); err != nil {
		return fmt.Errorf("the key of account %q does not open: %w: %w", account, ErrDamaged, err)
	}
	return nil
}

// learn installs a key that another process may have drawn meanwhile. What is
// sealed under a key that nobody has is damaged.
func (s *Store) learn(ctx context.Context, account string) error {
	n, _ := s.sealer.Generation(account)
	wrapped, err := s.driver.Meta(ctx, accountKey(account, n+1))
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("its account has no key: %w", ErrDamaged)
	}
	if err != nil {
		return fmt.Errorf("reading an account key: %w", err)
	}
	return s.install(account, wrapped)
}

// provide sees to it that an account has a key. The key is stored by a commit
// of its own and becomes usable only then: nothing is ever sealed under a key
// that could be lost. A crash in between leaves a key without rows, which the
// next start installs.
func (s *Store) provide(ctx context.Context, account string) error {
	if s.sealer.Known(account) {
		return nil
	}
	s.drawing.Lock()
	defer s.drawing.Unlock()
	if s.sealer.Known(account) {
		return nil
	}
	return s.draw(ctx, account)
}

// draw gives an account its next key. The caller holds s.drawing.
func (s *Store) draw(ctx context.Context, account string) error {
	n, _ := s.sealer.Generation(account)
	wrapped, err := s.sealer.Draw(account)
	if err != nil {
		return fmt.Errorf("drawing a key for account %q: %w", account, err)
	}
	b := &driver.Batch{Meta: map[string][]byte{accountKey(account, n+1): wrapped}}
	change := newDeltas(s.ledger.keys)
	change.values(nil, b.Meta)
	b.Roll = s.ledger.roll(change.done())
	_, err = s.commit(ctx, b)
	if err != nil && !errors.Is(err, ErrConflict) {
		return fmt.Errorf("storing a key for account %q: %w", account, err)
	}
	if n > 0 { // nothing that was sealed by the key before may still be on its way
		s.sealing.Lock()
		defer s.sealing.Unlock()
	}
	if err != nil { // another process was first, and its key is the one
		return s.learn(ctx, account)
	}
	return s.install(account, wrapped)
}
