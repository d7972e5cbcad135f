package iam

import (
	"cmp"
	"slices"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/pairs"
	"claviger/internal/words/principal"
)

// A source is a principal whose policies are simulated. The zero source has none.
type source struct {
	caller *authz.Caller
	ids    map[*policy.Policy]string // under which results show them
	place  *authz.Place
}

func (f *source) identity() []*policy.Policy {
	if f.caller == nil {
		return nil
	}
	return f.caller.Identity
}

func (f *source) boundary() []*policy.Policy {
	if f.caller == nil {
		return nil
	}
	return f.caller.Boundary
}

func (f *source) tags() pairs.Map {
	if f.caller == nil {
		return nil
	}
	return f.caller.Tags
}

// policySource returns the policies of the user, group or role that an ARN names, which
// must be of the caller's account.
func (s *Service) policySource(c *operation.Call, name string) (source, error) {
	a, ok := arn.Parse(name)
	kind, path, _ := strings.Cut(a.Resource, "/")
	last := path[strings.LastIndexByte(path, '/')+1:]
	switch {
	case !ok || a.Service != "iam" || a.Region != "" || last == "" || kind != "user" && kind != "role" && kind != "group":
		return source{}, invalidInput("Invalid Entity Arn: %s does not clearly define entity type and name.", name)
	case a.Account != ownAccount(c):
		return source{}, invalidInput("Invalid Policy Source Arn: caller's account %s does not have access to policies in account %s", ownAccount(c), a.Account)
	}
	var caller *authz.Caller
	var err error
	ids := make(map[*policy.Policy]string)
	switch kind {
	case "user":
		caller, err = s.userSource(c, last, ids)
	case "role":
		caller, err = s.roleSource(c, last)
	default:
		caller, err = s.groupSource(c, last)
	}
	if err != nil {
		return source{}, err
	}
	c.RestOn(caller.Stamps...)
	for _, p := range slices.Concat(caller.Identity, caller.Boundary) {
		if ids[p] == "" {
			ids[p] = shownID(kind, cmp.Or(caller.Principal.IssuerName, caller.Principal.Name, last), p.Name())
		}
	}
	return source{caller: caller, ids: ids, place: c.Caller.Place}, nil
}

// shownID is what AWS was seen to call policies: managed ones by their name, and
// inline ones as role_NAME_POLICY.
func shownID(kind, owner, policy string) string {
	if strings.HasPrefix(policy, "arn:") {
		return policy[strings.LastIndexByte(policy, '/')+1:]
	}
	return kind + "_" + owner + "_" + policy
}

// userSource returns a user. It puts into ids how the policies of its groups are shown.
func (s *Service) userSource(c *operation.Call, name string, ids map[*policy.Policy]string) (*authz.Caller, error) {
	t, err := s.named(c, name)
	if err != nil {
		return nil, err
	}
	if err := t.exists(); err != nil {
		return nil, err
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	all, err := groupsOf(c.Context, r, t.user)
	if err != nil {
		return nil, err
	}
	for _, g := range all {
		shared, err := s.sharedGroup(c.Context, r, g.ID)
		if err != nil {
			return nil, err
		}
		for _, p := range shared.policies {
			ids[p] = shownID("group", g.Name, p.Name())
		}
	}
	caller, _, err := s.userCaller(c.Context, r, t.user.ID, "")
	return caller, err
}

// groupSource returns somebody who has what a group has, and nothing else.
func (s *Service) groupSource(c *operation.Call, name string) (*authz.Caller, error) {
	t, err := s.groupNamed(c, name)
	if err != nil {
		return nil, err
	}
	if err := t.exists(); err != nil {
		return nil, err
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	shared, err := s.sharedGroup(c.Context, r, t.group.ID)
	if err != nil {
		return nil, err
	}
	p := principal.Principal{Kind: principal.User, Partition: c.Partition, Account: t.group.Account, ARN: t.group.arn(c.Partition)}
	return &authz.Caller{
		Principal: p,
		Policy:    policy.Caller{Kind: p.Kind, Partition: p.Partition, Account: p.Account, ARN: p.ARN},
		Identity:  shared.policies,
		Stamps:    shared.stamps,
		Require:   shared.require,
	}, nil
}

func (s *Service) roleSource(c *operation.Call, name string) (*authz.Caller, error) {
	t, err := s.roleNamed(c, name)
	if err != nil {
		return nil, err
	}
	if err := t.exists(); err != nil {
		return nil, err
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	return s.roleCaller(c.Context, r, t.role.ID)
}
