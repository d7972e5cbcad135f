// Package xks is the external key store proxy: keys that never leave this server,
// and that another key management service uses as the material of its own keys.
//
// The other service is AWS KMS, or whatever speaks as it does. It calls with the
// credential of a key store, tells for which of its keys and for whom, and is let
// in by what the operator set for the key store and the external key. Key stores
// and external keys are made by the operator; the interface can't change them.
// https://github.com/aws/aws-kms-xksproxy-api-spec
package xks

import (
	"context"
	"fmt"
	"sync/atomic"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
)

// Options are what the service needs from others. All are required.
type Options struct {
	Keyring *sealed.Keyring
	Store   *store.Store // opened with Tables

	// CarryOut makes a change that no call asked for and records the event that
	// change returns, if any; see pipeline.Pipeline.
	CarryOut func(ctx context.Context, change func(store.Txn) (*operation.Event, error)) error
}

// Service is the external key store proxy. It is safe for concurrent use.
type Service struct {
	keyring  *sealed.Keyring
	store    *store.Store
	carryOut func(ctx context.Context, change func(store.Txn) (*operation.Event, error)) error
	secrets  *sealed.Secret // of credentials
	stores   snapshots[string, *keyStore]
	keys     snapshots[keyName, *externalKey]

	destroyed atomic.Bool // an external key was, see Settle
}

// New returns the service.
func New(o Options) *Service {
	return &Service{
		keyring:  o.Keyring,
		store:    o.Store,
		carryOut: o.CarryOut,
		secrets:  o.Keyring.Secret("xks/credential"),
	}
}

// Tables lists the tables of the service, for store.Open.
func Tables() []store.AnyTable { return []store.AnyTable{keyStoreTable, externalKeyTable} }

// Operations lists what the other key management service calls.
func (s *Service) Operations() []operation.Operation {
	return []operation.Operation{
		s.decrypt(),
		s.encrypt(),
		s.getHealthStatus(),
		s.getKeyMetadata(),
	}
}

// OperatorOperations lists what only the operator of the server may call.
func (s *Service) OperatorOperations() []operation.Operation {
	return []operation.Operation{
		s.allowExternalKey(),
		s.createExternalKey(),
		s.createExternalKeyStore(),
		s.createExternalKeyStoreCredential(),
		s.deleteExternalKey(),
		s.deleteExternalKeyStore(),
		s.deleteExternalKeyStoreCredential(),
		s.disableExternalKey(),
		s.enableExternalKey(),
		s.limitExternalKeyStore(),
		s.listExternalKeys(),
		s.listExternalKeyStores(),
		s.rotateExternalKey(),
		s.rotateExternalKeyStoreCredential(),
	}
}

// Settle is called after what the operator has done, and now and then: it drops
// from memory what has changed since it was read, and clears the store's files
// where an external key was destroyed, so that neither keeps its material. What
// fails is left to the next call. destroyed says that one was, and committed.
func (s *Service) Settle(ctx context.Context, destroyed bool) error {
	s.stores.sweep()
	s.keys.sweep()
	if destroyed {
		s.destroyed.Store(true)
	}
	if !s.destroyed.Swap(false) {
		return nil
	}
	if err := s.store.Truncate(ctx); err != nil {
		s.destroyed.Store(true)
		return fmt.Errorf("clearing the store's files of destroyed material: %w", err)
	}
	return nil
}
