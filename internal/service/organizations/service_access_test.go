package organizations_test

import (
	"slices"
	"testing"

	"claviger/internal/service/organizations"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

const sso, backup = "sso.amazonaws.com", "backup.amazonaws.com"

// TestServiceAccess: services get access to an organization and lose it, once.
func TestServiceAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.organization(manager)
	enable := func(service string) any {
		return &organizations.EnableAWSServiceAccessInput{ServicePrincipal: some(service)}
	}
	for _, service := range []string{sso, backup, sso} {
		w.done(manager, "EnableAWSServiceAccess", enable(service))
	}
	w.refuse(manager, "EnableAWSServiceAccess", enable("nobody"), "InvalidInputException", "UNRECOGNIZED_SERVICE_PRINCIPAL", "You specified an unrecognized service principal.")
	list := func() (names []string) {
		in := &organizations.ListAWSServiceAccessForOrganizationInput{MaxResults: optional.Some(1)}
		for {
			out := do[organizations.ListAWSServiceAccessForOrganizationOutput](w, manager, "ListAWSServiceAccessForOrganization", in)
			for _, e := range out.EnabledServicePrincipals {
				if names = append(names, e.ServicePrincipal); !e.DateEnabled.Equal(start) {
					t.Errorf("%+v", e)
				}
			}
			if in.NextToken = out.NextToken; !in.NextToken.Set {
				return names
			}
		}
	}
	if got := list(); !slices.Equal(got, []string{backup, sso}) {
		t.Errorf("%v", got)
	}
	for range 2 {
		w.done(manager, "DisableAWSServiceAccess", &organizations.DisableAWSServiceAccessInput{ServicePrincipal: some(sso)})
	}
	if got := list(); !slices.Equal(got, []string{backup}) {
		t.Errorf("%v", got)
	}
	do[organizations.CreateOrganizationOutput](w, rival, "CreateOrganization", &organizations.CreateOrganizationInput{FeatureSet: some("CONSOLIDATED_BILLING")})
	for call, in := range map[string]any{
		"EnableAWSServiceAccess":              enable(sso),
		"DisableAWSServiceAccess":             &organizations.DisableAWSServiceAccessInput{ServicePrincipal: some(sso)},
		"ListAWSServiceAccessForOrganization": &organizations.ListAWSServiceAccessForOrganizationInput{},
		"ListDelegatedAdministrators":         &organizations.ListDelegatedAdministratorsInput{},
		"ListDelegatedServicesForAccount":     &organizations.ListDelegatedServicesForAccountInput{AccountID: some(rival)},
		"DeregisterDelegatedAdministrator":    &organizations.DeregisterDelegatedAdministratorInput{AccountID: some(rival), ServicePrincipal: some(sso)},
		"RegisterDelegatedAdministrator":      &organizations.RegisterDelegatedAdministratorInput{AccountID: some(rival), ServicePrincipal: some(sso)},
		"PutResourcePolicy":                   &organizations.PutResourcePolicyInput{Content: some(`{}`)},
	} {
		w.refuse(rival, call, in, "ConstraintViolationException", "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE",
			"The request failed because the organization does not have all features enabled. Please enable all features in your organization and then retry.")
	}
}

// TestDelegatedAdministrators: a member that administers a service may read the
// organization, changes nothing, and can't leave before it is relieved.
func TestDelegatedAdministrators(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization(manager)
	id, shut := w.account("one"), w.account("two")
	w.done(manager, "CloseAccount", &organizations.CloseAccountInput{AccountID: some(shut)})
	register := func(id, service string) any {
		return &organizations.RegisterDelegatedAdministratorInput{AccountID: some(id), ServicePrincipal: some(service)}
	}
	relieve := func(id, service string) any {
		return &organizations.DeregisterDelegatedAdministratorInput{AccountID: some(id), ServicePrincipal: some(service)}
	}
	const violation, unregistered = "ConstraintViolationException", "The provided account is not a registered delegated administrator for your organization."
	w.refuse(manager, "RegisterDelegatedAdministrator", register(id, sso), violation, "SERVICE_ACCESS_NOT_ENABLED", "You attempted to register a delegated administrator before you enabled service access. Call the EnableAWSServiceAccess API first.")
	for _, service := range []string{sso, backup} {
		w.done(manager, "EnableAWSServiceAccess", &organizations.EnableAWSServiceAccessInput{ServicePrincipal: some(service)})
	}
	w.refuse(manager, "RegisterDelegatedAdministrator", register("000000000000", sso), "AccountNotFoundException", "", noAccount)
	w.refuse(manager, "RegisterDelegatedAdministrator", register(manager, sso), violation, "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR", "You cannot register master account/yourself as delegated administrator for your organization.")
	w.refuse(manager, "RegisterDelegatedAdministrator", register(shut, sso), violation, "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR", "You cannot register a suspended account as a delegated administrator.")
	w.refuse(manager, "DeregisterDelegatedAdministrator", relieve(id, sso), "AccountNotRegisteredException", "", unregistered)
	services := &organizations.ListDelegatedServicesForAccountInput{AccountID: some(id)}
	w.refuse(manager, "ListDelegatedServicesForAccount", services, "AccountNotRegisteredException", "", unregistered)
	w.refuse(id, "ListAccounts", &organizations.ListAccountsInput{}, fault.AccessDenied, "", denied)

	w.done(manager, "RegisterDelegatedAdministrator", register(id, sso))
	w.refuse(manager, "RegisterDelegatedAdministrator", register(id, sso), "AccountAlreadyRegisteredException", "", "The provided account is already a delegated administrator for your organization.")
	w.done(manager, "RegisterDelegatedAdministrator", register(id, backup))
	if list := do[organizations.ListDelegatedServicesForAccountOutput](w, manager, "ListDelegatedServicesForAccount", services).DelegatedServices; len(list) != 2 || list[0].ServicePrincipal != backup {
		t.Errorf("%+v", list)
	}
	for service, want := range map[optional.Of[string]]int{{}: 1, some(sso): 1, some("x.amazonaws.com"): 0} {
		list := do[organizations.ListDelegatedAdministratorsOutput](w, manager, "ListDelegatedAdministrators", &organizations.ListDelegatedAdministratorsInput{ServicePrincipal: service}).DelegatedAdministrators
		if len(list) != want || want == 1 && (list[0].ID != id || !list[0].DelegationEnabledDate.Equal(start) || list[0].JoinedMethod != "CREATED") {
			t.Errorf("%q: %+v", service.V, list)
		}
	}
	if n := len(do[organizations.ListAccountsOutput](w, id, "ListAccounts", &organizations.ListAccountsInput{}).Accounts); n != 3 {
		t.Errorf("the administrator sees %d accounts", n)
	}
	w.refuse(id, "CreateOrganizationalUnit", &organizations.CreateOrganizationalUnitInput{ParentID: some(root), Name: some("mine")}, fault.AccessDenied, "", denied)
	const text = "You attempted to remove an account that is registered as a delegated administrator for a service integrated with your organization. To complete this operation, you must first deregister this account as a delegated administrator."
	w.refuse(id, "LeaveOrganization", &organizations.LeaveOrganizationInput{}, violation, "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG", text)
	w.refuse(manager, "RemoveAccountFromOrganization", &organizations.RemoveAccountFromOrganizationInput{AccountID: some(id)}, violation, "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG", text)
	for _, service := range []string{sso, backup} {
		w.done(manager, "DeregisterDelegatedAdministrator", relieve(id, service))
	}
	w.refuse(id, "ListAccounts", &organizations.ListAccountsInput{}, fault.AccessDenied, "", denied)
	w.done(id, "LeaveOrganization", &organizations.LeaveOrganizationInput{})
}
