package iam

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/arn"
	"claviger/internal/words/principal"
)

// supposedSession is the name of a session of a role that nobody has begun.
const supposedSession = "anybody"

// CallerNamed returns who would call whom an ARN names, with its policies: a user,
// a role (as a session of it), a session of a role, the root user of an account
// (also by the id of the account), or a service by its name. It is nil where there
// is nobody of that name. Federated users are not known before they come.
func (s *Service) CallerNamed(ctx context.Context, r store.Reader, name string) (*authz.Caller, error) {
	if arn.IsAccount(name) {
		name = arn.Root(s.partition, name)
	}
	a, ok := arn.Parse(name)
	if !ok {
		return s.serviceNamed(name), nil
	}
	kind, rest, _ := strings.Cut(a.Resource, "/")
	var caller *authz.Caller
	var err error
	switch a.Service + ":" + kind {
	case "iam:root":
		caller, _, err = s.rootCaller(ctx, r, a.Account, "")
	case "iam:user":
		var u *user
		if u, _, err = findUser(ctx, r, a.Account, rest[strings.LastIndexByte(rest, '/')+1:]); u != nil && u.arn(s.partition) == name {
			caller, _, err = s.userCaller(ctx, r, u.ID, "")
		}
	case "iam:role":
		var o *role
		if o, err = s.roleOf(ctx, r, a, name); o != nil {
			caller, err = s.supposed(ctx, r, o.ID, supposedSession)
		}
	case "sts:assumed-role":
		roleName, session, _ := strings.Cut(rest, "/")
		var o *role
		if o, _, err = findRole(ctx, r, a.Account, roleName); o != nil && o.Name == roleName && sessionPattern.MatchString(session) {
			caller, err = s.supposed(ctx, r, o.ID, session)
		}
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return caller, err
}

// supposed returns a session of a role that was not begun.
func (s *Service) supposed(ctx context.Context, r store.Reader, id, session string) (*authz.Caller, error) {
	caller, err := s.roleCaller(ctx, r, id)
	if err != nil {
		return nil, err
	}
	nameSession(&caller.Principal, session)
	caller.Policy.ARN = caller.Principal.ARN
	return caller, nil
}

// serviceNamed returns a service in its own name, whether it is registered or not;
// nil for what is no name of one.
func (s *Service) serviceNamed(name string) *authz.Caller {
	if !strings.Contains(name, ".") || strings.ContainsAny(name, ":/* ") {
		return nil
	}
	p := principal.Principal{Kind: principal.Service, Partition: s.partition, ARN: name, Name: name}
	return &authz.Caller{Principal: p, Policy: policy.Caller{Kind: p.Kind, Partition: p.Partition, Services: []string{name}}}
}

// EachCaller calls each with the root user, every user and every role of an
// account, those of users and roles in the order of their names. It reads in
// batches, and does nothing for an account that does not exist here.
func (s *Service) EachCaller(ctx context.Context, r store.Reader, account string, each func(*authz.Caller) error) error {
	root, _, err := s.rootCaller(ctx, r, account, "")
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := each(root); err != nil {
		return err
	}
	err = eachOf(ctx, r, users, account, func(u *user) error {
		caller, _, err := s.userCaller(ctx, r, u.ID, "")
		if err != nil {
			return err
		}
		return each(caller)
	})
	if err != nil {
		return err
	}
	return eachOf(ctx, r, roles, account, func(o *role) error {
		caller, err := s.supposed(ctx, r, o.ID, supposedSession)
		if err != nil {
			return err
		}
		return each(caller)
	})
}

// eachOf walks the users or roles of an account, in the order of their names.
func eachOf[T any](ctx context.Context, r store.Reader, table *store.Table[T], account string, each func(*T) error) error {
	const batch = 200
	var after store.Key
	for {
		var page []*T
		err := table.Scan(ctx, r, "name", store.Key{store.S(account)}, after, batch, func(v *T, _ store.Rev) error {
			page = append(page, v)
			return nil
		})
		if err != nil {
			return fmt.Errorf("listing %s of account %s: %w", table.Schema.Name, account, err)
		}
		for _, v := range page {
			if err := each(v); err != nil {
				return err
			}
		}
		if len(page) < batch {
			return nil
		}
		after = table.IndexKey("name", page[len(page)-1])
	}
}
