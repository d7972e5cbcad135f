package organizations

import (
	"fmt"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListPoliciesForTargetInput asks for the policies of a type that are attached to an entity itself.
type ListPoliciesForTargetInput struct {
	TargetID   optional.Of[string] `aws:"TargetId" audit:"targetId"`
	Filter     optional.Of[string] `aws:"Filter" audit:"filter"`
	NextToken  optional.Of[string] `aws:"NextToken"`
	MaxResults optional.Of[int]    `aws:"MaxResults" audit:"maxResults"`
}

// Validate checks the limits of the public API.
func (in *ListPoliciesForTargetInput) Validate(c *check.Checks) {
	checkTarget(c, in.TargetID)
	checkType(c, in.Filter)
	in.page().validate(c)
	required(c, in.TargetID.Set, in.Filter.Set)
}

func (in *ListPoliciesForTargetInput) page() page {
	return page{token: in.NextToken, most: in.MaxResults}
}

// ListPoliciesForTargetOutput is a page of the list.
type ListPoliciesForTargetOutput struct {
	Policies  []PolicySummary     `aws:"Policies"`
	NextToken optional.Of[string] `aws:"NextToken"`
}

// listPoliciesForTarget implements ListPoliciesForTarget. They are few: a page
// has room for all of them, whatever its size.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListPoliciesForTarget.html
func (s *Service) listPoliciesForTarget() operation.Operation {
	return operation.Use[ListPoliciesForTargetInput, ListPoliciesForTargetOutput, *seat, *ListPoliciesForTargetInput]{
		Name:    "ListPoliciesForTarget",
		Actions: []string{prefix + "ListPoliciesForTarget"},
		Subject: seated(s, func(in *ListPoliciesForTargetInput) about { return about{id: in.TargetID.V, kind: in.Filter} }),
		Asks:    asks[ListPoliciesForTargetInput](prefix + "ListPoliciesForTarget"),
		Run:     told(s.runListPoliciesForTarget),
	}.Operation()
}

func (s *Service) runListPoliciesForTarget(c *operation.Call, in *ListPoliciesForTargetInput, t *seat) (*ListPoliciesForTargetOutput, error) {
	if _, err := s.after(c, in.TargetID.V+in.Filter.V, in.page()); err != nil {
		return nil, err
	}
	e, err := t.entity(c, in.TargetID.V)
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, errNoTarget
	}
	out := &ListPoliciesForTargetOutput{Policies: []PolicySummary{}}
	kind := controlOf(in.Filter.V)
	if kind < 0 || !t.Types[kind].Enabled {
		return out, nil
	}
	for _, id := range t.attached(e.attached, kind) {
		p, _, err := t.policy(c.Context, t.reader, id)
		if err != nil {
			return nil, err
		}
		if p == nil {
			return nil, fmt.Errorf("policy %s of organization %s is attached and does not exist", id, t.ID)
		}
		out.Policies = append(out.Policies, t.summary(c.Partition, p))
	}
	return out, nil
}
