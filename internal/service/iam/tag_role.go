package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// TagRoleInput has tags for a role, in place of those that have the same keys.
type TagRoleInput struct {
	RoleName optional.Of[string] `aws:"RoleName" audit:"roleName"`
	Tags     []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *TagRoleInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	c.Required("tags", in.Tags != nil)
	checkTags(c, in.Tags)
}

// tagRole implements TagRole.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagRole.html
func (s *Service) tagRole() operation.Operation {
	return operation.Change[TagRoleInput, operation.None, roleTarget, *TagRoleInput]{
		Name:    "TagRole",
		Actions: []string{"iam:TagRole"},
		Subject: func(c *operation.Call, in *TagRoleInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, in *TagRoleInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			tags := tagMap(in.Tags)
			return append(asks, t.askWith(c, "iam:TagRole", &facts{requestTags: tags, requestKeys: tags.Keys()}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *TagRoleInput, t roleTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			o := *t.role
			var err error
			if o.Tags, err = withTags(o.Tags, tagMap(in.Tags)); err != nil {
				return nil, err
			}
			if err := putRole(c.Context, tx, o, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
