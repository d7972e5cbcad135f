package organizations

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListHandshakesForAccountInput asks for the invitations that the caller's account has received.
type ListHandshakesForAccountInput struct {
	Filter     HandshakeFilter     `aws:"Filter" audit:"filter"`
	NextToken  optional.Of[string] `aws:"NextToken"`
	MaxResults optional.Of[int]    `aws:"MaxResults" audit:"maxResults"`
}

// Validate checks the limits of the public API.
func (in *ListHandshakesForAccountInput) Validate(c *check.Checks) {
	in.Filter.validate(c)
	in.page().validate(c)
}

func (in *ListHandshakesForAccountInput) page() page {
	return page{token: in.NextToken, most: in.MaxResults}
}

// ListHandshakesForAccountOutput is a page of the list.
type ListHandshakesForAccountOutput struct {
	Handshakes []Handshake         `aws:"Handshakes"`
	NextToken  optional.Of[string] `aws:"NextToken"`
}

// listHandshakesForAccount implements ListHandshakesForAccount. Every account may
// ask, whether it is in an organization or not.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListHandshakesForAccount.html
func (s *Service) listHandshakesForAccount() operation.Operation {
	return operation.Use[ListHandshakesForAccountInput, ListHandshakesForAccountOutput, *seat, *ListHandshakesForAccountInput]{
		Name:    "ListHandshakesForAccount",
		Actions: []string{prefix + "ListHandshakesForAccount"},
		Subject: seated(s, func(*ListHandshakesForAccountInput) about { return about{} }),
		Asks:    asks[ListHandshakesForAccountInput](prefix + "ListHandshakesForAccount"),
		Run: func(c *operation.Call, in *ListHandshakesForAccountInput, t *seat) (*ListHandshakesForAccountOutput, error) {
			shown, next, err := s.listHandshakes(c, t.reader, "account", c.Caller.Principal.Account, in.Filter, in.page())
			if err != nil {
				return nil, err
			}
			return &ListHandshakesForAccountOutput{Handshakes: shown, NextToken: next}, nil
		},
	}.Operation()
}
