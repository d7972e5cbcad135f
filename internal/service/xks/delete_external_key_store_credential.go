package xks

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// DeleteExternalKeyStoreCredentialInput names a credential of a key store.
type DeleteExternalKeyStoreCredentialInput struct {
	Prefix      optional.Of[string] `aws:"Prefix" audit:"prefix"`
	AccessKeyID optional.Of[string] `aws:"AccessKeyId" audit:"accessKeyId"`
}

// Validate checks the form of the prefix.
func (in *DeleteExternalKeyStoreCredentialInput) Validate(c *check.Checks) {
	checkPrefix(c, in.Prefix)
	if c.Required("accessKeyId", in.AccessKeyID.Set) {
		c.Length("accessKeyId", in.AccessKeyID, 1, 128)
	}
}

// DeleteExternalKeyStoreCredentialOutput is the key store as it is now.
type DeleteExternalKeyStoreCredentialOutput struct {
	ExternalKeyStore ExternalKeyStore `aws:"ExternalKeyStore" audit:"externalKeyStore"`
}

// deleteExternalKeyStoreCredential implements DeleteExternalKeyStoreCredential,
// which is the operator's. It is over once the call is answered. The last one may go
// too: then nobody can use the key store.
func (s *Service) deleteExternalKeyStoreCredential() operation.Operation {
	return operation.Change[DeleteExternalKeyStoreCredentialInput, DeleteExternalKeyStoreCredentialOutput, struct{}, *DeleteExternalKeyStoreCredentialInput]{
		Name:    "DeleteExternalKeyStoreCredential",
		Actions: []string{"claviger:DeleteExternalKeyStoreCredential"},
		Asks:    asksOperator[DeleteExternalKeyStoreCredentialInput]("claviger:DeleteExternalKeyStoreCredential"),
		Run:     s.runDeleteExternalKeyStoreCredential,
	}.Operation()
}

func (s *Service) runDeleteExternalKeyStoreCredential(c *operation.Call, tx store.Txn, in *DeleteExternalKeyStoreCredentialInput, _ struct{}) (*DeleteExternalKeyStoreCredentialOutput, error) {
	rec, err := changeKeyStore(c, tx, in.Prefix.V, func(rec *keyStoreRecord) error {
		before := len(rec.Credentials)
		rec.Credentials = slices.DeleteFunc(rec.Credentials, func(c credentialRecord) bool { return c.ID == in.AccessKeyID.V })
		if len(rec.Credentials) == before {
			return fault.New(NoSuchEntity, "The key store %s has no credential %s.", rec.Prefix, in.AccessKeyID.V)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &DeleteExternalKeyStoreCredentialOutput{ExternalKeyStore: rec.shown()}, nil
}
