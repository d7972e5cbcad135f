package kms

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// EnableKeyInput asks for a key to be made usable.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKey.html
type EnableKeyInput struct {
	KeyID optional.Of[string] `aws:"KeyId" audit:"keyId"`
}

// Validate checks the limits of the public model.
func (in *EnableKeyInput) Validate(c *check.Checks) { checkKeyID(c, in.KeyID) }

func (s *Service) enableKey() operation.Operation {
	return operation.Change[EnableKeyInput, operation.None, *target, *EnableKeyInput]{
		Name:    "EnableKey",
		Actions: []string{"kms:EnableKey"},
		Subject: func(c *operation.Call, in *EnableKeyInput) (*target, error) {
			return s.keyOnly(c, in.KeyID.V, s.keyToChange)
		},
		Asks: asksOnKey[EnableKeyInput]("kms:EnableKey", false),
		Run: func(c *operation.Call, tx store.Txn, _ *EnableKeyInput, t *target) (*operation.None, error) {
			return t.toggle(c, tx, stateEnabled)
		},
	}.Operation()
}
