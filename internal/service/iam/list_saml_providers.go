package iam

import (
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// ListSAMLProvidersInput asks for the providers of the caller's account.
type ListSAMLProvidersInput struct{}

// Validate has nothing to check.
func (in *ListSAMLProvidersInput) Validate(*check.Checks) {}

// A SAMLProviderListEntry tells of a provider.
type SAMLProviderListEntry struct {
	ARN        string    `aws:"Arn"`
	ValidUntil time.Time `aws:"ValidUntil"`
	CreateDate time.Time `aws:"CreateDate"`
}

// ListSAMLProvidersOutput are all providers, in the order of their names.
type ListSAMLProvidersOutput struct {
	SAMLProviderList []SAMLProviderListEntry `aws:"SAMLProviderList"`
}

// listSAMLProviders implements ListSAMLProviders.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListSAMLProviders.html
func (s *Service) listSAMLProviders() operation.Operation {
	return operation.Use[ListSAMLProvidersInput, ListSAMLProvidersOutput, struct{}, *ListSAMLProvidersInput]{
		Name:    "ListSAMLProviders",
		Actions: []string{"iam:ListSAMLProviders"},
		Asks: func(c *operation.Call, _ *ListSAMLProvidersInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return append(asks, ask(c, "iam:ListSAMLProviders", samlProviderARN(c.Partition, ownAccount(c), "*"), &facts{}))
		},
		Run: func(c *operation.Call, _ *ListSAMLProvidersInput, _ struct{}) (*ListSAMLProvidersOutput, error) {
			list := []SAMLProviderListEntry{}
			err := providersOf(c, samlProviders, samlProvidersMax, func(p *samlProvider) {
				list = append(list, SAMLProviderListEntry{
					ARN: samlProviderARN(c.Partition, p.Account, p.Name), ValidUntil: seconds(p.Until), CreateDate: seconds(p.Created),
				})
			})
			return &ListSAMLProvidersOutput{SAMLProviderList: list}, err
		},
	}.Operation()
}
