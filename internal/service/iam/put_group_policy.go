package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// PutGroupPolicyInput is an inline policy for a group, in place of one that has
// the same name.
type PutGroupPolicyInput struct {
	GroupName      optional.Of[string] `aws:"GroupName" audit:"groupName"`
	PolicyName     optional.Of[string] `aws:"PolicyName" audit:"policyName"`
	PolicyDocument optional.Of[string] `aws:"PolicyDocument" audit:"policyDocument"`
}

// Validate checks the limits of the public API.
func (in *PutGroupPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "groupName", in.GroupName, nameMax)
	checkRequiredName(c, "policyName", in.PolicyName, nameMax)
	checkDocument(c, "policyDocument", in.PolicyDocument)
}

// putGroupPolicy implements PutGroupPolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutGroupPolicy.html
func (s *Service) putGroupPolicy() operation.Operation {
	return operation.Change[PutGroupPolicyInput, operation.None, groupTarget, *PutGroupPolicyInput]{
		Name:    "PutGroupPolicy",
		Actions: []string{"iam:PutGroupPolicy"},
		Subject: func(c *operation.Call, in *PutGroupPolicyInput) (groupTarget, error) {
			return s.groupNamed(c, in.GroupName.V)
		},
		Asks: func(c *operation.Call, _ *PutGroupPolicyInput, t groupTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:PutGroupPolicy"))
		},
		Run: runPutGroupPolicy,
	}.Operation()
}

func runPutGroupPolicy(c *operation.Call, tx store.Txn, in *PutGroupPolicyInput, t groupTarget) (*operation.None, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	if err := wellFormed(in.PolicyName.V, in.PolicyDocument.V); err != nil {
		return nil, err
	}
	g := *t.group
	g.Policies = g.Policies.With(in.PolicyName.V, in.PolicyDocument.V)
	if size, bytes := policySize(g.Policies); size > groupPolicySizeMax || bytes > policyBytesMax {
		return nil, fault.New(fault.LimitExceeded, "Maximum policy size of %d bytes exceeded for group %s", groupPolicySizeMax, g.Name)
	}
	if err := putGroup(c.Context, tx, g, t.rev); err != nil {
		return nil, err
	}
	return &operation.None{}, nil
}
