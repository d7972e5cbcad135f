package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// TagSAMLProviderInput has tags for a SAML provider, in place of those that have the same keys.
type TagSAMLProviderInput struct {
	SAMLProviderARN optional.Of[string] `aws:"SAMLProviderArn" audit:"sAMLProviderArn"`
	Tags            []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *TagSAMLProviderInput) Validate(c *check.Checks) {
	c.HideValues()
	checkProviderARN(c, "sAMLProviderArn", in.SAMLProviderARN)
	c.Required("tags", in.Tags != nil)
	checkTags(c, in.Tags)
}

// tagSAMLProvider implements TagSAMLProvider.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagSAMLProvider.html
func (s *Service) tagSAMLProvider() operation.Operation {
	return operation.Change[TagSAMLProviderInput, operation.None, samlTarget, *TagSAMLProviderInput]{
		Name:    "TagSAMLProvider",
		Actions: []string{"iam:TagSAMLProvider"},
		Subject: func(c *operation.Call, in *TagSAMLProviderInput) (samlTarget, error) {
			return s.samlProviderNamed(c, in.SAMLProviderARN.V)
		},
		Asks: func(c *operation.Call, in *TagSAMLProviderInput, t samlTarget, asks []authz.Ask) []authz.Ask {
			tags := tagMap(in.Tags)
			return append(asks, t.ask(c, "iam:TagSAMLProvider", &facts{requestTags: tags, requestKeys: tags.Keys()}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *TagSAMLProviderInput, t samlTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			changed := *t.provider
			var err error
			if changed.Tags, err = withTags(changed.Tags, tagMap(in.Tags)); err != nil {
				return nil, err
			}
			if err := putSAMLProvider(c.Context, tx, changed, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
