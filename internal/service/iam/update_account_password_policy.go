package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UpdateAccountPasswordPolicyInput has the whole policy: what is not given has its
// default again.
type UpdateAccountPasswordPolicyInput struct {
	MinimumPasswordLength      optional.Of[int]  `aws:"MinimumPasswordLength" audit:"minimumPasswordLength"`
	RequireSymbols             optional.Of[bool] `aws:"RequireSymbols" audit:"requireSymbols"`
	RequireNumbers             optional.Of[bool] `aws:"RequireNumbers" audit:"requireNumbers"`
	RequireUppercaseCharacters optional.Of[bool] `aws:"RequireUppercaseCharacters" audit:"requireUppercaseCharacters"`
	RequireLowercaseCharacters optional.Of[bool] `aws:"RequireLowercaseCharacters" audit:"requireLowercaseCharacters"`
	AllowUsersToChangePassword optional.Of[bool] `aws:"AllowUsersToChangePassword" audit:"allowUsersToChangePassword"`
	MaxPasswordAge             optional.Of[int]  `aws:"MaxPasswordAge" audit:"maxPasswordAge"` // days
	PasswordReusePrevention    optional.Of[int]  `aws:"PasswordReusePrevention" audit:"passwordReusePrevention"`
	HardExpiry                 optional.Of[bool] `aws:"HardExpiry" audit:"hardExpiry"`
}

// Validate checks the limits of the public API.
func (in *UpdateAccountPasswordPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	c.Range("minimumPasswordLength", in.MinimumPasswordLength, passwordLengthMin, passwordMax)
	c.Range("maxPasswordAge", in.MaxPasswordAge, 1, passwordAgeMaxDays)
	c.Range("passwordReusePrevention", in.PasswordReusePrevention, 1, passwordsRemembered)
}

// updateAccountPasswordPolicy implements UpdateAccountPasswordPolicy. Passwords
// that there are stay, whatever they are.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html
func (s *Service) updateAccountPasswordPolicy() operation.Operation {
	return operation.Change[UpdateAccountPasswordPolicyInput, operation.None, accountTarget, *UpdateAccountPasswordPolicyInput]{
		Name:    "UpdateAccountPasswordPolicy",
		Actions: []string{"iam:UpdateAccountPasswordPolicy"},
		Subject: func(c *operation.Call, _ *UpdateAccountPasswordPolicyInput) (accountTarget, error) {
			return s.ownRecord(c)
		},
		Asks: asksOfAccount[UpdateAccountPasswordPolicyInput]("iam:UpdateAccountPasswordPolicy"),
		Run: func(c *operation.Call, tx store.Txn, in *UpdateAccountPasswordPolicyInput, t accountTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			p := &passwordPolicy{
				Length:     in.MinimumPasswordLength.Or(passwordLengthMin),
				Symbols:    in.RequireSymbols.V,
				Numbers:    in.RequireNumbers.V,
				Uppercase:  in.RequireUppercaseCharacters.V,
				Lowercase:  in.RequireLowercaseCharacters.V,
				OwnChange:  in.AllowUsersToChangePassword.V,
				AgeMaxDays: in.MaxPasswordAge.V,
				ReuseAfter: in.PasswordReusePrevention.V,
			}
			if in.HardExpiry.Set {
				p.HardExpiry = &in.HardExpiry.V
			}
			if err := t.put(c.Context, tx, func(a *account) { a.PasswordPolicy = p }); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
