package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// UpdateAssumeRolePolicyInput has the new trust policy of a role.
type UpdateAssumeRolePolicyInput struct {
	RoleName       optional.Of[string] `aws:"RoleName" audit:"roleName"`
	PolicyDocument optional.Of[string] `aws:"PolicyDocument" audit:"policyDocument"`
}

// Validate checks the limits of the public API.
func (in *UpdateAssumeRolePolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	checkDocument(c, "policyDocument", in.PolicyDocument)
}

// updateTexts are refusals of trust policies that UpdateAssumeRolePolicy was seen
// to word otherwise than CreateRole. There are two spaces after a comma.
var updateTexts = map[string]string{
	"Has prohibited field Resource":                              "Has prohibited field Resource.",
	"AssumeRole policy may only specify STS AssumeRole actions.": "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  and sts:AssumeRoleWithWebIdentity",
}

// updated words a refusal of a trust policy as this operation does.
func updated(err error) error {
	if f := fault.From(err); fault.Is(err, fault.MalformedPolicy) && updateTexts[f.Message] != "" {
		return &fault.Fault{Code: f.Code, Message: updateTexts[f.Message]}
	}
	return err
}

// updateAssumeRolePolicy implements UpdateAssumeRolePolicy. Sessions that were
// let in by the policy before go on.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html
func (s *Service) updateAssumeRolePolicy() operation.Operation {
	return operation.Change[UpdateAssumeRolePolicyInput, operation.None, roleTarget, *UpdateAssumeRolePolicyInput]{
		Name:    "UpdateAssumeRolePolicy",
		Actions: []string{"iam:UpdateAssumeRolePolicy"},
		Subject: func(c *operation.Call, in *UpdateAssumeRolePolicyInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, _ *UpdateAssumeRolePolicyInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:UpdateAssumeRolePolicy"))
		},
		Run: func(c *operation.Call, tx store.Txn, in *UpdateAssumeRolePolicyInput, t roleTarget) (*operation.None, error) {
			if err := t.modifiable(); err != nil {
				return nil, err
			}
			o := *t.role
			var err error
			if o.Trust, err = s.newTrust(c.Context, tx, in.PolicyDocument.V); err != nil {
				return nil, updated(err)
			}
			if err := putRole(c.Context, tx, o, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
