// Package sts is the security token service: it tells callers who they are, and
// issues temporary credentials to whoever may have them.
//
// It keeps nothing. What it issues is a session token, which the service of
// identities opens at each use; see package session.
//
// https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
package sts

import (
	"context"
	"time"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/explanation"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/session"
	"claviger/internal/words/confidential"
	"claviger/internal/words/principal"
)

// Roles knows the roles of all accounts. The service of identities implements it.
type Roles interface {
	// Role returns the role that an ARN names, as r sees it; nil where there is none.
	// One that exists by convention has neither ID nor Trust.
	Role(ctx context.Context, r store.Reader, roleARN string) (*authz.Role, error)
}

// AccessKeys knows whose long-term access keys are. The service of identities
// implements it.
type AccessKeys interface {
	// AccountOfAccessKey returns the account of a user's or root user's access key, as
	// r sees it; "" where there is no such key.
	AccountOfAccessKey(ctx context.Context, r store.Reader, accessKeyID string) (string, error)
}

// Policies knows the managed policies of all accounts. The service of identities
// implements it.
type Policies interface {
	// ManagedPolicies returns the unique ids of managed policies of an account, or of AWS,
	// as r sees them, and what they rest on. missing is the first ARN of which there is no policy.
	ManagedPolicies(ctx context.Context, r store.Reader, account string, arns []string) (ids []string, stamps []store.Stamp, missing string, err error)
}

// Devices knows the MFA devices of users. The service of identities implements it.
type Devices interface {
	// CheckCode refuses what is no one-time code of the caller's device with a serial number.
	CheckCode(ctx context.Context, r store.Reader, p *principal.Principal, serial string, code confidential.Bytes, now time.Time) error

	// UseCode is CheckCode, and the code can't be used again.
	UseCode(ctx context.Context, p *principal.Principal, serial string, code confidential.Bytes, now time.Time) error
}

// Roots knows who may act as the root user of another account. The service of
// identities implements it.
type Roots interface {
	// RootTask returns the organization in which a caller's account may act as the
	// root user of a member, and the id of the task's policy, with what they rest on;
	// "" where it may not.
	RootTask(ctx context.Context, r store.Reader, caller, member, policyARN string) (organization, task string, stamps []store.Stamp, err error)
}

// Options are what the service needs from others. All are required.
type Options struct {
	Keyring    *sealed.Keyring
	Roles      Roles
	AccessKeys AccessKeys
	Policies   Policies
	Roots      Roots
	Devices    Devices
	Signatures Signatures

	// Position tells how far the store is.
	Position func() uint64
}

// Service is the STS service. It keeps nothing and is safe for concurrent use.
type Service struct {
	roles      Roles
	accessKeys AccessKeys
	policies   Policies
	roots      Roots
	devices    Devices
	signatures Signatures
	position   func() uint64
	tokens     *session.Tokens
	messages   *explanation.Messages
}

// New returns the service.
func New(o Options) *Service {
	return &Service{
		roles:      o.Roles,
		accessKeys: o.AccessKeys,
		policies:   o.Policies,
		roots:      o.Roots,
		devices:    o.Devices,
		signatures: o.Signatures,
		position:   o.Position,
		tokens:     session.NewTokens(o.Keyring),
		messages:   explanation.NewMessages(o.Keyring),
	}
}

// Operations lists the API, in the order of the public reference; the extension
// stands in its place.
func (s *Service) Operations() []operation.Operation {
	return []operation.Operation{
		s.assumeRole(),
		s.assumeRoot(),
		s.createForwardAccessSession(),
		s.decodeAuthorizationMessage(),
		s.getAccessKeyInfo(),
		s.getCallerIdentity(),
		s.getFederationToken(),
		s.getSessionToken(),
	}
}
