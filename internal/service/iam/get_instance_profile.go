package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetInstanceProfileInput names an instance profile.
type GetInstanceProfileInput struct {
	InstanceProfileName optional.Of[string] `aws:"InstanceProfileName" audit:"instanceProfileName"`
}

// Validate checks the limits of the public API.
func (in *GetInstanceProfileInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "instanceProfileName", in.InstanceProfileName, nameMax)
}

// GetInstanceProfileOutput is the instance profile.
type GetInstanceProfileOutput struct {
	InstanceProfile InstanceProfile `aws:"InstanceProfile"`
}

// getInstanceProfile implements GetInstanceProfile.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetInstanceProfile.html
func (s *Service) getInstanceProfile() operation.Operation {
	return operation.Use[GetInstanceProfileInput, GetInstanceProfileOutput, profileTarget, *GetInstanceProfileInput]{
		Name:    "GetInstanceProfile",
		Actions: []string{"iam:GetInstanceProfile"},
		Subject: func(c *operation.Call, in *GetInstanceProfileInput) (profileTarget, error) {
			return s.profileNamed(c, in.InstanceProfileName.V)
		},
		Asks: func(c *operation.Call, _ *GetInstanceProfileInput, t profileTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:GetInstanceProfile", &facts{}))
		},
		Run: func(c *operation.Call, _ *GetInstanceProfileInput, t profileTarget) (*GetInstanceProfileOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			r, err := c.Reader()
			if err != nil {
				return nil, err
			}
			shown, err := s.shownProfile(c, r, t.profile)
			if err != nil {
				return nil, err
			}
			shown.Tags = tagList(t.profile.Tags)
			return &GetInstanceProfileOutput{InstanceProfile: shown}, nil
		},
	}.Operation()
}
