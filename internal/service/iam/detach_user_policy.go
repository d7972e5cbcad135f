package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DetachUserPolicyInput names a managed policy to be detached from a user.
type DetachUserPolicyInput struct {
	UserName  optional.Of[string] `aws:"UserName" audit:"userName"`
	PolicyARN optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
}

// Validate checks the limits of the public API.
func (in *DetachUserPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, newUserNameMax)
	checkPolicyARN(c, in.PolicyARN)
}

// detachUserPolicy implements DetachUserPolicy. Once the call is answered the policy allows and denies the user nothing any more.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DetachUserPolicy.html
func (s *Service) detachUserPolicy() operation.Operation {
	return operation.Change[DetachUserPolicyInput, operation.None, attaching[target], *DetachUserPolicyInput]{
		Name:    "DetachUserPolicy",
		Actions: []string{"iam:DetachUserPolicy"},
		Subject: func(c *operation.Call, in *DetachUserPolicyInput) (attaching[target], error) {
			return newAttaching(s, c, s.named, in.UserName.V, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, in *DetachUserPolicyInput, a attaching[target], asks []authz.Ask) []authz.Ask {
			return append(asks, a.to.askBounded(c, "iam:DetachUserPolicy", &facts{policy: in.PolicyARN.V}))
		},
		Run: func(c *operation.Call, tx store.Txn, _ *DetachUserPolicyInput, a attaching[target]) (*operation.None, error) {
			if err := a.to.exists(); err != nil {
				return nil, err
			}
			u := *a.to.user
			var err error
			if u.Attached, err = detach(c, tx, u.Attached, &a.policy); err != nil {
				return nil, err
			}
			if err := putUser(c.Context, tx, u, a.to.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
