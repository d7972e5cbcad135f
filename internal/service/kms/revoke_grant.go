package kms

import (
	"errors"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// RevokeGrantInput asks for a grant to be deleted, by who administers its key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_RevokeGrant.html
type RevokeGrantInput struct {
	KeyID   optional.Of[string] `aws:"KeyId" audit:"keyId"`
	GrantID optional.Of[string] `aws:"GrantId" audit:"grantId"`
	DryRun  optional.Of[bool]   `aws:"DryRun" audit:"dryRun"`
}

// Validate checks the limits of the public model.
func (in *RevokeGrantInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	if c.Required("grantId", in.GrantID.Set) {
		checkGrantID(c, in.GrantID)
	}
}

func (s *Service) revokeGrant() operation.Operation {
	return operation.Change[RevokeGrantInput, operation.None, *target, *RevokeGrantInput]{
		Name:    "RevokeGrant",
		Actions: []string{"kms:RevokeGrant"},
		Subject: func(c *operation.Call, in *RevokeGrantInput) (*target, error) {
			t, err := s.keyOnly(c, in.KeyID.V, s.keyToChange)
			if err != nil {
				return nil, err
			}
			t.conditions.grant = &grantConditions{forResource: forResource(c)}
			return t, nil
		},
		Asks: asksOnKey[RevokeGrantInput]("kms:RevokeGrant", true),
		Run:  s.runRevokeGrant,
	}.Operation()
}

func (s *Service) runRevokeGrant(c *operation.Call, tx store.Txn, in *RevokeGrantInput, t *target) (*operation.None, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	g, rev, err := readGrant(c.Context, tx, k.Region, k.ID, in.GrantID.V)
	if errors.Is(err, store.ErrNotFound) {
		return nil, grantMissing(in.GrantID.V)
	}
	if err != nil {
		return nil, err
	}
	return s.endGrant(c, tx, k, g, rev, in.DryRun)
}

// endGrant ends an operation that deletes a grant.
func (s *Service) endGrant(c *operation.Call, tx store.Txn, k *Key, g *grantRecord, rev store.Rev, dryRun optional.Of[bool]) (*operation.None, error) {
	if dryRun.V {
		return nil, errDryRun
	}
	if err := s.deleteGrant(c.Context, tx, g, rev); err != nil {
		return nil, err
	}
	k.unchanged(tx)
	c.ShowResponse("keyId", k.ARN)
	return &operation.None{}, nil
}
