package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetUserInput names a user, or nobody for the caller.
type GetUserInput struct {
	UserName optional.Of[string] `aws:"UserName" audit:"userName"`
}

// Validate checks the limits of the public API.
func (in *GetUserInput) Validate(c *check.Checks) {
	c.HideValues()
	checkName(c, "userName", in.UserName, nameMax)
}

// GetUserOutput is the user.
type GetUserOutput struct {
	User User `aws:"User"`
}

// getUser implements GetUser.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html
func (s *Service) getUser() operation.Operation {
	return operation.Use[GetUserInput, GetUserOutput, target, *GetUserInput]{
		Name:    "GetUser",
		Actions: []string{"iam:GetUser"},
		Subject: func(c *operation.Call, in *GetUserInput) (target, error) {
			return s.namedOrCaller(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *GetUserInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:GetUser"))
		},
		Run: func(c *operation.Call, _ *GetUserInput, t target) (*GetUserOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			if t.root != nil {
				return &GetUserOutput{User: User{
					UserID:     t.root.ID,
					ARN:        arn.Root(c.Partition, t.root.ID),
					CreateDate: seconds(t.root.Created),
				}}, nil
			}
			return &GetUserOutput{User: t.user.shownWhole(c.Partition)}, nil
		},
	}.Operation()
}
