package kms

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ConnectCustomKeyStoreInput asks for a custom key store to be connected. The
// answer comes before it is: DescribeCustomKeyStores tells how that went.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ConnectCustomKeyStore.html
type ConnectCustomKeyStoreInput struct {
	CustomKeyStoreID optional.Of[string] `aws:"CustomKeyStoreId" audit:"customKeyStoreId"`
}

// ConnectCustomKeyStoreOutput is empty.
type ConnectCustomKeyStoreOutput struct{}

// Validate checks the limits of the public model.
func (in *ConnectCustomKeyStoreInput) Validate(c *check.Checks) {
	checkKeyStoreID(c, in.CustomKeyStoreID)
}

func (s *Service) connectCustomKeyStore() operation.Operation {
	return operation.Change[ConnectCustomKeyStoreInput, ConnectCustomKeyStoreOutput, *conditions, *ConnectCustomKeyStoreInput]{
		Name:    "ConnectCustomKeyStore",
		Actions: []string{"kms:ConnectCustomKeyStore"},
		Asks:    asksOnStores[ConnectCustomKeyStoreInput]("kms:ConnectCustomKeyStore"),
		Run: func(c *operation.Call, tx store.Txn, in *ConnectCustomKeyStoreInput, _ *conditions) (*ConnectCustomKeyStoreOutput, error) {
			return s.runConnectCustomKeyStore(c, tx, in)
		},
	}.Operation()
}

func (s *Service) runConnectCustomKeyStore(c *operation.Call, tx store.Txn, in *ConnectCustomKeyStoreInput) (*ConnectCustomKeyStoreOutput, error) {
	k, err := s.ownKeyStore(c, in.CustomKeyStoreID.V)
	if err != nil {
		return nil, err
	}
	k.show(c)
	if err := k.is(disconnected, connecting, connected); err != nil {
		return nil, err
	}
	if k.Connection != disconnected {
		k.unchanged(tx)
		return &ConnectCustomKeyStoreOutput{}, nil
	}
	rec := k.keyStoreRecord
	rec.Connection = connecting
	rec.Began = moment(c)
	if err := rec.timer().start(c.Context, tx); err != nil {
		return nil, err
	}
	tx.Touch(connectsEntity)
	return &ConnectCustomKeyStoreOutput{}, k.put(c.Context, tx, &rec)
}
