package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UntagOpenIDConnectProviderInput has the keys of tags to be taken from an OpenID Connect provider.
type UntagOpenIDConnectProviderInput struct {
	OpenIDConnectProviderARN optional.Of[string] `aws:"OpenIDConnectProviderArn" audit:"openIDConnectProviderArn"`
	TagKeys                  []string            `aws:"TagKeys" audit:"tagKeys"`
}

// Validate checks the limits of the public API.
func (in *UntagOpenIDConnectProviderInput) Validate(c *check.Checks) {
	c.HideValues()
	checkProviderARN(c, "openIDConnectProviderArn", in.OpenIDConnectProviderARN)
	c.Required("tagKeys", in.TagKeys != nil)
	checkTagKeys(c, in.TagKeys)
}

// untagOpenIDConnectProvider implements UntagOpenIDConnectProvider. Keys that are not there are passed over.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagOpenIDConnectProvider.html
func (s *Service) untagOpenIDConnectProvider() operation.Operation {
	return operation.Change[UntagOpenIDConnectProviderInput, operation.None, oidcTarget, *UntagOpenIDConnectProviderInput]{
		Name:    "UntagOpenIDConnectProvider",
		Actions: []string{"iam:UntagOpenIDConnectProvider"},
		Subject: func(c *operation.Call, in *UntagOpenIDConnectProviderInput) (oidcTarget, error) {
			return s.oidcProviderNamed(c, in.OpenIDConnectProviderARN.V)
		},
		Asks: func(c *operation.Call, in *UntagOpenIDConnectProviderInput, t oidcTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:UntagOpenIDConnectProvider", &facts{requestKeys: in.TagKeys}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *UntagOpenIDConnectProviderInput, t oidcTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			changed := *t.provider
			changed.Tags = withoutTags(changed.Tags, in.TagKeys)
			if err := putOIDCProvider(c.Context, tx, changed, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
