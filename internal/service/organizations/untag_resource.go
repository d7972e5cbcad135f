package organizations

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UntagResourceInput asks for tags to be taken away.
type UntagResourceInput struct {
	ResourceID optional.Of[string] `aws:"ResourceId" audit:"resourceId"`
	TagKeys    []string            `aws:"TagKeys" audit:"tagKeys"`
}

// Validate checks the limits of the public API.
func (in *UntagResourceInput) Validate(c *check.Checks) {
	may(c, in.ResourceID, 0, 130, taggablePattern)
	for _, key := range in.TagKeys {
		may(c, optional.Some(key), 1, tagKeyMax, tagPattern)
		checkReserved(c, key)
	}
	required(c, in.ResourceID.Set, in.TagKeys != nil)
}

// untagResource implements UntagResource.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_UntagResource.html
func (s *Service) untagResource() operation.Operation {
	return operation.Change[UntagResourceInput, operation.None, *seat, *UntagResourceInput]{
		Name:    "UntagResource",
		Actions: []string{prefix + "UntagResource"},
		Subject: seated(s, func(in *UntagResourceInput) about { return about{id: in.ResourceID.V, tagKeys: in.TagKeys} }),
		Asks:    asks[UntagResourceInput](prefix + "UntagResource"),
		Run:     managed(s.runUntagResource),
	}.Operation()
}

func (s *Service) runUntagResource(c *operation.Call, tx store.Txn, in *UntagResourceInput, t *seat) (*operation.None, error) {
	e, err := t.taggable(c, in.ResourceID.V)
	if err != nil {
		return nil, err
	}
	*e.tags = withoutTags(*e.tags, in.TagKeys)
	return &operation.None{}, e.put(c.Context, tx)
}
