package iam

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// RemoveClientIDFromOpenIDConnectProviderInput has an audience that a provider is to
// lose.
type RemoveClientIDFromOpenIDConnectProviderInput struct {
	OpenIDConnectProviderARN optional.Of[string] `aws:"OpenIDConnectProviderArn" audit:"openIDConnectProviderArn"`
	ClientID                 optional.Of[string] `aws:"ClientID" audit:"clientID"`
}

// Validate checks the limits of the public API.
func (in *RemoveClientIDFromOpenIDConnectProviderInput) Validate(c *check.Checks) {
	c.HideValues()
	checkProviderARN(c, "openIDConnectProviderArn", in.OpenIDConnectProviderARN)
	checkClientID(c, in.ClientID)
}

// removeClientIDFromOpenIDConnectProvider implements RemoveClientIDFromOpenIDConnectProvider. What is not
// there is removed too, as documented.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveClientIDFromOpenIDConnectProvider.html
func (s *Service) removeClientIDFromOpenIDConnectProvider() operation.Operation {
	return operation.Change[RemoveClientIDFromOpenIDConnectProviderInput, operation.None, oidcTarget, *RemoveClientIDFromOpenIDConnectProviderInput]{
		Name:    "RemoveClientIDFromOpenIDConnectProvider",
		Actions: []string{"iam:RemoveClientIDFromOpenIDConnectProvider"},
		Subject: func(c *operation.Call, in *RemoveClientIDFromOpenIDConnectProviderInput) (oidcTarget, error) {
			return s.oidcProviderNamed(c, in.OpenIDConnectProviderARN.V)
		},
		Asks: func(c *operation.Call, _ *RemoveClientIDFromOpenIDConnectProviderInput, t oidcTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:RemoveClientIDFromOpenIDConnectProvider", &facts{}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *RemoveClientIDFromOpenIDConnectProviderInput, t oidcTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			p := *t.provider
			at, found := slices.BinarySearch(p.ClientIDs, in.ClientID.V)
			if !found {
				return &operation.None{}, nil
			}
			p.ClientIDs = slices.Delete(slices.Clone(p.ClientIDs), at, at+1)
			if err := putOIDCProvider(c.Context, tx, p, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
