package organizations

import (
	"slices"
	"strings"
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListAWSServiceAccessForOrganizationInput asks for the services that have access.
type ListAWSServiceAccessForOrganizationInput struct {
	NextToken  optional.Of[string] `aws:"NextToken"`
	MaxResults optional.Of[int]    `aws:"MaxResults" audit:"maxResults"`
}

// Validate checks the limits of the public API.
func (in *ListAWSServiceAccessForOrganizationInput) Validate(c *check.Checks) {
	in.page().validate(c)
}

// ListAWSServiceAccessForOrganizationOutput is a page of the list.
type ListAWSServiceAccessForOrganizationOutput struct {
	EnabledServicePrincipals []EnabledServicePrincipal `aws:"EnabledServicePrincipals"`
	NextToken                optional.Of[string]       `aws:"NextToken"`
}

// An EnabledServicePrincipal is a service that has access.
type EnabledServicePrincipal struct {
	ServicePrincipal string    `aws:"ServicePrincipal"`
	DateEnabled      time.Time `aws:"DateEnabled"`
}

// listAWSServiceAccessForOrganization implements ListAWSServiceAccessForOrganization.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAWSServiceAccessForOrganization.html
func (s *Service) listAWSServiceAccessForOrganization() operation.Operation {
	return operation.Use[ListAWSServiceAccessForOrganizationInput, ListAWSServiceAccessForOrganizationOutput, *seat, *ListAWSServiceAccessForOrganizationInput]{
		Name:    "ListAWSServiceAccessForOrganization",
		Actions: []string{prefix + "ListAWSServiceAccessForOrganization"},
		Subject: seated(s, func(in *ListAWSServiceAccessForOrganizationInput) about { return about{} }),
		Asks:    asks[ListAWSServiceAccessForOrganizationInput](prefix + "ListAWSServiceAccessForOrganization"),
		Run:     told(s.runListAWSServiceAccessForOrganization),
	}.Operation()
}

func (s *Service) runListAWSServiceAccessForOrganization(c *operation.Call, in *ListAWSServiceAccessForOrganizationInput, t *seat) (*ListAWSServiceAccessForOrganizationOutput, error) {
	if t.Features != allFeatures {
		return nil, errNotAllFeatures
	}
	after, err := s.after(c, "", in.page())
	if err != nil {
		return nil, err
	}
	slices.SortFunc(t.Services, func(a, b serviceAccess) int { return strings.Compare(a.Service, b.Service) })
	found := paged[EnabledServicePrincipal]{most: in.page().size()}
	for _, a := range t.Services {
		if a.Service > after && !found.add(a.Service, EnabledServicePrincipal{ServicePrincipal: a.Service, DateEnabled: a.Since}) {
			break
		}
	}
	out := &ListAWSServiceAccessForOrganizationOutput{}
	out.EnabledServicePrincipals, out.NextToken = found.cut(s, c, "")
	return out, nil
}

func (in *ListAWSServiceAccessForOrganizationInput) page() page {
	return page{token: in.NextToken, most: in.MaxResults}
}
