package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
)

// DeleteAccountPasswordPolicyInput asks for the caller's account to have no
// password policy of its own.
type DeleteAccountPasswordPolicyInput struct{}

// Validate has nothing to check.
func (in *DeleteAccountPasswordPolicyInput) Validate(*check.Checks) {}

// deleteAccountPasswordPolicy implements DeleteAccountPasswordPolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccountPasswordPolicy.html
func (s *Service) deleteAccountPasswordPolicy() operation.Operation {
	return operation.Change[DeleteAccountPasswordPolicyInput, operation.None, accountTarget, *DeleteAccountPasswordPolicyInput]{
		Name:    "DeleteAccountPasswordPolicy",
		Actions: []string{"iam:DeleteAccountPasswordPolicy"},
		Subject: func(c *operation.Call, _ *DeleteAccountPasswordPolicyInput) (accountTarget, error) {
			return s.ownRecord(c)
		},
		Asks: asksOfAccount[DeleteAccountPasswordPolicyInput]("iam:DeleteAccountPasswordPolicy"),
		Run: func(c *operation.Call, tx store.Txn, _ *DeleteAccountPasswordPolicyInput, t accountTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			if t.account.PasswordPolicy == nil {
				return nil, fault.New(NoSuchEntity, "The account policy with name PasswordPolicy cannot be found.")
			}
			if err := t.put(c.Context, tx, func(a *account) { a.PasswordPolicy = nil }); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
