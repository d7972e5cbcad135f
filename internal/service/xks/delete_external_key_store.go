package xks

import (
	"errors"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// DeleteExternalKeyStoreInput names a key store.
type DeleteExternalKeyStoreInput struct {
	Prefix optional.Of[string] `aws:"Prefix" audit:"prefix"`
}

// Validate checks the form of the prefix.
func (in *DeleteExternalKeyStoreInput) Validate(c *check.Checks) { checkPrefix(c, in.Prefix) }

// deleteExternalKeyStore implements DeleteExternalKeyStore, which is the operator's.
// A key store that has external keys stays: each of them is deleted by name first.
func (s *Service) deleteExternalKeyStore() operation.Operation {
	return operation.Change[DeleteExternalKeyStoreInput, operation.None, struct{}, *DeleteExternalKeyStoreInput]{
		Name:    "DeleteExternalKeyStore",
		Actions: []string{"claviger:DeleteExternalKeyStore"},
		Asks:    asksOperator[DeleteExternalKeyStoreInput]("claviger:DeleteExternalKeyStore"),
		Run:     s.runDeleteExternalKeyStore,
	}.Operation()
}

func (s *Service) runDeleteExternalKeyStore(c *operation.Call, tx store.Txn, in *DeleteExternalKeyStoreInput, _ struct{}) (*operation.None, error) {
	rec, rev, err := getKeyStore(c.Context, tx, in.Prefix.V)
	if errors.Is(err, store.ErrNotFound) {
		return nil, noSuchKeyStore(in.Prefix.V)
	}
	if err != nil {
		return nil, err
	}
	if rec.Keys > 0 {
		return nil, fault.New(InUse, "The key store %s has %d external keys.", rec.Prefix, rec.Keys)
	}
	if err := keyStoreTable.Delete(c.Context, tx, keyStoreKey(rec.Prefix), rev); err != nil {
		return nil, fmt.Errorf("deleting key store %s: %w", rec.Prefix, err)
	}
	tx.Touch(keyStoreEntity(rec.Prefix))
	return &operation.None{}, nil
}
