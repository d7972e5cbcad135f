package iam

import (
	"fmt"
	"strings"

	"claviger/internal/ground/store"
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
			return append(asks, ask(c, "iam:ListUsers", userARN(c.Partition, c.Account(), prefix, ""), &facts{}))
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
	page, more, err := usersUnder(c, prefix, after, in.MaxItems.Or(maxItemsDefault))
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

// usersUnder returns at most max users whose path begins with prefix and whose
// folded name is greater than after, and whether more follow. It walks the
// names of the account, of which the quota bounds the number: an order by path
// would need markers longer than the API takes.
func usersUnder(c *operation.Call, prefix, after string, max int) (page []*user, more bool, err error) {
	r, err := c.Reader()
	if err != nil {
		return nil, false, err
	}
	var from store.Key
	if after != "" {
		// No id is greater than the last Unicode character: this key stands
		// behind the one user of that name, also if it was deleted meanwhile.
		from = append(nameKey(c.Account(), after), store.S("\U0010FFFF"))
	}
	for batch := max + 1; !more; {
		seen := 0
		err := users.Scan(c.Context, r, "name", store.Key{store.S(c.Account())}, from, batch, func(u *user, _ store.Rev) error {
			seen++
			from = users.IndexKey("name", u)
			if !strings.HasPrefix(u.Path, prefix) {
				return nil
			}
			if more = len(page) == max; !more {
				page = append(page, u)
			}
			return nil
		})
		if err != nil {
			return nil, false, fmt.Errorf("listing users of account %s: %w", c.Account(), err)
		}
		if seen < batch {
			break
		}
	}
	return page, more, nil
}
