package organizations

import (
	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// about is what a call is about, as its decision sees it.
type about struct {
	id      string // of an account, a unit, a root or a policy; empty where there is none
	tags    []Tag
	tagKeys []string
	kind    optional.Of[string] // type of policies
	service optional.Of[string] // principal of a service
}

// A seat is where the caller of an operation sits: in an organization, in its
// management account or not.
type seat struct {
	*organization // nil where the caller's account is in none
	rev           store.Rev
	reader        store.Reader
	facts         facts
	resource      string // ARN of what the call is about, or "*"
}

func (s *Service) seat(c *operation.Call, a about) (*seat, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	t := &seat{reader: r, resource: "*"}
	if account := c.Caller.Principal.Account; account != "" {
		if t.organization, t.rev, err = s.ofAccount(c.Context, r, account); err != nil {
			return nil, err
		}
	}
	t.facts.requestTags = tagMap(a.tags)
	t.facts.tagKeys = append(t.facts.requestTags.Keys(), a.tagKeys...)
	t.facts.policyType, t.facts.service = a.kind.V, a.service.V
	if t.organization == nil || a.id == "" {
		return t, nil
	}
	return t, t.find(c, a.id)
}

// find names what a call is about, and finds its tags. What does not exist has
// none: whoever may not know is refused before that is told.
func (t *seat) find(c *operation.Call, id string) error {
	e, err := t.entity(c, id)
	if err != nil || e == nil {
		return err
	}
	t.resource, t.facts.resourceTags = e.arn, *e.tags
	if e.policy != nil {
		t.facts.policyType = controls[e.policy.Type].name
	}
	return nil
}

// managing refuses whoever is not of the management account, unless the resource
// policy of the organization lets a member call the operation.
func (t *seat) managing(c *operation.Call) error {
	switch {
	case t.organization == nil:
		return errNotInUse
	case t.Management == c.Caller.Principal.Account:
		return nil
	}
	lent, err := t.lent(c)
	if err == nil && !lent {
		return errDenied
	}
	return err
}

// reading is managing for what members may do as well that administer a service
// for the organization.
func (t *seat) reading(c *operation.Call) error {
	err := t.managing(c)
	if err != errDenied {
		return err
	}
	m, _, err := t.member(c.Context, t.reader, c.Caller.Principal.Account)
	if err != nil {
		return err
	}
	if m == nil || len(m.Delegations) == 0 {
		return errDenied
	}
	return nil
}

// ask is one permission. Callers act in their own account, as the organization
// has no resources that could let another one in.
func (t *seat) ask(c *operation.Call, action string) authz.Ask {
	return authz.Ask{
		Action:   action,
		Resource: t.resource,
		Account:  c.Caller.Principal.Account,
		Rule:     policy.Standard,
		Context:  &t.facts,
	}
}

// asks makes the Asks of an operation: its own action, and the leave to tag
// where it makes something with tags.
func asks[In any](action string) func(*operation.Call, *In, *seat, []authz.Ask) []authz.Ask {
	return func(c *operation.Call, _ *In, t *seat, asks []authz.Ask) []authz.Ask { return t.needs(c, action, asks) }
}

// needs appends the Asks of an operation.
func (t *seat) needs(c *operation.Call, action string, asks []authz.Ask) []authz.Ask {
	asks = append(asks, t.ask(c, action))
	if action != actionTag && len(t.facts.requestTags) > 0 {
		asks = append(asks, t.ask(c, actionTag))
	}
	return asks
}

const (
	prefix    = "organizations:"
	actionTag = prefix + "TagResource"
)

// seated makes the Subject of an operation.
func seated[In any](s *Service, subject func(*In) about) func(*operation.Call, *In) (*seat, error) {
	return func(c *operation.Call, in *In) (*seat, error) { return s.seat(c, subject(in)) }
}

// managed makes the Run of an operation by which the management account changes
// its organization. The organization's record is written with every such change.
func managed[In, Out any](run func(*operation.Call, store.Txn, *In, *seat) (*Out, error)) func(*operation.Call, store.Txn, *In, *seat) (*Out, error) {
	return func(c *operation.Call, tx store.Txn, in *In, t *seat) (*Out, error) {
		if err := t.managing(c); err != nil {
			return nil, err
		}
		out, err := run(c, tx, in, t)
		if err != nil {
			return nil, err
		}
		return out, t.put(c.Context, tx, t.rev)
	}
}

// told makes the Run of an operation by which the management account reads, or
// a delegated administrator.
func told[In, Out any](run func(*operation.Call, *In, *seat) (*Out, error)) func(*operation.Call, *In, *seat) (*Out, error) {
	return func(c *operation.Call, in *In, t *seat) (*Out, error) {
		if err := t.reading(c); err != nil {
			return nil, err
		}
		return run(c, in, t)
	}
}

// facts answer for the condition keys of Organizations.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html
type facts struct {
	requestTags  pairs.Map
	tagKeys      []string
	resourceTags pairs.Map
	policyType   string
	service      string
}

// Lookup implements policy.Context.
func (f *facts) Lookup(k *policy.Key) policy.Values {
	switch {
	case k.Name == "organizations:policytype":
		return policy.Text(f.policyType)
	case k.Name == "organizations:serviceprincipal":
		return policy.Text(f.service)
	case k.Name == "aws:tagkeys":
		return policy.Texts(f.tagKeys)
	case k.Prefix == "aws:requesttag/":
		return policy.Named(f.requestTags, k.Suffix)
	case k.Prefix == "aws:resourcetag/":
		return policy.Named(f.resourceTags, k.Suffix)
	}
	return policy.Values{}
}
