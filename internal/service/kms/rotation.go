package kms

import (
	"context"
	"fmt"
	"slices"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
)

// Rotating a key gives it another current material, which encrypts from then on.
// All that it had before stay, and decrypt what names them.
// https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html

// Limits of rotation.
// https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
const (
	rotationDaysMin     = 90
	rotationDaysMax     = 2560
	rotationDaysDefault = 365

	rotationsOnDemand = 25 // of a key in its life

	// rotationNear is how long before an automatic rotation none can be asked for.
	rotationNear = 20 * time.Minute
)

// errNoRotation is the one answer for keys that are not rotated, or not so. It
// has no message.
var errNoRotation = &fault.Fault{Code: fault.UnsupportedOperation}

// A materialEntry is what is known of one material of a key, whether it is
// there or not.
type materialEntry struct {
	ID          string    `json:"id"`
	Description string    `json:"description,omitempty"` // of imported material
	Pending     bool      `json:"pending,omitempty"`     // has not been current yet
	Rotated     time.Time `json:"rotated,omitzero"`      // became current by a rotation
	OnDemand    bool      `json:"onDemand,omitempty"`    // that rotation was asked for
	Gone        bool      `json:"gone,omitempty"`        // imported material that was deleted, or has expired
	ValidTo     time.Time `json:"validTo,omitzero"`      // of imported material that expires, until it is removed

	// Awaits are the Regions, sorted, in which the related key is still to get this
	// material, which can't become current before. Of pending material only.
	Awaits []string `json:"awaits,omitempty"`
}

// A rotation is a schedule of automatic rotation.
type rotation struct {
	Days int       `json:"days"` // between two rotations
	Next time.Time `json:"next"`
}

// history returns a copy of the key's History, which is never missing in it.
func (r *keyRecord) history() []materialEntry {
	if len(r.History) == 0 && r.Material != "" {
		return []materialEntry{{ID: r.Material}}
	}
	return slices.Clone(r.History)
}

// hasMaterials reports whether the key can have more than one material.
func (r *keyRecord) hasMaterials() bool {
	return r.Spec == symmetricDefault && (r.Origin == originKMS || r.Origin == originExternal)
}

// rotatable refuses a key that its owner can't have rotated: one that is never
// rotated, or not by its owner, and one that shares in the rotations of its
// primary key.
func (r *keyRecord) rotatable() error {
	switch {
	case !r.hasMaterials() || r.Manager != managerCustomer:
		return errNoRotation
	case r.MultiRegion == multiRegionReplica:
		return notPrimary(r)
	}
	return nil
}

func notPrimary(r *keyRecord) error {
	return fault.New(fault.UnsupportedOperation, "%s is not a multi-region primary key.", r.arn())
}

// rotates reports whether the key's next rotation comes by itself. It does not
// while the key is disabled or pending deletion; what was missed meanwhile is made
// up for when it is enabled. A replica gets its primary key's material.
func (r *keyRecord) rotates() bool {
	return r.Rotation != nil && r.State == stateEnabled && r.MultiRegion != multiRegionReplica
}

// rotate makes the material with an id, which is to be in the history, the
// key's current one.
func (r *keyRecord) rotate(id string, now time.Time, onDemand bool) {
	r.Material = id
	r.History = r.history()
	for i := range r.History {
		if e := &r.History[i]; e.ID == id {
			e.Pending, e.Rotated, e.OnDemand = false, now, onDemand
		}
	}
}

// rotatedOnDemand counts the rotations that were asked for.
func (r *keyRecord) rotatedOnDemand() (n int) {
	for i := range r.History {
		if r.History[i].OnDemand {
			n++
		}
	}
	return n
}

// after returns the schedule when a rotation was made at some time. Its dates
// stay what they were: those that were missed are left out.
func (r rotation) after(now time.Time) *rotation {
	for !r.Next.After(now) {
		r.Next = r.Next.AddDate(0, 0, r.Days)
	}
	return &r
}

// renew draws new material for rec, which began as a copy of the key's record,
// and makes it the current one.
func (s *Service) renew(ctx context.Context, tx store.Txn, rec *keyRecord, now time.Time, onDemand bool) error {
	m, wrapped, err := s.keyring.Generate(ctx, rec.binding())
	if err != nil {
		return fmt.Errorf("generating material of key %s: %w", rec.ID, err)
	}
	if err := rec.insertMaterial(ctx, tx, m.ID(), now, wrapped); err != nil {
		return fmt.Errorf("storing material of key %s: %w", rec.ID, err)
	}
	rec.History = append(rec.history(), materialEntry{ID: m.ID()})
	rec.Materials = append(slices.Clone(rec.Materials), m.ID())
	rec.rotate(m.ID(), now, onDemand)
	return nil
}

// rotated is the event of a rotation that made the key what rec says.
// https://docs.aws.amazon.com/kms/latest/developerguide/ct-rotatekey.html
func (k *Key) rotated(rec *keyRecord, at time.Time, kind string) *operation.Event {
	e := rec.event("RotateKey", at)
	e.Details = []operation.Member{
		{Name: "rotationType", Value: kind},
		{Name: "keyId", Value: rec.ID},
		{Name: "keyOrigin", Value: rec.Origin},
		{Name: "previousKeyMaterialId", Value: k.Material},
		{Name: "currentKeyMaterialId", Value: rec.Material},
	}
	return e
}

// RotateDue gives new material to keys whose rotation has come by now, the most
// overdue first and not more than a thousand, and returns how many it has
// rotated. Each leaves a RotateKey record. A key that can't be rotated does not
// keep others from it, a hundred of them do. Several may do this at the same time.
func (s *Service) RotateDue(ctx context.Context, now time.Time) (n int, err error) {
	return s.due(ctx, taskRotate, now, s.rotateDue)
}

// rotateDue rotates the key of a timer. It reports false where the rotation was
// put off meanwhile, or somebody else was faster.
func (s *Service) rotateDue(ctx context.Context, t *timerRecord, now time.Time) (done bool, err error) {
	now = now.UTC().Truncate(time.Millisecond)
	err = s.carryOut(ctx, func(tx store.Txn) (*operation.Event, error) {
		done = false
		k, err := s.ripe(ctx, tx, t)
		if k == nil || err != nil {
			return nil, err
		}
		rec := k.keyRecord
		rec.Rotation = k.Rotation.after(now)
		if err := s.renew(ctx, tx, &rec, now, false); err != nil {
			return nil, err
		}
		if err := k.put(ctx, tx, &rec); err != nil {
			return nil, err
		}
		done = true
		return k.rotated(&rec, now, rotationAutomatic), nil
	})
	if err != nil {
		return false, fmt.Errorf("rotating key %s: %w", t.KeyID, err)
	}
	return done, nil
}
