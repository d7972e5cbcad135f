package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ResetServiceSpecificCredentialInput asks for another password of a credential of
// a user, or of the caller.
type ResetServiceSpecificCredentialInput struct {
	UserName                    optional.Of[string] `aws:"UserName" audit:"userName"`
	ServiceSpecificCredentialID optional.Of[string] `aws:"ServiceSpecificCredentialId" audit:"serviceSpecificCredentialId"`
}

// Validate checks the limits of the public API.
func (in *ResetServiceSpecificCredentialInput) Validate(c *check.Checks) {
	checkServiceCredential(c, in.UserName, in.ServiceSpecificCredentialID)
}

// ResetServiceSpecificCredentialOutput is the credential. Its password is shown
// here and never again.
type ResetServiceSpecificCredentialOutput struct {
	ServiceSpecificCredential ServiceSpecificCredential `aws:"ServiceSpecificCredential" audit:"serviceSpecificCredential"`
}

// resetServiceSpecificCredential implements ResetServiceSpecificCredential. The
// former password ends at once.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResetServiceSpecificCredential.html
func (s *Service) resetServiceSpecificCredential() operation.Operation {
	return operation.Change[ResetServiceSpecificCredentialInput, ResetServiceSpecificCredentialOutput, target, *ResetServiceSpecificCredentialInput]{
		Name:    "ResetServiceSpecificCredential",
		Actions: []string{"iam:ResetServiceSpecificCredential"},
		Subject: func(c *operation.Call, in *ResetServiceSpecificCredentialInput) (target, error) {
			return s.namedOrCaller(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *ResetServiceSpecificCredentialInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ResetServiceSpecificCredential"))
		},
		Run: func(c *operation.Call, tx store.Txn, in *ResetServiceSpecificCredentialInput, t target) (*ResetServiceSpecificCredentialOutput, error) {
			var out ResetServiceSpecificCredentialOutput
			err := t.changeServiceCredential(c, tx, in.ServiceSpecificCredentialID.V, func(v *serviceCredential) bool {
				plain := v.draw()
				out.ServiceSpecificCredential = v.shown(t.user.Name, plain)
				return true
			})
			return &out, err
		},
	}.Operation()
}
