package iam

import (
	"regexp"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// ListPoliciesGrantingServiceAccessInput asks by which policies a user, group or role may do
// something in services.
type ListPoliciesGrantingServiceAccessInput struct {
	Marker            optional.Of[string] `aws:"Marker" audit:"marker"`
	ARN               optional.Of[string] `aws:"Arn" audit:"arn"`
	ServiceNamespaces []string            `aws:"ServiceNamespaces" audit:"serviceNamespaces"`
}

const namespaceShown = `[\w-]*`

var namespacePattern = regexp.MustCompile(`^[0-9A-Za-z_-]*$`)

// Validate checks the limits of the public API.
func (in *ListPoliciesGrantingServiceAccessInput) Validate(c *check.Checks) {
	c.HideValues()
	c.Length("marker", in.Marker, 1, markerMax)
	c.Pattern("marker", in.Marker, markerPattern, markerShown)
	if c.Required("arn", in.ARN.Set) {
		c.Length("arn", in.ARN, arnMin, arnMax)
	}
	if c.Required("serviceNamespaces", in.ServiceNamespaces != nil) {
		c.Items("serviceNamespaces", true, len(in.ServiceNamespaces), 1, 200)
		c.Each("serviceNamespaces", in.ServiceNamespaces, 1, 64, namespacePattern, namespaceShown)
	}
}

// ListPoliciesGrantingServiceAccessOutput has an entry for each service, in the order of the
// request. It is the only page.
type ListPoliciesGrantingServiceAccessOutput struct {
	PoliciesGrantingServiceAccess []ListPoliciesGrantingServiceAccessEntry `aws:"PoliciesGrantingServiceAccess"`
	IsTruncated                   bool                                     `aws:"IsTruncated"`
	Marker                        optional.Of[string]                      `aws:"Marker"`
}

// ListPoliciesGrantingServiceAccessEntry has the policies that allow something in a service.
type ListPoliciesGrantingServiceAccessEntry struct {
	ServiceNamespace string                        `aws:"ServiceNamespace"`
	Policies         []PolicyGrantingServiceAccess `aws:"Policies"`
}

// PolicyGrantingServiceAccess is a managed policy by its ARN, or an inline policy with its owner.
type PolicyGrantingServiceAccess struct {
	PolicyName string              `aws:"PolicyName"`
	PolicyType string              `aws:"PolicyType"`
	PolicyARN  optional.Of[string] `aws:"PolicyArn"`
	EntityType optional.Of[string] `aws:"EntityType"`
	EntityName optional.Of[string] `aws:"EntityName"`
}

// listPoliciesGrantingServiceAccess implements ListPoliciesGrantingServiceAccess. A policy allows something
// in a service where an Allow covers an action of it: resources, conditions, denials and boundaries
// are not looked at.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPoliciesGrantingServiceAccess.html
func (s *Service) listPoliciesGrantingServiceAccess() operation.Operation {
	return operation.Use[ListPoliciesGrantingServiceAccessInput, ListPoliciesGrantingServiceAccessOutput, *endowed, *ListPoliciesGrantingServiceAccessInput]{
		Name:    "ListPoliciesGrantingServiceAccess",
		Actions: []string{"iam:ListPoliciesGrantingServiceAccess"},
		Subject: func(c *operation.Call, in *ListPoliciesGrantingServiceAccessInput) (*endowed, error) {
			return s.endowedAt(c, in.ARN.V)
		},
		Asks: func(c *operation.Call, in *ListPoliciesGrantingServiceAccessInput, e *endowed, asks []authz.Ask) []authz.Ask {
			a := ask(c, "iam:ListPoliciesGrantingServiceAccess", in.ARN.V, &facts{})
			a.Account = e.account
			return append(asks, a)
		},
		Run: s.runListPoliciesGrantingServiceAccess,
	}.Operation()
}

func (s *Service) runListPoliciesGrantingServiceAccess(c *operation.Call, in *ListPoliciesGrantingServiceAccessInput, e *endowed) (*ListPoliciesGrantingServiceAccessOutput, error) {
	if e.missing != nil {
		return nil, e.missing
	}
	if in.Marker.Set { // a page that is the only one has none
		return nil, fault.New(fault.Validation, "Invalid Marker.")
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	granting, err := s.granting(c, r, e)
	if err != nil {
		return nil, err
	}
	out := &ListPoliciesGrantingServiceAccessOutput{PoliciesGrantingServiceAccess: make([]ListPoliciesGrantingServiceAccessEntry, len(in.ServiceNamespaces))}
	for i, service := range in.ServiceNamespaces {
		entry := ListPoliciesGrantingServiceAccessEntry{ServiceNamespace: service, Policies: []PolicyGrantingServiceAccess{}}
		for _, g := range granting {
			if allowsIn(g.outline, service) {
				entry.Policies = append(entry.Policies, g.shown)
			}
		}
		out.PoliciesGrantingServiceAccess[i] = entry
	}
	return out, nil
}

// An endowed is the user, group or role that a call names by its ARN, and the groups of a user.
type endowed struct {
	account string
	missing error // what to answer where there is nobody of that name
	owners  []owner
}

// An owner is a user, group or role with what its own record says of its policies.
type owner struct {
	kind, name string
	holding    holding
}

// endowedAt finds who has an ARN. Whether the caller may know that there is nobody is
// decided first.
func (s *Service) endowedAt(c *operation.Call, name string) (*endowed, error) {
	a, ok := arn.Parse(name)
	kind, path, _ := strings.Cut(a.Resource, "/")
	last := path[strings.LastIndexByte(path, '/')+1:]
	if !ok || a.Partition != s.partition || a.Service != "iam" || a.Region != "" || !arn.IsAccount(a.Account) || last == "" || kind != "user" && kind != "group" && kind != "role" {
		return nil, fault.New(InvalidInput, "ARN %s is not valid.", name)
	}
	e := &endowed{account: a.Account}
	if a.Account != ownAccount(c) {
		return e, nil // nobody is let in from elsewhere
	}
	var err error
	switch kind {
	case "user":
		err = e.user(s, c, name, last)
	case "group":
		t, failed := s.groupNamed(c, last)
		if err = failed; t.group == nil || t.group.arn(s.partition) != name {
			e.missing = noSuchGroup(last)
		} else {
			e.group(t.group)
		}
	case "role":
		t, failed := s.roleNamed(c, last)
		if err = failed; t.role == nil || t.role.arn(s.partition) != name {
			e.missing = noSuchRole(last)
		} else {
			e.owners = []owner{{"ROLE", t.role.Name, t.role.holding()}}
		}
	}
	return e, err
}

func (e *endowed) user(s *Service, c *operation.Call, name, last string) error {
	t, err := s.named(c, last)
	if err != nil {
		return err
	}
	if t.user == nil || t.user.arn(s.partition) != name {
		e.missing = noSuchUser(last)
		return nil
	}
	r, err := c.Reader()
	if err != nil {
		return err
	}
	e.owners = []owner{{"USER", t.user.Name, t.user.holding()}}
	all, err := groupsOf(c.Context, r, t.user)
	for _, g := range all {
		e.group(g)
	}
	return err
}

func (e *endowed) group(g *group) { e.owners = append(e.owners, owner{"GROUP", g.Name, g.holding()}) }

// A grantingPolicy is a policy as the output would show it.
type grantingPolicy struct {
	outline *policy.Outline
	shown   PolicyGrantingServiceAccess
}

// granting lists the policies of e, each managed one once.
func (s *Service) granting(c *operation.Call, r store.Reader, e *endowed) (list []grantingPolicy, err error) {
	seen := make(map[string]bool)
	for _, o := range e.owners {
		inline, err := compileInline(o.holding.inline, o.holding.owner)
		if err != nil {
			return nil, err
		}
		for _, p := range inline {
			shown := PolicyGrantingServiceAccess{PolicyName: p.Name(), PolicyType: "INLINE", EntityType: optional.Some(o.kind), EntityName: optional.Some(o.name)}
			list = append(list, grantingPolicy{p.Outline(), shown})
		}
		for _, a := range o.holding.attached {
			if seen[a.ID] {
				continue
			}
			seen[a.ID] = true
			p, err := s.attachedPolicy(c.Context, r, o.holding.owner, a.ID)
			if err != nil {
				return nil, err
			}
			c.RestOn(p.stamps...)
			shown := PolicyGrantingServiceAccess{PolicyName: a.name(), PolicyType: "MANAGED", PolicyARN: optional.Some(a.ARN)}
			list = append(list, grantingPolicy{p.policies[0].Outline(), shown})
		}
	}
	return list, nil
}

// allowsIn reports whether an Allow of a document covers an action of a service.
func allowsIn(o *policy.Outline, service string) bool {
	for _, s := range o.Statements {
		if s.Deny {
			continue
		}
		some, all := false, false // actions of the service that the entries name
		for _, v := range s.Action.Values {
			vendor, name, colon := strings.Cut(v, ":")
			if v == "*" || vendor == "*" || colon && strings.EqualFold(vendor, service) {
				some = true
				all = all || v == "*" || strings.Trim(name, "*") == ""
			}
		}
		if s.Action.Negated && !all || !s.Action.Negated && some {
			return true
		}
	}
	return false
}
