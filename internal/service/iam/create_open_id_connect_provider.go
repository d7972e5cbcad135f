package iam

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// CreateOpenIDConnectProviderInput has an issuer of web identity tokens.
type CreateOpenIDConnectProviderInput struct {
	URL            optional.Of[string] `aws:"Url" audit:"url"`
	ClientIDList   []string            `aws:"ClientIDList" audit:"clientIDList"`
	ThumbprintList []string            `aws:"ThumbprintList" audit:"thumbprintList"`
	Tags           []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *CreateOpenIDConnectProviderInput) Validate(c *check.Checks) {
	c.HideValues()
	c.Required("url", in.URL.Set)
	c.Length("url", in.URL, 1, providerURLMax)
	c.Each("clientIDList", in.ClientIDList, 1, clientIDMax, nil, "")
	checkThumbprints(c, in.ThumbprintList)
	checkTags(c, in.Tags)
}

// CreateOpenIDConnectProviderOutput names the provider.
type CreateOpenIDConnectProviderOutput struct {
	OpenIDConnectProviderARN string `aws:"OpenIDConnectProviderArn" audit:"openIDConnectProviderArn"`
	Tags                     []Tag  `aws:"Tags" audit:"tags"`
}

// createOpenIDConnectProvider implements CreateOpenIDConnectProvider. Nobody asks
// the issuer for its certificates: what thumbprints are not given there are not.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
func (s *Service) createOpenIDConnectProvider() operation.Operation {
	return operation.Change[CreateOpenIDConnectProviderInput, CreateOpenIDConnectProviderOutput, oidcTarget, *CreateOpenIDConnectProviderInput]{
		Name:    "CreateOpenIDConnectProvider",
		Actions: []string{"iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"},
		Subject: func(c *operation.Call, in *CreateOpenIDConnectProviderInput) (oidcTarget, error) {
			host, err := providerHost(in.URL.V)
			if err != nil {
				return oidcTarget{}, err
			}
			return s.oidcProviderAt(c, host)
		},
		Asks: func(c *operation.Call, in *CreateOpenIDConnectProviderInput, t oidcTarget, asks []authz.Ask) []authz.Ask {
			return asksToCreate(c, asks, "iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider", t.arn, in.Tags)
		},
		Run: runCreateOpenIDConnectProvider,
	}.Operation()
}

func runCreateOpenIDConnectProvider(c *operation.Call, tx store.Txn, in *CreateOpenIDConnectProviderInput, t oidcTarget) (*CreateOpenIDConnectProviderOutput, error) {
	if t.provider != nil {
		return nil, fault.New(EntityAlreadyExists, "Provider with url %s already exists.", in.URL.V)
	}
	p := &oidcProvider{
		Account:     ownAccount(c),
		URL:         t.url,
		Created:     c.Time.Unix(),
		ClientIDs:   slices.Compact(slices.Sorted(slices.Values(in.ClientIDList))),
		Thumbprints: in.ThumbprintList,
		Tags:        tagMap(in.Tags),
	}
	if len(p.ClientIDs) > clientIDsMax {
		return nil, exceeded("ClientIdsPerOpenIdConnectProvider", clientIDsMax)
	}
	if err := countUp(c, tx, oidcProviderCount, oidcProvidersMax, "OpenIdConnectProvidersPerAccount"); err != nil {
		return nil, err
	}
	if err := oidcProviders.Insert(c.Context, tx, p); err != nil {
		return nil, err
	}
	tx.Touch(oidcProviderEntity(p.Account, p.URL))
	return &CreateOpenIDConnectProviderOutput{OpenIDConnectProviderARN: t.arn, Tags: tagList(p.Tags)}, nil
}
