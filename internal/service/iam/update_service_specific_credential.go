package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UpdateServiceSpecificCredentialInput asks for a credential of a user, or of the
// caller, to be activated or deactivated.
type UpdateServiceSpecificCredentialInput struct {
	UserName                    optional.Of[string] `aws:"UserName" audit:"userName"`
	ServiceSpecificCredentialID optional.Of[string] `aws:"ServiceSpecificCredentialId" audit:"serviceSpecificCredentialId"`
	Status                      optional.Of[string] `aws:"Status" audit:"status"`
}

// Validate checks the limits of the public API.
func (in *UpdateServiceSpecificCredentialInput) Validate(c *check.Checks) {
	checkServiceCredential(c, in.UserName, in.ServiceSpecificCredentialID)
	if c.Required("status", in.Status.Set) {
		c.Enum("status", in.Status, active, inactive)
	}
}

// updateServiceSpecificCredential implements UpdateServiceSpecificCredential.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateServiceSpecificCredential.html
func (s *Service) updateServiceSpecificCredential() operation.Operation {
	return operation.Change[UpdateServiceSpecificCredentialInput, operation.None, target, *UpdateServiceSpecificCredentialInput]{
		Name:    "UpdateServiceSpecificCredential",
		Actions: []string{"iam:UpdateServiceSpecificCredential"},
		Subject: func(c *operation.Call, in *UpdateServiceSpecificCredentialInput) (target, error) {
			return s.namedOrCaller(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *UpdateServiceSpecificCredentialInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:UpdateServiceSpecificCredential"))
		},
		Run: func(c *operation.Call, tx store.Txn, in *UpdateServiceSpecificCredentialInput, t target) (*operation.None, error) {
			return &operation.None{}, t.changeServiceCredential(c, tx, in.ServiceSpecificCredentialID.V, func(v *serviceCredential) bool {
				v.Status = in.Status.V
				return true
			})
		},
	}.Operation()
}
