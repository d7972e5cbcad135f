package xks

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// LimitExternalKeyStoreInput says for whom the external keys of a key store may be
// used from now on.
type LimitExternalKeyStoreInput struct {
	Prefix optional.Of[string] `aws:"Prefix" audit:"prefix"`
	Limits Limits              `aws:"Limits" audit:"limits"`
}

// Validate checks the form of prefix and limits.
func (in *LimitExternalKeyStoreInput) Validate(c *check.Checks) {
	checkPrefix(c, in.Prefix)
	in.Limits.check(c)
}

// LimitExternalKeyStoreOutput is the key store as it is now.
type LimitExternalKeyStoreOutput struct {
	ExternalKeyStore ExternalKeyStore `aws:"ExternalKeyStore" audit:"externalKeyStore"`
}

// limitExternalKeyStore implements LimitExternalKeyStore, which is the operator's.
// All limits are replaced, also by none.
func (s *Service) limitExternalKeyStore() operation.Operation {
	return operation.Change[LimitExternalKeyStoreInput, LimitExternalKeyStoreOutput, struct{}, *LimitExternalKeyStoreInput]{
		Name:    "LimitExternalKeyStore",
		Actions: []string{"claviger:LimitExternalKeyStore"},
		Asks:    asksOperator[LimitExternalKeyStoreInput]("claviger:LimitExternalKeyStore"),
		Run:     s.runLimitExternalKeyStore,
	}.Operation()
}

func (s *Service) runLimitExternalKeyStore(c *operation.Call, tx store.Txn, in *LimitExternalKeyStoreInput, _ struct{}) (*LimitExternalKeyStoreOutput, error) {
	rec, err := changeKeyStore(c, tx, in.Prefix.V, func(rec *keyStoreRecord) error {
		rec.Limits = in.Limits
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &LimitExternalKeyStoreOutput{ExternalKeyStore: rec.shown()}, nil
}
