package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// TagPolicyInput has tags for a managed policy, in place of those that have the same keys.
type TagPolicyInput struct {
	PolicyARN optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
	Tags      []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *TagPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPolicyARN(c, in.PolicyARN)
	c.Required("tags", in.Tags != nil)
	checkTags(c, in.Tags)
}

// tagPolicy implements TagPolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagPolicy.html
func (s *Service) tagPolicy() operation.Operation {
	return operation.Change[TagPolicyInput, operation.None, policyTarget, *TagPolicyInput]{
		Name:    "TagPolicy",
		Actions: []string{"iam:TagPolicy"},
		Subject: func(c *operation.Call, in *TagPolicyInput) (policyTarget, error) {
			return s.policyNamed(c, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, in *TagPolicyInput, t policyTarget, asks []authz.Ask) []authz.Ask {
			tags := tagMap(in.Tags)
			return append(asks, t.askWith(c, "iam:TagPolicy", &facts{requestTags: tags, requestKeys: tags.Keys()}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *TagPolicyInput, t policyTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			p := *t.policy
			var err error
			if p.Tags, err = withTags(p.Tags, tagMap(in.Tags)); err != nil {
				return nil, err
			}
			if err := putManagedPolicy(c.Context, tx, p, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
