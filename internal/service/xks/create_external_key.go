package xks

import (
	"errors"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
)

// CreateExternalKeyInput asks for an external key, by default with a random id and for
// both uses. KMSKeys are ARNs of the KMS keys that may use it, or * for all; without
// any, the first that uses it is the only one.
type CreateExternalKeyInput struct {
	KeyStore      optional.Of[string] `aws:"KeyStore" audit:"keyStore"`
	ExternalKeyID optional.Of[string] `aws:"ExternalKeyId" audit:"externalKeyId"`
	NoEncrypt     bool                `aws:"NoEncrypt" audit:"noEncrypt"`
	NoDecrypt     bool                `aws:"NoDecrypt" audit:"noDecrypt"`
	KMSKeys       []string            `aws:"KmsKeys" audit:"kmsKeys"`
}

// Validate checks the form of prefix, id and ARNs.
func (in *CreateExternalKeyInput) Validate(c *check.Checks) {
	checkPrefix(c, in.KeyStore)
	checkKeyID(c, in.ExternalKeyID)
	checkKMSKeys(c, in.KMSKeys)
}

// CreateExternalKeyOutput is the external key.
type CreateExternalKeyOutput struct {
	ExternalKey ExternalKey `aws:"ExternalKey" audit:"externalKey"`
}

// createExternalKey implements CreateExternalKey, which is the operator's.
func (s *Service) createExternalKey() operation.Operation {
	return operation.Change[CreateExternalKeyInput, CreateExternalKeyOutput, struct{}, *CreateExternalKeyInput]{
		Name:    "CreateExternalKey",
		Actions: []string{"claviger:CreateExternalKey"},
		Asks:    asksOperator[CreateExternalKeyInput]("claviger:CreateExternalKey"),
		Run:     s.runCreateExternalKey,
	}.Operation()
}

func (s *Service) runCreateExternalKey(c *operation.Call, tx store.Txn, in *CreateExternalKeyInput, _ struct{}) (*CreateExternalKeyOutput, error) {
	// The key store's row is written too, so that nobody deletes it meanwhile.
	of, err := changeKeyStore(c, tx, in.KeyStore.V, func(rec *keyStoreRecord) error {
		rec.Keys++
		return nil
	})
	if err != nil {
		return nil, err
	}
	rec := &externalKeyRecord{
		KeyStore: of.Prefix,
		ID:       in.ExternalKeyID.V,
		Created:  c.Time.UnixMicro(),
		Encrypts: !in.NoEncrypt,
		Decrypts: !in.NoDecrypt,
	}
	if !in.ExternalKeyID.Set {
		rec.ID = ident.UUID()
	}
	rec.allow(in.KMSKeys)
	if err := s.addVersion(rec, of, c.Time); err != nil {
		return nil, err
	}
	err = externalKeyTable.Insert(c.Context, tx, rec)
	if errors.Is(err, store.ErrExists) {
		return nil, fault.New(AlreadyExists, "The key store %s has an external key %s.", of.Prefix, rec.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("writing external key %s: %w", rec.ID, err)
	}
	tx.Touch(externalKeyEntity(of.Prefix, rec.ID))
	return &CreateExternalKeyOutput{ExternalKey: rec.shown()}, nil
}
