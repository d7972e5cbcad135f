package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetLoginProfileInput names a user, or nobody for the caller.
type GetLoginProfileInput struct {
	UserName optional.Of[string] `aws:"UserName" audit:"userName"`
}

// Validate checks the limits of the public API.
func (in *GetLoginProfileInput) Validate(c *check.Checks) {
	c.HideValues()
	checkName(c, "userName", in.UserName, newUserNameMax)
}

// GetLoginProfileOutput tells that the user has a password, and since when.
type GetLoginProfileOutput struct {
	LoginProfile LoginProfile `aws:"LoginProfile"`
}

// getLoginProfile implements GetLoginProfile.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetLoginProfile.html
func (s *Service) getLoginProfile() operation.Operation {
	return operation.Use[GetLoginProfileInput, GetLoginProfileOutput, loginTarget, *GetLoginProfileInput]{
		Name:    "GetLoginProfile",
		Actions: []string{"iam:GetLoginProfile"},
		Subject: func(c *operation.Call, in *GetLoginProfileInput) (loginTarget, error) {
			return s.loginOf(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *GetLoginProfileInput, t loginTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:GetLoginProfile"))
		},
		Run: func(_ *operation.Call, _ *GetLoginProfileInput, t loginTarget) (*GetLoginProfileOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			return &GetLoginProfileOutput{LoginProfile: t.login.shown(t.user.Name)}, nil
		},
	}.Operation()
}
