package kms

import (
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ScheduleKeyDeletionInput asks for a key to be destroyed after a time of
// waiting, in which nobody can use it and the deletion can be cancelled.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
type ScheduleKeyDeletionInput struct {
	KeyID               optional.Of[string] `aws:"KeyId" audit:"keyId"`
	PendingWindowInDays optional.Of[int]    `aws:"PendingWindowInDays" audit:"pendingWindowInDays"`
}

// ScheduleKeyDeletionOutput says when the key will be destroyed.
type ScheduleKeyDeletionOutput struct {
	KeyID               string                 `aws:"KeyId" audit:"keyId"`
	DeletionDate        optional.Of[time.Time] `aws:"DeletionDate" audit:"deletionDate"` // absent while the key has replicas
	KeyState            string                 `aws:"KeyState" audit:"keyState"`
	PendingWindowInDays int                    `aws:"PendingWindowInDays" audit:"pendingWindowInDays"`
}

// Limits of the time of waiting, in days. The model knows wider ones, which have
// an answer of their own.
const (
	windowMin     = 7
	windowMax     = 30
	windowDefault = 30
)

// Validate checks the limits of the public model, and the narrower ones of the service.
func (in *ScheduleKeyDeletionInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	c.Range("pendingWindowInDays", in.PendingWindowInDays, 1, 365)
	if days := in.window(); days < windowMin || days > windowMax {
		c.Refuse(validation("PendingWindowInDays must be between %d and %d.", windowMin, windowMax))
	}
}

// window is the time of waiting in days.
func (in *ScheduleKeyDeletionInput) window() int { return in.PendingWindowInDays.Or(windowDefault) }

func (s *Service) scheduleKeyDeletion() operation.Operation {
	return operation.Change[ScheduleKeyDeletionInput, ScheduleKeyDeletionOutput, *target, *ScheduleKeyDeletionInput]{
		Name:    "ScheduleKeyDeletion",
		Actions: []string{"kms:ScheduleKeyDeletion"},
		Subject: func(c *operation.Call, in *ScheduleKeyDeletionInput) (*target, error) {
			t, err := s.keyOnly(c, in.KeyID.V, s.keyToChange)
			if err != nil {
				return nil, err
			}
			t.window = in.window()
			return t, s.checkIdle(c, t)
		},
		Asks: asksOnKey[ScheduleKeyDeletionInput]("kms:ScheduleKeyDeletion", false),
		Run:  runScheduleKeyDeletion,
	}.Operation()
}

func runScheduleKeyDeletion(c *operation.Call, tx store.Txn, in *ScheduleKeyDeletionInput, t *target) (*ScheduleKeyDeletionOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if err := k.ready(toDelete); err != nil {
		return nil, err
	}
	rec := k.keyRecord
	rec.Window = in.window()
	if rec.hasReplicas() {
		rec.State = statePendingReplicaDeletion
	} else {
		rec.beginWaiting(moment(c))
	}
	if err := k.put(c.Context, tx, &rec); err != nil {
		return nil, err
	}
	return &ScheduleKeyDeletionOutput{
		KeyID:               k.ARN,
		DeletionDate:        optional.Of[time.Time]{V: rec.Deletion, Set: rec.State == statePendingDeletion},
		KeyState:            string(rec.State),
		PendingWindowInDays: rec.Window,
	}, nil
}

// beginWaiting has the key be destroyed when its window is over, counted from now.
func (r *keyRecord) beginWaiting(now time.Time) {
	r.State = statePendingDeletion
	r.Deletion = now.AddDate(0, 0, r.Window)
}
