package organizations

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// A Parent is a root or a unit.
type Parent struct {
	ID   string `aws:"Id"`
	Type string `aws:"Type"`
}

// ListParentsInput asks for the parent of an account or a unit: there is one.
type ListParentsInput struct {
	ChildID    optional.Of[string] `aws:"ChildId" audit:"childId"`
	NextToken  optional.Of[string] `aws:"NextToken"`
	MaxResults optional.Of[int]    `aws:"MaxResults" audit:"maxResults"`
}

// Validate checks the limits of the public API.
func (in *ListParentsInput) Validate(c *check.Checks) {
	may(c, in.ChildID, 0, 100, childPattern)
	in.page().validate(c)
	required(c, in.ChildID.Set)
}

func (in *ListParentsInput) page() page { return page{token: in.NextToken, most: in.MaxResults} }

// ListParentsOutput is a page of the list.
type ListParentsOutput struct {
	Parents   []Parent            `aws:"Parents"`
	NextToken optional.Of[string] `aws:"NextToken"`
}

// listParents implements ListParents.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListParents.html
func (s *Service) listParents() operation.Operation {
	return operation.Use[ListParentsInput, ListParentsOutput, *seat, *ListParentsInput]{
		Name:    "ListParents",
		Actions: []string{prefix + "ListParents"},
		Subject: seated(s, func(in *ListParentsInput) about { return about{id: in.ChildID.V} }),
		Asks:    asks[ListParentsInput](prefix + "ListParents"),
		Run:     told(s.runListParents),
	}.Operation()
}

func (s *Service) runListParents(c *operation.Call, in *ListParentsInput, t *seat) (*ListParentsOutput, error) {
	if _, err := s.after(c, in.ChildID.V, in.page()); err != nil {
		return nil, err
	}
	e, err := t.entity(c, in.ChildID.V)
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, fault.New(childNotFound, "You specified a child that doesn't exist.")
	}
	p := Parent{Type: childUnit}
	if e.unit != nil {
		p.ID = e.unit.Parent
	} else {
		p.ID = e.member.Parent
	}
	if p.ID == t.Root {
		p.Type = "ROOT"
	}
	return &ListParentsOutput{Parents: []Parent{p}}, nil
}
