package organizations

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// TagResourceInput asks for tags of an account, a unit, the root or a policy.
type TagResourceInput struct {
	ResourceID optional.Of[string] `aws:"ResourceId" audit:"resourceId"`
	Tags       []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *TagResourceInput) Validate(c *check.Checks) {
	may(c, in.ResourceID, 0, 130, taggablePattern)
	checkTags(c, in.Tags)
	required(c, in.ResourceID.Set, in.Tags != nil)
}

// tagResource implements TagResource.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_TagResource.html
func (s *Service) tagResource() operation.Operation {
	return operation.Change[TagResourceInput, operation.None, *seat, *TagResourceInput]{
		Name:    "TagResource",
		Actions: []string{prefix + "TagResource"},
		Subject: seated(s, func(in *TagResourceInput) about { return about{id: in.ResourceID.V, tags: in.Tags} }),
		Asks:    asks[TagResourceInput](prefix + "TagResource"),
		Run:     managed(s.runTagResource),
	}.Operation()
}

func (s *Service) runTagResource(c *operation.Call, tx store.Txn, in *TagResourceInput, t *seat) (*operation.None, error) {
	e, err := t.taggable(c, in.ResourceID.V)
	if err != nil {
		return nil, err
	}
	if *e.tags, err = withTags(*e.tags, tagMap(in.Tags)); err != nil {
		return nil, err
	}
	return &operation.None{}, e.put(c.Context, tx)
}

// taggable returns what has tags of its own, which AWS's policies have not.
func (t *seat) taggable(c *operation.Call, id string) (*entity, error) {
	e, err := t.entity(c, id)
	switch {
	case err != nil:
		return nil, err
	case e == nil:
		return nil, errNoTarget
	case e.policy != nil && e.policy.managed():
		return nil, invalid("IMMUTABLE_POLICY", "You specified a policy that is managed by Amazon Web Services and can't be modified.")
	}
	return e, nil
}
