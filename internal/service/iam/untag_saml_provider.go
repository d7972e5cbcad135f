package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UntagSAMLProviderInput has the keys of tags to be taken from a SAML provider.
type UntagSAMLProviderInput struct {
	SAMLProviderARN optional.Of[string] `aws:"SAMLProviderArn" audit:"sAMLProviderArn"`
	TagKeys         []string            `aws:"TagKeys" audit:"tagKeys"`
}

// Validate checks the limits of the public API.
func (in *UntagSAMLProviderInput) Validate(c *check.Checks) {
	c.HideValues()
	checkProviderARN(c, "sAMLProviderArn", in.SAMLProviderARN)
	c.Required("tagKeys", in.TagKeys != nil)
	checkTagKeys(c, in.TagKeys)
}

// untagSAMLProvider implements UntagSAMLProvider. Keys that are not there are passed over.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagSAMLProvider.html
func (s *Service) untagSAMLProvider() operation.Operation {
	return operation.Change[UntagSAMLProviderInput, operation.None, samlTarget, *UntagSAMLProviderInput]{
		Name:    "UntagSAMLProvider",
		Actions: []string{"iam:UntagSAMLProvider"},
		Subject: func(c *operation.Call, in *UntagSAMLProviderInput) (samlTarget, error) {
			return s.samlProviderNamed(c, in.SAMLProviderARN.V)
		},
		Asks: func(c *operation.Call, in *UntagSAMLProviderInput, t samlTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:UntagSAMLProvider", &facts{requestKeys: in.TagKeys}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *UntagSAMLProviderInput, t samlTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			changed := *t.provider
			changed.Tags = withoutTags(changed.Tags, in.TagKeys)
			if err := putSAMLProvider(c.Context, tx, changed, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
