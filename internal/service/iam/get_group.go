package iam

import (
	"slices"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetGroupInput asks for a group and a page of the users in it.
type GetGroupInput struct {
	GroupName optional.Of[string] `aws:"GroupName" audit:"groupName"`
	Marker    optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems  optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *GetGroupInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "groupName", in.GroupName, nameMax)
	checkPage(c, in.Marker, in.MaxItems)
}

// GetGroupOutput is the group with a page of its users, in the order of their
// folded names.
type GetGroupOutput struct {
	Group       Group               `aws:"Group"`
	Users       []User              `aws:"Users"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// getGroup implements GetGroup. It walks the users of the account, of which the quota
// bounds the number: who is in a group stands in the users' records alone.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroup.html
func (s *Service) getGroup() operation.Operation {
	return operation.Use[GetGroupInput, GetGroupOutput, groupTarget, *GetGroupInput]{
		Name:    "GetGroup",
		Actions: []string{"iam:GetGroup"},
		Subject: func(c *operation.Call, in *GetGroupInput) (groupTarget, error) {
			return s.groupNamed(c, in.GroupName.V)
		},
		Asks: func(c *operation.Call, _ *GetGroupInput, t groupTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:GetGroup"))
		},
		Run: s.runGetGroup,
	}.Operation()
}

func (s *Service) runGetGroup(c *operation.Call, in *GetGroupInput, t groupTarget) (*GetGroupOutput, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	l := listOf(c, "GetGroup", t.group.ID)
	after, err := s.after(l, in.Marker)
	if err != nil {
		return nil, err
	}
	out := &GetGroupOutput{Group: t.group.shown(c.Partition), Users: []User{}}
	max, last := in.MaxItems.Or(maxItemsDefault), ""
	err = walk(c, users, after, func(u *user) (bool, error) {
		if !slices.Contains(u.Groups, t.group.ID) {
			return true, nil
		}
		if len(out.Users) == max {
			out.IsTruncated, out.Marker = true, s.marker(l, last)
			return false, nil
		}
		out.Users = append(out.Users, u.shown(c.Partition))
		last = fold(u.Name)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
