package xks

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// CreateExternalKeyStoreCredentialInput names a key store that is to get a second
// credential.
type CreateExternalKeyStoreCredentialInput struct {
	Prefix optional.Of[string] `aws:"Prefix" audit:"prefix"`
}

// Validate checks the form of the prefix.
func (in *CreateExternalKeyStoreCredentialInput) Validate(c *check.Checks) { checkPrefix(c, in.Prefix) }

// CreateExternalKeyStoreCredentialOutput is the key store, with what AWS KMS has to
// be told of it. The secret is shown here and never again.
type CreateExternalKeyStoreCredentialOutput struct {
	ExternalKeyStore ExternalKeyStore   `aws:"ExternalKeyStore" audit:"externalKeyStore"`
	Configuration    ProxyConfiguration `aws:"Configuration" audit:"configuration"`
}

// createExternalKeyStoreCredential implements CreateExternalKeyStoreCredential,
// which is the operator's. Both of a key store's credentials count until one is
// deleted.
func (s *Service) createExternalKeyStoreCredential() operation.Operation {
	return operation.Change[CreateExternalKeyStoreCredentialInput, CreateExternalKeyStoreCredentialOutput, struct{}, *CreateExternalKeyStoreCredentialInput]{
		Name:    "CreateExternalKeyStoreCredential",
		Actions: []string{"claviger:CreateExternalKeyStoreCredential"},
		Asks:    asksOperator[CreateExternalKeyStoreCredentialInput]("claviger:CreateExternalKeyStoreCredential"),
		Run:     s.runCreateExternalKeyStoreCredential,
	}.Operation()
}

func (s *Service) runCreateExternalKeyStoreCredential(c *operation.Call, tx store.Txn, in *CreateExternalKeyStoreCredentialInput, _ struct{}) (*CreateExternalKeyStoreCredentialOutput, error) {
	added := drawCredential(c.Time)
	rec, err := changeKeyStore(c, tx, in.Prefix.V, func(rec *keyStoreRecord) error {
		if len(rec.Credentials) >= credentialsMax {
			return fault.New(fault.LimitExceeded, "The key store %s has %d credentials, which is the most.", rec.Prefix, credentialsMax)
		}
		rec.Credentials = append(rec.Credentials, added)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &CreateExternalKeyStoreCredentialOutput{ExternalKeyStore: rec.shown(), Configuration: s.configuration(rec, added.ID)}, nil
}
