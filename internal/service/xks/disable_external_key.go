package xks

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DisableExternalKeyInput names an external key.
type DisableExternalKeyInput struct {
	KeyStore      optional.Of[string] `aws:"KeyStore" audit:"keyStore"`
	ExternalKeyID optional.Of[string] `aws:"ExternalKeyId" audit:"externalKeyId"`
}

// Validate checks the form of prefix and id.
func (in *DisableExternalKeyInput) Validate(c *check.Checks) {
	checkPrefix(c, in.KeyStore)
	if c.Required("externalKeyId", in.ExternalKeyID.Set) {
		checkKeyID(c, in.ExternalKeyID)
	}
}

// DisableExternalKeyOutput is the external key as it is now.
type DisableExternalKeyOutput struct {
	ExternalKey ExternalKey `aws:"ExternalKey" audit:"externalKey"`
}

// disableExternalKey implements DisableExternalKey, which is the operator's. Once
// the call is answered nobody uses the key any more, until it is enabled again.
// Plaintext data keys that a service holds already are beyond reach.
func (s *Service) disableExternalKey() operation.Operation {
	return operation.Change[DisableExternalKeyInput, DisableExternalKeyOutput, struct{}, *DisableExternalKeyInput]{
		Name:    "DisableExternalKey",
		Actions: []string{"claviger:DisableExternalKey"},
		Asks:    asksOperator[DisableExternalKeyInput]("claviger:DisableExternalKey"),
		Run:     s.runDisableExternalKey,
	}.Operation()
}

func (s *Service) runDisableExternalKey(c *operation.Call, tx store.Txn, in *DisableExternalKeyInput, _ struct{}) (*DisableExternalKeyOutput, error) {
	rec, err := changeKey(c, tx, in.KeyStore.V, in.ExternalKeyID.V, func(rec *externalKeyRecord) error {
		rec.Disabled = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &DisableExternalKeyOutput{ExternalKey: rec.shown()}, nil
}
