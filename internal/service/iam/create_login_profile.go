package iam

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// CreateLoginProfileInput has a password for a user, or for the caller.
type CreateLoginProfileInput struct {
	UserName              optional.Of[string] `aws:"UserName" audit:"userName"`
	Password              confidential.Bytes  `aws:"Password,text"`
	PasswordResetRequired optional.Of[bool]   `aws:"PasswordResetRequired" audit:"passwordResetRequired"`
}

// Validate checks the limits of the public API.
func (in *CreateLoginProfileInput) Validate(c *check.Checks) {
	c.HideValues()
	checkName(c, "userName", in.UserName, newUserNameMax)
	c.Required("password", in.Password.IsSet())
	checkPassword(c, "password", in.Password)
}

// CreateLoginProfileOutput tells of the new password.
type CreateLoginProfileOutput struct {
	LoginProfile LoginProfile `aws:"LoginProfile" audit:"loginProfile"`
}

// createLoginProfile implements CreateLoginProfile.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateLoginProfile.html
func (s *Service) createLoginProfile() operation.Operation {
	return operation.Change[CreateLoginProfileInput, CreateLoginProfileOutput, loginTarget, *CreateLoginProfileInput]{
		Name:    "CreateLoginProfile",
		Actions: []string{"iam:CreateLoginProfile"},
		Subject: func(c *operation.Call, in *CreateLoginProfileInput) (loginTarget, error) {
			return s.loginOf(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *CreateLoginProfileInput, t loginTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:CreateLoginProfile"))
		},
		Run: runCreateLoginProfile,
	}.Operation()
}

func runCreateLoginProfile(c *operation.Call, tx store.Txn, in *CreateLoginProfileInput, t loginTarget) (*CreateLoginProfileOutput, error) {
	if err := t.target.exists(); err != nil {
		return nil, err
	}
	if t.login != nil {
		return nil, fault.New(EntityAlreadyExists, "Login Profile for user %s already exists.", t.user.Name)
	}
	a, err := passwordRules(c, tx)
	if err != nil {
		return nil, err
	}
	if err := a.admits(in.Password); err != nil {
		return nil, err
	}
	hash, err := hashed(c, in.Password)
	if err != nil {
		return nil, err
	}
	now := c.Time.Unix()
	l := &login{User: t.user.ID, Account: a.ID, Created: now, Changed: now, Reset: in.PasswordResetRequired.V, Present: *hash}
	if err := logins.Insert(c.Context, tx, l); err != nil {
		return nil, fmt.Errorf("writing the password of user %s: %w", l.User, err)
	}
	u := *t.user
	u.Login = true
	if err := putUser(c.Context, tx, u, t.rev); err != nil {
		return nil, err
	}
	return &CreateLoginProfileOutput{LoginProfile: l.shown(u.Name)}, nil
}
