package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListAttachedRolePoliciesInput asks for a page of the managed policies that
// are attached to a role.
type ListAttachedRolePoliciesInput struct {
	RoleName   optional.Of[string] `aws:"RoleName" audit:"roleName"`
	PathPrefix optional.Of[string] `aws:"PathPrefix" audit:"pathPrefix"`
	Marker     optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems   optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListAttachedRolePoliciesInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	checkPolicyPathPrefix(c, in.PathPrefix)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListAttachedRolePoliciesOutput is a page of managed policies, in the order of their folded names.
type ListAttachedRolePoliciesOutput struct {
	AttachedPolicies []AttachedPolicy    `aws:"AttachedPolicies"`
	IsTruncated      bool                `aws:"IsTruncated"`
	Marker           optional.Of[string] `aws:"Marker"`
}

// listAttachedRolePolicies implements ListAttachedRolePolicies.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedRolePolicies.html
func (s *Service) listAttachedRolePolicies() operation.Operation {
	return operation.Use[ListAttachedRolePoliciesInput, ListAttachedRolePoliciesOutput, roleTarget, *ListAttachedRolePoliciesInput]{
		Name:    "ListAttachedRolePolicies",
		Actions: []string{"iam:ListAttachedRolePolicies"},
		Subject: func(c *operation.Call, in *ListAttachedRolePoliciesInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, _ *ListAttachedRolePoliciesInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListAttachedRolePolicies"))
		},
		Run: func(c *operation.Call, in *ListAttachedRolePoliciesInput, t roleTarget) (*ListAttachedRolePoliciesOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			page, next, err := s.attachedPage(listOf(c, "ListAttachedRolePolicies", t.role.ID), t.role.Attached, in.PathPrefix, in.Marker, in.MaxItems)
			if err != nil {
				return nil, err
			}
			return &ListAttachedRolePoliciesOutput{AttachedPolicies: page, IsTruncated: next.Set, Marker: next}, nil
		},
	}.Operation()
}
