package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// rolePolicySizeMax is the quota of all inline policies of a role together, in
// characters without white space.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const rolePolicySizeMax = 10240

// PutRolePolicyInput is an inline policy for a role, in place of one that has
// the same name.
type PutRolePolicyInput struct {
	RoleName       optional.Of[string] `aws:"RoleName" audit:"roleName"`
	PolicyName     optional.Of[string] `aws:"PolicyName" audit:"policyName"`
	PolicyDocument optional.Of[string] `aws:"PolicyDocument" audit:"policyDocument"`
}

// Validate checks the limits of the public API.
func (in *PutRolePolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	checkRequiredName(c, "policyName", in.PolicyName, nameMax)
	checkDocument(c, "policyDocument", in.PolicyDocument)
}

// putRolePolicy implements PutRolePolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html
func (s *Service) putRolePolicy() operation.Operation {
	return operation.Change[PutRolePolicyInput, operation.None, roleTarget, *PutRolePolicyInput]{
		Name:    "PutRolePolicy",
		Actions: []string{"iam:PutRolePolicy"},
		Subject: func(c *operation.Call, in *PutRolePolicyInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, _ *PutRolePolicyInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askBounded(c, "iam:PutRolePolicy", &facts{}))
		},
		Run: runPutRolePolicy,
	}.Operation()
}

func runPutRolePolicy(c *operation.Call, tx store.Txn, in *PutRolePolicyInput, t roleTarget) (*operation.None, error) {
	if err := t.modifiable(); err != nil {
		return nil, err
	}
	if err := wellFormed(in.PolicyName.V, in.PolicyDocument.V); err != nil {
		return nil, err
	}
	o := *t.role
	o.Policies = o.Policies.With(in.PolicyName.V, in.PolicyDocument.V)
	if size, bytes := policySize(o.Policies); size > rolePolicySizeMax || bytes > policyBytesMax {
		return nil, fault.New(fault.LimitExceeded, "Maximum policy size of %d bytes exceeded for role %s", rolePolicySizeMax, o.Name)
	}
	if err := putRole(c.Context, tx, o, t.rev); err != nil {
		return nil, err
	}
	return &operation.None{}, nil
}
