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

// DeleteRoleInput names the role to be deleted.
type DeleteRoleInput struct {
	RoleName optional.Of[string] `aws:"RoleName" audit:"roleName"`
}

// Validate checks the limits of the public API.
func (in *DeleteRoleInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
}

// deleteRole implements DeleteRole. A role must have lost its policies before.
// Its sessions end with it.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html
func (s *Service) deleteRole() operation.Operation {
	return operation.Change[DeleteRoleInput, operation.None, roleTarget, *DeleteRoleInput]{
		Name:    "DeleteRole",
		Actions: []string{"iam:DeleteRole"},
		Subject: func(c *operation.Call, in *DeleteRoleInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, _ *DeleteRoleInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:DeleteRole"))
		},
		Run: runDeleteRole,
	}.Operation()
}

func runDeleteRole(c *operation.Call, tx store.Txn, _ *DeleteRoleInput, t roleTarget) (*operation.None, error) {
	if err := t.modifiable(); err != nil {
		return nil, err
	}
	if len(t.role.Attached) > 0 {
		return nil, fault.New(DeleteConflict, "Cannot delete entity, must detach all policies first.")
	}
	if len(t.role.Profiles) > 0 {
		return nil, fault.New(DeleteConflict, "Cannot delete entity, must remove roles from instance profile first.")
	}
	if len(t.role.Policies) > 0 {
		return nil, fault.New(DeleteConflict, "Cannot delete entity, must delete policies first.")
	}
	if _, err := bound(c, tx, t.role.Boundary, nil); err != nil {
		return nil, err
	}
	return &operation.None{}, t.remove(c, tx)
}

// remove deletes the record of a role, what is stored of its uses, and it from the
// count of the account.
func (t *roleTarget) remove(c *operation.Call, tx store.Txn) error {
	if err := roles.Delete(c.Context, tx, roleKey(t.role.ID), t.rev); err != nil {
		return fmt.Errorf("deleting role %s: %w", t.role.ID, err)
	}
	if err := forgetUse(c.Context, tx, t.role.ID); err != nil {
		return err
	}
	tx.Touch(roleEntity(t.role.ID))
	a, rev, err := getAccount(c.Context, tx, ownAccount(c))
	if err != nil {
		return err
	}
	return countRole(c.Context, tx, *a, rev, -1)
}
