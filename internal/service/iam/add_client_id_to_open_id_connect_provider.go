package iam

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// AddClientIDToOpenIDConnectProviderInput has one more audience of a provider.
type AddClientIDToOpenIDConnectProviderInput struct {
	OpenIDConnectProviderARN optional.Of[string] `aws:"OpenIDConnectProviderArn" audit:"openIDConnectProviderArn"`
	ClientID                 optional.Of[string] `aws:"ClientID" audit:"clientID"`
}

// Validate checks the limits of the public API.
func (in *AddClientIDToOpenIDConnectProviderInput) Validate(c *check.Checks) {
	c.HideValues()
	checkProviderARN(c, "openIDConnectProviderArn", in.OpenIDConnectProviderARN)
	checkClientID(c, in.ClientID)
}

// addClientIDToOpenIDConnectProvider implements AddClientIDToOpenIDConnectProvider. What is there
// already is added too, as documented.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html
func (s *Service) addClientIDToOpenIDConnectProvider() operation.Operation {
	return operation.Change[AddClientIDToOpenIDConnectProviderInput, operation.None, oidcTarget, *AddClientIDToOpenIDConnectProviderInput]{
		Name:    "AddClientIDToOpenIDConnectProvider",
		Actions: []string{"iam:AddClientIDToOpenIDConnectProvider"},
		Subject: func(c *operation.Call, in *AddClientIDToOpenIDConnectProviderInput) (oidcTarget, error) {
			return s.oidcProviderNamed(c, in.OpenIDConnectProviderARN.V)
		},
		Asks: func(c *operation.Call, _ *AddClientIDToOpenIDConnectProviderInput, t oidcTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:AddClientIDToOpenIDConnectProvider", &facts{}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *AddClientIDToOpenIDConnectProviderInput, t oidcTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			p := *t.provider
			at, found := slices.BinarySearch(p.ClientIDs, in.ClientID.V)
			if found {
				return &operation.None{}, nil
			}
			if len(p.ClientIDs) >= clientIDsMax {
				return nil, exceeded("ClientIdsPerOpenIdConnectProvider", clientIDsMax)
			}
			p.ClientIDs = slices.Insert(slices.Clone(p.ClientIDs), at, in.ClientID.V)
			if err := putOIDCProvider(c.Context, tx, p, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
