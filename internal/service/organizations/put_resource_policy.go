package organizations

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// PutResourcePolicyInput asks for the resource policy of the organization, in place of the one before.
type PutResourcePolicyInput struct {
	Content optional.Of[string] `aws:"Content" audit:"content"`
	Tags    []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *PutResourcePolicyInput) Validate(c *check.Checks) {
	may(c, in.Content, 1, resourceContentMax, nil)
	checkTags(c, in.Tags)
	required(c, in.Content.Set)
}

// PutResourcePolicyOutput is the policy.
type PutResourcePolicyOutput struct {
	ResourcePolicy ResourcePolicy `aws:"ResourcePolicy" audit:"resourcePolicy"`
}

// putResourcePolicy implements PutResourcePolicy. What it lets members do
// is in force when it is answered.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_PutResourcePolicy.html
func (s *Service) putResourcePolicy() operation.Operation {
	return operation.Change[PutResourcePolicyInput, PutResourcePolicyOutput, *seat, *PutResourcePolicyInput]{
		Name:    "PutResourcePolicy",
		Actions: []string{prefix + "PutResourcePolicy", actionTag},
		Subject: seated(s, func(in *PutResourcePolicyInput) about { return about{tags: in.Tags} }),
		Asks:    asks[PutResourcePolicyInput](prefix + "PutResourcePolicy"),
		Run:     managed(s.runPutResourcePolicy),
	}.Operation()
}

func (s *Service) runPutResourcePolicy(c *operation.Call, tx store.Txn, in *PutResourcePolicyInput, t *seat) (*PutResourcePolicyOutput, error) {
	if t.Features != allFeatures {
		return nil, errNotAllFeatures
	}
	bound, err := s.check(c.Context, tx, c.Partition, in.Content.V)
	if err != nil {
		return nil, err
	}
	p, rev, err := t.resourcePolicy(c.Context, tx)
	if err != nil {
		return nil, err
	}
	put := func() error { return resourcePolicies.Put(c.Context, tx, p, rev) }
	if p == nil {
		p = &resourcePolicy{ID: "rp-" + draw(8), Organization: t.ID, Management: t.Management}
		put = func() error { return resourcePolicies.Insert(c.Context, tx, p) }
	}
	p.Content, p.Bound = in.Content.V, bound
	if p.Tags, err = withTags(p.Tags, tagMap(in.Tags)); err != nil {
		return nil, err
	}
	if err := put(); err != nil {
		return nil, fmt.Errorf("writing the resource policy of organization %s: %w", t.ID, err)
	}
	return &PutResourcePolicyOutput{ResourcePolicy: t.shownResourcePolicy(c.Partition, p)}, nil
}

// resourceContentMax bounds the document, in characters.
const resourceContentMax = 40000
