package xks

import (
	"errors"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// RotateExternalKeyInput names an external key that is to get new material.
type RotateExternalKeyInput struct {
	KeyStore      optional.Of[string] `aws:"KeyStore" audit:"keyStore"`
	ExternalKeyID optional.Of[string] `aws:"ExternalKeyId" audit:"externalKeyId"`
}

// Validate checks the form of prefix and id.
func (in *RotateExternalKeyInput) Validate(c *check.Checks) {
	checkPrefix(c, in.KeyStore)
	if c.Required("externalKeyId", in.ExternalKeyID.Set) {
		checkKeyID(c, in.ExternalKeyID)
	}
}

// RotateExternalKeyOutput is the external key as it is now.
type RotateExternalKeyOutput struct {
	ExternalKey ExternalKey `aws:"ExternalKey" audit:"externalKey"`
}

// rotateExternalKey implements RotateExternalKey, which is the operator's. The new
// version encrypts from now on; what older ones have encrypted they decrypt.
func (s *Service) rotateExternalKey() operation.Operation {
	return operation.Change[RotateExternalKeyInput, RotateExternalKeyOutput, struct{}, *RotateExternalKeyInput]{
		Name:    "RotateExternalKey",
		Actions: []string{"claviger:RotateExternalKey"},
		Asks:    asksOperator[RotateExternalKeyInput]("claviger:RotateExternalKey"),
		Run:     s.runRotateExternalKey,
	}.Operation()
}

func (s *Service) runRotateExternalKey(c *operation.Call, tx store.Txn, in *RotateExternalKeyInput, _ struct{}) (*RotateExternalKeyOutput, error) {
	of, rev, err := getKeyStore(c.Context, tx, in.KeyStore.V)
	if errors.Is(err, store.ErrNotFound) {
		return nil, noSuchKeyStore(in.KeyStore.V)
	}
	if err != nil {
		return nil, err
	}
	keyStoreTable.Require(tx, keyStoreKey(of.Prefix), rev)
	rec, err := changeKey(c, tx, in.KeyStore.V, in.ExternalKeyID.V, func(rec *externalKeyRecord) error {
		return s.addVersion(rec, of, c.Time)
	})
	if err != nil {
		return nil, err
	}
	return &RotateExternalKeyOutput{ExternalKey: rec.shown()}, nil
}
