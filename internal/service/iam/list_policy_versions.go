package iam

import (
	"fmt"
	"strconv"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListPolicyVersionsInput asks for a page of the versions of a managed policy.
type ListPolicyVersionsInput struct {
	PolicyARN optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
	Marker    optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems  optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListPolicyVersionsInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPolicyARN(c, in.PolicyARN)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListPolicyVersionsOutput is a page of versions, the newest first and without
// their documents.
type ListPolicyVersionsOutput struct {
	Versions    []PolicyVersion     `aws:"Versions"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listPolicyVersions implements ListPolicyVersions.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicyVersions.html
func (s *Service) listPolicyVersions() operation.Operation {
	return operation.Use[ListPolicyVersionsInput, ListPolicyVersionsOutput, policyTarget, *ListPolicyVersionsInput]{
		Name:    "ListPolicyVersions",
		Actions: []string{"iam:ListPolicyVersions"},
		Subject: func(c *operation.Call, in *ListPolicyVersionsInput) (policyTarget, error) {
			return s.policyNamed(c, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, _ *ListPolicyVersionsInput, t policyTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askRead(c, "iam:ListPolicyVersions"))
		},
		Run: s.runListPolicyVersions,
	}.Operation()
}

func (s *Service) runListPolicyVersions(c *operation.Call, in *ListPolicyVersionsInput, t policyTarget) (*ListPolicyVersionsOutput, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	l := listOf(c, "ListPolicyVersions", t.policy.ID)
	after, err := s.after(l, in.Marker)
	if err != nil {
		return nil, err
	}
	before := t.policy.Last + 1
	if after != "" {
		if before, err = strconv.Atoi(after); err != nil {
			return nil, fmt.Errorf("reading marker %q: %w", after, err)
		}
	}
	max := in.MaxItems.Or(maxItemsDefault)
	out := &ListPolicyVersionsOutput{Versions: []PolicyVersion{}}
	for i := len(t.policy.Versions) - 1; i >= 0; i-- {
		v := &t.policy.Versions[i]
		if v.Number >= before {
			continue
		}
		if len(out.Versions) == max {
			out.IsTruncated, out.Marker = true, s.marker(l, strconv.Itoa(before))
			break
		}
		out.Versions = append(out.Versions, t.policy.shownVersion(v))
		before = v.Number
	}
	return out, nil
}
