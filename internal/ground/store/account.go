package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"claviger/internal/ground/store/driver"
)

// accountKeys begins the meta keys of wrapped account keys; the account follows.
const accountKeys = "account-key/"

// installKeys makes all account keys usable.
func (s *Store) installKeys(ctx context.Context) error {
	wrapped, err := s.driver.MetaPrefix(ctx, accountKeys)
	if err != nil {
		return fmt.Errorf("reading account keys: %w", err)
	}
	for key, w := range wrapped {
		if err := s.install(strings.TrimPrefix(key, accountKeys), w); err != nil {
			return err
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
	wrapped, err := s.driver.Meta(ctx, accountKeys+account)
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
	wrapped, err := s.sealer.Draw(account)
	if err != nil {
		return fmt.Errorf("drawing a key for account %q: %w", account, err)
	}
	b := &driver.Batch{Meta: map[string][]byte{accountKeys + account: wrapped}}
	_, err = s.commit(ctx, b)
	switch {
	case errors.Is(err, ErrConflict): // another process was first, and its key is the one
		return s.learn(ctx, account)
	case err != nil:
		return fmt.Errorf("storing a key for account %q: %w", account, err)
	}
	return s.install(account, wrapped)
}
