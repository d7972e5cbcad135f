package kms

import (
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// CancelKeyDeletionInput asks for a key not to be destroyed after all. It is
// disabled afterwards, whatever it was before.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html
type CancelKeyDeletionInput struct {
	KeyID optional.Of[string] `aws:"KeyId" audit:"keyId"`
}

// CancelKeyDeletionOutput names the key.
type CancelKeyDeletionOutput struct {
	KeyID string `aws:"KeyId" audit:"keyId"` // its ARN
}

// Validate checks the limits of the public model.
func (in *CancelKeyDeletionInput) Validate(c *check.Checks) { checkKeyID(c, in.KeyID) }

func (s *Service) cancelKeyDeletion() operation.Operation {
	return operation.Change[CancelKeyDeletionInput, CancelKeyDeletionOutput, *target, *CancelKeyDeletionInput]{
		Name:    "CancelKeyDeletion",
		Actions: []string{"kms:CancelKeyDeletion"},
		Subject: func(c *operation.Call, in *CancelKeyDeletionInput) (*target, error) {
			return s.keyOnly(c, in.KeyID.V, s.keyToChange)
		},
		Asks: asksOnKey[CancelKeyDeletionInput]("kms:CancelKeyDeletion", false),
		Run:  runCancelKeyDeletion,
	}.Operation()
}

func runCancelKeyDeletion(c *operation.Call, tx store.Txn, _ *CancelKeyDeletionInput, t *target) (*CancelKeyDeletionOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if err := k.ready(toKeep); err != nil {
		return nil, err
	}
	// What is due is as good as done, although its timer may not have been seen to
	// yet. While a key has replicas, its time of waiting has not begun.
	if k.State == statePendingDeletion && !k.Deletion.After(c.Time) {
		return nil, fault.New(InvalidState, "%s is past its deletion date.", k.ARN)
	}
	rec := k.keyRecord
	rec.State = stateDisabled
	rec.Window, rec.Deletion = 0, time.Time{}
	rec.settle() // its material may have gone meanwhile
	if err := k.put(c.Context, tx, &rec); err != nil {
		return nil, err
	}
	return &CancelKeyDeletionOutput{KeyID: k.ARN}, nil
}
