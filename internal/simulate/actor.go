package simulate

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// An actor is somebody who calls.
type actor interface {
	// String is what a reader is told.
	String() string

	// credentials returns those that sign the actor's next call.
	credentials(context.Context, *stage) (aws.Credentials, error)
}

// The actors of profiles.
type (
	// owner holds the credentials that the simulation was given.
	owner struct{}

	// user is an IAM user by the name that it has in the cast.
	user string

	// principal is a service in its own name.
	principal string

	// session is a session of a role, assumed by a service.
	session struct {
		role role
		name string
		by   principal
	}

	// through is an actor who asks a service, which then acts for it.
	through struct {
		actor
		by   principal
		pass string // role that the actor lets the service have, by its name in the cast
	}
)

// A role is that of the cast, or one that every account has by convention.
type role string

func (owner) String() string       { return "the account's root user" }
func (u user) String() string      { return string(u) }
func (p principal) String() string { return string(p) }
func (s session) String() string   { return string(s.role) + "/" + s.name }
func (t through) String() string   { return t.actor.String() + " through " + string(t.by) }

func (owner) credentials(_ context.Context, s *stage) (aws.Credentials, error) {
	return s.config.Credentials, nil
}

func (u user) credentials(_ context.Context, s *stage) (aws.Credentials, error) {
	c, ok := s.users[string(u)]
	if !ok {
		return c, fmt.Errorf("the user %s was not made", u)
	}
	return c, nil
}

func (p principal) credentials(_ context.Context, s *stage) (aws.Credentials, error) {
	c, ok := s.config.Services[string(p)]
	if !ok {
		return c, fmt.Errorf("no credentials of the service principal %s were given", p)
	}
	return c, nil
}

// credentials assumes the role, once for as long as the session lasts.
func (e session) credentials(ctx context.Context, s *stage) (aws.Credentials, error) {
	if c, ok := s.sessions[e]; ok && s.config.Now().Add(time.Minute).Before(c.Expires) {
		return c, nil
	}
	by, err := e.by.credentials(ctx, s)
	if err != nil {
		return aws.Credentials{}, err
	}
	c, err := s.server.assume(ctx, by, s.roleARN(e.role), e.name)
	if err != nil {
		return aws.Credentials{}, err
	}
	s.sessions[e] = c
	return c, nil
}

// credentials lets the actor sign a request to the service, which trades it:
// every call of a user to a service is evidence of its own.
func (t through) credentials(ctx context.Context, s *stage) (aws.Credentials, error) {
	author, err := t.actor.credentials(ctx, s)
	if err != nil {
		return aws.Credentials{}, err
	}
	service, err := t.by.credentials(ctx, s)
	if err != nil {
		return aws.Credentials{}, err
	}
	e, err := s.server.ask(ctx, author, s.signingName(t.by))
	if err != nil {
		return aws.Credentials{}, err
	}
	pass := ""
	if t.pass != "" {
		pass = s.roleARN(role(t.pass))
	}
	return s.server.trade(ctx, service, e, pass)
}

// arn is a role as a reader knows it.
func (r role) arn() ref {
	return ref{string(r), func(s *stage) (string, error) { return s.roleARN(r), nil }}
}

// grantee is the session as a grant names it.
func (e session) grantee() ref {
	return ref{e.String(), func(s *stage) (string, error) { return s.sessionARN(e), nil }}
}

// grantee is the service as a grant names it.
func (p principal) grantee() ref {
	return ref{string(p), func(*stage) (string, error) { return string(p), nil }}
}
