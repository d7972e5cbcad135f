package organizations

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// RemoveAccountFromOrganizationInput asks for a member account to be on its own.
type RemoveAccountFromOrganizationInput struct {
	AccountID optional.Of[string] `aws:"AccountId" audit:"accountId"`
}

// Validate checks the limits of the public API.
func (in *RemoveAccountFromOrganizationInput) Validate(c *check.Checks) {
	checkAccount(c, in.AccountID)
	required(c, in.AccountID.Set)
}

// removeAccountFromOrganization implements RemoveAccountFromOrganization.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_RemoveAccountFromOrganization.html
func (s *Service) removeAccountFromOrganization() operation.Operation {
	return operation.Change[RemoveAccountFromOrganizationInput, operation.None, *seat, *RemoveAccountFromOrganizationInput]{
		Name:    "RemoveAccountFromOrganization",
		Actions: []string{prefix + "RemoveAccountFromOrganization"},
		Subject: seated(s, func(in *RemoveAccountFromOrganizationInput) about { return about{id: in.AccountID.V} }),
		Asks:    asks[RemoveAccountFromOrganizationInput](prefix + "RemoveAccountFromOrganization"),
		Run:     managed(s.runRemoveAccountFromOrganization),
	}.Operation()
}

func (s *Service) runRemoveAccountFromOrganization(c *operation.Call, tx store.Txn, in *RemoveAccountFromOrganizationInput, t *seat) (*operation.None, error) {
	m, rev, err := t.member(c.Context, tx, in.AccountID.V)
	switch {
	case err != nil:
		return nil, err
	case m == nil:
		return nil, errNoAccount
	case m.Account == t.Management:
		return nil, errMasterLeaves
	case m.State != stateActive:
		return nil, errClosedLeaves
	}
	return &operation.None{}, s.leave(c.Context, tx, t.organization, m, rev)
}

// errClosedLeaves keeps a closed account where it is closed: outside of its
// organization it would be open again.
var errClosedLeaves = violates("ACCOUNT_CANNOT_LEAVE_ORGANIZATION", "You can't remove a closed account from an organization.")
