package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListInstanceProfilesInput asks for a page of the instance profiles of the caller's
// account.
type ListInstanceProfilesInput struct {
	PathPrefix optional.Of[string] `aws:"PathPrefix" audit:"pathPrefix"`
	Marker     optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems   optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListInstanceProfilesInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPathPrefix(c, in.PathPrefix)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListInstanceProfilesOutput is a page of instance profiles, in the order of
// their folded names and without their tags.
type ListInstanceProfilesOutput struct {
	InstanceProfiles []InstanceProfile   `aws:"InstanceProfiles"`
	IsTruncated      bool                `aws:"IsTruncated"`
	Marker           optional.Of[string] `aws:"Marker"`
}

// listInstanceProfiles implements ListInstanceProfiles.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfiles.html
func (s *Service) listInstanceProfiles() operation.Operation {
	return operation.Use[ListInstanceProfilesInput, ListInstanceProfilesOutput, string, *ListInstanceProfilesInput]{
		Name:    "ListInstanceProfiles",
		Actions: []string{"iam:ListInstanceProfiles"},
		Subject: func(_ *operation.Call, in *ListInstanceProfilesInput) (string, error) {
			return in.PathPrefix.Or("/"), nil
		},
		Asks: func(c *operation.Call, _ *ListInstanceProfilesInput, prefix string, asks []authz.Ask) []authz.Ask {
			return append(asks, ask(c, "iam:ListInstanceProfiles", instanceProfileARN(c.Partition, ownAccount(c), prefix, ""), &facts{}))
		},
		Run: s.runListInstanceProfiles,
	}.Operation()
}

func (s *Service) runListInstanceProfiles(c *operation.Call, in *ListInstanceProfilesInput, prefix string) (*ListInstanceProfilesOutput, error) {
	l := listOf(c, "ListInstanceProfiles", prefix)
	after, err := s.after(l, in.Marker)
	if err != nil {
		return nil, err
	}
	page, more, err := under(c, instanceProfiles, func(p *instanceProfile) string { return p.Path }, prefix, after, in.MaxItems.Or(maxItemsDefault))
	if err != nil {
		return nil, err
	}
	shown, err := s.shownProfiles(c, page)
	if err != nil {
		return nil, err
	}
	out := &ListInstanceProfilesOutput{InstanceProfiles: shown, IsTruncated: more}
	if more {
		out.Marker = s.marker(l, fold(page[len(page)-1].Name))
	}
	return out, nil
}
