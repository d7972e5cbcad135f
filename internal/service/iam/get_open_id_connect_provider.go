package iam

import (
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetOpenIDConnectProviderInput names a provider.
type GetOpenIDConnectProviderInput struct {
	OpenIDConnectProviderARN optional.Of[string] `aws:"OpenIDConnectProviderArn" audit:"openIDConnectProviderArn"`
}

// Validate checks the limits of the public API.
func (in *GetOpenIDConnectProviderInput) Validate(c *check.Checks) {
	c.HideValues()
	checkProviderARN(c, "openIDConnectProviderArn", in.OpenIDConnectProviderARN)
}

// GetOpenIDConnectProviderOutput is the provider. Its URL has no scheme.
type GetOpenIDConnectProviderOutput struct {
	URL            string    `aws:"Url"`
	ClientIDList   []string  `aws:"ClientIDList"`
	ThumbprintList []string  `aws:"ThumbprintList"`
	CreateDate     time.Time `aws:"CreateDate"`
	Tags           []Tag     `aws:"Tags"`
}

// getOpenIDConnectProvider implements GetOpenIDConnectProvider.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetOpenIDConnectProvider.html
func (s *Service) getOpenIDConnectProvider() operation.Operation {
	return operation.Use[GetOpenIDConnectProviderInput, GetOpenIDConnectProviderOutput, oidcTarget, *GetOpenIDConnectProviderInput]{
		Name:    "GetOpenIDConnectProvider",
		Actions: []string{"iam:GetOpenIDConnectProvider"},
		Subject: func(c *operation.Call, in *GetOpenIDConnectProviderInput) (oidcTarget, error) {
			return s.oidcProviderNamed(c, in.OpenIDConnectProviderARN.V)
		},
		Asks: func(c *operation.Call, _ *GetOpenIDConnectProviderInput, t oidcTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:GetOpenIDConnectProvider", &facts{}))
		},
		Run: func(_ *operation.Call, _ *GetOpenIDConnectProviderInput, t oidcTarget) (*GetOpenIDConnectProviderOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			return &GetOpenIDConnectProviderOutput{
				URL:            t.provider.URL,
				ClientIDList:   append([]string{}, t.provider.ClientIDs...),
				ThumbprintList: append([]string{}, t.provider.Thumbprints...),
				CreateDate:     seconds(t.provider.Created),
				Tags:           tagList(t.provider.Tags),
			}, nil
		},
	}.Operation()
}
