package kms

import (
	"context"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// DeleteCustomKeyStoreInput asks for a custom key store without keys to be
// deleted. Its proxy, its cluster and what is in them stay as they are.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteCustomKeyStore.html
type DeleteCustomKeyStoreInput struct {
	CustomKeyStoreID optional.Of[string] `aws:"CustomKeyStoreId" audit:"customKeyStoreId"`
}

// DeleteCustomKeyStoreOutput is empty.
type DeleteCustomKeyStoreOutput struct{}

// Validate checks the limits of the public model.
func (in *DeleteCustomKeyStoreInput) Validate(c *check.Checks) {
	checkKeyStoreID(c, in.CustomKeyStoreID)
}

func (s *Service) deleteCustomKeyStore() operation.Operation {
	return operation.Change[DeleteCustomKeyStoreInput, DeleteCustomKeyStoreOutput, *conditions, *DeleteCustomKeyStoreInput]{
		Name:    "DeleteCustomKeyStore",
		Actions: []string{"kms:DeleteCustomKeyStore"},
		Asks:    asksOnStores[DeleteCustomKeyStoreInput]("kms:DeleteCustomKeyStore"),
		Run: func(c *operation.Call, tx store.Txn, in *DeleteCustomKeyStoreInput, _ *conditions) (*DeleteCustomKeyStoreOutput, error) {
			return s.runDeleteCustomKeyStore(c, tx, in)
		},
	}.Operation()
}

func (s *Service) runDeleteCustomKeyStore(c *operation.Call, tx store.Txn, in *DeleteCustomKeyStoreInput) (*DeleteCustomKeyStoreOutput, error) {
	k, err := s.ownKeyStore(c, in.CustomKeyStoreID.V)
	if err != nil {
		return nil, err
	}
	k.show(c)
	if err := k.is(disconnected); err != nil {
		return nil, err
	}
	return &DeleteCustomKeyStoreOutput{}, k.delete(c.Context, tx, fault.New(CustomKeyStoreHasKeys, "The custom key store %s still contains KMS keys.", k.ID))
}

// delete deletes the store. The error is hasKeys where a key is in it.
func (k *keyStore) delete(ctx context.Context, tx store.Txn, hasKeys error) error {
	at := keyStoreKey(k.Account, k.Region, k.ID)
	err := storedKeyTable.Scan(ctx, tx, "", at, nil, 1, func(*storedKeyRecord, store.Rev) error { return hasKeys })
	if err != nil {
		return err
	}
	if err := keyStoreTable.Delete(ctx, tx, at, k.rev); err != nil {
		return fmt.Errorf("deleting custom key store %s: %w", k.ID, err)
	}
	tx.Touch(keyStoreEntity(k.Account, k.Region, k.ID))
	return nil
}
