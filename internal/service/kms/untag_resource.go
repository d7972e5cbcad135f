package kms

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UntagResourceInput asks for tags to be taken from a key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_UntagResource.html
type UntagResourceInput struct {
	KeyID   optional.Of[string] `aws:"KeyId" audit:"keyId"`
	TagKeys []string            `aws:"TagKeys" audit:"tagKeys"`
}

// Validate checks the limits of the public model.
func (in *UntagResourceInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	c.Required("tagKeys", in.TagKeys != nil)
	checkTagKeys(c, in.TagKeys)
}

func (s *Service) untagResource() operation.Operation {
	return operation.Change[UntagResourceInput, operation.None, *target, *UntagResourceInput]{
		Name:    "UntagResource",
		Actions: []string{"kms:UntagResource"},
		Subject: func(c *operation.Call, in *UntagResourceInput) (*target, error) {
			t, err := s.keyOnly(c, in.KeyID.V, s.keyToChange)
			if err != nil {
				return nil, err
			}
			t.tagKeys = in.TagKeys
			return t, nil
		},
		Asks: asksOnKey[UntagResourceInput]("kms:UntagResource", false),
		Run:  runUntagResource,
	}.Operation()
}

func runUntagResource(c *operation.Call, tx store.Txn, in *UntagResourceInput, t *target) (*operation.None, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if err := k.ready(toLabel); err != nil {
		return nil, err
	}
	rec := k.keyRecord
	for _, key := range in.TagKeys {
		rec.Tags = rec.Tags.Without(key)
	}
	return k.change(c, tx, &rec, !slices.Equal(rec.Tags, k.Tags))
}
