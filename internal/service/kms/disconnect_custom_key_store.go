package kms

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DisconnectCustomKeyStoreInput asks for a custom key store to be disconnected.
// Its keys can be managed and not used from then on.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DisconnectCustomKeyStore.html
type DisconnectCustomKeyStoreInput struct {
	CustomKeyStoreID optional.Of[string] `aws:"CustomKeyStoreId" audit:"customKeyStoreId"`
}

// DisconnectCustomKeyStoreOutput is empty.
type DisconnectCustomKeyStoreOutput struct{}

// Validate checks the limits of the public model.
func (in *DisconnectCustomKeyStoreInput) Validate(c *check.Checks) {
	checkKeyStoreID(c, in.CustomKeyStoreID)
}

func (s *Service) disconnectCustomKeyStore() operation.Operation {
	return operation.Change[DisconnectCustomKeyStoreInput, DisconnectCustomKeyStoreOutput, *conditions, *DisconnectCustomKeyStoreInput]{
		Name:    "DisconnectCustomKeyStore",
		Actions: []string{"kms:DisconnectCustomKeyStore"},
		Asks:    asksOnStores[DisconnectCustomKeyStoreInput]("kms:DisconnectCustomKeyStore"),
		Run: func(c *operation.Call, tx store.Txn, in *DisconnectCustomKeyStoreInput, _ *conditions) (*DisconnectCustomKeyStoreOutput, error) {
			return s.runDisconnectCustomKeyStore(c, tx, in)
		},
	}.Operation()
}

func (s *Service) runDisconnectCustomKeyStore(c *operation.Call, tx store.Txn, in *DisconnectCustomKeyStoreInput) (*DisconnectCustomKeyStoreOutput, error) {
	k, err := s.ownKeyStore(c, in.CustomKeyStoreID.V)
	if err != nil {
		return nil, err
	}
	k.show(c)
	if err := k.is(connected, connecting, failed); err != nil {
		return nil, err
	}
	rec := k.keyStoreRecord
	if err := rec.disconnect(c.Context, tx); err != nil {
		return nil, err
	}
	return &DisconnectCustomKeyStoreOutput{}, k.put(c.Context, tx, &rec)
}
