package authz

import (
	"net/netip"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

// A Caller is an authenticated principal with the policies that speak of it,
// as read at one moment. It is immutable.
type Caller struct {
	Principal principal.Principal
	Policy    policy.Caller
	Identity  []*policy.Policy
	Boundary  []*policy.Policy
	Session   []*policy.Policy
	Tags      pairs.Map // of the principal and of its session

	// Place is where the caller's account stands in its organization. It is nil
	// for a service, which has no account. The caller rests on it.
	Place *Place

	// Transitive are the keys of those session tags that go with the caller
	// into the next role.
	Transitive []string

	// Expires is when temporary credentials end; zero for long-term ones.
	Expires time.Time

	// IssuedTo is the service that assumed the caller's role, itself or by a role
	// that it had assumed before; empty where somebody else did. IssuedWith is the
	// access key with which it began: the session ends with that.
	IssuedTo   string
	IssuedWith string

	// Via is the service that acts for the caller with credentials of forward
	// access; nil where the caller acts itself.
	Via *Via

	// Registration is what the operator registered of a caller that is a
	// service; nil for all others.
	Registration *Registration

	// Stamps end when the principal, its credentials or its policies change.
	Stamps []store.Stamp

	// Require, where it is not nil, makes a transaction conflict if one of them
	// has changed by its commit: a stamp alone can end between the last look at
	// it and the commit.
	Require func(tx store.Txn)
}

// A Credential is what a signature is checked against.
type Credential struct {
	AccessKeyID string
	Token       string // session token; empty for long-term credentials
	Secret      confidential.Bytes
	Caller      *Caller

	// Refusal, where it is not nil, is the answer to every call: whoever signs is
	// known, but may do nothing any more. Such calls are recorded.
	Refusal *fault.Fault
}

// A Registration is what the operator lets a service do.
type Registration struct {
	Name        string   // service principal, such as "rds.amazonaws.com"
	SigningName string   // scope of the requests that users sign for it
	Actions     []string // that it may call for users, such as "kms:CreateGrant"

	// BeyondUser lets it put operations into grants that its user may not call.
	BeyondUser bool

	// Infrastructure lets it assume the role aws:LABEL-infrastructure of every
	// account, LABEL being the first label of its name. Such roles have no policies.
	Infrastructure bool
}

// Via is a service acting for a user.
type Via struct {
	*Registration

	// Services is the registration's name alone, as aws:CalledVia shows it.
	Services []string
	Region   string // to which the user's own request went

	// Address and UserAgent are those of the user's own request, as far as the
	// service told. They stand in records and count in no decision.
	Address   netip.Addr
	UserAgent string
}

// A Role is what there is to know of a role before it is assumed.
type Role struct {
	Account string
	Name    string
	ARN     string
	ID      string        // AROA…
	Longest time.Duration // of a session
	Trust   *policy.Policy
	Tags    pairs.Map
	Stamp   store.Stamp // ends when the role changes
}
