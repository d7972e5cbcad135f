package organizations

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DisableAWSServiceAccessInput asks for a service to lose its access.
type DisableAWSServiceAccessInput struct {
	ServicePrincipal optional.Of[string] `aws:"ServicePrincipal" audit:"servicePrincipal"`
}

// Validate checks the limits of the public API.
func (in *DisableAWSServiceAccessInput) Validate(c *check.Checks) {
	checkPrincipal(c, in.ServicePrincipal)
	required(c, in.ServicePrincipal.Set)
}

// disableAWSServiceAccess implements DisableAWSServiceAccess. A service without
// access stays so.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DisableAWSServiceAccess.html
func (s *Service) disableAWSServiceAccess() operation.Operation {
	return operation.Change[DisableAWSServiceAccessInput, operation.None, *seat, *DisableAWSServiceAccessInput]{
		Name:    "DisableAWSServiceAccess",
		Actions: []string{prefix + "DisableAWSServiceAccess"},
		Subject: seated(s, func(in *DisableAWSServiceAccessInput) about { return about{service: in.ServicePrincipal} }),
		Asks:    asks[DisableAWSServiceAccessInput](prefix + "DisableAWSServiceAccess"),
		Run:     managed(s.runDisableAWSServiceAccess),
	}.Operation()
}

func (s *Service) runDisableAWSServiceAccess(c *operation.Call, tx store.Txn, in *DisableAWSServiceAccessInput, t *seat) (*operation.None, error) {
	if t.Features != allFeatures {
		return nil, errNotAllFeatures
	}
	if at := t.access(in.ServicePrincipal.V); at >= 0 {
		t.Services = slices.Delete(t.Services, at, at+1)
	}
	return &operation.None{}, nil
}
