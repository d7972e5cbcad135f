package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
)

// UpdateLoginProfileInput has a new password for a user, or says whether the user
// must choose another. What is not given stays.
type UpdateLoginProfileInput struct {
	UserName              optional.Of[string] `aws:"UserName" audit:"userName"`
	Password              confidential.Bytes  `aws:"Password,text"`
	PasswordResetRequired optional.Of[bool]   `aws:"PasswordResetRequired" audit:"passwordResetRequired"`
}

// Validate checks the limits of the public API.
func (in *UpdateLoginProfileInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, newUserNameMax)
	checkPassword(c, "password", in.Password)
}

// updateLoginProfile implements UpdateLoginProfile.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateLoginProfile.html
func (s *Service) updateLoginProfile() operation.Operation {
	return operation.Change[UpdateLoginProfileInput, operation.None, loginTarget, *UpdateLoginProfileInput]{
		Name:    "UpdateLoginProfile",
		Actions: []string{"iam:UpdateLoginProfile"},
		Subject: func(c *operation.Call, in *UpdateLoginProfileInput) (loginTarget, error) {
			return s.loginOf(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *UpdateLoginProfileInput, t loginTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:UpdateLoginProfile"))
		},
		Run: runUpdateLoginProfile,
	}.Operation()
}

func runUpdateLoginProfile(c *operation.Call, tx store.Txn, in *UpdateLoginProfileInput, t loginTarget) (*operation.None, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	a, err := passwordRules(c, tx)
	if err != nil {
		return nil, err
	}
	var hash *passwordHash
	if in.Password.IsSet() {
		if hash, err = t.replacing(c, a, confidential.Bytes{}, in.Password); err != nil {
			return nil, err
		}
	}
	if err := t.put(c, tx, a, hash, func(l *login) { l.Reset = in.PasswordResetRequired.Or(l.Reset) }); err != nil {
		return nil, err
	}
	return &operation.None{}, nil
}
