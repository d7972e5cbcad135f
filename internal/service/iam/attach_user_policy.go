package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// AttachUserPolicyInput names a managed policy to be attached to a user.
type AttachUserPolicyInput struct {
	UserName  optional.Of[string] `aws:"UserName" audit:"userName"`
	PolicyARN optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
}

// Validate checks the limits of the public API.
func (in *AttachUserPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, newUserNameMax)
	checkPolicyARN(c, in.PolicyARN)
}

// attachUserPolicy implements AttachUserPolicy. A policy that is attached already stays so.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachUserPolicy.html
func (s *Service) attachUserPolicy() operation.Operation {
	return operation.Change[AttachUserPolicyInput, operation.None, attaching[target], *AttachUserPolicyInput]{
		Name:    "AttachUserPolicy",
		Actions: []string{"iam:AttachUserPolicy"},
		Subject: func(c *operation.Call, in *AttachUserPolicyInput) (attaching[target], error) {
			return newAttaching(s, c, s.named, in.UserName.V, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, in *AttachUserPolicyInput, a attaching[target], asks []authz.Ask) []authz.Ask {
			return append(asks, a.to.askBounded(c, "iam:AttachUserPolicy", &facts{policy: in.PolicyARN.V}))
		},
		Run: func(c *operation.Call, tx store.Txn, _ *AttachUserPolicyInput, a attaching[target]) (*operation.None, error) {
			if err := a.to.exists(); err != nil {
				return nil, err
			}
			u := *a.to.user
			attached, changed, err := attach(c, tx, u.Attached, &a.policy, "PoliciesPerUser")
			if err != nil {
				return nil, err
			}
			if !changed {
				return &operation.None{}, nil
			}
			u.Attached = attached
			if err := putUser(c.Context, tx, u, a.to.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
