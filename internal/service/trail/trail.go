// Package trail is the operator's view of the trail: who read it, whether it
// verifies, and why a call in it was allowed or refused.
//
// These operations are reached over the admin socket only.
package trail

import (
	"context"

	"claviger/internal/ground/audit"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/explanation"
	"claviger/internal/kernel/operation"
)

// Options are what the service needs from others. All are required.
type Options struct {
	// Verify verifies the whole trail, against a head that was kept.
	Verify func(ctx context.Context, head []byte) (*audit.Report, error)

	// Read calls fn for the entries of the trail, as audit.Trail does.
	Read func(ctx context.Context, from uint64, fn func(sequence uint64, e audit.Entry) error) error

	// Keys open what only one account may see.
	Keys explanation.Sealer
}

// Service offers the operations.
type Service struct{ o Options }

// New returns the service.
func New(o Options) *Service { return &Service{o} }

// OperatorOperations lists what only the operator may call.
func (s *Service) OperatorOperations() []operation.Operation {
	return []operation.Operation{
		s.explainCall(),
		s.readTrail(),
		s.verifyTrail(),
	}
}

// ask is the one permission of an operation of the operator's.
func ask(asks []authz.Ask, action string) []authz.Ask {
	return append(asks, authz.Ask{Action: action, Resource: "*"})
}
