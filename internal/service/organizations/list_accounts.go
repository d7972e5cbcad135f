package organizations

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListAccountsInput asks for the accounts of the organization.
type ListAccountsInput struct {
	NextToken  optional.Of[string] `aws:"NextToken"`
	MaxResults optional.Of[int]    `aws:"MaxResults" audit:"maxResults"`
}

// Validate checks the limits of the public API.
func (in *ListAccountsInput) Validate(c *check.Checks) {
	in.page().validate(c)
}

func (in *ListAccountsInput) page() page { return page{token: in.NextToken, most: in.MaxResults} }

// ListAccountsOutput is a page of the list.
type ListAccountsOutput struct {
	Accounts  []Account           `aws:"Accounts"`
	NextToken optional.Of[string] `aws:"NextToken"`
}

// listAccounts implements ListAccounts.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html
func (s *Service) listAccounts() operation.Operation {
	return operation.Use[ListAccountsInput, ListAccountsOutput, *seat, *ListAccountsInput]{
		Name:    "ListAccounts",
		Actions: []string{prefix + "ListAccounts"},
		Subject: seated(s, func(in *ListAccountsInput) about { return about{} }),
		Asks:    asks[ListAccountsInput](prefix + "ListAccounts"),
		Run:     told(s.runListAccounts),
	}.Operation()
}

func (s *Service) runListAccounts(c *operation.Call, in *ListAccountsInput, t *seat) (*ListAccountsOutput, error) {
	after, err := s.after(c, "", in.page())
	if err != nil {
		return nil, err
	}
	found := paged[*member]{most: in.page().size()}
	err = scan(c.Context, t.reader, members, "organization", t.ID, after, memberID, func(m *member) bool { return found.add(m.Account, m) })
	if err != nil {
		return nil, err
	}
	list, next := found.cut(s, c, "")
	shown, err := t.shownAccounts(c.Context, t.reader, c.Partition, list)
	return &ListAccountsOutput{Accounts: shown, NextToken: next}, err
}
