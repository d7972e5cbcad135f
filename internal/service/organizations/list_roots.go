package organizations

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListRootsInput asks for the root of the organization: there is one.
type ListRootsInput struct {
	NextToken  optional.Of[string] `aws:"NextToken"`
	MaxResults optional.Of[int]    `aws:"MaxResults" audit:"maxResults"`
}

// Validate checks the limits of the public API.
func (in *ListRootsInput) Validate(c *check.Checks) {
	in.page().validate(c)
}

func (in *ListRootsInput) page() page { return page{token: in.NextToken, most: in.MaxResults} }

// ListRootsOutput is a page of the list.
type ListRootsOutput struct {
	Roots     []Root              `aws:"Roots"`
	NextToken optional.Of[string] `aws:"NextToken"`
}

// listRoots implements ListRoots.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListRoots.html
func (s *Service) listRoots() operation.Operation {
	return operation.Use[ListRootsInput, ListRootsOutput, *seat, *ListRootsInput]{
		Name:    "ListRoots",
		Actions: []string{prefix + "ListRoots"},
		Subject: seated(s, func(in *ListRootsInput) about { return about{} }),
		Asks:    asks[ListRootsInput](prefix + "ListRoots"),
		Run:     told(s.runListRoots),
	}.Operation()
}

func (s *Service) runListRoots(c *operation.Call, in *ListRootsInput, t *seat) (*ListRootsOutput, error) {
	after, err := s.after(c, "", in.page())
	if err != nil {
		return nil, err
	}
	out := &ListRootsOutput{Roots: []Root{}}
	if after == "" {
		out.Roots = append(out.Roots, t.shownRoot(c.Partition))
	}
	return out, nil
}
