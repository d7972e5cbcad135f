package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// TagOpenIDConnectProviderInput has tags for an OpenID Connect provider, in place of those that have the same keys.
type TagOpenIDConnectProviderInput struct {
	OpenIDConnectProviderARN optional.Of[string] `aws:"OpenIDConnectProviderArn" audit:"openIDConnectProviderArn"`
	Tags                     []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *TagOpenIDConnectProviderInput) Validate(c *check.Checks) {
	c.HideValues()
	checkProviderARN(c, "openIDConnectProviderArn", in.OpenIDConnectProviderARN)
	c.Required("tags", in.Tags != nil)
	checkTags(c, in.Tags)
}

// tagOpenIDConnectProvider implements TagOpenIDConnectProvider.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagOpenIDConnectProvider.html
func (s *Service) tagOpenIDConnectProvider() operation.Operation {
	return operation.Change[TagOpenIDConnectProviderInput, operation.None, oidcTarget, *TagOpenIDConnectProviderInput]{
		Name:    "TagOpenIDConnectProvider",
		Actions: []string{"iam:TagOpenIDConnectProvider"},
		Subject: func(c *operation.Call, in *TagOpenIDConnectProviderInput) (oidcTarget, error) {
			return s.oidcProviderNamed(c, in.OpenIDConnectProviderARN.V)
		},
		Asks: func(c *operation.Call, in *TagOpenIDConnectProviderInput, t oidcTarget, asks []authz.Ask) []authz.Ask {
			tags := tagMap(in.Tags)
			return append(asks, t.ask(c, "iam:TagOpenIDConnectProvider", &facts{requestTags: tags, requestKeys: tags.Keys()}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *TagOpenIDConnectProviderInput, t oidcTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			changed := *t.provider
			var err error
			if changed.Tags, err = withTags(changed.Tags, tagMap(in.Tags)); err != nil {
				return nil, err
			}
			if err := putOIDCProvider(c.Context, tx, changed, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
