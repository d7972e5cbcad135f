package iam

import (
	"sync"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

// ChangePasswordInput has the caller's password and the one that is to take its place.
type ChangePasswordInput struct {
	OldPassword confidential.Bytes `aws:"OldPassword,text"`
	NewPassword confidential.Bytes `aws:"NewPassword,text"`
}

// Validate checks the limits of the public API.
func (in *ChangePasswordInput) Validate(c *check.Checks) {
	c.HideValues()
	c.Required("oldPassword", in.OldPassword.IsSet())
	checkPassword(c, "oldPassword", in.OldPassword)
	c.Required("newPassword", in.NewPassword.IsSet())
	checkPassword(c, "newPassword", in.NewPassword)
}

// An ownLogin is the caller's password.
type ownLogin struct {
	loginTarget
	allowed *policy.Policy // what the account's password policy allows its users; nil for nothing
}

// changePassword implements ChangePassword. Users may call it where the account's
// password policy lets them, or a policy of their own.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ChangePassword.html
func (s *Service) changePassword() operation.Operation {
	return operation.Change[ChangePasswordInput, operation.None, ownLogin, *ChangePasswordInput]{
		Name:    "ChangePassword",
		Actions: []string{"iam:ChangePassword"},
		Subject: func(c *operation.Call, _ *ChangePasswordInput) (ownLogin, error) { return s.ownLogin(c) },
		Asks: func(c *operation.Call, _ *ChangePasswordInput, t ownLogin, asks []authz.Ask) []authz.Ask {
			ask := t.ask(c, "iam:ChangePassword")
			ask.Policy = t.allowed
			return append(asks, ask)
		},
		Run: func(c *operation.Call, tx store.Txn, in *ChangePasswordInput, t ownLogin) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			a, err := passwordRules(c, tx)
			if err != nil {
				return nil, err
			}
			hash, err := t.replacing(c, a, in.OldPassword, in.NewPassword)
			if err != nil {
				return nil, err
			}
			if err := t.put(c, tx, a, hash, func(l *login) { l.Reset = false }); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}

func (s *Service) ownLogin(c *operation.Call) (t ownLogin, err error) {
	if p := &c.Caller.Principal; p.Kind != principal.User {
		return t, fault.New(InvalidUserType, "Only IAM Users can change their own password")
	}
	if t.loginTarget, err = s.loginOf(c, optional.Of[string]{}); err != nil {
		return t, err
	}
	a, err := s.ownRecord(c)
	if err != nil || a.account == nil || a.account.PasswordPolicy == nil || !a.account.PasswordPolicy.OwnChange {
		return t, err
	}
	t.allowed = ownPasswords()
	return t, nil
}

// ownPasswords says in the language of policies what a password policy lets users
// do. It is asked about nobody's password but the caller's own.
var ownPasswords = sync.OnceValue(func() *policy.Policy {
	const document = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"iam:ChangePassword","Resource":"*"}}`
	p, err := policy.Compile(policy.Resource, "password policy", []byte(document), nil)
	if err != nil {
		panic("iam: the policy about own passwords is none: " + err.Error())
	}
	return p
})
