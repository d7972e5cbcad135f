package organizations

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
)

// Bounds of what is kept in memory.
const (
	placesMax   = 1 << 14
	compiledMax = 1 << 12
)

// places keeps where accounts stand while that is current.
type places struct {
	mu   sync.RWMutex
	kept map[string]*authz.Place
}

func (p *places) get(account string) *authz.Place {
	p.mu.RLock()
	known := p.kept[account]
	p.mu.RUnlock()
	if known == nil {
		return nil
	}
	for i := range known.Stamps {
		if !known.Stamps[i].Current() {
			return nil
		}
	}
	return known
}

func (p *places) keep(account string, place *authz.Place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = room(p.kept, placesMax)
	p.kept[account] = place
}

// room returns m with room for another entry: one at random makes place.
func room[K comparable, V any](m map[K]V, most int) map[K]V {
	if m == nil {
		return make(map[K]V)
	}
	if len(m) >= most {
		for k := range m { // the order of a map is random
			delete(m, k)
			break
		}
	}
	return m
}

// compiled keeps compiled policies by the revision of their row, which is never
// that of another document.
type compiled struct {
	mu   sync.Mutex
	kept map[edition]*policy.Policy
}

type edition struct {
	id  string
	rev store.Rev
}

// Place returns where an account stands in its organization, as it is now or
// later. Whatever of it can't be read is an error: there may be a policy in it
// that denies.
func (s *Service) Place(ctx context.Context, account string) (*authz.Place, error) {
	if known := s.places.get(account); known != nil {
		return known, nil
	}
	// Rows that are glanced at need not fit together. All changes of an
	// organization touch it: if they don't, the stamps have ended.
	r := s.store.Glance()
	p := &authz.Place{Stamps: []store.Stamp{s.store.Stamp(r, memberEntity(account))}}
	m, err := s.accounts.Membership(ctx, r, account)
	if errors.Is(err, store.ErrNotFound) {
		return p, nil // and not kept: anybody can name accounts that don't exist
	}
	if err != nil {
		return nil, err
	}
	if m.Organization == "" {
		p.Require = func(tx store.Txn) { members.Require(tx, idKey(account), 0) }
	} else if err := s.find(ctx, r, p, account, m.Organization); err != nil {
		return nil, err
	}
	s.places.keep(account, p)
	return p, nil
}

// find fills p for a member of an organization.
func (s *Service) find(ctx context.Context, r store.Reader, p *authz.Place, account, id string) error {
	p.Stamps = append(p.Stamps, s.store.Stamp(r, organizationEntity(id)))
	o, rev, err := organizations.Get(ctx, r, idKey(id))
	if err != nil {
		return fmt.Errorf("reading organization %s of account %s: %w", id, account, err)
	}
	p.Require = func(tx store.Txn) { organizations.Require(tx, idKey(id), rev) }
	m, _, err := o.member(ctx, r, account)
	if err != nil {
		return err
	}
	if m == nil {
		return fmt.Errorf("account %s is not among those of its organization %s", account, id)
	}
	line, err := o.lineage(ctx, r, m.Parent)
	if err != nil {
		return err
	}
	p.Organization, p.Paths, p.Closed = o.ID, []string{o.path(line)}, m.State != stateActive
	if account == o.Management {
		return nil // no policy of the organization limits it
	}
	entities := make([]*attachments, 0, len(line)+1)
	for _, u := range line {
		entities = append(entities, &u.Attached)
	}
	entities = append(entities, &m.Attached)
	if p.Service, err = s.levels(ctx, r, o, entities, 0); err != nil {
		return err
	}
	p.Control, err = s.levels(ctx, r, o, entities, resourceControl)
	return err
}

// levels returns the policies of a type over an account, by level. A level that
// has only AWS's own policy allows everything, and is left out. So is that policy
// among resource control policies, of which only a Deny matters.
func (s *Service) levels(ctx context.Context, r store.Reader, o *organization, entities []*attachments, kind int) ([][]*policy.Policy, error) {
	if !o.Types[kind].Enabled {
		return nil, nil
	}
	var levels [][]*policy.Policy
	for _, a := range entities {
		ids := o.attached(a, kind)
		if len(ids) == 1 && ids[0] == controls[kind].every.ID {
			continue
		}
		level := make([]*policy.Policy, 0, len(ids))
		for _, id := range ids {
			p, rev, err := o.policy(ctx, r, id)
			if err != nil {
				return nil, err
			}
			if p == nil || p.Type != kind {
				return nil, fmt.Errorf("policy %s of organization %s is attached and does not exist", id, o.ID)
			}
			if p.managed() && kind == resourceControl {
				continue
			}
			document, err := s.compile(o, p, rev)
			if err != nil {
				return nil, err
			}
			level = append(level, document)
		}
		levels = append(levels, level)
	}
	return levels, nil
}

// compile returns a policy for decisions.
func (s *Service) compile(o *organization, p *controlPolicy, rev store.Rev) (*policy.Policy, error) {
	s.compiled.mu.Lock()
	defer s.compiled.mu.Unlock()
	if known := s.compiled.kept[edition{p.ID, rev}]; known != nil {
		return known, nil
	}
	document, err := policy.Compile(controls[p.Type].kind, o.policyARN(s.partition, p), []byte(p.Content), nil)
	if err != nil {
		return nil, fmt.Errorf("compiling policy %s of organization %s: %w", p.ID, o.ID, err)
	}
	s.compiled.kept = room(s.compiled.kept, compiledMax)
	s.compiled.kept[edition{p.ID, rev}] = document
	return document, nil
}
