package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListGroupsInput asks for a page of the groups of the caller's account.
type ListGroupsInput struct {
	PathPrefix optional.Of[string] `aws:"PathPrefix" audit:"pathPrefix"`
	Marker     optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems   optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListGroupsInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPathPrefix(c, in.PathPrefix)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListGroupsOutput is a page of groups, in the order of their folded names.
type ListGroupsOutput struct {
	Groups      []Group             `aws:"Groups"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listGroups implements ListGroups.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroups.html
func (s *Service) listGroups() operation.Operation {
	return operation.Use[ListGroupsInput, ListGroupsOutput, string, *ListGroupsInput]{
		Name:    "ListGroups",
		Actions: []string{"iam:ListGroups"},
		Subject: func(_ *operation.Call, in *ListGroupsInput) (string, error) {
			return in.PathPrefix.Or("/"), nil
		},
		Asks: func(c *operation.Call, _ *ListGroupsInput, prefix string, asks []authz.Ask) []authz.Ask {
			return append(asks, ask(c, "iam:ListGroups", groupARN(c.Partition, ownAccount(c), prefix, ""), &facts{}))
		},
		Run: func(c *operation.Call, in *ListGroupsInput, prefix string) (*ListGroupsOutput, error) {
			l := listOf(c, "ListGroups", prefix)
			after, err := s.after(l, in.Marker)
			if err != nil {
				return nil, err
			}
			page, more, err := under(c, groups, func(g *group) string { return g.Path }, prefix, after, in.MaxItems.Or(maxItemsDefault))
			if err != nil {
				return nil, err
			}
			out := &ListGroupsOutput{Groups: make([]Group, len(page)), IsTruncated: more}
			for i, g := range page {
				out.Groups[i] = g.shown(c.Partition)
			}
			if more {
				out.Marker = s.marker(l, fold(page[len(page)-1].Name))
			}
			return out, nil
		},
	}.Operation()
}
