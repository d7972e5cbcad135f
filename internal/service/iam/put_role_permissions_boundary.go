package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// PutRolePermissionsBoundaryInput names the managed policy that is to bound what
// the policies of a role can allow.
type PutRolePermissionsBoundaryInput struct {
	RoleName            optional.Of[string] `aws:"RoleName" audit:"roleName"`
	PermissionsBoundary optional.Of[string] `aws:"PermissionsBoundary" audit:"permissionsBoundary"`
}

// Validate checks the limits of the public API.
func (in *PutRolePermissionsBoundaryInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	c.Required("permissionsBoundary", in.PermissionsBoundary.Set)
	checkBoundary(c, in.PermissionsBoundary)
}

// putRolePermissionsBoundary implements PutRolePermissionsBoundary. iam:PermissionsBoundary
// is the boundary that the role is to get.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePermissionsBoundary.html
func (s *Service) putRolePermissionsBoundary() operation.Operation {
	return operation.Change[PutRolePermissionsBoundaryInput, operation.None, bounding[roleTarget], *PutRolePermissionsBoundaryInput]{
		Name:    "PutRolePermissionsBoundary",
		Actions: []string{"iam:PutRolePermissionsBoundary"},
		Subject: func(c *operation.Call, in *PutRolePermissionsBoundaryInput) (bounding[roleTarget], error) {
			return newBounding(s, c, s.roleNamed, in.RoleName.V, in.PermissionsBoundary)
		},
		Asks: func(c *operation.Call, in *PutRolePermissionsBoundaryInput, b bounding[roleTarget], asks []authz.Ask) []authz.Ask {
			return append(asks, b.to.askWith(c, "iam:PutRolePermissionsBoundary", &facts{boundary: in.PermissionsBoundary.V}))
		},
		Run: func(c *operation.Call, tx store.Txn, _ *PutRolePermissionsBoundaryInput, b bounding[roleTarget]) (*operation.None, error) {
			if err := b.to.modifiable(); err != nil {
				return nil, err
			}
			o := *b.to.role
			var err error
			if o.Boundary, err = bound(c, tx, o.Boundary, b.boundary); err != nil {
				return nil, err
			}
			if err := putRole(c.Context, tx, o, b.to.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
