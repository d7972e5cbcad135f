package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UntagRoleInput has the keys of tags to be taken from a role.
type UntagRoleInput struct {
	RoleName optional.Of[string] `aws:"RoleName" audit:"roleName"`
	TagKeys  []string            `aws:"TagKeys" audit:"tagKeys"`
}

// Validate checks the limits of the public API.
func (in *UntagRoleInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	c.Required("tagKeys", in.TagKeys != nil)
	checkTagKeys(c, in.TagKeys)
}

// untagRole implements UntagRole. Keys that the role does not have are passed over.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagRole.html
func (s *Service) untagRole() operation.Operation {
	return operation.Change[UntagRoleInput, operation.None, roleTarget, *UntagRoleInput]{
		Name:    "UntagRole",
		Actions: []string{"iam:UntagRole"},
		Subject: func(c *operation.Call, in *UntagRoleInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, in *UntagRoleInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askWith(c, "iam:UntagRole", &facts{requestKeys: in.TagKeys}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *UntagRoleInput, t roleTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			o := *t.role
			o.Tags = withoutTags(o.Tags, in.TagKeys)
			if err := putRole(c.Context, tx, o, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
