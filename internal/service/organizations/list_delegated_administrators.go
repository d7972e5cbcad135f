package organizations

import (
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListDelegatedAdministratorsInput asks for the members that administer a service, or any.
type ListDelegatedAdministratorsInput struct {
	ServicePrincipal optional.Of[string] `aws:"ServicePrincipal" audit:"servicePrincipal"`
	NextToken        optional.Of[string] `aws:"NextToken"`
	MaxResults       optional.Of[int]    `aws:"MaxResults" audit:"maxResults"`
}

// Validate checks the limits of the public API.
func (in *ListDelegatedAdministratorsInput) Validate(c *check.Checks) {
	checkPrincipal(c, in.ServicePrincipal)
	in.page().validate(c)
}

// ListDelegatedAdministratorsOutput is a page of the list.
type ListDelegatedAdministratorsOutput struct {
	DelegatedAdministrators []DelegatedAdministrator `aws:"DelegatedAdministrators"`
	NextToken               optional.Of[string]      `aws:"NextToken"`
}

// A DelegatedAdministrator is a member that administers a service.
type DelegatedAdministrator struct {
	ID                    string              `aws:"Id"`
	ARN                   string              `aws:"Arn"`
	Email                 optional.Of[string] `aws:"Email"`
	Name                  optional.Of[string] `aws:"Name"`
	Status                string              `aws:"Status"`
	State                 string              `aws:"State"`
	JoinedMethod          string              `aws:"JoinedMethod"`
	JoinedTimestamp       time.Time           `aws:"JoinedTimestamp"`
	DelegationEnabledDate time.Time           `aws:"DelegationEnabledDate"`
}

// listDelegatedAdministrators implements ListDelegatedAdministrators.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListDelegatedAdministrators.html
func (s *Service) listDelegatedAdministrators() operation.Operation {
	return operation.Use[ListDelegatedAdministratorsInput, ListDelegatedAdministratorsOutput, *seat, *ListDelegatedAdministratorsInput]{
		Name:    "ListDelegatedAdministrators",
		Actions: []string{prefix + "ListDelegatedAdministrators"},
		Subject: seated(s, func(in *ListDelegatedAdministratorsInput) about { return about{service: in.ServicePrincipal} }),
		Asks:    asks[ListDelegatedAdministratorsInput](prefix + "ListDelegatedAdministrators"),
		Run:     told(s.runListDelegatedAdministrators),
	}.Operation()
}

func (s *Service) runListDelegatedAdministrators(c *operation.Call, in *ListDelegatedAdministratorsInput, t *seat) (*ListDelegatedAdministratorsOutput, error) {
	if t.Features != allFeatures {
		return nil, errNotAllFeatures
	}
	after, err := s.after(c, in.ServicePrincipal.V, in.page())
	if err != nil {
		return nil, err
	}
	found := paged[DelegatedAdministrator]{most: in.page().size()}
	err = scan(c.Context, t.reader, members, "organization", t.ID, after, memberID, func(m *member) bool {
		at := m.delegation(in.ServicePrincipal.V)
		if !in.ServicePrincipal.Set && len(m.Delegations) > 0 {
			at = 0
		}
		return at < 0 || found.add(m.Account, t.delegatedAdministrator(c.Partition, m, m.Delegations[at].Since))
	})
	if err != nil {
		return nil, err
	}
	out := &ListDelegatedAdministratorsOutput{}
	out.DelegatedAdministrators, out.NextToken = found.cut(s, c, in.ServicePrincipal.V)
	return out, nil
}

func (in *ListDelegatedAdministratorsInput) page() page {
	return page{token: in.NextToken, most: in.MaxResults}
}

func (o *organization) delegatedAdministrator(partition string, m *member, since time.Time) DelegatedAdministrator {
	a := o.shownAccount(partition, m, nil)
	return DelegatedAdministrator{
		ID: a.ID, ARN: a.ARN, Email: a.Email, Name: a.Name, Status: a.Status, State: a.State,
		JoinedMethod: a.JoinedMethod, JoinedTimestamp: a.JoinedTimestamp, DelegationEnabledDate: since,
	}
}
