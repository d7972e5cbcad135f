package xks

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// EnableExternalKeyInput names an external key.
type EnableExternalKeyInput struct {
	KeyStore      optional.Of[string] `aws:"KeyStore" audit:"keyStore"`
	ExternalKeyID optional.Of[string] `aws:"ExternalKeyId" audit:"externalKeyId"`
}

// Validate checks the form of prefix and id.
func (in *EnableExternalKeyInput) Validate(c *check.Checks) {
	checkPrefix(c, in.KeyStore)
	if c.Required("externalKeyId", in.ExternalKeyID.Set) {
		checkKeyID(c, in.ExternalKeyID)
	}
}

// EnableExternalKeyOutput is the external key as it is now.
type EnableExternalKeyOutput struct {
	ExternalKey ExternalKey `aws:"ExternalKey" audit:"externalKey"`
}

// enableExternalKey implements EnableExternalKey, which is the operator's.
func (s *Service) enableExternalKey() operation.Operation {
	return operation.Change[EnableExternalKeyInput, EnableExternalKeyOutput, struct{}, *EnableExternalKeyInput]{
		Name:    "EnableExternalKey",
		Actions: []string{"claviger:EnableExternalKey"},
		Asks:    asksOperator[EnableExternalKeyInput]("claviger:EnableExternalKey"),
		Run:     s.runEnableExternalKey,
	}.Operation()
}

func (s *Service) runEnableExternalKey(c *operation.Call, tx store.Txn, in *EnableExternalKeyInput, _ struct{}) (*EnableExternalKeyOutput, error) {
	rec, err := changeKey(c, tx, in.KeyStore.V, in.ExternalKeyID.V, func(rec *externalKeyRecord) error {
		rec.Disabled = false
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &EnableExternalKeyOutput{ExternalKey: rec.shown()}, nil
}
