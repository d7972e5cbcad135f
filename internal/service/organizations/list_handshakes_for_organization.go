package organizations

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListHandshakesForOrganizationInput asks for the invitations that the organization has sent.
type ListHandshakesForOrganizationInput struct {
	Filter     HandshakeFilter     `aws:"Filter" audit:"filter"`
	NextToken  optional.Of[string] `aws:"NextToken"`
	MaxResults optional.Of[int]    `aws:"MaxResults" audit:"maxResults"`
}

// Validate checks the limits of the public API.
func (in *ListHandshakesForOrganizationInput) Validate(c *check.Checks) {
	in.Filter.validate(c)
	in.page().validate(c)
}

func (in *ListHandshakesForOrganizationInput) page() page {
	return page{token: in.NextToken, most: in.MaxResults}
}

// ListHandshakesForOrganizationOutput is a page of the list.
type ListHandshakesForOrganizationOutput struct {
	Handshakes []Handshake         `aws:"Handshakes"`
	NextToken  optional.Of[string] `aws:"NextToken"`
}

// listHandshakesForOrganization implements ListHandshakesForOrganization.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListHandshakesForOrganization.html
func (s *Service) listHandshakesForOrganization() operation.Operation {
	return operation.Use[ListHandshakesForOrganizationInput, ListHandshakesForOrganizationOutput, *seat, *ListHandshakesForOrganizationInput]{
		Name:    "ListHandshakesForOrganization",
		Actions: []string{prefix + "ListHandshakesForOrganization"},
		Subject: seated(s, func(*ListHandshakesForOrganizationInput) about { return about{} }),
		Asks:    asks[ListHandshakesForOrganizationInput](prefix + "ListHandshakesForOrganization"),
		Run: func(c *operation.Call, in *ListHandshakesForOrganizationInput, t *seat) (*ListHandshakesForOrganizationOutput, error) {
			if err := t.reading(c); err != nil {
				return nil, err
			}
			shown, next, err := s.listHandshakes(c, t.reader, "organization", t.ID, in.Filter, in.page())
			if err != nil {
				return nil, err
			}
			return &ListHandshakesForOrganizationOutput{Handshakes: shown, NextToken: next}, nil
		},
	}.Operation()
}
