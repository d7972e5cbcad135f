package iam

import (
	"context"
	"errors"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

// A target is whom a call is about: the user that it names, which may not
// exist, or the caller itself, which may be the root user.
type target struct {
	name string // as the call names the user; empty for the root user
	user *user
	root *account
	rev  store.Rev // of user or root
}

// named finds the user that a call names. A user that does not exist is no
// error yet: whether the caller may know is decided first.
func (s *Service) named(c *operation.Call, name string) (target, error) {
	r, err := c.Reader()
	if err != nil {
		return target{}, err
	}
	u, rev, err := findUser(c.Context, r, ownAccount(c), name)
	if err != nil {
		return target{}, err
	}
	if u != nil {
		c.RestOn(s.store.Stamp(r, userEntity(u.ID)))
	}
	return target{name: name, user: u, rev: rev}, nil
}

// namedOrCaller finds the user that a call names, or the caller where it names none.
func (s *Service) namedOrCaller(c *operation.Call, name optional.Of[string]) (target, error) {
	if name.Set {
		return s.named(c, name.V)
	}
	p := &c.Caller.Principal
	r, err := c.Reader()
	if err != nil {
		return target{}, err
	}
	switch p.Kind {
	case principal.User:
		u, rev, err := users.Get(c.Context, r, userKey(p.ID))
		if errors.Is(err, store.ErrNotFound) {
			return target{}, unrecognized() // deleted since the signature was verified
		}
		if err != nil {
			return target{}, fmt.Errorf("reading user %s: %w", p.ID, err)
		}
		c.RestOn(s.store.Stamp(r, userEntity(u.ID)))
		return target{name: u.Name, user: u, rev: rev}, nil
	case principal.Root:
		a, rev, err := getAccount(c.Context, r, p.Account)
		if err != nil {
			return target{}, err
		}
		c.RestOn(s.store.Stamp(r, accountEntity(a.ID)))
		return target{root: a, rev: rev}, nil
	}
	return target{}, nameRequired()
}

// nameRequired refuses a call that must name a user, as its caller is none.
func nameRequired() error {
	return fault.New(fault.Validation, "Must specify userName when calling with non-User credentials")
}

// ask is one permission on t.
func (t *target) ask(c *operation.Call, action string) authz.Ask {
	return t.askWith(c, action, &facts{})
}

// askWith is ask, with facts of the request. The path of a user that does not
// exist is not known; the plain one stands for it.
func (t *target) askWith(c *operation.Call, action string, f *facts) authz.Ask {
	switch {
	case t.root != nil:
		return ask(c, action, arn.Root(c.Partition, t.root.ID), f)
	case t.user != nil:
		f.resourceTags = t.user.Tags
		return ask(c, action, t.user.arn(c.Partition), f)
	}
	return ask(c, action, userARN(c.Partition, ownAccount(c), "/", t.name), f)
}

// askBounded is askWith where iam:PermissionsBoundary is the boundary that the user has.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
func (t *target) askBounded(c *operation.Call, action string, f *facts) authz.Ask {
	if t.user != nil && t.user.Boundary != nil {
		f.boundary = t.user.Boundary.ARN
	}
	return t.askWith(c, action, f)
}

// exists refuses a target that names nobody. It is asked after the decision.
func (t *target) exists() error {
	if t.user == nil && t.root == nil {
		return noSuchUser(t.name)
	}
	return nil
}

// id is the unique id of the user, empty for the root user.
func (t *target) id() string {
	if t.user != nil {
		return t.user.ID
	}
	return ""
}

// userName is absent for the root user, whose name is no name of a user.
func (t *target) userName() optional.Of[string] {
	if t.user != nil {
		return optional.Some(t.user.Name)
	}
	return optional.Of[string]{}
}

func (t *target) accessKeys() []string {
	if t.user != nil {
		return t.user.AccessKeys
	}
	return t.root.AccessKeys
}

// putAccessKeys writes the record of t with other access keys.
func (t *target) putAccessKeys(ctx context.Context, tx store.Txn, ids []string) error {
	if t.user != nil {
		u := *t.user
		u.AccessKeys = ids
		return putUser(ctx, tx, u, t.rev)
	}
	a := *t.root
	a.AccessKeys = ids
	if err := accounts.Put(ctx, tx, &a, t.rev); err != nil {
		return fmt.Errorf("writing account %s: %w", a.ID, err)
	}
	tx.Touch(accountEntity(a.ID))
	return nil
}

// require makes the transaction conflict where the record of t changes meanwhile.
func (t *target) require(tx store.Txn) {
	if t.user != nil {
		users.Require(tx, userKey(t.user.ID), t.rev)
		return
	}
	accounts.Require(tx, accountKey(t.root.ID), t.rev)
}
