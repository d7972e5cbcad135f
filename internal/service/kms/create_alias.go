package kms

import (
	"errors"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// CreateAliasInput asks for a new name of a key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
type CreateAliasInput struct {
	AliasName   optional.Of[string] `aws:"AliasName" audit:"aliasName"`
	TargetKeyID optional.Of[string] `aws:"TargetKeyId" audit:"targetKeyId"`
}

// Validate checks the limits of the public model.
func (in *CreateAliasInput) Validate(c *check.Checks) {
	checkAliasName(c, in.AliasName)
	checkTargetKeyID(c, in.TargetKeyID)
}

func (s *Service) createAlias() operation.Operation {
	return operation.Change[CreateAliasInput, operation.None, *target, *CreateAliasInput]{
		Name:    "CreateAlias",
		Actions: []string{"kms:CreateAlias"},
		Subject: func(c *operation.Call, in *CreateAliasInput) (*target, error) {
			return s.keyOnly(c, in.TargetKeyID.V, s.keyToChange)
		},
		Asks: func(c *operation.Call, in *CreateAliasInput, t *target, asks []authz.Ask) []authz.Ask {
			return append(asks,
				askOnAlias(c, "kms:CreateAlias", c.ARN("kms", in.AliasName.V)),
				t.ask(c, "kms:CreateAlias", false))
		},
		Run: runCreateAlias,
	}.Operation()
}

func runCreateAlias(c *operation.Call, tx store.Txn, in *CreateAliasInput, t *target) (*operation.None, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if err := k.ready(toLabel); err != nil {
		return nil, err
	}
	now := moment(c)
	rec := &aliasRecord{Account: c.Account(), Region: c.Region, Name: in.AliasName.V, KeyID: k.ID, Created: now, Updated: now}
	name := c.ARN("kms", rec.Name)
	err = aliasTable.Insert(c.Context, tx, rec)
	if errors.Is(err, store.ErrExists) {
		return nil, fault.New(AlreadyExists, "An alias with the name %s already exists", name)
	}
	if err != nil {
		return nil, fmt.Errorf("storing alias %s: %w", rec.Name, err)
	}
	if err := k.nameAlias(c.Context, tx, rec.Name, t.service.quotas.Aliases); err != nil {
		return nil, err
	}
	rec.touch(tx)
	c.Concerns(aliasResource, name, c.Account())
	c.ShowResponse("keyId", k.ARN)
	return &operation.None{}, nil
}
