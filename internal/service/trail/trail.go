// Package trail is the operator's view of the trail: who read it, and whether it verifies.
//
// These operations are reached over the admin socket only.
package trail

import (
	"context"

	"claviger/internal/ground/audit"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
)

// Service offers the operations.
type Service struct {
	verify func(ctx context.Context, head []byte) (*audit.Report, error)
}

// New returns a service whose VerifyTrail calls verify.
func New(verify func(ctx context.Context, head []byte) (*audit.Report, error)) *Service {
	return &Service{verify: verify}
}

// OperatorOperations lists what only the operator may call.
func (s *Service) OperatorOperations() []operation.Operation {
	return []operation.Operation{
		s.readTrail(),
		s.verifyTrail(),
	}
}

// ask is the one permission of an operation of the operator's.
func ask(asks []authz.Ask, action string) []authz.Ask {
	return append(asks, authz.Ask{Action: action, Resource: "*"})
}
