package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListAttachedGroupPoliciesInput asks for a page of the managed policies that
// are attached to a group.
type ListAttachedGroupPoliciesInput struct {
	GroupName  optional.Of[string] `aws:"GroupName" audit:"groupName"`
	PathPrefix optional.Of[string] `aws:"PathPrefix" audit:"pathPrefix"`
	Marker     optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems   optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListAttachedGroupPoliciesInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "groupName", in.GroupName, nameMax)
	checkPolicyPathPrefix(c, in.PathPrefix)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListAttachedGroupPoliciesOutput is a page of managed policies, in the order of their folded names.
type ListAttachedGroupPoliciesOutput struct {
	AttachedPolicies []AttachedPolicy    `aws:"AttachedPolicies"`
	IsTruncated      bool                `aws:"IsTruncated"`
	Marker           optional.Of[string] `aws:"Marker"`
}

// listAttachedGroupPolicies implements ListAttachedGroupPolicies.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedGroupPolicies.html
func (s *Service) listAttachedGroupPolicies() operation.Operation {
	return operation.Use[ListAttachedGroupPoliciesInput, ListAttachedGroupPoliciesOutput, groupTarget, *ListAttachedGroupPoliciesInput]{
		Name:    "ListAttachedGroupPolicies",
		Actions: []string{"iam:ListAttachedGroupPolicies"},
		Subject: func(c *operation.Call, in *ListAttachedGroupPoliciesInput) (groupTarget, error) {
			return s.groupNamed(c, in.GroupName.V)
		},
		Asks: func(c *operation.Call, _ *ListAttachedGroupPoliciesInput, t groupTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListAttachedGroupPolicies"))
		},
		Run: func(c *operation.Call, in *ListAttachedGroupPoliciesInput, t groupTarget) (*ListAttachedGroupPoliciesOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			page, next, err := s.attachedPage(listOf(c, "ListAttachedGroupPolicies", t.group.ID), t.group.Attached, in.PathPrefix, in.Marker, in.MaxItems)
			if err != nil {
				return nil, err
			}
			return &ListAttachedGroupPoliciesOutput{AttachedPolicies: page, IsTruncated: next.Set, Marker: next}, nil
		},
	}.Operation()
}
