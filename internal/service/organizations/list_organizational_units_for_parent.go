package organizations

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListOrganizationalUnitsForParentInput asks for the units directly below a parent.
type ListOrganizationalUnitsForParentInput struct {
	ParentID   optional.Of[string] `aws:"ParentId" audit:"parentId"`
	NextToken  optional.Of[string] `aws:"NextToken"`
	MaxResults optional.Of[int]    `aws:"MaxResults" audit:"maxResults"`
}

// Validate checks the limits of the public API.
func (in *ListOrganizationalUnitsForParentInput) Validate(c *check.Checks) {
	checkParent(c, in.ParentID)
	in.page().validate(c)
	required(c, in.ParentID.Set)
}

func (in *ListOrganizationalUnitsForParentInput) page() page {
	return page{token: in.NextToken, most: in.MaxResults}
}

// ListOrganizationalUnitsForParentOutput is a page of the list.
type ListOrganizationalUnitsForParentOutput struct {
	OrganizationalUnits []OrganizationalUnit `aws:"OrganizationalUnits"`
	NextToken           optional.Of[string]  `aws:"NextToken"`
}

// listOrganizationalUnitsForParent implements ListOrganizationalUnitsForParent.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListOrganizationalUnitsForParent.html
func (s *Service) listOrganizationalUnitsForParent() operation.Operation {
	return operation.Use[ListOrganizationalUnitsForParentInput, ListOrganizationalUnitsForParentOutput, *seat, *ListOrganizationalUnitsForParentInput]{
		Name:    "ListOrganizationalUnitsForParent",
		Actions: []string{prefix + "ListOrganizationalUnitsForParent"},
		Subject: seated(s, func(in *ListOrganizationalUnitsForParentInput) about { return about{id: in.ParentID.V} }),
		Asks:    asks[ListOrganizationalUnitsForParentInput](prefix + "ListOrganizationalUnitsForParent"),
		Run:     told(s.runListOrganizationalUnitsForParent),
	}.Operation()
}

func (s *Service) runListOrganizationalUnitsForParent(c *operation.Call, in *ListOrganizationalUnitsForParentInput, t *seat) (*ListOrganizationalUnitsForParentOutput, error) {
	line, err := t.parent(c, in.ParentID.V)
	if err != nil {
		return nil, err
	}
	after, err := s.after(c, in.ParentID.V, in.page())
	if err != nil {
		return nil, err
	}
	found := paged[OrganizationalUnit]{most: in.page().size()}
	err = childUnits(c.Context, t.reader, in.ParentID.V, after, func(u *unit) bool {
		return found.add(u.ID, t.shownUnit(c.Partition, append(line[:len(line):len(line)], u)))
	})
	if err != nil {
		return nil, err
	}
	out := &ListOrganizationalUnitsForParentOutput{}
	out.OrganizationalUnits, out.NextToken = found.cut(s, c, in.ParentID.V)
	return out, nil
}
