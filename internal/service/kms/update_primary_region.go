package kms

import (
	"errors"
	"fmt"
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// UpdatePrimaryRegionInput asks for a replica of a multi-Region key to become the
// primary key, and for the primary key to become a replica.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdatePrimaryRegion.html
type UpdatePrimaryRegionInput struct {
	KeyID         optional.Of[string] `aws:"KeyId" audit:"keyId"`
	PrimaryRegion optional.Of[string] `aws:"PrimaryRegion" audit:"primaryRegion"`
}

// Validate checks the limits of the public model.
func (in *UpdatePrimaryRegionInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkRegion(c, "primaryRegion", in.PrimaryRegion)
}

// promotion is the subject of an UpdatePrimaryRegion: the primary key, and the
// replica that is to take its place, nil where there is none.
type promotion struct {
	*target
	replica *target
}

func (s *Service) updatePrimaryRegion() operation.Operation {
	return operation.Change[UpdatePrimaryRegionInput, operation.None, *promotion, *UpdatePrimaryRegionInput]{
		Name:    "UpdatePrimaryRegion",
		Actions: []string{"kms:UpdatePrimaryRegion"},
		Subject: func(c *operation.Call, in *UpdatePrimaryRegionInput) (*promotion, error) {
			t, err := s.keyOnly(c, in.KeyID.V, s.keyToChange)
			if err != nil {
				return nil, err
			}
			t.primaryRegion = in.PrimaryRegion.V
			return s.promotionOf(c, t)
		},
		Asks: func(c *operation.Call, _ *UpdatePrimaryRegionInput, p *promotion, asks []authz.Ask) []authz.Ask {
			asks = append(asks, p.ask(c, "kms:UpdatePrimaryRegion", false))
			if p.replica != nil {
				there := p.replica.ask(c, "kms:UpdatePrimaryRegion", false)
				there.Region = p.primaryRegion
				asks = append(asks, there)
			}
			return asks
		},
		Run: runUpdatePrimaryRegion,
	}.Operation()
}

// promotionOf finds the replica that is to take the place of t.
func (s *Service) promotionOf(c *operation.Call, t *target) (*promotion, error) {
	p := &promotion{target: t}
	if t.key == nil || !slices.Contains(t.key.ReplicaRegions, t.primaryRegion) {
		return p, nil
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	k, err := s.readKey(c.Context, r, t.primaryRegion, t.key.ID)
	if err != nil {
		if errors.Is(err, store.ErrNotFound) {
			err = fmt.Errorf("the related key in %s is missing: %w", t.primaryRegion, damaged(err))
		}
		return nil, err
	}
	k = k.at(c.Time)
	p.replica = &target{service: s, key: k, about: k.ARN, owner: k.Account}
	p.replica.conditions.of(&k.keyRecord)
	p.replica.conditions.by(c)
	p.replica.primaryRegion = t.primaryRegion
	return p, nil
}

func runUpdatePrimaryRegion(c *operation.Call, tx store.Txn, in *UpdatePrimaryRegionInput, p *promotion) (*operation.None, error) {
	k, err := p.found(c)
	if err != nil {
		return nil, err
	}
	if !k.isPrimary() {
		return nil, notPrimary(&k.keyRecord)
	}
	if err := k.ready(toCrypt); err != nil {
		return nil, err
	}
	switch {
	case in.PrimaryRegion.V == k.Region:
		return nil, fault.New(fault.UnsupportedOperation, "%s is the multi-region primary key already.", k.ARN)
	case p.replica == nil:
		return nil, keyMissing(keyARN(k.Partition, in.PrimaryRegion.V, k.Account, k.ID))
	}
	if err := p.replica.key.ready(toCrypt); err != nil {
		return nil, err
	}
	rec := k.keyRecord
	rec.relate(in.PrimaryRegion.V, withRegion(withoutRegion(k.ReplicaRegions, in.PrimaryRegion.V), k.Region))
	err = k.changeRelated(c.Context, tx, func(other *keyRecord) error {
		other.relate(rec.PrimaryRegion, rec.ReplicaRegions)
		return nil
	})
	if err != nil {
		return nil, err
	}
	in.echo(c, p.replica.key)
	return k.change(c, tx, &rec, true)
}

// echo has the trail of the new primary key's Region show the change too. As on
// AWS that record names the key in its parameters, and no resource.
func (in *UpdatePrimaryRegionInput) echo(c *operation.Call, replica *Key) {
	c.Echoed(operation.Echo{
		Name:    "UpdatePrimaryRegion",
		Region:  replica.Region,
		Request: &UpdatePrimaryRegionInput{KeyID: optional.Some(replica.ARN), PrimaryRegion: in.PrimaryRegion},
	})
}
