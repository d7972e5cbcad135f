package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// AttachGroupPolicyInput names a managed policy to be attached to a group.
type AttachGroupPolicyInput struct {
	GroupName optional.Of[string] `aws:"GroupName" audit:"groupName"`
	PolicyARN optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
}

// Validate checks the limits of the public API.
func (in *AttachGroupPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "groupName", in.GroupName, nameMax)
	checkPolicyARN(c, in.PolicyARN)
}

// attachGroupPolicy implements AttachGroupPolicy. A policy that is attached already stays so.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachGroupPolicy.html
func (s *Service) attachGroupPolicy() operation.Operation {
	return operation.Change[AttachGroupPolicyInput, operation.None, attaching[groupTarget], *AttachGroupPolicyInput]{
		Name:    "AttachGroupPolicy",
		Actions: []string{"iam:AttachGroupPolicy"},
		Subject: func(c *operation.Call, in *AttachGroupPolicyInput) (attaching[groupTarget], error) {
			return newAttaching(s, c, s.groupNamed, in.GroupName.V, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, in *AttachGroupPolicyInput, a attaching[groupTarget], asks []authz.Ask) []authz.Ask {
			return append(asks, a.to.askWith(c, "iam:AttachGroupPolicy", &facts{policy: in.PolicyARN.V}))
		},
		Run: func(c *operation.Call, tx store.Txn, _ *AttachGroupPolicyInput, a attaching[groupTarget]) (*operation.None, error) {
			if err := a.to.exists(); err != nil {
				return nil, err
			}
			g := *a.to.group
			attached, changed, err := attach(c, tx, g.Attached, &a.policy, "PoliciesPerGroup")
			if err != nil {
				return nil, err
			}
			if !changed {
				return &operation.None{}, nil
			}
			g.Attached = attached
			if err := putGroup(c.Context, tx, g, a.to.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
