package organizations

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// LeaveOrganizationInput asks for the caller's own account to leave its organization.
type LeaveOrganizationInput struct{}

// Validate has nothing to check.
func (*LeaveOrganizationInput) Validate(*check.Checks) {}

// leaveOrganization implements LeaveOrganization, which only members call.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_LeaveOrganization.html
func (s *Service) leaveOrganization() operation.Operation {
	return operation.Change[LeaveOrganizationInput, operation.None, *seat, *LeaveOrganizationInput]{
		Name:    "LeaveOrganization",
		Actions: []string{prefix + "LeaveOrganization"},
		Subject: func(c *operation.Call, _ *LeaveOrganizationInput) (*seat, error) { return s.seat(c, about{}) },
		Asks:    asks[LeaveOrganizationInput](prefix + "LeaveOrganization"),
		Run: func(c *operation.Call, tx store.Txn, _ *LeaveOrganizationInput, t *seat) (*operation.None, error) {
			account := c.Caller.Principal.Account
			switch {
			case t.organization == nil:
				return nil, errNotInUse
			case t.Management == account:
				return nil, errMasterLeaves
			}
			m, rev, err := t.member(c.Context, tx, account)
			if err != nil {
				return nil, err
			}
			if m == nil {
				return nil, fmt.Errorf("account %s is not among those of its organization %s", account, t.ID)
			}
			if err := s.leave(c.Context, tx, t.organization, m, rev); err != nil {
				return nil, err
			}
			return &operation.None{}, t.put(c.Context, tx, t.rev)
		},
	}.Operation()
}
