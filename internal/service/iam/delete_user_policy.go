package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DeleteUserPolicyInput names an inline policy of a user.
type DeleteUserPolicyInput struct {
	UserName   optional.Of[string] `aws:"UserName" audit:"userName"`
	PolicyName optional.Of[string] `aws:"PolicyName" audit:"policyName"`
}

// Validate checks the limits of the public API.
func (in *DeleteUserPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, nameMax)
	checkRequiredName(c, "policyName", in.PolicyName, nameMax)
}

// deleteUserPolicy implements DeleteUserPolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUserPolicy.html
func (s *Service) deleteUserPolicy() operation.Operation {
	return operation.Change[DeleteUserPolicyInput, operation.None, target, *DeleteUserPolicyInput]{
		Name:    "DeleteUserPolicy",
		Actions: []string{"iam:DeleteUserPolicy"},
		Subject: func(c *operation.Call, in *DeleteUserPolicyInput) (target, error) {
			return s.named(c, in.UserName.V)
		},
		Asks: func(c *operation.Call, _ *DeleteUserPolicyInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askBounded(c, "iam:DeleteUserPolicy", &facts{}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *DeleteUserPolicyInput, t target) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			if _, ok := t.user.Policies.Get(in.PolicyName.V); !ok {
				return nil, noSuchUserPolicy(in.PolicyName.V)
			}
			u := *t.user
			u.Policies = u.Policies.Without(in.PolicyName.V)
			if err := putUser(c.Context, tx, u, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
