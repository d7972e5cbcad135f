package organizations

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListTagsForResourceInput asks for the tags of an account, a unit, the root or a policy.
type ListTagsForResourceInput struct {
	ResourceID optional.Of[string] `aws:"ResourceId" audit:"resourceId"`
	NextToken  optional.Of[string] `aws:"NextToken"`
}

// Validate checks the limits of the public API.
func (in *ListTagsForResourceInput) Validate(c *check.Checks) {
	may(c, in.ResourceID, 0, 130, taggablePattern)
	page{token: in.NextToken}.validate(c)
	required(c, in.ResourceID.Set)
}

// ListTagsForResourceOutput has all tags: there are few.
type ListTagsForResourceOutput struct {
	Tags      []Tag               `aws:"Tags"`
	NextToken optional.Of[string] `aws:"NextToken"`
}

// listTagsForResource implements ListTagsForResource.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListTagsForResource.html
func (s *Service) listTagsForResource() operation.Operation {
	return operation.Use[ListTagsForResourceInput, ListTagsForResourceOutput, *seat, *ListTagsForResourceInput]{
		Name:    "ListTagsForResource",
		Actions: []string{prefix + "ListTagsForResource"},
		Subject: seated(s, func(in *ListTagsForResourceInput) about { return about{id: in.ResourceID.V} }),
		Asks:    asks[ListTagsForResourceInput](prefix + "ListTagsForResource"),
		Run:     told(s.runListTagsForResource),
	}.Operation()
}

func (s *Service) runListTagsForResource(c *operation.Call, in *ListTagsForResourceInput, t *seat) (*ListTagsForResourceOutput, error) {
	if _, err := s.after(c, in.ResourceID.V, page{token: in.NextToken}); err != nil {
		return nil, err
	}
	e, err := t.entity(c, in.ResourceID.V)
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, errNoTarget
	}
	return &ListTagsForResourceOutput{Tags: tagList(*e.tags)}, nil
}
