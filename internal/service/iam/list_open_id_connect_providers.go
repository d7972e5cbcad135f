package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// ListOpenIDConnectProvidersInput asks for the providers of the caller's account.
type ListOpenIDConnectProvidersInput struct{}

// Validate has nothing to check.
func (in *ListOpenIDConnectProvidersInput) Validate(*check.Checks) {}

// An OpenIDConnectProviderListEntry names a provider.
type OpenIDConnectProviderListEntry struct {
	ARN string `aws:"Arn"`
}

// ListOpenIDConnectProvidersOutput are all providers, in the order of their URLs.
type ListOpenIDConnectProvidersOutput struct {
	OpenIDConnectProviderList []OpenIDConnectProviderListEntry `aws:"OpenIDConnectProviderList"`
}

// listOpenIDConnectProviders implements ListOpenIDConnectProviders.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListOpenIDConnectProviders.html
func (s *Service) listOpenIDConnectProviders() operation.Operation {
	return operation.Use[ListOpenIDConnectProvidersInput, ListOpenIDConnectProvidersOutput, struct{}, *ListOpenIDConnectProvidersInput]{
		Name:    "ListOpenIDConnectProviders",
		Actions: []string{"iam:ListOpenIDConnectProviders"},
		Asks: func(c *operation.Call, _ *ListOpenIDConnectProvidersInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return append(asks, ask(c, "iam:ListOpenIDConnectProviders", oidcProviderARN(c.Partition, ownAccount(c), "*"), &facts{}))
		},
		Run: func(c *operation.Call, _ *ListOpenIDConnectProvidersInput, _ struct{}) (*ListOpenIDConnectProvidersOutput, error) {
			list := []OpenIDConnectProviderListEntry{}
			err := providersOf(c, oidcProviders, oidcProvidersMax, func(p *oidcProvider) {
				list = append(list, OpenIDConnectProviderListEntry{ARN: oidcProviderARN(c.Partition, p.Account, p.URL)})
			})
			return &ListOpenIDConnectProvidersOutput{OpenIDConnectProviderList: list}, err
		},
	}.Operation()
}
