package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UpdateOpenIDConnectProviderThumbprintInput has the thumbprints that a provider is
// to have in place of those it has.
type UpdateOpenIDConnectProviderThumbprintInput struct {
	OpenIDConnectProviderARN optional.Of[string] `aws:"OpenIDConnectProviderArn" audit:"openIDConnectProviderArn"`
	ThumbprintList           []string            `aws:"ThumbprintList" audit:"thumbprintList"`
}

// Validate checks the limits of the public API.
func (in *UpdateOpenIDConnectProviderThumbprintInput) Validate(c *check.Checks) {
	c.HideValues()
	checkProviderARN(c, "openIDConnectProviderArn", in.OpenIDConnectProviderARN)
	c.Required("thumbprintList", in.ThumbprintList != nil)
	checkThumbprints(c, in.ThumbprintList)
}

// updateOpenIDConnectProviderThumbprint implements UpdateOpenIDConnectProviderThumbprint.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateOpenIDConnectProviderThumbprint.html
func (s *Service) updateOpenIDConnectProviderThumbprint() operation.Operation {
	return operation.Change[UpdateOpenIDConnectProviderThumbprintInput, operation.None, oidcTarget, *UpdateOpenIDConnectProviderThumbprintInput]{
		Name:    "UpdateOpenIDConnectProviderThumbprint",
		Actions: []string{"iam:UpdateOpenIDConnectProviderThumbprint"},
		Subject: func(c *operation.Call, in *UpdateOpenIDConnectProviderThumbprintInput) (oidcTarget, error) {
			return s.oidcProviderNamed(c, in.OpenIDConnectProviderARN.V)
		},
		Asks: func(c *operation.Call, _ *UpdateOpenIDConnectProviderThumbprintInput, t oidcTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:UpdateOpenIDConnectProviderThumbprint", &facts{}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *UpdateOpenIDConnectProviderThumbprintInput, t oidcTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			p := *t.provider
			p.Thumbprints = in.ThumbprintList
			if err := putOIDCProvider(c.Context, tx, p, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
