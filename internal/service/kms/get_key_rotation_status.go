package kms

import (
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetKeyRotationStatusInput asks whether a key is rotated by itself, and when.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html
type GetKeyRotationStatusInput struct {
	KeyID optional.Of[string] `aws:"KeyId" audit:"keyId"`
}

// GetKeyRotationStatusOutput tells it. Period and date belong to rotation that
// is enabled. Rotations on demand are never under way: they are done when
// RotateKeyOnDemand is answered.
type GetKeyRotationStatusOutput struct {
	KeyID                string                 `aws:"KeyId"` // its ARN
	KeyRotationEnabled   bool                   `aws:"KeyRotationEnabled"`
	RotationPeriodInDays optional.Of[int]       `aws:"RotationPeriodInDays"`
	NextRotationDate     optional.Of[time.Time] `aws:"NextRotationDate"`
}

// Validate checks the limits of the public model.
func (in *GetKeyRotationStatusInput) Validate(c *check.Checks) { checkKeyID(c, in.KeyID) }

func (s *Service) getKeyRotationStatus() operation.Operation {
	return operation.Use[GetKeyRotationStatusInput, GetKeyRotationStatusOutput, *target, *GetKeyRotationStatusInput]{
		Name:    "GetKeyRotationStatus",
		Actions: []string{"kms:GetKeyRotationStatus"},
		Subject: func(c *operation.Call, in *GetKeyRotationStatusInput) (*target, error) {
			return s.keyOnly(c, in.KeyID.V, s.keyToUse)
		},
		Asks: asksOnKey[GetKeyRotationStatusInput]("kms:GetKeyRotationStatus", true),
		Run:  runGetKeyRotationStatus,
	}.Operation()
}

func runGetKeyRotationStatus(c *operation.Call, _ *GetKeyRotationStatusInput, t *target) (*GetKeyRotationStatusOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if !k.hasMaterials() {
		return nil, errNoRotation
	}
	out := &GetKeyRotationStatusOutput{KeyID: k.ARN}
	pending := k.State == statePendingDeletion || k.State == statePendingReplicaDeletion
	if k.Rotation != nil && !pending { // what was set comes back when the deletion is cancelled
		out.KeyRotationEnabled = true
		out.RotationPeriodInDays = optional.Some(k.Rotation.Days)
		out.NextRotationDate = optional.Some(k.Rotation.Next)
	}
	return out, nil
}
