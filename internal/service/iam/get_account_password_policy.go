package iam

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// GetAccountPasswordPolicyInput asks for the policy of the caller's account.
type GetAccountPasswordPolicyInput struct{}

// Validate has nothing to check.
func (in *GetAccountPasswordPolicyInput) Validate(*check.Checks) {}

// GetAccountPasswordPolicyOutput is the policy.
type GetAccountPasswordPolicyOutput struct {
	PasswordPolicy PasswordPolicy `aws:"PasswordPolicy"`
}

// A PasswordPolicy as outputs show it. What the account did not set is absent.
type PasswordPolicy struct {
	MinimumPasswordLength      int               `aws:"MinimumPasswordLength"`
	RequireSymbols             bool              `aws:"RequireSymbols"`
	RequireNumbers             bool              `aws:"RequireNumbers"`
	RequireUppercaseCharacters bool              `aws:"RequireUppercaseCharacters"`
	RequireLowercaseCharacters bool              `aws:"RequireLowercaseCharacters"`
	AllowUsersToChangePassword bool              `aws:"AllowUsersToChangePassword"`
	ExpirePasswords            bool              `aws:"ExpirePasswords"`
	MaxPasswordAge             optional.Of[int]  `aws:"MaxPasswordAge"` // days
	PasswordReusePrevention    optional.Of[int]  `aws:"PasswordReusePrevention"`
	HardExpiry                 optional.Of[bool] `aws:"HardExpiry"`
}

// getAccountPasswordPolicy implements GetAccountPasswordPolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountPasswordPolicy.html
func (s *Service) getAccountPasswordPolicy() operation.Operation {
	return operation.Use[GetAccountPasswordPolicyInput, GetAccountPasswordPolicyOutput, accountTarget, *GetAccountPasswordPolicyInput]{
		Name:    "GetAccountPasswordPolicy",
		Actions: []string{"iam:GetAccountPasswordPolicy"},
		Subject: func(c *operation.Call, _ *GetAccountPasswordPolicyInput) (accountTarget, error) {
			return s.ownRecord(c)
		},
		Asks: asksOfAccount[GetAccountPasswordPolicyInput]("iam:GetAccountPasswordPolicy"),
		Run: func(_ *operation.Call, _ *GetAccountPasswordPolicyInput, t accountTarget) (*GetAccountPasswordPolicyOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			p := t.account.PasswordPolicy
			if p == nil {
				return nil, fault.New(NoSuchEntity, "The Password Policy with domain name %s cannot be found.", t.account.ID)
			}
			out := PasswordPolicy{
				MinimumPasswordLength:      p.Length,
				RequireSymbols:             p.Symbols,
				RequireNumbers:             p.Numbers,
				RequireUppercaseCharacters: p.Uppercase,
				RequireLowercaseCharacters: p.Lowercase,
				AllowUsersToChangePassword: p.OwnChange,
				ExpirePasswords:            p.AgeMaxDays > 0,
				MaxPasswordAge:             optional.Of[int]{V: p.AgeMaxDays, Set: p.AgeMaxDays > 0},
				PasswordReusePrevention:    optional.Of[int]{V: p.ReuseAfter, Set: p.ReuseAfter > 0},
			}
			if p.HardExpiry != nil {
				out.HardExpiry = optional.Some(*p.HardExpiry)
			}
			return &GetAccountPasswordPolicyOutput{PasswordPolicy: out}, nil
		},
	}.Operation()
}
