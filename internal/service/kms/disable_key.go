package kms

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DisableKeyInput asks for a key to be made unusable, until it is enabled again.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKey.html
type DisableKeyInput struct {
	KeyID optional.Of[string] `aws:"KeyId" audit:"keyId"`
}

// Validate checks the limits of the public model.
func (in *DisableKeyInput) Validate(c *check.Checks) { checkKeyID(c, in.KeyID) }

func (s *Service) disableKey() operation.Operation {
	return operation.Change[DisableKeyInput, operation.None, *target, *DisableKeyInput]{
		Name:    "DisableKey",
		Actions: []string{"kms:DisableKey"},
		Subject: func(c *operation.Call, in *DisableKeyInput) (*target, error) {
			t, err := s.keyOnly(c, in.KeyID.V, s.keyToChange)
			if err != nil {
				return nil, err
			}
			return t, s.checkIdle(c, t)
		},
		Asks: asksOnKey[DisableKeyInput]("kms:DisableKey", false),
		Run: func(c *operation.Call, tx store.Txn, _ *DisableKeyInput, t *target) (*operation.None, error) {
			return t.toggle(c, tx, stateDisabled)
		},
	}.Operation()
}
