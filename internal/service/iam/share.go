package iam

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/pairs"
)

// A share is compiled policies that several principals have: those of a managed
// policy or of a group. It is immutable.
type share struct {
	policies []*policy.Policy
	stamps   []store.Stamp
	require  func(store.Txn) // nil where nothing can change
}

func (p *share) current() bool {
	for i := range p.stamps {
		if !p.stamps[i].Current() {
			return false
		}
	}
	return true
}

// sharesMax bounds what is kept compiled. A managed policy of the greatest size takes some tens of
// kilobytes; the principals that are kept themselves hold theirs.
const sharesMax = 1024

// shares keeps what was compiled by unique id, while its stamps are current. One
// policy is compiled once for all that have it. Only who reads a principal anew
// comes here: a lock does.
type shares struct {
	mu   sync.Mutex
	kept map[string]*share
}

// get returns what is kept of id, or nil.
func (s *shares) get(id string) *share {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.kept[id]
	if p == nil || p.current() {
		return p
	}
	delete(s.kept, id)
	return nil
}

// keep keeps what was just compiled.
func (s *shares) keep(id string, fresh *share) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil {
		s.kept = make(map[string]*share)
	}
	if len(s.kept) >= sharesMax {
		for other := range s.kept { // one at random, as the order of a map is
			delete(s.kept, other)
			break
		}
	}
	s.kept[id] = fresh
}

// shared returns what was compiled of id, or has it compiled. What a transaction
// reads may be its own, and is not kept.
func (s *Service) shared(r store.Reader, id string, compile func() (*share, error)) (*share, error) {
	if p := s.shares.get(id); p != nil {
		return p, nil
	}
	fresh, err := compile()
	if err != nil {
		return nil, err
	}
	if _, changing := r.(store.Txn); !changing {
		s.shares.keep(id, fresh)
	}
	return fresh, nil
}

// sharedPolicy returns the version of a managed policy that is in force. The error
// wraps store.ErrNotFound where there is no policy with that id.
func (s *Service) sharedPolicy(ctx context.Context, r store.Reader, id string) (*share, error) {
	if p := awsPolicies().byID[id]; p != nil {
		return p.compiled(p.arn(s.partition))
	}
	return s.shared(r, id, func() (*share, error) {
		p, rev, err := managedPolicies.Get(ctx, r, managedPolicyKey(id))
		if err != nil {
			return nil, fmt.Errorf("reading policy %s: %w", id, err)
		}
		text, err := p.document(ctx, r, p.Default)
		if err != nil {
			return nil, err
		}
		compiled, err := policy.Compile(policy.Identity, p.arn(s.partition), []byte(text), nil)
		if err != nil {
			return nil, fmt.Errorf("compiling version %d of policy %s: %w", p.Default, id, err)
		}
		return &share{
			policies: []*policy.Policy{compiled},
			stamps:   []store.Stamp{s.store.Stamp(r, managedPolicyEntity(id))},
			require:  func(tx store.Txn) { managedPolicies.Require(tx, managedPolicyKey(id), rev) },
		}, nil
	})
}

// attachedPolicy is sharedPolicy for a policy that a record names. One that is missing might
// deny: without it the owner of the record must not be judged.
func (s *Service) attachedPolicy(ctx context.Context, r store.Reader, owner, id string) (*share, error) {
	p, err := s.sharedPolicy(ctx, r, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("policy %s of %s is missing: %w", id, owner, store.ErrDamaged)
	}
	return p, err
}

// A holding is what the record of a user, group or role says of its policies.
type holding struct {
	owner    string // for errors
	inline   pairs.Map
	attached []attachment
	boundary *attachment
	groups   []string // unique ids
}

// endow gives a caller the policies that a record lists: the inline ones, then
// those attached, then those of groups; and the permissions boundary. The caller rests on each of them.
func (s *Service) endow(ctx context.Context, r store.Reader, caller *authz.Caller, h holding) error {
	inline, err := compileInline(h.inline, h.owner)
	if err != nil {
		return err
	}
	caller.Identity = append(caller.Identity, inline...)
	for i := range h.attached {
		p, err := s.attachedPolicy(ctx, r, h.owner, h.attached[i].ID)
		if err != nil {
			return err
		}
		caller.Identity = append(caller.Identity, p.policies...)
		rest(caller, &authz.Caller{Stamps: p.stamps, Require: p.require})
	}
	for _, id := range h.groups {
		g, err := s.sharedGroup(ctx, r, id)
		if err != nil {
			return err
		}
		caller.Identity = append(caller.Identity, g.policies...)
		rest(caller, &authz.Caller{Stamps: g.stamps, Require: g.require})
	}
	if h.boundary == nil {
		return nil
	}
	p, err := s.attachedPolicy(ctx, r, h.owner, h.boundary.ID)
	if err != nil {
		return err
	}
	caller.Boundary = p.policies
	rest(caller, &authz.Caller{Stamps: p.stamps, Require: p.require})
	return nil
}
