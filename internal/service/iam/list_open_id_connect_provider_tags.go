package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListOpenIDConnectProviderTagsInput asks for a page of the tags of an OpenID Connect provider.
type ListOpenIDConnectProviderTagsInput struct {
	OpenIDConnectProviderARN optional.Of[string] `aws:"OpenIDConnectProviderArn" audit:"openIDConnectProviderArn"`
	Marker                   optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems                 optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListOpenIDConnectProviderTagsInput) Validate(c *check.Checks) {
	c.HideValues()
	checkProviderARN(c, "openIDConnectProviderArn", in.OpenIDConnectProviderARN)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListOpenIDConnectProviderTagsOutput is a page of tags, in the order of their keys.
type ListOpenIDConnectProviderTagsOutput struct {
	Tags        []Tag               `aws:"Tags"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listOpenIDConnectProviderTags implements ListOpenIDConnectProviderTags.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListOpenIDConnectProviderTags.html
func (s *Service) listOpenIDConnectProviderTags() operation.Operation {
	return operation.Use[ListOpenIDConnectProviderTagsInput, ListOpenIDConnectProviderTagsOutput, oidcTarget, *ListOpenIDConnectProviderTagsInput]{
		Name:    "ListOpenIDConnectProviderTags",
		Actions: []string{"iam:ListOpenIDConnectProviderTags"},
		Subject: func(c *operation.Call, in *ListOpenIDConnectProviderTagsInput) (oidcTarget, error) {
			return s.oidcProviderNamed(c, in.OpenIDConnectProviderARN.V)
		},
		Asks: func(c *operation.Call, _ *ListOpenIDConnectProviderTagsInput, t oidcTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListOpenIDConnectProviderTags", &facts{}))
		},
		Run: func(c *operation.Call, in *ListOpenIDConnectProviderTagsInput, t oidcTarget) (*ListOpenIDConnectProviderTagsOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			page, next, err := s.tagPage(listOf(c, "ListOpenIDConnectProviderTags", t.provider.URL), t.provider.Tags, in.Marker, in.MaxItems)
			if err != nil {
				return nil, err
			}
			return &ListOpenIDConnectProviderTagsOutput{Tags: page, IsTruncated: next.Set, Marker: next}, nil
		},
	}.Operation()
}
