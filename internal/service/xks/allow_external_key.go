package xks

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// AllowExternalKeyInput says which KMS keys may use an external key: those listed, all
// where * stands alone, and without any the next one that uses it.
type AllowExternalKeyInput struct {
	KeyStore      optional.Of[string] `aws:"KeyStore" audit:"keyStore"`
	ExternalKeyID optional.Of[string] `aws:"ExternalKeyId" audit:"externalKeyId"`
	KMSKeys       []string            `aws:"KmsKeys" audit:"kmsKeys"`
}

// Validate checks the form of prefix, id and ARNs.
func (in *AllowExternalKeyInput) Validate(c *check.Checks) {
	checkPrefix(c, in.KeyStore)
	if c.Required("externalKeyId", in.ExternalKeyID.Set) {
		checkKeyID(c, in.ExternalKeyID)
	}
	checkKMSKeys(c, in.KMSKeys)
}

// AllowExternalKeyOutput is the external key as it is now.
type AllowExternalKeyOutput struct {
	ExternalKey ExternalKey `aws:"ExternalKey" audit:"externalKey"`
}

// allowExternalKey implements AllowExternalKey, which is the operator's. What was
// set before, or by the first use, is replaced.
func (s *Service) allowExternalKey() operation.Operation {
	return operation.Change[AllowExternalKeyInput, AllowExternalKeyOutput, struct{}, *AllowExternalKeyInput]{
		Name:    "AllowExternalKey",
		Actions: []string{"claviger:AllowExternalKey"},
		Asks:    asksOperator[AllowExternalKeyInput]("claviger:AllowExternalKey"),
		Run:     s.runAllowExternalKey,
	}.Operation()
}

func (s *Service) runAllowExternalKey(c *operation.Call, tx store.Txn, in *AllowExternalKeyInput, _ struct{}) (*AllowExternalKeyOutput, error) {
	rec, err := changeKey(c, tx, in.KeyStore.V, in.ExternalKeyID.V, func(rec *externalKeyRecord) error {
		rec.allow(in.KMSKeys)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &AllowExternalKeyOutput{ExternalKey: rec.shown()}, nil
}
