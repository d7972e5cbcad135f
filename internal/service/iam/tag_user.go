package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// TagUserInput has tags for a user, in place of those that have the same keys.
type TagUserInput struct {
	UserName optional.Of[string] `aws:"UserName" audit:"userName"`
	Tags     []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *TagUserInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, nameMax)
	c.Required("tags", in.Tags != nil)
	checkTags(c, in.Tags)
}

// tagUser implements TagUser.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagUser.html
func (s *Service) tagUser() operation.Operation {
	return operation.Change[TagUserInput, operation.None, target, *TagUserInput]{
		Name:    "TagUser",
		Actions: []string{"iam:TagUser"},
		Subject: func(c *operation.Call, in *TagUserInput) (target, error) {
			return s.named(c, in.UserName.V)
		},
		Asks: func(c *operation.Call, in *TagUserInput, t target, asks []authz.Ask) []authz.Ask {
			tags := tagMap(in.Tags)
			return append(asks, t.askWith(c, "iam:TagUser", &facts{requestTags: tags, requestKeys: tags.Keys()}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *TagUserInput, t target) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			u := *t.user
			var err error
			if u.Tags, err = withTags(u.Tags, tagMap(in.Tags)); err != nil {
				return nil, err
			}
			if err := putUser(c.Context, tx, u, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
