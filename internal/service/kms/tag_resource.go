package kms

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// TagResourceInput asks for tags to be added to a key, or overwritten.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html
type TagResourceInput struct {
	KeyID optional.Of[string] `aws:"KeyId" audit:"keyId"`
	Tags  []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public model.
func (in *TagResourceInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	c.Required("tags", in.Tags != nil)
	checkTags(c, in.Tags)
}

func (s *Service) tagResource() operation.Operation {
	return operation.Change[TagResourceInput, operation.None, *target, *TagResourceInput]{
		Name:    "TagResource",
		Actions: []string{"kms:TagResource"},
		Subject: func(c *operation.Call, in *TagResourceInput) (*target, error) {
			t, err := s.keyOnly(c, in.KeyID.V, s.keyToChange)
			if err != nil {
				return nil, err
			}
			t.tagging(in.Tags)
			return t, nil
		},
		Asks: asksOnKey[TagResourceInput]("kms:TagResource", false),
		Run:  runTagResource,
	}.Operation()
}

func runTagResource(c *operation.Call, tx store.Txn, in *TagResourceInput, t *target) (*operation.None, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if err := k.ready(toLabel); err != nil {
		return nil, err
	}
	rec := k.keyRecord
	for _, tag := range in.Tags {
		rec.Tags = rec.Tags.With(tag.TagKey.V, tag.TagValue.V)
	}
	if len(rec.Tags) > tagsPerKey {
		return nil, errTooManyTags
	}
	return k.change(c, tx, &rec, !slices.Equal(rec.Tags, k.Tags))
}
