package iam

import (
	"strconv"
	"strings"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListPoliciesInput asks for a page of managed policies.
type ListPoliciesInput struct {
	Scope             optional.Of[string] `aws:"Scope" audit:"scope"`
	OnlyAttached      optional.Of[bool]   `aws:"OnlyAttached" audit:"onlyAttached"`
	PathPrefix        optional.Of[string] `aws:"PathPrefix" audit:"pathPrefix"`
	PolicyUsageFilter optional.Of[string] `aws:"PolicyUsageFilter" audit:"policyUsageFilter"`
	Marker            optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems          optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Values of Scope and of PolicyUsageFilter.
const (
	scopeAll   = "All"
	scopeAWS   = "AWS"
	scopeLocal = "Local"

	asPermissions = "PermissionsPolicy"
	asBoundary    = "PermissionsBoundary"
)

// Validate checks the limits of the public API.
func (in *ListPoliciesInput) Validate(c *check.Checks) {
	c.HideValues()
	c.Enum("scope", in.Scope, scopeAll, scopeAWS, scopeLocal)
	checkPolicyPathPrefix(c, in.PathPrefix)
	c.Enum("policyUsageFilter", in.PolicyUsageFilter, asPermissions, asBoundary)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListPoliciesOutput is a page of managed policies without their descriptions
// and tags: those of the account in the order of their folded names, and then those of AWS.
type ListPoliciesOutput struct {
	Policies    []Policy            `aws:"Policies"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listPolicies implements ListPolicies.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html
func (s *Service) listPolicies() operation.Operation {
	return operation.Use[ListPoliciesInput, ListPoliciesOutput, struct{}, *ListPoliciesInput]{
		Name:    "ListPolicies",
		Actions: []string{"iam:ListPolicies"},
		Asks: func(c *operation.Call, in *ListPoliciesInput, _ struct{}, asks []authz.Ask) []authz.Ask {
			return append(asks, ask(c, "iam:ListPolicies", managedPolicyARN(c.Partition, ownAccount(c), in.PathPrefix.Or("/"), ""), &facts{}))
		},
		Run: s.runListPolicies,
	}.Operation()
}

func (s *Service) runListPolicies(c *operation.Call, in *ListPoliciesInput, _ struct{}) (*ListPoliciesOutput, error) {
	scope := in.Scope.Or(scopeAll)
	filter := []string{scope, in.PathPrefix.Or("/"), in.PolicyUsageFilter.V, strconv.FormatBool(in.OnlyAttached.V)}
	l := listOf(c, "ListPolicies", strings.Join(filter, "\x00"))
	after, err := s.after(l, in.Marker)
	if err != nil {
		return nil, err
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	uses, err := policyUsesOf(c.Context, r, ownAccount(c))
	if err != nil {
		return nil, err
	}
	p := &policyPage{c: c, uses: uses, in: in, at: progress{after: after, left: in.MaxItems.Or(maxItemsDefault)}, out: &ListPoliciesOutput{Policies: []Policy{}}}
	if after, ok := p.at.part("a"); ok && scope != scopeAWS {
		err := walk(c, managedPolicies, after, func(o *managedPolicy) (bool, error) { return p.add("a", o) })
		if err != nil {
			return nil, err
		}
	}
	if after, ok := p.at.part("b"); ok && scope != scopeLocal {
		if err := p.aws(after); err != nil {
			return nil, err
		}
	}
	if p.at.more {
		p.out.IsTruncated, p.out.Marker = true, s.marker(l, p.at.last)
	}
	return p.out, nil
}

// A policyPage is a page of managed policies in the making.
type policyPage struct {
	c    *operation.Call
	uses map[string]*policyUse // of the account
	in   *ListPoliciesInput
	at   progress
	out  *ListPoliciesOutput
}

// aws adds the policies that AWS manages and whose folded name is greater than after.
func (p *policyPage) aws(after string) error {
	for _, o := range awsPolicies().list {
		if fold(o.Name) <= after {
			continue
		}
		if more, err := p.add("b", &o.managedPolicy); !more || err != nil {
			return err
		}
	}
	return nil
}

// add adds a policy if the filters let it pass. It reports false where the page is full.
func (p *policyPage) add(letter string, o *managedPolicy) (bool, error) {
	if !strings.HasPrefix(o.Path, p.in.PathPrefix.Or("/")) {
		return true, nil
	}
	u := p.uses[o.ID]
	if u == nil {
		u = &policyUse{}
	}
	switch usage := p.in.PolicyUsageFilter.V; {
	case usage == asPermissions && u.Attachments == 0,
		usage == asBoundary && u.Boundaries == 0,
		p.in.OnlyAttached.V && u.Attachments == 0 && u.Boundaries == 0:
		return true, nil
	}
	fits := p.at.take(letter, o.Name)
	if fits {
		p.out.Policies = append(p.out.Policies, o.shown(p.c.Partition, u))
	}
	return fits, nil
}
