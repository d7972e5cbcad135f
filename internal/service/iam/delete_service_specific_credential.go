package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DeleteServiceSpecificCredentialInput names a credential of a user, or of the caller.
type DeleteServiceSpecificCredentialInput struct {
	UserName                    optional.Of[string] `aws:"UserName" audit:"userName"`
	ServiceSpecificCredentialID optional.Of[string] `aws:"ServiceSpecificCredentialId" audit:"serviceSpecificCredentialId"`
}

// Validate checks the limits of the public API.
func (in *DeleteServiceSpecificCredentialInput) Validate(c *check.Checks) {
	checkServiceCredential(c, in.UserName, in.ServiceSpecificCredentialID)
}

// deleteServiceSpecificCredential implements DeleteServiceSpecificCredential.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteServiceSpecificCredential.html
func (s *Service) deleteServiceSpecificCredential() operation.Operation {
	return operation.Change[DeleteServiceSpecificCredentialInput, operation.None, target, *DeleteServiceSpecificCredentialInput]{
		Name:    "DeleteServiceSpecificCredential",
		Actions: []string{"iam:DeleteServiceSpecificCredential"},
		Subject: func(c *operation.Call, in *DeleteServiceSpecificCredentialInput) (target, error) {
			return s.namedOrCaller(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *DeleteServiceSpecificCredentialInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:DeleteServiceSpecificCredential"))
		},
		Run: func(c *operation.Call, tx store.Txn, in *DeleteServiceSpecificCredentialInput, t target) (*operation.None, error) {
			remove := func(*serviceCredential) bool { return false }
			return &operation.None{}, t.changeServiceCredential(c, tx, in.ServiceSpecificCredentialID.V, remove)
		},
	}.Operation()
}
