package organizations

import (
	"slices"
	"strings"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListCreateAccountStatusInput asks for the requests to create accounts.
type ListCreateAccountStatusInput struct {
	States     []string            `aws:"States" audit:"states"`
	NextToken  optional.Of[string] `aws:"NextToken"`
	MaxResults optional.Of[int]    `aws:"MaxResults" audit:"maxResults"`
}

// Validate checks the limits of the public API.
func (in *ListCreateAccountStatusInput) Validate(c *check.Checks) {
	for _, state := range in.States {
		oneOf(c, optional.Some(state), creationInProgress, creationSucceeded, creationFailed)
	}
	in.page().validate(c)
}

func (in *ListCreateAccountStatusInput) page() page {
	return page{token: in.NextToken, most: in.MaxResults}
}

// ListCreateAccountStatusOutput is a page of the list.
type ListCreateAccountStatusOutput struct {
	CreateAccountStatuses []CreateAccountStatus `aws:"CreateAccountStatuses"`
	NextToken             optional.Of[string]   `aws:"NextToken"`
}

// listCreateAccountStatus implements ListCreateAccountStatus.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListCreateAccountStatus.html
func (s *Service) listCreateAccountStatus() operation.Operation {
	return operation.Use[ListCreateAccountStatusInput, ListCreateAccountStatusOutput, *seat, *ListCreateAccountStatusInput]{
		Name:    "ListCreateAccountStatus",
		Actions: []string{prefix + "ListCreateAccountStatus"},
		Subject: seated(s, func(in *ListCreateAccountStatusInput) about { return about{} }),
		Asks:    asks[ListCreateAccountStatusInput](prefix + "ListCreateAccountStatus"),
		Run:     told(s.runListCreateAccountStatus),
	}.Operation()
}

func (s *Service) runListCreateAccountStatus(c *operation.Call, in *ListCreateAccountStatusInput, t *seat) (*ListCreateAccountStatusOutput, error) {
	filter := strings.Join(in.States, " ")
	after, err := s.after(c, filter, in.page())
	if err != nil {
		return nil, err
	}
	found := paged[CreateAccountStatus]{most: in.page().size()}
	err = scan(c.Context, t.reader, creations, "organization", t.ID, after, func(n *creation) string { return n.ID }, func(n *creation) bool {
		return len(in.States) > 0 && !slices.Contains(in.States, n.state()) || found.add(n.ID, n.shown())
	})
	if err != nil {
		return nil, err
	}
	out := &ListCreateAccountStatusOutput{}
	out.CreateAccountStatuses, out.NextToken = found.cut(s, c, filter)
	return out, nil
}
