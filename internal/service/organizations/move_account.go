package organizations

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// MoveAccountInput asks for an account to stand below another parent.
type MoveAccountInput struct {
	AccountID           optional.Of[string] `aws:"AccountId" audit:"accountId"`
	SourceParentID      optional.Of[string] `aws:"SourceParentId" audit:"sourceParentId"`
	DestinationParentID optional.Of[string] `aws:"DestinationParentId" audit:"destinationParentId"`
}

// Validate checks the limits of the public API.
func (in *MoveAccountInput) Validate(c *check.Checks) {
	checkAccount(c, in.AccountID)
	checkParent(c, in.SourceParentID)
	checkParent(c, in.DestinationParentID)
	required(c, in.AccountID.Set, in.SourceParentID.Set, in.DestinationParentID.Set)
}

// moveAccount implements MoveAccount.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_MoveAccount.html
func (s *Service) moveAccount() operation.Operation {
	return operation.Change[MoveAccountInput, operation.None, *seat, *MoveAccountInput]{
		Name:    "MoveAccount",
		Actions: []string{prefix + "MoveAccount"},
		Subject: seated(s, func(in *MoveAccountInput) about { return about{id: in.AccountID.V} }),
		Asks:    asks[MoveAccountInput](prefix + "MoveAccount"),
		Run:     managed(s.runMoveAccount),
	}.Operation()
}

func (s *Service) runMoveAccount(c *operation.Call, tx store.Txn, in *MoveAccountInput, t *seat) (*operation.None, error) {
	m, rev, err := t.member(c.Context, tx, in.AccountID.V)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, errNoAccount
	}
	if from, _, err := t.unit(c.Context, tx, in.SourceParentID.V); err != nil || from == nil || m.Parent != from.ID {
		return nil, or(err, fault.New(sourceParentNotFound, "You specified a source parent that doesn't exist."))
	}
	to, _, err := t.unit(c.Context, tx, in.DestinationParentID.V)
	if err != nil || to == nil {
		return nil, or(err, fault.New(destinationParentNotFound, "You specified a destination parent that doesn't exist."))
	}
	if m.Parent == to.ID {
		return nil, fault.New(duplicateAccount, "The specified account is already present in the destination parent.")
	}
	m.Parent = to.ID
	return &operation.None{}, putMember(c.Context, tx, m, rev)
}

// or returns err, or where there is none, another one.
func or(err error, other *fault.Fault) error {
	if err != nil {
		return err
	}
	return other
}
