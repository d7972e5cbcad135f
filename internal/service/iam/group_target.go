package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
)

// A groupTarget is the group that a call names, which may not exist.
type groupTarget struct {
	name  string // as the call names the group
	group *group
	rev   store.Rev
}

// groupNamed finds the group that a call names. A group that does not exist is no
// error yet: whether the caller may know is decided first.
func (s *Service) groupNamed(c *operation.Call, name string) (groupTarget, error) {
	r, err := c.Reader()
	if err != nil {
		return groupTarget{}, err
	}
	g, rev, err := findGroup(c.Context, r, ownAccount(c), name)
	if err != nil {
		return groupTarget{}, err
	}
	if g != nil {
		c.RestOn(s.store.Stamp(r, groupEntity(g.ID)))
	}
	return groupTarget{name: name, group: g, rev: rev}, nil
}

// ask is one permission on t.
func (t *groupTarget) ask(c *operation.Call, action string) authz.Ask {
	return t.askWith(c, action, &facts{})
}

// askWith is ask, with facts of the request. The path of a group that does not
// exist is not known; the plain one stands for it. Groups have no tags.
func (t *groupTarget) askWith(c *operation.Call, action string, f *facts) authz.Ask {
	if t.group == nil {
		return ask(c, action, groupARN(c.Partition, ownAccount(c), "/", t.name), f)
	}
	return ask(c, action, t.group.arn(c.Partition), f)
}

// exists refuses a target that names nothing. It is asked after the decision.
func (t *groupTarget) exists() error {
	if t.group == nil {
		return noSuchGroup(t.name)
	}
	return nil
}

// A membership is a call about a user and a group.
type membership struct {
	user  target
	group groupTarget
}

func (s *Service) newMembership(c *operation.Call, user, group string) (m membership, err error) {
	if m.group, err = s.groupNamed(c, group); err != nil {
		return m, err
	}
	m.user, err = s.named(c, user)
	return m, err
}

// exists refuses a membership of nobody, or in nothing.
func (m *membership) exists() error {
	if err := m.group.exists(); err != nil {
		return err
	}
	return m.user.exists()
}
