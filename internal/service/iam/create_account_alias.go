package iam

import (
	"errors"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// CreateAccountAliasInput has an alias for the caller's account, in place of that
// which it has.
type CreateAccountAliasInput struct {
	AccountAlias optional.Of[string] `aws:"AccountAlias" audit:"accountAlias"`
}

// Validate checks the limits of the public API.
func (in *CreateAccountAliasInput) Validate(c *check.Checks) {
	c.HideValues()
	checkAccountAlias(c, in.AccountAlias)
}

// createAccountAlias implements CreateAccountAlias. No two accounts have the same.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html
func (s *Service) createAccountAlias() operation.Operation {
	return operation.Change[CreateAccountAliasInput, operation.None, accountTarget, *CreateAccountAliasInput]{
		Name:    "CreateAccountAlias",
		Actions: []string{"iam:CreateAccountAlias"},
		Subject: func(c *operation.Call, _ *CreateAccountAliasInput) (accountTarget, error) { return s.ownRecord(c) },
		Asks:    asksOfAccount[CreateAccountAliasInput]("iam:CreateAccountAlias"),
		Run: func(c *operation.Call, tx store.Txn, in *CreateAccountAliasInput, t accountTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			name := in.AccountAlias.V
			_, _, err := accountAliases.Get(c.Context, tx, accountAliasKey(name))
			switch {
			case err == nil:
				return nil, fault.New(EntityAlreadyExists, "The account alias %s already exists.", name)
			case !errors.Is(err, store.ErrNotFound):
				return nil, fmt.Errorf("reading the account alias %s: %w", name, err)
			}
			if err := freeAlias(c.Context, tx, t.account.Alias); err != nil {
				return nil, err
			}
			if err := accountAliases.Insert(c.Context, tx, &accountAlias{Name: name, Account: t.account.ID}); err != nil {
				return nil, err
			}
			if err := t.put(c.Context, tx, func(a *account) { a.Alias = name }); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
