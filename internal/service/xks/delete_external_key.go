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

// DeleteExternalKeyInput names an external key.
type DeleteExternalKeyInput struct {
	KeyStore      optional.Of[string] `aws:"KeyStore" audit:"keyStore"`
	ExternalKeyID optional.Of[string] `aws:"ExternalKeyId" audit:"externalKeyId"`
}

// Validate checks the form of prefix and id.
func (in *DeleteExternalKeyInput) Validate(c *check.Checks) {
	checkPrefix(c, in.KeyStore)
	if c.Required("externalKeyId", in.ExternalKeyID.Set) {
		checkKeyID(c, in.ExternalKeyID)
	}
}

// deleteExternalKey implements DeleteExternalKey, which is the operator's. Its
// material is destroyed: nothing that was encrypted under it can ever be decrypted
// again, nor can what the KMS key encrypted that uses it. It must be disabled first,
// so that this takes two steps.
func (s *Service) deleteExternalKey() operation.Operation {
	return operation.Change[DeleteExternalKeyInput, operation.None, struct{}, *DeleteExternalKeyInput]{
		Name:    "DeleteExternalKey",
		Actions: []string{"claviger:DeleteExternalKey"},
		Asks:    asksOperator[DeleteExternalKeyInput]("claviger:DeleteExternalKey"),
		Run:     s.runDeleteExternalKey,
	}.Operation()
}

func (s *Service) runDeleteExternalKey(c *operation.Call, tx store.Txn, in *DeleteExternalKeyInput, _ struct{}) (*operation.None, error) {
	rec, rev, err := getExternalKey(c.Context, tx, in.KeyStore.V, in.ExternalKeyID.V)
	if errors.Is(err, store.ErrNotFound) {
		return nil, noSuchKey(in.KeyStore.V, in.ExternalKeyID.V)
	}
	if err != nil {
		return nil, err
	}
	if !rec.Disabled {
		return nil, fault.New(InUse, "The external key %s is enabled. Disable it first.", rec.ID)
	}
	_, err = changeKeyStore(c, tx, rec.KeyStore, func(of *keyStoreRecord) error {
		of.Keys--
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := externalKeyTable.Delete(c.Context, tx, externalKeyKey(rec.KeyStore, rec.ID), rev); err != nil {
		return nil, fmt.Errorf("deleting external key %s: %w", rec.ID, err)
	}
	tx.Touch(externalKeyEntity(rec.KeyStore, rec.ID))
	return &operation.None{}, nil
}
