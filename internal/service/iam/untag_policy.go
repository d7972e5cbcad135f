package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UntagPolicyInput has the keys of tags that a managed policy is to lose.
type UntagPolicyInput struct {
	PolicyARN optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
	TagKeys   []string            `aws:"TagKeys" audit:"tagKeys"`
}

// Validate checks the limits of the public API.
func (in *UntagPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPolicyARN(c, in.PolicyARN)
	c.Required("tagKeys", in.TagKeys != nil)
	checkTagKeys(c, in.TagKeys)
}

// untagPolicy implements UntagPolicy. Keys that the policy does not have are passed over.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagPolicy.html
func (s *Service) untagPolicy() operation.Operation {
	return operation.Change[UntagPolicyInput, operation.None, policyTarget, *UntagPolicyInput]{
		Name:    "UntagPolicy",
		Actions: []string{"iam:UntagPolicy"},
		Subject: func(c *operation.Call, in *UntagPolicyInput) (policyTarget, error) {
			return s.policyNamed(c, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, in *UntagPolicyInput, t policyTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askWith(c, "iam:UntagPolicy", &facts{requestKeys: in.TagKeys}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *UntagPolicyInput, t policyTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			p := *t.policy
			p.Tags = withoutTags(p.Tags, in.TagKeys)
			if err := putManagedPolicy(c.Context, tx, p, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
