package kms

import (
	"context"
	"fmt"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UpdateAliasInput asks for an alias to name another key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html
type UpdateAliasInput struct {
	AliasName   optional.Of[string] `aws:"AliasName" audit:"aliasName"`
	TargetKeyID optional.Of[string] `aws:"TargetKeyId" audit:"targetKeyId"`
}

// Validate checks the limits of the public model.
func (in *UpdateAliasInput) Validate(c *check.Checks) {
	checkAliasName(c, in.AliasName)
	checkTargetKeyID(c, in.TargetKeyID)
}

// aliasMove is the subject of an UpdateAlias.
type aliasMove struct {
	aliasOfKey
	to *target
}

func (s *Service) updateAlias() operation.Operation {
	return operation.Change[UpdateAliasInput, operation.None, *aliasMove, *UpdateAliasInput]{
		Name:    "UpdateAlias",
		Actions: []string{"kms:UpdateAlias"},
		Subject: func(c *operation.Call, in *UpdateAliasInput) (*aliasMove, error) {
			a, err := s.aliasAndKey(c, in.AliasName.V)
			if err != nil {
				return nil, err
			}
			to, err := s.keyOnly(c, in.TargetKeyID.V, s.keyToChange)
			if err != nil {
				return nil, err
			}
			if to.about == a.key.about { // named once is enough
				c.Record.Resources = c.Record.Resources[:2]
			}
			return &aliasMove{*a, to}, nil
		},
		Asks: func(c *operation.Call, _ *UpdateAliasInput, m *aliasMove, asks []authz.Ask) []authz.Ask {
			return append(asks,
				askOnAlias(c, "kms:UpdateAlias", m.alias.ARN),
				m.key.ask(c, "kms:UpdateAlias", false),
				m.to.ask(c, "kms:UpdateAlias", false))
		},
		Run: runUpdateAlias,
	}.Operation()
}

func runUpdateAlias(c *operation.Call, tx store.Txn, _ *UpdateAliasInput, m *aliasMove) (*operation.None, error) {
	from, err := m.key.found(c)
	if err != nil {
		return nil, err
	}
	to, err := m.to.found(c)
	if err != nil {
		return nil, err
	}
	if from.Spec != to.Spec && (from.Spec == symmetricDefault || to.Spec == symmetricDefault) || from.Usage != to.Usage {
		return nil, validation("Alias %s can only be moved to a key of the same type and usage.", m.alias.ARN)
	}
	if err := to.ready(toLabel); err != nil {
		return nil, err
	}
	c.ShowResponse("keyId", to.ARN)
	if from.ID == to.ID {
		to.unchanged(tx)
		aliasTable.Require(tx, aliasTable.Key(&m.alias.aliasRecord), m.alias.rev)
		return &operation.None{}, nil
	}
	return &operation.None{}, m.alias.move(c.Context, tx, from, to, moment(c), m.to.service.quotas.Aliases)
}

// move writes the alias and both keys, each of which lists its aliases: at most so many.
func (a *alias) move(ctx context.Context, tx store.Txn, from, to *Key, now time.Time, most int) error {
	rec := a.aliasRecord
	rec.KeyID = to.ID
	rec.Updated = now
	if err := aliasTable.Put(ctx, tx, &rec, a.rev); err != nil {
		return fmt.Errorf("moving alias %s: %w", rec.Name, err)
	}
	if err := from.unnameAlias(ctx, tx, rec.Name); err != nil {
		return err
	}
	if err := to.nameAlias(ctx, tx, rec.Name, most); err != nil {
		return err
	}
	rec.touch(tx)
	return nil
}
