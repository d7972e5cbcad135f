package kms

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UpdateKeyDescriptionInput asks for a key's description to be replaced.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateKeyDescription.html
type UpdateKeyDescriptionInput struct {
	KeyID       optional.Of[string] `aws:"KeyId" audit:"keyId"`
	Description optional.Of[string] `aws:"Description" audit:"description"`
}

// Validate checks the limits of the public model.
func (in *UpdateKeyDescriptionInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	if c.Required("description", in.Description.Set) {
		c.Length("description", in.Description, 0, descriptionMax)
	}
}

func (s *Service) updateKeyDescription() operation.Operation {
	return operation.Change[UpdateKeyDescriptionInput, operation.None, *target, *UpdateKeyDescriptionInput]{
		Name:    "UpdateKeyDescription",
		Actions: []string{"kms:UpdateKeyDescription"},
		Subject: func(c *operation.Call, in *UpdateKeyDescriptionInput) (*target, error) {
			return s.keyOnly(c, in.KeyID.V, s.keyToChange)
		},
		Asks: asksOnKey[UpdateKeyDescriptionInput]("kms:UpdateKeyDescription", false),
		Run: func(c *operation.Call, tx store.Txn, in *UpdateKeyDescriptionInput, t *target) (*operation.None, error) {
			k, err := t.found(c)
			if err != nil {
				return nil, err
			}
			if err := k.ready(toLabel); err != nil {
				return nil, err
			}
			rec := k.keyRecord
			rec.Description = in.Description.V
			return k.change(c, tx, &rec, rec.Description != k.Description)
		},
	}.Operation()
}
