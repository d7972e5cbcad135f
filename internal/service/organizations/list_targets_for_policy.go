package organizations

import (
	"slices"
	"strings"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListTargetsForPolicyInput asks for the entities to which a policy is attached.
type ListTargetsForPolicyInput struct {
	PolicyID   optional.Of[string] `aws:"PolicyId" audit:"policyId"`
	NextToken  optional.Of[string] `aws:"NextToken"`
	MaxResults optional.Of[int]    `aws:"MaxResults" audit:"maxResults"`
}

// Validate checks the limits of the public API.
func (in *ListTargetsForPolicyInput) Validate(c *check.Checks) {
	checkPolicy(c, in.PolicyID)
	in.page().validate(c)
	required(c, in.PolicyID.Set)
}

func (in *ListTargetsForPolicyInput) page() page {
	return page{token: in.NextToken, most: in.MaxResults}
}

// ListTargetsForPolicyOutput is a page of the list.
type ListTargetsForPolicyOutput struct {
	Targets   []PolicyTargetSummary `aws:"Targets"`
	NextToken optional.Of[string]   `aws:"NextToken"`
}

// listTargetsForPolicy implements ListTargetsForPolicy.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListTargetsForPolicy.html
func (s *Service) listTargetsForPolicy() operation.Operation {
	return operation.Use[ListTargetsForPolicyInput, ListTargetsForPolicyOutput, *seat, *ListTargetsForPolicyInput]{
		Name:    "ListTargetsForPolicy",
		Actions: []string{prefix + "ListTargetsForPolicy"},
		Subject: seated(s, func(in *ListTargetsForPolicyInput) about { return about{id: in.PolicyID.V} }),
		Asks:    asks[ListTargetsForPolicyInput](prefix + "ListTargetsForPolicy"),
		Run:     told(s.runListTargetsForPolicy),
	}.Operation()
}

func (s *Service) runListTargetsForPolicy(c *operation.Call, in *ListTargetsForPolicyInput, t *seat) (*ListTargetsForPolicyOutput, error) {
	p, _, err := t.policy(c.Context, t.reader, in.PolicyID.V)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, errNoPolicy
	}
	after, err := s.after(c, p.ID, in.page())
	if err != nil {
		return nil, err
	}
	found := paged[PolicyTargetSummary]{most: in.page().size()}
	if t.Types[p.Type].Enabled && (p.managed() || t.targets(p) > 0) {
		err = t.attachedTo(c, p, after, &found)
	}
	if err != nil {
		return nil, err
	}
	out := &ListTargetsForPolicyOutput{}
	out.Targets, out.NextToken = found.cut(s, c, p.ID)
	return out, nil
}

// attachedTo finds the entities to which a policy is attached: units first, then
// accounts, each in the order of their ids.
func (t *seat) attachedTo(c *operation.Call, p *controlPolicy, after string, found *paged[PolicyTargetSummary]) error {
	has := func(a *attachments) bool { return slices.Contains(t.attached(a, p.Type), p.ID) }
	if strings.Contains(after, "-") || after == "" {
		full := false
		err := scan(c.Context, t.reader, units, "organization", t.ID, after, func(u *unit) string { return u.ID }, func(u *unit) bool {
			full = has(&u.Attached) && !found.add(u.ID, t.targetUnit(c.Partition, u))
			return !full
		})
		if err != nil || full {
			return err
		}
		after = ""
	}
	return scan(c.Context, t.reader, members, "organization", t.ID, after, memberID, func(m *member) bool {
		return !has(&m.Attached) || found.add(m.Account, t.targetMember(c.Partition, m))
	})
}
