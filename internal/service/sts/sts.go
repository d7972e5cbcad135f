// Package sts is the security token service: it tells callers who they are.
//
// https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
package sts

import "claviger/internal/kernel/operation"

// Service is the STS service. It keeps nothing and is safe for concurrent use.
type Service struct{}

// New returns the service.
func New() *Service { return &Service{} }

// Operations lists the API, in the order of the public reference.
func (s *Service) Operations() []operation.Operation {
	return []operation.Operation{
		s.getCallerIdentity(),
	}
}
