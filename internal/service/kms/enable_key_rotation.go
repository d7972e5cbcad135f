package kms

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// EnableKeyRotationInput asks for a key to be rotated from time to time.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html
type EnableKeyRotationInput struct {
	KeyID                optional.Of[string] `aws:"KeyId" audit:"keyId"`
	RotationPeriodInDays optional.Of[int]    `aws:"RotationPeriodInDays" audit:"rotationPeriodInDays"`
}

// Validate checks the limits of the public model.
func (in *EnableKeyRotationInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	c.Range("rotationPeriodInDays", in.RotationPeriodInDays, rotationDaysMin, rotationDaysMax)
}

func (in *EnableKeyRotationInput) days() int { return in.RotationPeriodInDays.Or(rotationDaysDefault) }

func (s *Service) enableKeyRotation() operation.Operation {
	return operation.Change[EnableKeyRotationInput, operation.None, *target, *EnableKeyRotationInput]{
		Name:    "EnableKeyRotation",
		Actions: []string{"kms:EnableKeyRotation"},
		Subject: func(c *operation.Call, in *EnableKeyRotationInput) (*target, error) {
			t, err := s.keyOnly(c, in.KeyID.V, s.keyToChange)
			if err != nil {
				return nil, err
			}
			t.rotationDays = in.days()
			return t, nil
		},
		Asks: asksOnKey[EnableKeyRotationInput]("kms:EnableKeyRotation", false),
		Run: func(c *operation.Call, tx store.Txn, in *EnableKeyRotationInput, t *target) (*operation.None, error) {
			next := moment(c).AddDate(0, 0, in.days())
			return t.schedule(c, tx, &rotation{Days: in.days(), Next: next})
		},
	}.Operation()
}

// schedule sets when the key is rotated; nil for never. Asking for the period
// that it has moves no date.
func (t *target) schedule(c *operation.Call, tx store.Txn, wanted *rotation) (*operation.None, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if k.Origin != originKMS { // nobody makes imported material
		return nil, errNoRotation
	}
	if err := k.rotatable(); err != nil {
		return nil, err
	}
	if err := k.ready(toCrypt); err != nil {
		return nil, err
	}
	rec := k.keyRecord
	rec.Rotation = wanted
	same := (wanted == nil) == (k.Rotation == nil) && (wanted == nil || wanted.Days == k.Rotation.Days)
	return k.change(c, tx, &rec, !same)
}
