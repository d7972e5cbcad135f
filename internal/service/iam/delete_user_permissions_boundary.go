package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DeleteUserPermissionsBoundaryInput names a user whose policies are to be bounded no more.
type DeleteUserPermissionsBoundaryInput struct {
	UserName optional.Of[string] `aws:"UserName" audit:"userName"`
}

// Validate checks the limits of the public API.
func (in *DeleteUserPermissionsBoundaryInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, newUserNameMax)
}

// deleteUserPermissionsBoundary implements DeleteUserPermissionsBoundary. A user without a
// boundary stays as it is.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUserPermissionsBoundary.html
func (s *Service) deleteUserPermissionsBoundary() operation.Operation {
	return operation.Change[DeleteUserPermissionsBoundaryInput, operation.None, target, *DeleteUserPermissionsBoundaryInput]{
		Name:    "DeleteUserPermissionsBoundary",
		Actions: []string{"iam:DeleteUserPermissionsBoundary"},
		Subject: func(c *operation.Call, in *DeleteUserPermissionsBoundaryInput) (target, error) {
			return s.named(c, in.UserName.V)
		},
		Asks: func(c *operation.Call, _ *DeleteUserPermissionsBoundaryInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askBounded(c, "iam:DeleteUserPermissionsBoundary", &facts{}))
		},
		Run: func(c *operation.Call, tx store.Txn, _ *DeleteUserPermissionsBoundaryInput, t target) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			u := *t.user
			var err error
			if u.Boundary, err = bound(c, tx, u.Boundary, nil); err != nil {
				return nil, err
			}
			if err := putUser(c.Context, tx, u, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
