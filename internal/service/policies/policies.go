// Package policies is the operator's view of what policies say: why a call would
// be allowed or refused, who could make it, and what is wrong with what is stored.
//
// These operations are reached over the admin socket only. They see the policies
// of all accounts, which no principal of any account may.
package policies

import (
	"context"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
	"claviger/internal/words/pairs"
)

// Identities knows the users and roles of all accounts.
type Identities interface {
	// Accounts lists the ids of all accounts.
	Accounts(ctx context.Context) ([]string, error)

	// CallerNamed returns whom a name means, nil where there is nobody.
	CallerNamed(ctx context.Context, r store.Reader, name string) (*authz.Caller, error)

	// EachCaller walks the root user, the users and the roles of an account.
	EachCaller(ctx context.Context, r store.Reader, account string, each func(*authz.Caller) error) error

	// Role returns the role that an ARN names, nil where there is none.
	Role(ctx context.Context, r store.Reader, name string) (*authz.Role, error)

	// EachStored walks the documents of an account.
	EachStored(ctx context.Context, r store.Reader, account string, each func(*authz.Stored) error) error
}

// Keys knows the keys of all accounts.
type Keys interface {
	// Supposed returns what a caller would be asked for an action on a key.
	Supposed(c *operation.Call, caller *authz.Caller, action, key string, context pairs.Map, source string) (authz.Ask, error)

	// EachGrant walks the grants of a key.
	EachGrant(c *operation.Call, key string, each func(*authz.Held) error) error

	// EachStored walks the keys of all accounts, with their policies.
	EachStored(c *operation.Call, each func(*authz.Stored) error) error
}

// Organizations knows where accounts stand, and what limits them there.
type Organizations interface {
	// Place finds where an account stands in its organization.
	Place(ctx context.Context, account string) (*authz.Place, error)

	// EachStored walks the control policies of all organizations.
	EachStored(ctx context.Context, r store.Reader, each func(*authz.Stored) error) error
}

// Options of New. All are required.
type Options struct {
	Identities    Identities
	Keys          Keys
	Organizations Organizations
}

// Service offers the operations.
type Service struct{ o Options }

// New returns a service.
func New(o Options) *Service { return &Service{o} }

// OperatorOperations lists what only the operator may call.
func (s *Service) OperatorOperations() []operation.Operation {
	return []operation.Operation{
		s.lintPolicies(),
		s.simulatePolicies(),
		s.whoCan(),
	}
}

// asks is the one permission of an operation of the operator's.
func asks[In any](action string) func(*operation.Call, *In, struct{}, []authz.Ask) []authz.Ask {
	return func(_ *operation.Call, _ *In, _ struct{}, list []authz.Ask) []authz.Ask {
		return append(list, authz.Ask{Action: action, Resource: "*"})
	}
}

// placed puts a caller where its account stands. The caller is a copy.
func (s *Service) placed(ctx context.Context, caller *authz.Caller) (*authz.Caller, error) {
	if caller.Principal.Account == "" {
		return caller, nil
	}
	at := *caller
	var err error
	at.Place, err = s.o.Organizations.Place(ctx, caller.Principal.Account)
	return &at, err
}

// supposed returns what a caller would be asked for an action on a resource.
func (s *Service) supposed(c *operation.Call, caller *authz.Caller, action, resource string, g *given) (ask authz.Ask, err error) {
	a, _ := arn.Parse(resource)
	switch {
	case a.Service == "kms" && strings.HasPrefix(action, "kms:") && !ofAlias(a, action):
		ask, err = s.o.Keys.Supposed(c, caller, action, resource, g.encryption, g.source)
	case a.Service == "iam" && strings.HasPrefix(a.Resource, "role/") && strings.HasPrefix(action, "sts:"):
		ask, err = s.assume(c, action, resource)
	default:
		ask = authz.Ask{Action: action, Resource: resource, Account: a.Account}
		if ask.Account == "" {
			ask.Account = caller.Principal.Account
		}
	}
	if err != nil {
		return ask, err
	}
	if ask.Account != "" {
		if ask.Place, err = s.o.Organizations.Place(c.Context, ask.Account); err != nil {
			return ask, err
		}
	}
	ask.Given = g
	return ask, nil
}

// ofAlias reports whether an action is asked about an alias itself. Of its half that
// is about the key, the key is asked.
// https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html
func ofAlias(a arn.ARN, action string) bool {
	return strings.HasPrefix(a.Resource, "alias/") && strings.HasSuffix(policy.Fold(action), "alias")
}

// assume is what is asked of who would assume a role.
func (s *Service) assume(c *operation.Call, action, name string) (authz.Ask, error) {
	r, err := c.Reader()
	if err != nil {
		return authz.Ask{}, err
	}
	role, err := s.o.Identities.Role(c.Context, r, name)
	if err != nil {
		return authz.Ask{}, err
	}
	if role == nil {
		return authz.Ask{}, fault.New(fault.Validation, "There is no role %s.", name)
	}
	return authz.Ask{
		Action: action, Resource: name, Account: role.Account, Rule: trustRule, CrossAccount: true, Policy: role.Trust,
		Context: tags(role.Tags),
	}, nil
}
