package kms

import (
	"sort"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListResourceTagsInput asks for a key's tags.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html
type ListResourceTagsInput struct {
	KeyID  optional.Of[string] `aws:"KeyId" audit:"keyId"`
	Limit  optional.Of[int]    `aws:"Limit" audit:"limit"`
	Marker optional.Of[string] `aws:"Marker" audit:"marker"`
}

// ListResourceTagsOutput is a page of them, sorted by key.
type ListResourceTagsOutput struct {
	Tags       []Tag               `aws:"Tags"`
	NextMarker optional.Of[string] `aws:"NextMarker"`
	Truncated  bool                `aws:"Truncated"`
}

const listResourceTagsMax = 50

// Validate checks the limits of the public model.
func (in *ListResourceTagsInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkPage(c, in.Limit, listResourceTagsMax)
	checkMarker(c, in.Marker)
}

func (s *Service) listResourceTags() operation.Operation {
	return operation.Use[ListResourceTagsInput, ListResourceTagsOutput, *target, *ListResourceTagsInput]{
		Name:    "ListResourceTags",
		Actions: []string{"kms:ListResourceTags"},
		Subject: func(c *operation.Call, in *ListResourceTagsInput) (*target, error) {
			return s.keyOnly(c, in.KeyID.V, s.keyToUse)
		},
		Asks: asksOnKey[ListResourceTagsInput]("kms:ListResourceTags", false),
		Run:  s.runListResourceTags,
	}.Operation()
}

func (s *Service) runListResourceTags(c *operation.Call, in *ListResourceTagsInput, t *target) (*ListResourceTagsOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	list := listing{"ListResourceTags", k.ARN}
	last, more, err := s.after(c, list, in.Marker)
	if err != nil {
		return nil, err
	}
	rest := k.Tags
	if more {
		rest = rest[sort.Search(len(rest), func(i int) bool { return rest[i].Key > last }):]
	}
	out := &ListResourceTagsOutput{}
	if limit := in.Limit.Or(listResourceTagsMax); len(rest) > limit {
		rest = rest[:limit]
		out.Truncated = true
		out.NextMarker = s.mark(c, list, rest[limit-1].Key)
	}
	out.Tags = tagList(rest)
	return out, nil
}
