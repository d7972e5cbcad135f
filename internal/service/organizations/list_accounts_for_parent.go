package organizations

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListAccountsForParentInput asks for the accounts directly below a parent.
type ListAccountsForParentInput struct {
	ParentID   optional.Of[string] `aws:"ParentId" audit:"parentId"`
	NextToken  optional.Of[string] `aws:"NextToken"`
	MaxResults optional.Of[int]    `aws:"MaxResults" audit:"maxResults"`
}

// Validate checks the limits of the public API.
func (in *ListAccountsForParentInput) Validate(c *check.Checks) {
	checkParent(c, in.ParentID)
	in.page().validate(c)
	required(c, in.ParentID.Set)
}

func (in *ListAccountsForParentInput) page() page {
	return page{token: in.NextToken, most: in.MaxResults}
}

// ListAccountsForParentOutput is a page of the list.
type ListAccountsForParentOutput struct {
	Accounts  []Account           `aws:"Accounts"`
	NextToken optional.Of[string] `aws:"NextToken"`
}

// listAccountsForParent implements ListAccountsForParent.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccountsForParent.html
func (s *Service) listAccountsForParent() operation.Operation {
	return operation.Use[ListAccountsForParentInput, ListAccountsForParentOutput, *seat, *ListAccountsForParentInput]{
		Name:    "ListAccountsForParent",
		Actions: []string{prefix + "ListAccountsForParent"},
		Subject: seated(s, func(in *ListAccountsForParentInput) about { return about{id: in.ParentID.V} }),
		Asks:    asks[ListAccountsForParentInput](prefix + "ListAccountsForParent"),
		Run:     told(s.runListAccountsForParent),
	}.Operation()
}

func (s *Service) runListAccountsForParent(c *operation.Call, in *ListAccountsForParentInput, t *seat) (*ListAccountsForParentOutput, error) {
	if _, err := t.parent(c, in.ParentID.V); err != nil {
		return nil, err
	}
	after, err := s.after(c, in.ParentID.V, in.page())
	if err != nil {
		return nil, err
	}
	found := paged[*member]{most: in.page().size()}
	err = scan(c.Context, t.reader, members, "parent", in.ParentID.V, after, memberID, func(m *member) bool { return found.add(m.Account, m) })
	if err != nil {
		return nil, err
	}
	list, next := found.cut(s, c, in.ParentID.V)
	shown, err := t.shownAccounts(c.Context, t.reader, c.Partition, list)
	return &ListAccountsForParentOutput{Accounts: shown, NextToken: next}, err
}
