package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// PutUserPermissionsBoundaryInput names the managed policy that is to bound what
// the policies of a user can allow.
type PutUserPermissionsBoundaryInput struct {
	UserName            optional.Of[string] `aws:"UserName" audit:"userName"`
	PermissionsBoundary optional.Of[string] `aws:"PermissionsBoundary" audit:"permissionsBoundary"`
}

// Validate checks the limits of the public API.
func (in *PutUserPermissionsBoundaryInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, newUserNameMax)
	c.Required("permissionsBoundary", in.PermissionsBoundary.Set)
	checkBoundary(c, in.PermissionsBoundary)
}

// putUserPermissionsBoundary implements PutUserPermissionsBoundary. iam:PermissionsBoundary
// is the boundary that the user is to get.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPermissionsBoundary.html
func (s *Service) putUserPermissionsBoundary() operation.Operation {
	return operation.Change[PutUserPermissionsBoundaryInput, operation.None, bounding[target], *PutUserPermissionsBoundaryInput]{
		Name:    "PutUserPermissionsBoundary",
		Actions: []string{"iam:PutUserPermissionsBoundary"},
		Subject: func(c *operation.Call, in *PutUserPermissionsBoundaryInput) (bounding[target], error) {
			return newBounding(s, c, s.named, in.UserName.V, in.PermissionsBoundary)
		},
		Asks: func(c *operation.Call, in *PutUserPermissionsBoundaryInput, b bounding[target], asks []authz.Ask) []authz.Ask {
			return append(asks, b.to.askWith(c, "iam:PutUserPermissionsBoundary", &facts{boundary: in.PermissionsBoundary.V}))
		},
		Run: func(c *operation.Call, tx store.Txn, _ *PutUserPermissionsBoundaryInput, b bounding[target]) (*operation.None, error) {
			if err := b.to.exists(); err != nil {
				return nil, err
			}
			u := *b.to.user
			var err error
			if u.Boundary, err = bound(c, tx, u.Boundary, b.boundary); err != nil {
				return nil, err
			}
			if err := putUser(c.Context, tx, u, b.to.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
