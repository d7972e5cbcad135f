package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListGroupPoliciesInput asks for a page of the inline policies of a group.
type ListGroupPoliciesInput struct {
	GroupName optional.Of[string] `aws:"GroupName" audit:"groupName"`
	Marker    optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems  optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListGroupPoliciesInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "groupName", in.GroupName, nameMax)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListGroupPoliciesOutput is a page of names, in their order.
type ListGroupPoliciesOutput struct {
	PolicyNames []string            `aws:"PolicyNames"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listGroupPolicies implements ListGroupPolicies.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroupPolicies.html
func (s *Service) listGroupPolicies() operation.Operation {
	return operation.Use[ListGroupPoliciesInput, ListGroupPoliciesOutput, groupTarget, *ListGroupPoliciesInput]{
		Name:    "ListGroupPolicies",
		Actions: []string{"iam:ListGroupPolicies"},
		Subject: func(c *operation.Call, in *ListGroupPoliciesInput) (groupTarget, error) {
			return s.groupNamed(c, in.GroupName.V)
		},
		Asks: func(c *operation.Call, _ *ListGroupPoliciesInput, t groupTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListGroupPolicies"))
		},
		Run: func(c *operation.Call, in *ListGroupPoliciesInput, t groupTarget) (*ListGroupPoliciesOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			l := listOf(c, "ListGroupPolicies", t.group.ID)
			after, err := s.after(l, in.Marker)
			if err != nil {
				return nil, err
			}
			names := make([]string, len(t.group.Policies)) // sorted, as the map is
			for i, p := range t.group.Policies {
				names[i] = p.Key
			}
			out := &ListGroupPoliciesOutput{}
			out.PolicyNames, out.IsTruncated = cut(names, after, in.MaxItems.Or(maxItemsDefault))
			if out.IsTruncated {
				out.Marker = s.marker(l, out.PolicyNames[len(out.PolicyNames)-1])
			}
			return out, nil
		},
	}.Operation()
}
