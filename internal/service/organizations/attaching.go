package organizations

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
)

// attaching is what a call is about that attaches or detaches a policy: leave is
// needed for the policy and for its target.
type attaching struct {
	*seat          // as the policy sees it
	target   *seat // as the target does
	policyID string
	targetID string
}

func (s *Service) attaching(c *operation.Call, policyID, targetID string) (*attaching, error) {
	t := &attaching{policyID: policyID, targetID: targetID}
	var err error
	if t.seat, err = s.seat(c, about{id: policyID}); err != nil {
		return nil, err
	}
	if t.target, err = s.seat(c, about{id: targetID}); err != nil {
		return nil, err
	}
	t.target.facts.policyType = t.facts.policyType
	return t, nil
}

// asksToAttach makes the Asks of such an operation.
func asksToAttach[In any](action string) func(*operation.Call, *In, *attaching, []authz.Ask) []authz.Ask {
	return func(c *operation.Call, _ *In, t *attaching, asks []authz.Ask) []authz.Ask {
		return append(asks, t.ask(c, action), t.target.ask(c, action))
	}
}

// found returns the policy and the entity, for the management account.
func (t *attaching) found(c *operation.Call) (*controlPolicy, *entity, error) {
	for _, side := range []*seat{t.seat, t.target} {
		if err := side.managing(c); err != nil {
			return nil, nil, err
		}
	}
	p, _, err := t.policy(c.Context, t.reader, t.policyID)
	if err != nil {
		return nil, nil, err
	}
	if p == nil {
		return nil, nil, errNoPolicy
	}
	e, err := t.entity(c, t.targetID)
	switch {
	case err != nil:
		return nil, nil, err
	case e == nil:
		return nil, nil, errNoTarget
	case !t.Types[p.Type].Enabled:
		return nil, nil, errTypeNotEnabled
	}
	return p, e, nil
}
