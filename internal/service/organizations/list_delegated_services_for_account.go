package organizations

import (
	"slices"
	"strings"
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListDelegatedServicesForAccountInput asks for the services that a member administers.
type ListDelegatedServicesForAccountInput struct {
	AccountID  optional.Of[string] `aws:"AccountId" audit:"accountId"`
	NextToken  optional.Of[string] `aws:"NextToken"`
	MaxResults optional.Of[int]    `aws:"MaxResults" audit:"maxResults"`
}

// Validate checks the limits of the public API.
func (in *ListDelegatedServicesForAccountInput) Validate(c *check.Checks) {
	checkAccount(c, in.AccountID)
	in.page().validate(c)
	required(c, in.AccountID.Set)
}

// ListDelegatedServicesForAccountOutput is a page of the list.
type ListDelegatedServicesForAccountOutput struct {
	DelegatedServices []DelegatedService  `aws:"DelegatedServices"`
	NextToken         optional.Of[string] `aws:"NextToken"`
}

// A DelegatedService is a service that a member administers.
type DelegatedService struct {
	ServicePrincipal      string    `aws:"ServicePrincipal"`
	DelegationEnabledDate time.Time `aws:"DelegationEnabledDate"`
}

// listDelegatedServicesForAccount implements ListDelegatedServicesForAccount.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListDelegatedServicesForAccount.html
func (s *Service) listDelegatedServicesForAccount() operation.Operation {
	return operation.Use[ListDelegatedServicesForAccountInput, ListDelegatedServicesForAccountOutput, *seat, *ListDelegatedServicesForAccountInput]{
		Name:    "ListDelegatedServicesForAccount",
		Actions: []string{prefix + "ListDelegatedServicesForAccount"},
		Subject: seated(s, func(in *ListDelegatedServicesForAccountInput) about { return about{id: in.AccountID.V} }),
		Asks:    asks[ListDelegatedServicesForAccountInput](prefix + "ListDelegatedServicesForAccount"),
		Run:     told(s.runListDelegatedServicesForAccount),
	}.Operation()
}

func (s *Service) runListDelegatedServicesForAccount(c *operation.Call, in *ListDelegatedServicesForAccountInput, t *seat) (*ListDelegatedServicesForAccountOutput, error) {
	if t.Features != allFeatures {
		return nil, errNotAllFeatures
	}
	after, err := s.after(c, in.AccountID.V, in.page())
	if err != nil {
		return nil, err
	}
	m, _, err := t.member(c.Context, t.reader, in.AccountID.V)
	switch {
	case err != nil:
		return nil, err
	case m == nil:
		return nil, errNoAccount
	case len(m.Delegations) == 0:
		return nil, errNotRegistered
	}
	slices.SortFunc(m.Delegations, func(a, b serviceAccess) int { return strings.Compare(a.Service, b.Service) })
	found := paged[DelegatedService]{most: in.page().size()}
	for _, a := range m.Delegations {
		if a.Service > after && !found.add(a.Service, DelegatedService{ServicePrincipal: a.Service, DelegationEnabledDate: a.Since}) {
			break
		}
	}
	out := &ListDelegatedServicesForAccountOutput{}
	out.DelegatedServices, out.NextToken = found.cut(s, c, in.AccountID.V)
	return out, nil
}

func (in *ListDelegatedServicesForAccountInput) page() page {
	return page{token: in.NextToken, most: in.MaxResults}
}
