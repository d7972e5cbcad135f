package xks

import (
	"context"

	"claviger/internal/ground/store"
)

// Consistency reports where rows of a snapshot of store.Verify contradict each
// other: external keys without their key store, and the counts of them.
func (s *Service) Consistency(ctx context.Context, r store.Reader, report func(store.Problem)) error {
	counts := make(map[string]int)
	err := externalKeyTable.Each(ctx, r, nil, func(k *externalKeyRecord, _ store.Rev) error {
		counts[k.KeyStore]++
		_, there, err := keyStoreTable.Look(ctx, r, keyStoreKey(k.KeyStore))
		if err == nil && !there {
			externalKeyTable.Reporter(report)(externalKeyKey(k.KeyStore, k.ID), "its key store is missing")
		}
		return err
	})
	if err != nil {
		return err
	}
	return keyStoreTable.Each(ctx, r, nil, func(of *keyStoreRecord, _ store.Rev) error {
		if n := counts[of.Prefix]; n != of.Keys {
			keyStoreTable.Reporter(report)(keyStoreKey(of.Prefix), "it counts %d external keys, and there are %d", of.Keys, n)
		}
		return nil
	})
}
