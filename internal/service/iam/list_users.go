package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListUsersInput asks for a page of the users of the caller's account.
type ListUsersInput struct {
	PathPrefix optional.Of[string] `aws:"PathPrefix" audit:"pathPrefix"`
	Marker     optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems   optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListUsersInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPathPrefix(c, in.PathPrefix)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListUsersOutput is a page of users, in the order of their folded names and
// without their tags.
type ListUsersOutput struct {
	Users       []User              `aws:"Users"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listUsers implements ListUsers.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html
func (s *Service) listUsers() operation.Operation {
	return operation.Use[ListUsersInput, ListUsersOutput, string, *ListUsersInput]{
		Name:    "ListUsers",
		Actions: []string{"iam:ListUsers"},
		Subject: func(_ *operation.Call, in *ListUsersInput) (string, error) {
			return in.PathPrefix.Or("/"), nil
		},
		Asks: func(c *operation.Call, _ *ListUsersInput, prefix string, asks []authz.Ask) []authz.Ask {
			return append(asks, ask(c, "iam:ListUsers", userARN(c.Partition, ownAccount(c), prefix, ""), &facts{}))
		},
		Run: s.runListUsers,
	}.Operation()
}

func (s *Service) runListUsers(c *operation.Call, in *ListUsersInput, prefix string) (*ListUsersOutput, error) {
	l := listOf(c, "ListUsers", prefix)
	after, err := s.after(l, in.Marker)
	if err != nil {
		return nil, err
	}
	page, more, err := under(c, users, func(u *user) string { return u.Path }, prefix, after, in.MaxItems.Or(maxItemsDefault))
	if err != nil {
		return nil, err
	}
	out := &ListUsersOutput{Users: make([]User, len(page)), IsTruncated: more}
	for i, u := range page {
		out.Users[i] = u.shown(c.Partition)
	}
	if more {
		out.Marker = s.marker(l, fold(page[len(page)-1].Name))
	}
	return out, nil
}
