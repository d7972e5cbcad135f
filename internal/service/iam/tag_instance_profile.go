package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// TagInstanceProfileInput has tags for an instance profile, in place of those that have the same keys.
type TagInstanceProfileInput struct {
	InstanceProfileName optional.Of[string] `aws:"InstanceProfileName" audit:"instanceProfileName"`
	Tags                []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *TagInstanceProfileInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "instanceProfileName", in.InstanceProfileName, nameMax)
	c.Required("tags", in.Tags != nil)
	checkTags(c, in.Tags)
}

// tagInstanceProfile implements TagInstanceProfile.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagInstanceProfile.html
func (s *Service) tagInstanceProfile() operation.Operation {
	return operation.Change[TagInstanceProfileInput, operation.None, profileTarget, *TagInstanceProfileInput]{
		Name:    "TagInstanceProfile",
		Actions: []string{"iam:TagInstanceProfile"},
		Subject: func(c *operation.Call, in *TagInstanceProfileInput) (profileTarget, error) {
			return s.profileNamed(c, in.InstanceProfileName.V)
		},
		Asks: func(c *operation.Call, in *TagInstanceProfileInput, t profileTarget, asks []authz.Ask) []authz.Ask {
			tags := tagMap(in.Tags)
			return append(asks, t.ask(c, "iam:TagInstanceProfile", &facts{requestTags: tags, requestKeys: tags.Keys()}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *TagInstanceProfileInput, t profileTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			changed := *t.profile
			var err error
			if changed.Tags, err = withTags(changed.Tags, tagMap(in.Tags)); err != nil {
				return nil, err
			}
			if err := putInstanceProfile(c.Context, tx, changed, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
