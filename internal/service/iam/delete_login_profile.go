package iam

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DeleteLoginProfileInput names a user, or nobody for the caller.
type DeleteLoginProfileInput struct {
	UserName optional.Of[string] `aws:"UserName" audit:"userName"`
}

// Validate checks the limits of the public API.
func (in *DeleteLoginProfileInput) Validate(c *check.Checks) {
	c.HideValues()
	checkName(c, "userName", in.UserName, newUserNameMax)
}

// deleteLoginProfile implements DeleteLoginProfile. Access keys stay.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteLoginProfile.html
func (s *Service) deleteLoginProfile() operation.Operation {
	return operation.Change[DeleteLoginProfileInput, operation.None, loginTarget, *DeleteLoginProfileInput]{
		Name:    "DeleteLoginProfile",
		Actions: []string{"iam:DeleteLoginProfile"},
		Subject: func(c *operation.Call, in *DeleteLoginProfileInput) (loginTarget, error) {
			return s.loginOf(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *DeleteLoginProfileInput, t loginTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:DeleteLoginProfile"))
		},
		Run: func(c *operation.Call, tx store.Txn, _ *DeleteLoginProfileInput, t loginTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			if err := logins.Delete(c.Context, tx, loginKey(t.user.ID), t.at); err != nil {
				return nil, fmt.Errorf("deleting the password of user %s: %w", t.user.ID, err)
			}
			u := *t.user
			u.Login = false
			if err := putUser(c.Context, tx, u, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
