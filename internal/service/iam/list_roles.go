package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListRolesInput asks for a page of the roles of the caller's account.
type ListRolesInput struct {
	PathPrefix optional.Of[string] `aws:"PathPrefix" audit:"pathPrefix"`
	Marker     optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems   optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListRolesInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPathPrefix(c, in.PathPrefix)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListRolesOutput is a page of roles, in the order of their folded names and
// without their tags.
type ListRolesOutput struct {
	Roles       []Role              `aws:"Roles"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listRoles implements ListRoles.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html
func (s *Service) listRoles() operation.Operation {
	return operation.Use[ListRolesInput, ListRolesOutput, string, *ListRolesInput]{
		Name:    "ListRoles",
		Actions: []string{"iam:ListRoles"},
		Subject: func(_ *operation.Call, in *ListRolesInput) (string, error) {
			return in.PathPrefix.Or("/"), nil
		},
		Asks: func(c *operation.Call, _ *ListRolesInput, prefix string, asks []authz.Ask) []authz.Ask {
			return append(asks, ask(c, "iam:ListRoles", roleARN(c.Partition, ownAccount(c), prefix, ""), &facts{}))
		},
		Run: s.runListRoles,
	}.Operation()
}

func (s *Service) runListRoles(c *operation.Call, in *ListRolesInput, prefix string) (*ListRolesOutput, error) {
	l := listOf(c, "ListRoles", prefix)
	after, err := s.after(l, in.Marker)
	if err != nil {
		return nil, err
	}
	page, more, err := under(c, roles, func(o *role) string { return o.Path }, prefix, after, in.MaxItems.Or(maxItemsDefault))
	if err != nil {
		return nil, err
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	out := &ListRolesOutput{Roles: make([]Role, len(page)), IsTruncated: more}
	for i, o := range page {
		if out.Roles[i], err = s.shownRole(c, r, o); err != nil {
			return nil, err
		}
	}
	if more {
		out.Marker = s.marker(l, fold(page[len(page)-1].Name))
	}
	return out, nil
}
