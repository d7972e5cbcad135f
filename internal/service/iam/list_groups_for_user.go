package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListGroupsForUserInput asks for a page of the groups that a user is in.
type ListGroupsForUserInput struct {
	UserName optional.Of[string] `aws:"UserName" audit:"userName"`
	Marker   optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListGroupsForUserInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, nameMax)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListGroupsForUserOutput is a page of groups, in the order of their folded names.
type ListGroupsForUserOutput struct {
	Groups      []Group             `aws:"Groups"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listGroupsForUser implements ListGroupsForUser.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroupsForUser.html
func (s *Service) listGroupsForUser() operation.Operation {
	return operation.Use[ListGroupsForUserInput, ListGroupsForUserOutput, target, *ListGroupsForUserInput]{
		Name:    "ListGroupsForUser",
		Actions: []string{"iam:ListGroupsForUser"},
		Subject: func(c *operation.Call, in *ListGroupsForUserInput) (target, error) {
			return s.named(c, in.UserName.V)
		},
		Asks: func(c *operation.Call, _ *ListGroupsForUserInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListGroupsForUser"))
		},
		Run: s.runListGroupsForUser,
	}.Operation()
}

func (s *Service) runListGroupsForUser(c *operation.Call, in *ListGroupsForUserInput, t target) (*ListGroupsForUserOutput, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	l := listOf(c, "ListGroupsForUser", t.user.ID)
	after, err := s.after(l, in.Marker)
	if err != nil {
		return nil, err
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	all, err := groupsOf(c.Context, r, t.user)
	if err != nil {
		return nil, err
	}
	max, last := in.MaxItems.Or(maxItemsDefault), ""
	out := &ListGroupsForUserOutput{Groups: []Group{}}
	for _, g := range all {
		if fold(g.Name) <= after {
			continue
		}
		if len(out.Groups) == max {
			out.IsTruncated, out.Marker = true, s.marker(l, last)
			break
		}
		out.Groups = append(out.Groups, g.shown(c.Partition))
		last = fold(g.Name)
	}
	return out, nil
}
