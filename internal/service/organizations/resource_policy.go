package organizations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/pairs"
)

// A resourcePolicy is that of an organization: it lets members do some of what
// the management account does. It is a row of its own, which only lets in.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_delegate_policies.html
type resourcePolicy struct {
	ID           string    `json:"id"` // rp-…
	Organization string    `json:"organization"`
	Management   string    `json:"management"`
	Content      string    `json:"content"`
	Tags         pairs.Map `json:"tags,omitempty"`

	// Bound holds the unique ids that the users and roles named in Content had
	// when it was written.
	Bound map[string]string `json:"bound,omitempty"`
}

var resourcePolicies = &store.Table[resourcePolicy]{
	Schema:  driver.Schema{Name: "organizations_resource_policy", PrimaryKey: []driver.Column{{Name: "organization"}}},
	Version: 1,
	Key:     func(p *resourcePolicy) store.Key { return idKey(p.Organization) },
	Account: func(p *resourcePolicy) string { return p.Management },
}

// lendable are the operations that a resource policy can let members call.
var lendable = []string{
	"AttachPolicy", "CreatePolicy", "DeletePolicy", "DescribeAccount", "DescribeCreateAccountStatus", "DescribeEffectivePolicy",
	"DescribeOrganization", "DescribeOrganizationalUnit", "DescribePolicy", "DescribeResourcePolicy", "DetachPolicy", "DisablePolicyType",
	"EnablePolicyType", "ListAWSServiceAccessForOrganization", "ListAccounts", "ListAccountsForParent", "ListChildren",
	"ListCreateAccountStatus", "ListDelegatedAdministrators", "ListDelegatedServicesForAccount", "ListHandshakesForOrganization",
	"ListOrganizationalUnitsForParent", "ListParents", "ListPolicies", "ListPoliciesForTarget", "ListRoots", "ListTagsForResource",
	"ListTargetsForPolicy", "TagResource", "UntagResource", "UpdatePolicy",
}

// resourcePolicy returns the policy of the organization, nil where it has none.
func (o *organization) resourcePolicy(ctx context.Context, r store.Reader) (*resourcePolicy, store.Rev, error) {
	p, rev, err := resourcePolicies.Get(ctx, r, idKey(o.ID))
	if errors.Is(err, store.ErrNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading the resource policy of organization %s: %w", o.ID, err)
	}
	return p, rev, nil
}

// lent reports whether the organization's resource policy lets a member do what
// the management account may, as the member's own policies must, too.
func (t *seat) lent(c *operation.Call) (bool, error) {
	if !slices.Contains(lendable, c.Operation) {
		return false, nil
	}
	p, _, err := t.resourcePolicy(c.Context, t.reader)
	if err != nil || p == nil {
		return false, err
	}
	bound := p.Bound
	if bound == nil { // to the compiler, nil would mean that names need not be bound
		bound = map[string]string{}
	}
	compiled, err := policy.Compile(policy.Resource, p.ID, []byte(p.Content), bound)
	if err != nil {
		return false, fmt.Errorf("compiling the resource policy of organization %s: %w", t.ID, err)
	}
	var judge authz.Judge
	for _, ask := range t.needs(c, prefix+c.Operation, nil) {
		ask.Account, ask.CrossAccount, ask.Policy = t.Management, true, compiled
		ask.Place = &authz.Place{Organization: t.ID}
		if judge.Allow(c.Facts, c.Caller, &ask) != nil {
			return false, nil
		}
	}
	return true, nil
}

var (
	errResourcePolicy    = invalid("INVALID_RESOURCE_POLICY_JSON", "You specified a resource policy that is not valid.")
	errResourcePrincipal = invalid("INVALID_PRINCIPAL", "You specified an invalid principal element in the policy.")
	errResourceAction    = invalid("UNSUPPORTED_ACTION_IN_RESOURCE_POLICY", "You specified an action that is not supported in a resource policy.")
)

// check refuses a resource policy that is malformed, names nobody, or lets
// members do what can't be lent. It returns the unique ids of whom it names.
func (s *Service) check(ctx context.Context, r store.Reader, partition, content string) (map[string]string, error) {
	p, err := policy.Compile(policy.Resource, "", []byte(content), nil)
	if err != nil {
		return nil, errResourcePolicy
	}
	if !actionsLendable(content) {
		return nil, errResourceAction
	}
	bound := make(map[string]string)
	for _, named := range p.Principals() {
		a, ok := arn.Parse(named.Name)
		switch {
		case named.Type != "AWS":
			return nil, errResourcePrincipal
		case arn.IsAccount(named.Name):
			continue
		case !ok || a.Partition != partition:
			return nil, errResourcePrincipal
		case a.Resource == "root":
			continue
		}
		id, exists, err := s.accounts.Principal(ctx, r, named.Name)
		if err != nil {
			return nil, fmt.Errorf("resolving principal %s: %w", named.Name, err)
		}
		if !exists {
			return nil, errResourcePrincipal
		}
		if id != "" {
			bound[named.Name] = id
		}
	}
	return bound, nil
}

// actionsLendable reports whether every action of a well-formed document is one
// that can be lent, or a pattern of ours: what it covers beyond those counts nothing.
func actionsLendable(content string) bool {
	type statement struct{ Action, NotAction any }
	var one struct{ Statement statement }
	var many struct{ Statement []statement }
	if json.Unmarshal([]byte(content), &one) == nil {
		many.Statement = []statement{one.Statement}
	} else if json.Unmarshal([]byte(content), &many) != nil {
		return false
	}
	for _, s := range many.Statement {
		list, isList := s.Action.([]any)
		if !isList {
			list = []any{s.Action}
		}
		for _, action := range list {
			text, _ := action.(string)
			name, ours := strings.CutPrefix(policy.Fold(text), prefix)
			known := slices.ContainsFunc(lendable, func(l string) bool { return strings.EqualFold(l, name) })
			if s.NotAction != nil || !ours || !known && !strings.ContainsAny(name, "*?") {
				return false
			}
		}
	}
	return true
}

// A ResourcePolicySummary names the resource policy of an organization.
type ResourcePolicySummary struct {
	ID  string `aws:"Id" audit:"id"`
	ARN string `aws:"Arn" audit:"arn"`
}

// A ResourcePolicy as outputs show it.
type ResourcePolicy struct {
	ResourcePolicySummary ResourcePolicySummary `aws:"ResourcePolicySummary" audit:"resourcePolicySummary"`
	Content               string                `aws:"Content" audit:"content"`
}

func (o *organization) shownResourcePolicy(partition string, p *resourcePolicy) ResourcePolicy {
	return ResourcePolicy{ResourcePolicySummary: ResourcePolicySummary{ID: p.ID, ARN: o.arn(partition, "resourcepolicy", p.ID)}, Content: p.Content}
}
