package organizations

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// CloseAccountInput asks for a member account to be closed.
type CloseAccountInput struct {
	AccountID optional.Of[string] `aws:"AccountId" audit:"accountId"`
}

// Validate checks the limits of the public API.
func (in *CloseAccountInput) Validate(c *check.Checks) {
	checkAccount(c, in.AccountID)
	required(c, in.AccountID.Set)
}

// closeAccount implements CloseAccount. It takes effect when it is
// answered: from then on nobody of the account may do anything.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_CloseAccount.html
func (s *Service) closeAccount() operation.Operation {
	return operation.Change[CloseAccountInput, operation.None, *seat, *CloseAccountInput]{
		Name:    "CloseAccount",
		Actions: []string{prefix + "CloseAccount"},
		Subject: seated(s, func(in *CloseAccountInput) about { return about{id: in.AccountID.V} }),
		Asks:    asks[CloseAccountInput](prefix + "CloseAccount"),
		Run:     managed(s.runCloseAccount),
	}.Operation()
}

func (s *Service) runCloseAccount(c *operation.Call, tx store.Txn, in *CloseAccountInput, t *seat) (*operation.None, error) {
	m, rev, err := t.member(c.Context, tx, in.AccountID.V)
	switch {
	case err != nil:
		return nil, err
	case m == nil:
		return nil, errNoAccount
	case m.Account == t.Management:
		return nil, violates("CANNOT_CLOSE_MANAGEMENT_ACCOUNT", "You attempted to close the management account. To close the management account for the organization, you must first either remove or close all member accounts in the organization.")
	case m.State != stateActive:
		return nil, fault.New(accountAlreadyClosed, "The provided account is already closed.")
	}
	m.State = stateSuspended
	return &operation.None{}, putMember(c.Context, tx, m, rev)
}
