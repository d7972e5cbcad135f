package organizations

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// DeregisterDelegatedAdministratorInput asks for a member to administer a service no more.
type DeregisterDelegatedAdministratorInput struct {
	AccountID        optional.Of[string] `aws:"AccountId" audit:"accountId"`
	ServicePrincipal optional.Of[string] `aws:"ServicePrincipal" audit:"servicePrincipal"`
}

// Validate checks the limits of the public API.
func (in *DeregisterDelegatedAdministratorInput) Validate(c *check.Checks) {
	checkAccount(c, in.AccountID)
	checkPrincipal(c, in.ServicePrincipal)
	required(c, in.AccountID.Set, in.ServicePrincipal.Set)
}

// deregisterDelegatedAdministrator implements DeregisterDelegatedAdministrator.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeregisterDelegatedAdministrator.html
func (s *Service) deregisterDelegatedAdministrator() operation.Operation {
	return operation.Change[DeregisterDelegatedAdministratorInput, operation.None, *seat, *DeregisterDelegatedAdministratorInput]{
		Name:    "DeregisterDelegatedAdministrator",
		Actions: []string{prefix + "DeregisterDelegatedAdministrator"},
		Subject: seated(s, func(in *DeregisterDelegatedAdministratorInput) about {
			return about{id: in.AccountID.V, service: in.ServicePrincipal}
		}),
		Asks: asks[DeregisterDelegatedAdministratorInput](prefix + "DeregisterDelegatedAdministrator"),
		Run:  managed(s.runDeregisterDelegatedAdministrator),
	}.Operation()
}

func (s *Service) runDeregisterDelegatedAdministrator(c *operation.Call, tx store.Txn, in *DeregisterDelegatedAdministratorInput, t *seat) (*operation.None, error) {
	if t.Features != allFeatures {
		return nil, errNotAllFeatures
	}
	m, rev, err := t.member(c.Context, tx, in.AccountID.V)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, errNoAccount
	}
	at := m.delegation(in.ServicePrincipal.V)
	if at < 0 {
		return nil, errNotRegistered
	}
	m.Delegations = slices.Delete(m.Delegations, at, at+1)
	return &operation.None{}, putMember(c.Context, tx, m, rev)
}

var errNotRegistered = fault.New(accountNotRegistered, "The provided account is not a registered delegated administrator for your organization.")
