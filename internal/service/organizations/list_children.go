package organizations

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// Types of children.
const (
	childAccount = "ACCOUNT"
	childUnit    = "ORGANIZATIONAL_UNIT"
)

// A Child is an account or a unit below another one.
type Child struct {
	ID   string `aws:"Id"`
	Type string `aws:"Type"`
}

// ListChildrenInput asks for what is directly below a parent.
type ListChildrenInput struct {
	ParentID   optional.Of[string] `aws:"ParentId" audit:"parentId"`
	ChildType  optional.Of[string] `aws:"ChildType" audit:"childType"`
	NextToken  optional.Of[string] `aws:"NextToken"`
	MaxResults optional.Of[int]    `aws:"MaxResults" audit:"maxResults"`
}

// Validate checks the limits of the public API.
func (in *ListChildrenInput) Validate(c *check.Checks) {
	checkParent(c, in.ParentID)
	oneOf(c, in.ChildType, childAccount, childUnit)
	in.page().validate(c)
	required(c, in.ParentID.Set, in.ChildType.Set)
}

func (in *ListChildrenInput) page() page { return page{token: in.NextToken, most: in.MaxResults} }

// ListChildrenOutput is a page of the list.
type ListChildrenOutput struct {
	Children  []Child             `aws:"Children"`
	NextToken optional.Of[string] `aws:"NextToken"`
}

// listChildren implements ListChildren.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListChildren.html
func (s *Service) listChildren() operation.Operation {
	return operation.Use[ListChildrenInput, ListChildrenOutput, *seat, *ListChildrenInput]{
		Name:    "ListChildren",
		Actions: []string{prefix + "ListChildren"},
		Subject: seated(s, func(in *ListChildrenInput) about { return about{id: in.ParentID.V} }),
		Asks:    asks[ListChildrenInput](prefix + "ListChildren"),
		Run:     told(s.runListChildren),
	}.Operation()
}

func (s *Service) runListChildren(c *operation.Call, in *ListChildrenInput, t *seat) (*ListChildrenOutput, error) {
	if _, err := t.parent(c, in.ParentID.V); err != nil {
		return nil, err
	}
	filter := in.ChildType.V + in.ParentID.V
	after, err := s.after(c, filter, in.page())
	if err != nil {
		return nil, err
	}
	found := paged[Child]{most: in.page().size()}
	if in.ChildType.V == childUnit {
		err = childUnits(c.Context, t.reader, in.ParentID.V, after, func(u *unit) bool { return found.add(u.ID, Child{u.ID, childUnit}) })
	} else {
		err = scan(c.Context, t.reader, members, "parent", in.ParentID.V, after, memberID, func(m *member) bool {
			return found.add(m.Account, Child{m.Account, childAccount})
		})
	}
	if err != nil {
		return nil, err
	}
	out := &ListChildrenOutput{}
	out.Children, out.NextToken = found.cut(s, c, filter)
	return out, nil
}
