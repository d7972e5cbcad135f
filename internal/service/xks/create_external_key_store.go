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

// CreateExternalKeyStoreInput asks for a key store under a prefix.
type CreateExternalKeyStoreInput struct {
	Prefix optional.Of[string] `aws:"Prefix" audit:"prefix"`
	Limits Limits              `aws:"Limits" audit:"limits"`
}

// Validate checks the form of prefix and limits.
func (in *CreateExternalKeyStoreInput) Validate(c *check.Checks) {
	checkPrefix(c, in.Prefix)
	in.Limits.check(c)
}

// CreateExternalKeyStoreOutput is the key store, with what AWS KMS has to be told of it.
// The secret is shown here and never again.
type CreateExternalKeyStoreOutput struct {
	ExternalKeyStore ExternalKeyStore   `aws:"ExternalKeyStore" audit:"externalKeyStore"`
	Configuration    ProxyConfiguration `aws:"Configuration" audit:"configuration"`
}

// createExternalKeyStore implements CreateExternalKeyStore, which is the operator's.
func (s *Service) createExternalKeyStore() operation.Operation {
	return operation.Change[CreateExternalKeyStoreInput, CreateExternalKeyStoreOutput, struct{}, *CreateExternalKeyStoreInput]{
		Name:    "CreateExternalKeyStore",
		Actions: []string{"claviger:CreateExternalKeyStore"},
		Asks:    asksOperator[CreateExternalKeyStoreInput]("claviger:CreateExternalKeyStore"),
		Run:     s.runCreateExternalKeyStore,
	}.Operation()
}

func (s *Service) runCreateExternalKeyStore(c *operation.Call, tx store.Txn, in *CreateExternalKeyStoreInput, _ struct{}) (*CreateExternalKeyStoreOutput, error) {
	first := drawCredential(c.Time)
	rec := &keyStoreRecord{
		Prefix:      in.Prefix.V,
		ID:          ident.UUID(),
		Created:     c.Time.Unix(),
		Credentials: []credentialRecord{first},
		Limits:      in.Limits,
	}
	err := keyStoreTable.Insert(c.Context, tx, rec)
	if errors.Is(err, store.ErrExists) {
		return nil, fault.New(AlreadyExists, "There is a key store with the prefix %s.", in.Prefix.V)
	}
	if err != nil {
		return nil, fmt.Errorf("writing key store %s: %w", in.Prefix.V, err)
	}
	tx.Touch(keyStoreEntity(rec.Prefix))
	return &CreateExternalKeyStoreOutput{ExternalKeyStore: rec.shown(), Configuration: s.configuration(rec, first.ID)}, nil
}
