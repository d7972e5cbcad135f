package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// DeleteAccountAliasInput names the alias of the caller's account.
type DeleteAccountAliasInput struct {
	AccountAlias optional.Of[string] `aws:"AccountAlias" audit:"accountAlias"`
}

// Validate checks the limits of the public API.
func (in *DeleteAccountAliasInput) Validate(c *check.Checks) {
	c.HideValues()
	checkAccountAlias(c, in.AccountAlias)
}

// deleteAccountAlias implements DeleteAccountAlias.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccountAlias.html
func (s *Service) deleteAccountAlias() operation.Operation {
	return operation.Change[DeleteAccountAliasInput, operation.None, accountTarget, *DeleteAccountAliasInput]{
		Name:    "DeleteAccountAlias",
		Actions: []string{"iam:DeleteAccountAlias"},
		Subject: func(c *operation.Call, _ *DeleteAccountAliasInput) (accountTarget, error) { return s.ownRecord(c) },
		Asks:    asksOfAccount[DeleteAccountAliasInput]("iam:DeleteAccountAlias"),
		Run: func(c *operation.Call, tx store.Txn, in *DeleteAccountAliasInput, t accountTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			if t.account.Alias != in.AccountAlias.V {
				return nil, fault.New(NoSuchEntity, "The account alias with name %s cannot be found.", in.AccountAlias.V)
			}
			if err := freeAlias(c.Context, tx, t.account.Alias); err != nil {
				return nil, err
			}
			if err := t.put(c.Context, tx, func(a *account) { a.Alias = "" }); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
