package organizations

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// EnableAWSServiceAccessInput asks for a service to have access to all accounts of the organization.
type EnableAWSServiceAccessInput struct {
	ServicePrincipal optional.Of[string] `aws:"ServicePrincipal" audit:"servicePrincipal"`
}

// Validate checks the limits of the public API.
func (in *EnableAWSServiceAccessInput) Validate(c *check.Checks) {
	checkPrincipal(c, in.ServicePrincipal)
	required(c, in.ServicePrincipal.Set)
}

// enableAWSServiceAccess implements EnableAWSServiceAccess. A service that has
// access keeps it.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_EnableAWSServiceAccess.html
func (s *Service) enableAWSServiceAccess() operation.Operation {
	return operation.Change[EnableAWSServiceAccessInput, operation.None, *seat, *EnableAWSServiceAccessInput]{
		Name:    "EnableAWSServiceAccess",
		Actions: []string{prefix + "EnableAWSServiceAccess"},
		Subject: seated(s, func(in *EnableAWSServiceAccessInput) about { return about{service: in.ServicePrincipal} }),
		Asks:    asks[EnableAWSServiceAccessInput](prefix + "EnableAWSServiceAccess"),
		Run:     managed(s.runEnableAWSServiceAccess),
	}.Operation()
}

func (s *Service) runEnableAWSServiceAccess(c *operation.Call, tx store.Txn, in *EnableAWSServiceAccessInput, t *seat) (*operation.None, error) {
	if t.Features != allFeatures {
		return nil, errNotAllFeatures
	}
	if t.access(in.ServicePrincipal.V) < 0 {
		t.Services = append(t.Services, serviceAccess{Service: in.ServicePrincipal.V, Since: c.Time})
	}
	return &operation.None{}, nil
}

var errNotAllFeatures = violates("ORGANIZATION_NOT_IN_ALL_FEATURES_MODE", "The request failed because the organization does not have all features enabled. Please enable all features in your organization and then retry.")
