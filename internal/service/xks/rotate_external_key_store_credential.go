package xks

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// RotateExternalKeyStoreCredentialInput names a key store that is to get a new credential.
type RotateExternalKeyStoreCredentialInput struct {
	Prefix optional.Of[string] `aws:"Prefix" audit:"prefix"`
}

// Validate checks the form of the prefix.
func (in *RotateExternalKeyStoreCredentialInput) Validate(c *check.Checks) { checkPrefix(c, in.Prefix) }

// RotateExternalKeyStoreCredentialOutput is the key store, with what AWS KMS has to
// be told of it. The secret is shown here and never again.
type RotateExternalKeyStoreCredentialOutput struct {
	ExternalKeyStore ExternalKeyStore   `aws:"ExternalKeyStore" audit:"externalKeyStore"`
	Configuration    ProxyConfiguration `aws:"Configuration" audit:"configuration"`
}

// rotateExternalKeyStoreCredential implements RotateExternalKeyStoreCredential,
// which is the operator's. The new credential takes the place of the older one where
// there are two, and stands beside the only one else, so that the one that is in use
// goes on until the next rotation.
func (s *Service) rotateExternalKeyStoreCredential() operation.Operation {
	return operation.Change[RotateExternalKeyStoreCredentialInput, RotateExternalKeyStoreCredentialOutput, struct{}, *RotateExternalKeyStoreCredentialInput]{
		Name:    "RotateExternalKeyStoreCredential",
		Actions: []string{"claviger:RotateExternalKeyStoreCredential"},
		Asks:    asksOperator[RotateExternalKeyStoreCredentialInput]("claviger:RotateExternalKeyStoreCredential"),
		Run:     s.runRotateExternalKeyStoreCredential,
	}.Operation()
}

func (s *Service) runRotateExternalKeyStoreCredential(c *operation.Call, tx store.Txn, in *RotateExternalKeyStoreCredentialInput, _ struct{}) (*RotateExternalKeyStoreCredentialOutput, error) {
	added := drawCredential(c.Time)
	rec, err := changeKeyStore(c, tx, in.Prefix.V, func(rec *keyStoreRecord) error {
		if excess := len(rec.Credentials) + 1 - credentialsMax; excess > 0 {
			rec.Credentials = rec.Credentials[excess:]
		}
		rec.Credentials = append(rec.Credentials, added)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &RotateExternalKeyStoreCredentialOutput{ExternalKeyStore: rec.shown(), Configuration: s.configuration(rec, added.ID)}, nil
}
