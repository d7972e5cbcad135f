package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DeleteGroupPolicyInput names an inline policy of a group.
type DeleteGroupPolicyInput struct {
	GroupName  optional.Of[string] `aws:"GroupName" audit:"groupName"`
	PolicyName optional.Of[string] `aws:"PolicyName" audit:"policyName"`
}

// Validate checks the limits of the public API.
func (in *DeleteGroupPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "groupName", in.GroupName, nameMax)
	checkRequiredName(c, "policyName", in.PolicyName, nameMax)
}

// deleteGroupPolicy implements DeleteGroupPolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteGroupPolicy.html
func (s *Service) deleteGroupPolicy() operation.Operation {
	return operation.Change[DeleteGroupPolicyInput, operation.None, groupTarget, *DeleteGroupPolicyInput]{
		Name:    "DeleteGroupPolicy",
		Actions: []string{"iam:DeleteGroupPolicy"},
		Subject: func(c *operation.Call, in *DeleteGroupPolicyInput) (groupTarget, error) {
			return s.groupNamed(c, in.GroupName.V)
		},
		Asks: func(c *operation.Call, _ *DeleteGroupPolicyInput, t groupTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:DeleteGroupPolicy"))
		},
		Run: func(c *operation.Call, tx store.Txn, in *DeleteGroupPolicyInput, t groupTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			if _, ok := t.group.Policies.Get(in.PolicyName.V); !ok {
				return nil, noSuchGroupPolicy(in.PolicyName.V)
			}
			g := *t.group
			g.Policies = g.Policies.Without(in.PolicyName.V)
			if err := putGroup(c.Context, tx, g, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
