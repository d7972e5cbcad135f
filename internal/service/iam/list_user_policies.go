package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListUserPoliciesInput asks for a page of the inline policies of a user.
type ListUserPoliciesInput struct {
	UserName optional.Of[string] `aws:"UserName" audit:"userName"`
	Marker   optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListUserPoliciesInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, nameMax)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListUserPoliciesOutput is a page of names, in their order.
type ListUserPoliciesOutput struct {
	PolicyNames []string            `aws:"PolicyNames"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listUserPolicies implements ListUserPolicies.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserPolicies.html
func (s *Service) listUserPolicies() operation.Operation {
	return operation.Use[ListUserPoliciesInput, ListUserPoliciesOutput, target, *ListUserPoliciesInput]{
		Name:    "ListUserPolicies",
		Actions: []string{"iam:ListUserPolicies"},
		Subject: func(c *operation.Call, in *ListUserPoliciesInput) (target, error) {
			return s.named(c, in.UserName.V)
		},
		Asks: func(c *operation.Call, _ *ListUserPoliciesInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListUserPolicies"))
		},
		Run: func(c *operation.Call, in *ListUserPoliciesInput, t target) (*ListUserPoliciesOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			l := listOf(c, "ListUserPolicies", t.user.ID)
			after, err := s.after(l, in.Marker)
			if err != nil {
				return nil, err
			}
			names := make([]string, len(t.user.Policies)) // sorted, as the map is
			for i, p := range t.user.Policies {
				names[i] = p.Key
			}
			out := &ListUserPoliciesOutput{}
			out.PolicyNames, out.IsTruncated = cut(names, after, in.MaxItems.Or(maxItemsDefault))
			if out.IsTruncated {
				out.Marker = s.marker(l, out.PolicyNames[len(out.PolicyNames)-1])
			}
			return out, nil
		},
	}.Operation()
}
