package kms

import (
	"context"
	"errors"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DeleteAliasInput asks for an alias to be deleted. Its key stays.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteAlias.html
type DeleteAliasInput struct {
	AliasName optional.Of[string] `aws:"AliasName" audit:"aliasName"`
}

// Validate checks the limits of the public model.
func (in *DeleteAliasInput) Validate(c *check.Checks) { checkAliasName(c, in.AliasName) }

// aliasOfKey is the subject of a call on an alias and its key.
type aliasOfKey struct {
	alias *alias
	key   *target
}

func (s *Service) deleteAlias() operation.Operation {
	return operation.Change[DeleteAliasInput, operation.None, *aliasOfKey, *DeleteAliasInput]{
		Name:    "DeleteAlias",
		Actions: []string{"kms:DeleteAlias"},
		Subject: func(c *operation.Call, in *DeleteAliasInput) (*aliasOfKey, error) {
			return s.aliasAndKey(c, in.AliasName.V)
		},
		Asks: func(c *operation.Call, _ *DeleteAliasInput, a *aliasOfKey, asks []authz.Ask) []authz.Ask {
			return append(asks,
				askOnAlias(c, "kms:DeleteAlias", a.alias.ARN),
				a.key.ask(c, "kms:DeleteAlias", false))
		},
		Run: runDeleteAlias,
	}.Operation()
}

// aliasAndKey finds an alias of the caller's account with its key. A service has
// no aliases.
func (s *Service) aliasAndKey(c *operation.Call, name string) (*aliasOfKey, error) {
	if c.Caller.Principal.Account == "" {
		return nil, aliasMissing(c.ARN("kms", name))
	}
	a, err := aliasToChange(c, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, aliasMissing(c.ARN("kms", name))
	}
	if err != nil {
		return nil, err
	}
	c.Concerns(aliasResource, a.ARN, a.Account)
	k, err := s.keyToChange(c, a.KeyID)
	if err != nil {
		return nil, fmt.Errorf("reading the key of alias %s: %w", name, damaged(err))
	}
	t := &target{owner: a.Account}
	t.holds(c, k)
	return &aliasOfKey{alias: a, key: t}, nil
}

func runDeleteAlias(c *operation.Call, tx store.Txn, _ *DeleteAliasInput, a *aliasOfKey) (*operation.None, error) {
	k, err := a.key.found(c)
	if err != nil {
		return nil, err
	}
	if err := a.alias.delete(c.Context, tx, k); err != nil {
		return nil, err
	}
	c.ShowResponse("keyId", k.ARN)
	return &operation.None{}, nil
}

// delete deletes the alias of a key.
func (a *alias) delete(ctx context.Context, tx store.Txn, k *Key) error {
	if err := aliasTable.Delete(ctx, tx, aliasTable.Key(&a.aliasRecord), a.rev); err != nil {
		return fmt.Errorf("deleting alias %s: %w", a.Name, err)
	}
	if err := k.unnameAlias(ctx, tx, a.Name); err != nil {
		return err
	}
	a.touch(tx)
	return nil
}
