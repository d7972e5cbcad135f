package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DeleteRolePermissionsBoundaryInput names a role whose policies are to be bounded no more.
type DeleteRolePermissionsBoundaryInput struct {
	RoleName optional.Of[string] `aws:"RoleName" audit:"roleName"`
}

// Validate checks the limits of the public API.
func (in *DeleteRolePermissionsBoundaryInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
}

// deleteRolePermissionsBoundary implements DeleteRolePermissionsBoundary. A role without a
// boundary stays as it is.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRolePermissionsBoundary.html
func (s *Service) deleteRolePermissionsBoundary() operation.Operation {
	return operation.Change[DeleteRolePermissionsBoundaryInput, operation.None, roleTarget, *DeleteRolePermissionsBoundaryInput]{
		Name:    "DeleteRolePermissionsBoundary",
		Actions: []string{"iam:DeleteRolePermissionsBoundary"},
		Subject: func(c *operation.Call, in *DeleteRolePermissionsBoundaryInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, _ *DeleteRolePermissionsBoundaryInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askBounded(c, "iam:DeleteRolePermissionsBoundary", &facts{}))
		},
		Run: func(c *operation.Call, tx store.Txn, _ *DeleteRolePermissionsBoundaryInput, t roleTarget) (*operation.None, error) {
			if err := t.modifiable(); err != nil {
				return nil, err
			}
			o := *t.role
			var err error
			if o.Boundary, err = bound(c, tx, o.Boundary, nil); err != nil {
				return nil, err
			}
			if err := putRole(c.Context, tx, o, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
