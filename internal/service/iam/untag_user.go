package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UntagUserInput has the keys of tags to be taken from a user.
type UntagUserInput struct {
	UserName optional.Of[string] `aws:"UserName" audit:"userName"`
	TagKeys  []string            `aws:"TagKeys" audit:"tagKeys"`
}

// Validate checks the limits of the public API.
func (in *UntagUserInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, nameMax)
	c.Required("tagKeys", in.TagKeys != nil)
	checkTagKeys(c, in.TagKeys)
}

// untagUser implements UntagUser. Keys that the user does not have are passed over.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagUser.html
func (s *Service) untagUser() operation.Operation {
	return operation.Change[UntagUserInput, operation.None, target, *UntagUserInput]{
		Name:    "UntagUser",
		Actions: []string{"iam:UntagUser"},
		Subject: func(c *operation.Call, in *UntagUserInput) (target, error) {
			return s.named(c, in.UserName.V)
		},
		Asks: func(c *operation.Call, in *UntagUserInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askWith(c, "iam:UntagUser", &facts{requestKeys: in.TagKeys}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *UntagUserInput, t target) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			u := *t.user
			u.Tags = withoutTags(u.Tags, in.TagKeys)
			if err := putUser(c.Context, tx, u, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
