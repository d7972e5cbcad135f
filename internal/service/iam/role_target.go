package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
)

// A roleTarget is the role that a call names, which may not exist.
type roleTarget struct {
	name string // as the call names the role
	role *role
	rev  store.Rev
}

// roleNamed finds the role that a call names. A role that does not exist is no
// error yet: whether the caller may know is decided first.
func (s *Service) roleNamed(c *operation.Call, name string) (roleTarget, error) {
	r, err := c.Reader()
	if err != nil {
		return roleTarget{}, err
	}
	o, rev, err := findRole(c.Context, r, ownAccount(c), name)
	if err != nil {
		return roleTarget{}, err
	}
	if o != nil {
		c.RestOn(s.store.Stamp(r, roleEntity(o.ID)))
	}
	return roleTarget{name: name, role: o, rev: rev}, nil
}

// ask is one permission on t.
func (t *roleTarget) ask(c *operation.Call, action string) authz.Ask {
	return t.askWith(c, action, &facts{})
}

// askWith is ask, with facts of the request. The path of a role that does not
// exist is not known; the plain one stands for it.
func (t *roleTarget) askWith(c *operation.Call, action string, f *facts) authz.Ask {
	if t.role == nil {
		return ask(c, action, roleARN(c.Partition, ownAccount(c), "/", t.name), f)
	}
	f.resourceTags = t.role.Tags
	return ask(c, action, t.role.arn(c.Partition), f)
}

// askBounded is askWith where iam:PermissionsBoundary is the boundary that the role has.
func (t *roleTarget) askBounded(c *operation.Call, action string, f *facts) authz.Ask {
	if t.role != nil && t.role.Boundary != nil {
		f.boundary = t.role.Boundary.ARN
	}
	return t.askWith(c, action, f)
}

// exists refuses a target that names nobody. It is asked after the decision.
func (t *roleTarget) exists() error {
	if t.role == nil {
		return noSuchRole(t.name)
	}
	return nil
}
