package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListAttachedUserPoliciesInput asks for a page of the managed policies that
// are attached to a user.
type ListAttachedUserPoliciesInput struct {
	UserName   optional.Of[string] `aws:"UserName" audit:"userName"`
	PathPrefix optional.Of[string] `aws:"PathPrefix" audit:"pathPrefix"`
	Marker     optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems   optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListAttachedUserPoliciesInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, newUserNameMax)
	checkPolicyPathPrefix(c, in.PathPrefix)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListAttachedUserPoliciesOutput is a page of managed policies, in the order of their folded names.
type ListAttachedUserPoliciesOutput struct {
	AttachedPolicies []AttachedPolicy    `aws:"AttachedPolicies"`
	IsTruncated      bool                `aws:"IsTruncated"`
	Marker           optional.Of[string] `aws:"Marker"`
}

// listAttachedUserPolicies implements ListAttachedUserPolicies.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedUserPolicies.html
func (s *Service) listAttachedUserPolicies() operation.Operation {
	return operation.Use[ListAttachedUserPoliciesInput, ListAttachedUserPoliciesOutput, target, *ListAttachedUserPoliciesInput]{
		Name:    "ListAttachedUserPolicies",
		Actions: []string{"iam:ListAttachedUserPolicies"},
		Subject: func(c *operation.Call, in *ListAttachedUserPoliciesInput) (target, error) {
			return s.named(c, in.UserName.V)
		},
		Asks: func(c *operation.Call, _ *ListAttachedUserPoliciesInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListAttachedUserPolicies"))
		},
		Run: func(c *operation.Call, in *ListAttachedUserPoliciesInput, t target) (*ListAttachedUserPoliciesOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			page, next, err := s.attachedPage(listOf(c, "ListAttachedUserPolicies", t.user.ID), t.user.Attached, in.PathPrefix, in.Marker, in.MaxItems)
			if err != nil {
				return nil, err
			}
			return &ListAttachedUserPoliciesOutput{AttachedPolicies: page, IsTruncated: next.Set, Marker: next}, nil
		},
	}.Operation()
}
