package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UntagInstanceProfileInput has the keys of tags to be taken from an instance profile.
type UntagInstanceProfileInput struct {
	InstanceProfileName optional.Of[string] `aws:"InstanceProfileName" audit:"instanceProfileName"`
	TagKeys             []string            `aws:"TagKeys" audit:"tagKeys"`
}

// Validate checks the limits of the public API.
func (in *UntagInstanceProfileInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "instanceProfileName", in.InstanceProfileName, nameMax)
	c.Required("tagKeys", in.TagKeys != nil)
	checkTagKeys(c, in.TagKeys)
}

// untagInstanceProfile implements UntagInstanceProfile. Keys that are not there are passed over.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagInstanceProfile.html
func (s *Service) untagInstanceProfile() operation.Operation {
	return operation.Change[UntagInstanceProfileInput, operation.None, profileTarget, *UntagInstanceProfileInput]{
		Name:    "UntagInstanceProfile",
		Actions: []string{"iam:UntagInstanceProfile"},
		Subject: func(c *operation.Call, in *UntagInstanceProfileInput) (profileTarget, error) {
			return s.profileNamed(c, in.InstanceProfileName.V)
		},
		Asks: func(c *operation.Call, in *UntagInstanceProfileInput, t profileTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:UntagInstanceProfile", &facts{requestKeys: in.TagKeys}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *UntagInstanceProfileInput, t profileTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			changed := *t.profile
			changed.Tags = withoutTags(changed.Tags, in.TagKeys)
			if err := putInstanceProfile(c.Context, tx, changed, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
