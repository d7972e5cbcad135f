package iam

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DeleteOpenIDConnectProviderInput names a provider.
type DeleteOpenIDConnectProviderInput struct {
	OpenIDConnectProviderARN optional.Of[string] `aws:"OpenIDConnectProviderArn" audit:"openIDConnectProviderArn"`
}

// Validate checks the limits of the public API.
func (in *DeleteOpenIDConnectProviderInput) Validate(c *check.Checks) {
	c.HideValues()
	checkProviderARN(c, "openIDConnectProviderArn", in.OpenIDConnectProviderARN)
}

// deleteOpenIDConnectProvider implements DeleteOpenIDConnectProvider. One that does
// not exist is deleted too, as documented.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteOpenIDConnectProvider.html
func (s *Service) deleteOpenIDConnectProvider() operation.Operation {
	return operation.Change[DeleteOpenIDConnectProviderInput, operation.None, oidcTarget, *DeleteOpenIDConnectProviderInput]{
		Name:    "DeleteOpenIDConnectProvider",
		Actions: []string{"iam:DeleteOpenIDConnectProvider"},
		Subject: func(c *operation.Call, in *DeleteOpenIDConnectProviderInput) (oidcTarget, error) {
			return s.oidcProviderNamed(c, in.OpenIDConnectProviderARN.V)
		},
		Asks: func(c *operation.Call, _ *DeleteOpenIDConnectProviderInput, t oidcTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:DeleteOpenIDConnectProvider", &facts{}))
		},
		Run: func(c *operation.Call, tx store.Txn, _ *DeleteOpenIDConnectProviderInput, t oidcTarget) (*operation.None, error) {
			if t.provider == nil {
				return &operation.None{}, nil
			}
			if err := oidcProviders.Delete(c.Context, tx, providerKey(t.provider.Account, t.url), t.rev); err != nil {
				return nil, fmt.Errorf("deleting OpenID Connect provider %s: %w", t.url, err)
			}
			tx.Touch(oidcProviderEntity(t.provider.Account, t.url))
			if err := countDown(c, tx, oidcProviderCount); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
