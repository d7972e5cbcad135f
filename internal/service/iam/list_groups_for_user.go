package iam

import (
	"time"

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

// A Group as outputs show it.
type Group struct {
	Path       string    `aws:"Path"`
	GroupName  string    `aws:"GroupName"`
	GroupID    string    `aws:"GroupId"`
	ARN        string    `aws:"Arn"`
	CreateDate time.Time `aws:"CreateDate"`
}

// ListGroupsForUserOutput is a page of groups. There are no groups that a user
// could be in, so that it is the only one and empty.
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
		Run: func(c *operation.Call, in *ListGroupsForUserInput, t target) (*ListGroupsForUserOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			if _, err := s.after(listOf(c, "ListGroupsForUser", t.user.ID), in.Marker); err != nil {
				return nil, err
			}
			return &ListGroupsForUserOutput{Groups: []Group{}}, nil
		},
	}.Operation()
}
