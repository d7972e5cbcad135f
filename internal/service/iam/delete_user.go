package iam

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// DeleteUserInput names the user to be deleted.
type DeleteUserInput struct {
	UserName optional.Of[string] `aws:"UserName" audit:"userName"`
}

// Validate checks the limits of the public API.
func (in *DeleteUserInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, nameMax)
}

// deleteUser implements DeleteUser. A user must have lost its policies,
// access keys, password, MFA devices and credentials for services before.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
func (s *Service) deleteUser() operation.Operation {
	return operation.Change[DeleteUserInput, operation.None, target, *DeleteUserInput]{
		Name:    "DeleteUser",
		Actions: []string{"iam:DeleteUser"},
		Subject: func(c *operation.Call, in *DeleteUserInput) (target, error) {
			return s.named(c, in.UserName.V)
		},
		Asks: func(c *operation.Call, _ *DeleteUserInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:DeleteUser"))
		},
		Run: s.runDeleteUser,
	}.Operation()
}

func (s *Service) runDeleteUser(c *operation.Call, tx store.Txn, _ *DeleteUserInput, t target) (*operation.None, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	if len(t.user.Attached) > 0 {
		return nil, fault.New(DeleteConflict, "Cannot delete entity, must detach all policies first.")
	}
	if len(t.user.Policies) > 0 {
		return nil, fault.New(DeleteConflict, "Cannot delete entity, must delete policies first.")
	}
	if len(t.user.Groups) > 0 {
		return nil, fault.New(DeleteConflict, "Cannot delete entity, must remove users from group first.")
	}
	if len(t.user.AccessKeys) > 0 {
		return nil, fault.New(DeleteConflict, "Cannot delete entity, must delete access keys first.")
	}
	if t.user.Login {
		return nil, fault.New(DeleteConflict, "Cannot delete entity, must delete login profile first.")
	}
	if len(t.user.MFADevices) > 0 {
		return nil, fault.New(DeleteConflict, "Cannot delete entity, must delete MFA device first.")
	}
	if len(t.user.ServiceCredentials) > 0 {
		return nil, fault.New(DeleteConflict, "Cannot delete entity, must remove referenced objects first.")
	}
	if _, err := bound(c, tx, t.user.Boundary, nil); err != nil {
		return nil, err
	}
	if err := users.Delete(c.Context, tx, userKey(t.user.ID), t.rev); err != nil {
		return nil, fmt.Errorf("deleting user %s: %w", t.user.ID, err)
	}
	tx.Touch(userEntity(t.user.ID))
	a, rev, err := getAccount(c.Context, tx, ownAccount(c))
	if err != nil {
		return nil, err
	}
	if err := countUser(c.Context, tx, *a, rev, -1); err != nil {
		return nil, err
	}
	return &operation.None{}, nil
}
