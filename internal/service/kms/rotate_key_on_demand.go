package kms

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// RotateKeyOnDemandInput asks for a key to be rotated now.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html
type RotateKeyOnDemandInput struct {
	KeyID optional.Of[string] `aws:"KeyId" audit:"keyId"`
}

// RotateKeyOnDemandOutput names the key.
type RotateKeyOnDemandOutput struct {
	KeyID string `aws:"KeyId" audit:"keyId"` // its ARN
}

// Validate checks the limits of the public model.
func (in *RotateKeyOnDemandInput) Validate(c *check.Checks) { checkKeyID(c, in.KeyID) }

// rotateKeyOnDemand rotates a key before it answers, unlike AWS, where it may
// take a while. The dates of automatic rotation stay as they are.
func (s *Service) rotateKeyOnDemand() operation.Operation {
	return operation.Change[RotateKeyOnDemandInput, RotateKeyOnDemandOutput, *target, *RotateKeyOnDemandInput]{
		Name:    "RotateKeyOnDemand",
		Actions: []string{"kms:RotateKeyOnDemand"},
		Subject: func(c *operation.Call, in *RotateKeyOnDemandInput) (*target, error) {
			return s.keyOnly(c, in.KeyID.V, s.keyToChange)
		},
		Asks: asksOnKey[RotateKeyOnDemandInput]("kms:RotateKeyOnDemand", false),
		Run:  s.runRotateKeyOnDemand,
	}.Operation()
}

func (s *Service) runRotateKeyOnDemand(c *operation.Call, tx store.Txn, _ *RotateKeyOnDemandInput, t *target) (*RotateKeyOnDemandOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if err := k.rotatableOnDemand(c); err != nil {
		return nil, err
	}
	rec, now := k.keyRecord, moment(c)
	if k.Origin == originExternal {
		next, err := k.importedNext(c, tx)
		if err != nil {
			return nil, err
		}
		rec.rotate(next, now, true)
	} else if err := s.renew(c.Context, tx, &rec, now, true); err != nil {
		return nil, err
	}
	if err := k.put(c.Context, tx, &rec); err != nil {
		return nil, err
	}
	c.Happened(k.rotated(&rec, now, rotationOnDemand))
	return &RotateKeyOnDemandOutput{KeyID: k.ARN}, nil
}

// rotatableOnDemand refuses a key that can't be rotated now. Its state comes
// before its kind here: so AWS answers for a disabled RSA key.
func (k *Key) rotatableOnDemand(c *operation.Call) error {
	if err := k.ready(toCrypt); err != nil {
		return err
	}
	if err := k.rotatable(); err != nil {
		return err
	}
	if k.rotatedOnDemand() >= rotationsOnDemand {
		return fault.New(fault.LimitExceeded,
			"The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: %s", k.ARN)
	}
	if k.rotates() && !k.Rotation.Next.After(c.Time.Add(rotationNear)) {
		return fault.New(Conflict, "An automatic rotation of the key is in progress or will begin within the next 20 minutes: %s", k.ARN)
	}
	return nil
}

// importedNext returns the id of the imported material that is to become current.
// All related keys have it, and in none of them has it expired, which their
// records may not say to each other yet.
func (k *Key) importedNext(c *operation.Call, r store.Reader) (id string, err error) {
	next := k.pending()
	ready := next != nil && len(next.Awaits) == 0
	if ready {
		err = k.eachRelated(c.Context, r, func(rec *keyRecord, _ store.Rev) error {
			if i, _ := rec.entry(next.ID); i >= 0 && rec.History[i].lapsed(c.Time) {
				ready = false
			}
			return nil
		})
	}
	switch {
	case err != nil:
		return "", err
	case !ready:
		return "", fault.New(InvalidState, "No available key material pending rotation for the key: %s.", k.ARN)
	default:
		return next.ID, nil
	}
}
