package kms

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DisableKeyRotationInput asks for a key no longer to be rotated by itself.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKeyRotation.html
type DisableKeyRotationInput struct {
	KeyID optional.Of[string] `aws:"KeyId" audit:"keyId"`
}

// Validate checks the limits of the public model.
func (in *DisableKeyRotationInput) Validate(c *check.Checks) { checkKeyID(c, in.KeyID) }

func (s *Service) disableKeyRotation() operation.Operation {
	return operation.Change[DisableKeyRotationInput, operation.None, *target, *DisableKeyRotationInput]{
		Name:    "DisableKeyRotation",
		Actions: []string{"kms:DisableKeyRotation"},
		Subject: func(c *operation.Call, in *DisableKeyRotationInput) (*target, error) {
			return s.keyOnly(c, in.KeyID.V, s.keyToChange)
		},
		Asks: asksOnKey[DisableKeyRotationInput]("kms:DisableKeyRotation", false),
		Run: func(c *operation.Call, tx store.Txn, _ *DisableKeyRotationInput, t *target) (*operation.None, error) {
			return t.schedule(c, tx, nil)
		},
	}.Operation()
}
