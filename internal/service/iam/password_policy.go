package iam

import (
	"strings"

	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
)

// Bounds of a password policy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html
const (
	passwordLengthMin     = 6 // and what an own policy demands that names none
	passwordAgeMaxDays    = 1095
	passwordsRemembered   = 24
	defaultPasswordLength = 8 // of accounts without a policy of their own
	defaultPasswordKinds  = 3 // of four kinds of characters
)

// A passwordPolicy says which passwords users of an account may have.
type passwordPolicy struct {
	Length     int   `json:"length"`
	Symbols    bool  `json:"symbols,omitempty"`
	Numbers    bool  `json:"numbers,omitempty"`
	Uppercase  bool  `json:"uppercase,omitempty"`
	Lowercase  bool  `json:"lowercase,omitempty"`
	OwnChange  bool  `json:"ownChange,omitempty"`  // users may change their own
	AgeMaxDays int   `json:"ageMaxDays,omitempty"` // 0: they don't expire
	ReuseAfter int   `json:"reuseAfter,omitempty"` // 0: the last ones may come again
	HardExpiry *bool `json:"hardExpiry,omitempty"` // nil: the policy does not say
}

// symbols are the characters that count as such.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html
const symbols = "!@#$%^&*()_+-=[]{}|'"

// kinds tells which kinds of characters a password has.
type kinds struct{ lower, upper, number, symbol, other bool }

func kindsOf(password []byte) (k kinds) {
	for _, c := range password {
		switch {
		case 'a' <= c && c <= 'z':
			k.lower = true
		case 'A' <= c && c <= 'Z':
			k.upper = true
		case '0' <= c && c <= '9':
			k.number = true
		case strings.IndexByte(symbols, c) >= 0:
			k.symbol = true
		default:
			k.other = true
		}
	}
	return k
}

// admits refuses a password that the account does not let its users have. Without
// an own policy it must have eight characters of three kinds, and not be the
// account's id.
func (a *account) admits(password confidential.Bytes) error {
	plain := password.Reveal(reveal.Token{})
	length, k := len([]rune(string(plain))), kindsOf(plain)
	p := a.PasswordPolicy
	if p == nil {
		count := 0
		for _, has := range []bool{k.lower, k.upper, k.number, k.symbol || k.other} {
			if has {
				count++
			}
		}
		switch {
		case length < defaultPasswordLength:
			return violation("Password should have a minimum length of %d", defaultPasswordLength)
		case count < defaultPasswordKinds || string(plain) == a.ID:
			return violation("Password does not conform to the account password policy.")
		}
		return nil
	}
	switch {
	case length < p.Length:
		return violation("Password should have a minimum length of %d", p.Length)
	case p.Uppercase && !k.upper:
		return violation("Password should have at least one uppercase letter")
	case p.Lowercase && !k.lower:
		return violation("Password should have at least one lowercase letter")
	case p.Numbers && !k.number:
		return violation("Password should have at least one number")
	case p.Symbols && !k.symbol:
		return violation("Password should have at least one symbol")
	}
	return nil
}

func violation(format string, args ...any) error {
	return fault.New(PasswordPolicyViolation, format, args...)
}

// reuseAfter is how many of a user's last passwords can't be used again, the
// present one among them.
func (a *account) reuseAfter() int {
	if a.PasswordPolicy == nil {
		return 0
	}
	return a.PasswordPolicy.ReuseAfter
}
