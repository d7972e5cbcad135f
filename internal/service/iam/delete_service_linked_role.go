package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DeleteServiceLinkedRoleInput names the role of a service.
type DeleteServiceLinkedRoleInput struct {
	RoleName optional.Of[string] `aws:"RoleName" audit:"roleName"`
}

// Validate checks the limits of the public API.
func (in *DeleteServiceLinkedRoleInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
}

// DeleteServiceLinkedRoleOutput names the task that deletes the role.
type DeleteServiceLinkedRoleOutput struct {
	DeletionTaskID string `aws:"DeletionTaskId" audit:"deletionTaskId"`
}

// deleteServiceLinkedRole implements DeleteServiceLinkedRole. The role is gone when
// it is answered, and its sessions end with it: no service here needs it for what it
// has. A role of nobody's service is not found.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteServiceLinkedRole.html
func (s *Service) deleteServiceLinkedRole() operation.Operation {
	return operation.Change[DeleteServiceLinkedRoleInput, DeleteServiceLinkedRoleOutput, roleTarget, *DeleteServiceLinkedRoleInput]{
		Name:    "DeleteServiceLinkedRole",
		Actions: []string{"iam:DeleteServiceLinkedRole"},
		Subject: func(c *operation.Call, in *DeleteServiceLinkedRoleInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, _ *DeleteServiceLinkedRoleInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:DeleteServiceLinkedRole"))
		},
		Run: s.runDeleteServiceLinkedRole,
	}.Operation()
}

func (s *Service) runDeleteServiceLinkedRole(c *operation.Call, tx store.Txn, _ *DeleteServiceLinkedRoleInput, t roleTarget) (*DeleteServiceLinkedRoleOutput, error) {
	if t.role == nil || !t.role.linked() {
		return nil, noSuchRole(t.name)
	}
	for _, p := range t.role.Attached {
		if err := countPolicyUse(c.Context, tx, ownAccount(c), p.ID, -1, 0); err != nil {
			return nil, err
		}
	}
	if err := t.remove(c, tx); err != nil {
		return nil, err
	}
	return &DeleteServiceLinkedRoleOutput{DeletionTaskID: s.drawTask(ownAccount(c), t.role)}, nil
}
