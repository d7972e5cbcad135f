package organizations

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListPoliciesInput asks for the policies of a type.
type ListPoliciesInput struct {
	Filter     optional.Of[string] `aws:"Filter" audit:"filter"`
	NextToken  optional.Of[string] `aws:"NextToken"`
	MaxResults optional.Of[int]    `aws:"MaxResults" audit:"maxResults"`
}

// Validate checks the limits of the public API.
func (in *ListPoliciesInput) Validate(c *check.Checks) {
	checkType(c, in.Filter)
	in.page().validate(c)
	required(c, in.Filter.Set)
}

func (in *ListPoliciesInput) page() page { return page{token: in.NextToken, most: in.MaxResults} }

// ListPoliciesOutput is a page of the list.
type ListPoliciesOutput struct {
	Policies  []PolicySummary     `aws:"Policies"`
	NextToken optional.Of[string] `aws:"NextToken"`
}

// listPolicies implements ListPolicies. AWS's own policy comes first.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListPolicies.html
func (s *Service) listPolicies() operation.Operation {
	return operation.Use[ListPoliciesInput, ListPoliciesOutput, *seat, *ListPoliciesInput]{
		Name:    "ListPolicies",
		Actions: []string{prefix + "ListPolicies"},
		Subject: seated(s, func(in *ListPoliciesInput) about { return about{kind: in.Filter} }),
		Asks:    asks[ListPoliciesInput](prefix + "ListPolicies"),
		Run:     told(s.runListPolicies),
	}.Operation()
}

func (s *Service) runListPolicies(c *operation.Call, in *ListPoliciesInput, t *seat) (*ListPoliciesOutput, error) {
	kind := controlOf(in.Filter.V)
	after, err := s.after(c, in.Filter.V, in.page())
	if err != nil {
		return nil, err
	}
	found := paged[PolicySummary]{most: in.page().size()}
	if kind >= 0 && t.Features == allFeatures {
		own := &controls[kind].every
		if after == "" {
			found.add(own.ID, t.summary(c.Partition, own))
		} else if after == own.ID {
			after = ""
		}
		err = scan(c.Context, t.reader, policies, "organization", t.ID, after, policyID, func(p *controlPolicy) bool {
			return p.Type != kind || found.add(p.ID, t.summary(c.Partition, p))
		})
	}
	if err != nil {
		return nil, err
	}
	out := &ListPoliciesOutput{}
	out.Policies, out.NextToken = found.cut(s, c, in.Filter.V)
	return out, nil
}
