package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListRolePoliciesInput asks for a page of the inline policies of a role.
type ListRolePoliciesInput struct {
	RoleName optional.Of[string] `aws:"RoleName" audit:"roleName"`
	Marker   optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListRolePoliciesInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListRolePoliciesOutput is a page of names, in their order.
type ListRolePoliciesOutput struct {
	PolicyNames []string            `aws:"PolicyNames"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listRolePolicies implements ListRolePolicies.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRolePolicies.html
func (s *Service) listRolePolicies() operation.Operation {
	return operation.Use[ListRolePoliciesInput, ListRolePoliciesOutput, roleTarget, *ListRolePoliciesInput]{
		Name:    "ListRolePolicies",
		Actions: []string{"iam:ListRolePolicies"},
		Subject: func(c *operation.Call, in *ListRolePoliciesInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, _ *ListRolePoliciesInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListRolePolicies"))
		},
		Run: func(c *operation.Call, in *ListRolePoliciesInput, t roleTarget) (*ListRolePoliciesOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			l := listOf(c, "ListRolePolicies", t.role.ID)
			after, err := s.after(l, in.Marker)
			if err != nil {
				return nil, err
			}
			names := make([]string, len(t.role.Policies)) // sorted, as the map is
			for i, p := range t.role.Policies {
				names[i] = p.Key
			}
			out := &ListRolePoliciesOutput{}
			out.PolicyNames, out.IsTruncated = cut(names, after, in.MaxItems.Or(maxItemsDefault))
			if out.IsTruncated {
				out.Marker = s.marker(l, out.PolicyNames[len(out.PolicyNames)-1])
			}
			return out, nil
		},
	}.Operation()
}
