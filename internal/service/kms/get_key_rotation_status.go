package kms

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetKeyRotationStatusInput asks whether a key's material is rotated.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html
type GetKeyRotationStatusInput struct {
	KeyID optional.Of[string] `aws:"KeyId" audit:"keyId"`
}

// GetKeyRotationStatusOutput says that it is not. Period and dates belong to
// rotation that is enabled, or under way.
type GetKeyRotationStatusOutput struct {
	KeyID              string `aws:"KeyId"`
	KeyRotationEnabled bool   `aws:"KeyRotationEnabled"`
}

// Validate checks the limits of the public model.
func (in *GetKeyRotationStatusInput) Validate(c *check.Checks) { checkKeyID(c, in.KeyID) }

// getKeyRotationStatus tells that a key is not rotated: nothing can make it so,
// as there is no EnableKeyRotation.
func (s *Service) getKeyRotationStatus() operation.Operation {
	return operation.Use[GetKeyRotationStatusInput, GetKeyRotationStatusOutput, *target, *GetKeyRotationStatusInput]{
		Name:    "GetKeyRotationStatus",
		Actions: []string{"kms:GetKeyRotationStatus"},
		Subject: func(c *operation.Call, in *GetKeyRotationStatusInput) (*target, error) {
			return s.keyOnly(c, in.KeyID.V, s.keyToUse)
		},
		Asks: asksOnKey[GetKeyRotationStatusInput]("kms:GetKeyRotationStatus", true),
		Run: func(c *operation.Call, _ *GetKeyRotationStatusInput, t *target) (*GetKeyRotationStatusOutput, error) {
			k, err := t.found(c)
			if err != nil {
				return nil, err
			}
			return &GetKeyRotationStatusOutput{KeyID: k.ARN}, nil
		},
	}.Operation()
}
