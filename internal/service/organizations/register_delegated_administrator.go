package organizations

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// RegisterDelegatedAdministratorInput asks for a member to administer a service for the organization.
type RegisterDelegatedAdministratorInput struct {
	AccountID        optional.Of[string] `aws:"AccountId" audit:"accountId"`
	ServicePrincipal optional.Of[string] `aws:"ServicePrincipal" audit:"servicePrincipal"`
}

// Validate checks the limits of the public API.
func (in *RegisterDelegatedAdministratorInput) Validate(c *check.Checks) {
	checkAccount(c, in.AccountID)
	checkPrincipal(c, in.ServicePrincipal)
	required(c, in.AccountID.Set, in.ServicePrincipal.Set)
}

// registerDelegatedAdministrator implements RegisterDelegatedAdministrator. The member may
// read the organization from then on.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_RegisterDelegatedAdministrator.html
func (s *Service) registerDelegatedAdministrator() operation.Operation {
	return operation.Change[RegisterDelegatedAdministratorInput, operation.None, *seat, *RegisterDelegatedAdministratorInput]{
		Name:    "RegisterDelegatedAdministrator",
		Actions: []string{prefix + "RegisterDelegatedAdministrator"},
		Subject: seated(s, func(in *RegisterDelegatedAdministratorInput) about {
			return about{id: in.AccountID.V, service: in.ServicePrincipal}
		}),
		Asks: asks[RegisterDelegatedAdministratorInput](prefix + "RegisterDelegatedAdministrator"),
		Run:  managed(s.runRegisterDelegatedAdministrator),
	}.Operation()
}

func (s *Service) runRegisterDelegatedAdministrator(c *operation.Call, tx store.Txn, in *RegisterDelegatedAdministratorInput, t *seat) (*operation.None, error) {
	m, rev, err := t.member(c.Context, tx, in.AccountID.V)
	switch {
	case err != nil:
		return nil, err
	case m == nil:
		return nil, errNoAccount
	case t.Features != allFeatures:
		return nil, errNotAllFeatures
	case m.Account == t.Management:
		return nil, violates("CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR", "You cannot register master account/yourself as delegated administrator for your organization.")
	case m.State != stateActive:
		return nil, violates("CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR", "You cannot register a suspended account as a delegated administrator.")
	case t.access(in.ServicePrincipal.V) < 0:
		return nil, violates("SERVICE_ACCESS_NOT_ENABLED", "You attempted to register a delegated administrator before you enabled service access. Call the EnableAWSServiceAccess API first.")
	case m.delegation(in.ServicePrincipal.V) >= 0:
		return nil, fault.New(accountAlreadyRegistered, "The provided account is already a delegated administrator for your organization.")
	}
	m.Delegations = append(m.Delegations, serviceAccess{Service: in.ServicePrincipal.V, Since: c.Time})
	return &operation.None{}, putMember(c.Context, tx, m, rev)
}

// delegation returns the place of a service among those that the member
// administers, -1 where it is not among them.
func (m *member) delegation(service string) int {
	return slices.IndexFunc(m.Delegations, func(a serviceAccess) bool { return a.Service == service })
}
