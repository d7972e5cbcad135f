package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DetachGroupPolicyInput names a managed policy to be detached from a group.
type DetachGroupPolicyInput struct {
	GroupName optional.Of[string] `aws:"GroupName" audit:"groupName"`
	PolicyARN optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
}

// Validate checks the limits of the public API.
func (in *DetachGroupPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "groupName", in.GroupName, nameMax)
	checkPolicyARN(c, in.PolicyARN)
}

// detachGroupPolicy implements DetachGroupPolicy. Once the call is answered the policy allows and denies the group nothing any more.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DetachGroupPolicy.html
func (s *Service) detachGroupPolicy() operation.Operation {
	return operation.Change[DetachGroupPolicyInput, operation.None, attaching[groupTarget], *DetachGroupPolicyInput]{
		Name:    "DetachGroupPolicy",
		Actions: []string{"iam:DetachGroupPolicy"},
		Subject: func(c *operation.Call, in *DetachGroupPolicyInput) (attaching[groupTarget], error) {
			return newAttaching(s, c, s.groupNamed, in.GroupName.V, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, in *DetachGroupPolicyInput, a attaching[groupTarget], asks []authz.Ask) []authz.Ask {
			return append(asks, a.to.askWith(c, "iam:DetachGroupPolicy", &facts{policy: in.PolicyARN.V}))
		},
		Run: func(c *operation.Call, tx store.Txn, _ *DetachGroupPolicyInput, a attaching[groupTarget]) (*operation.None, error) {
			if err := a.to.exists(); err != nil {
				return nil, err
			}
			g := *a.to.group
			var err error
			if g.Attached, err = detach(c, tx, g.Attached, &a.policy); err != nil {
				return nil, err
			}
			if err := putGroup(c.Context, tx, g, a.to.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
