package organizations

import (
	"math"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UpdatePolicyInput asks for a policy to be changed. What is absent stays.
type UpdatePolicyInput struct {
	PolicyID    optional.Of[string] `aws:"PolicyId" audit:"policyId"`
	Name        optional.Of[string] `aws:"Name" audit:"name"`
	Description optional.Of[string] `aws:"Description" audit:"description"`
	Content     optional.Of[string] `aws:"Content" audit:"content"`
}

// Validate checks the limits of the public API.
func (in *UpdatePolicyInput) Validate(c *check.Checks) {
	checkPolicy(c, in.PolicyID)
	may(c, in.Name, 1, 128, nil)
	may(c, in.Description, 0, 512, nil)
	may(c, in.Content, 1, math.MaxInt, nil)
	required(c, in.PolicyID.Set)
}

// UpdatePolicyOutput is the policy.
type UpdatePolicyOutput struct {
	Policy Policy `aws:"Policy" audit:"policy"`
}

// updatePolicy implements UpdatePolicy.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_UpdatePolicy.html
func (s *Service) updatePolicy() operation.Operation {
	return operation.Change[UpdatePolicyInput, UpdatePolicyOutput, *seat, *UpdatePolicyInput]{
		Name:    "UpdatePolicy",
		Actions: []string{prefix + "UpdatePolicy"},
		Subject: seated(s, func(in *UpdatePolicyInput) about { return about{id: in.PolicyID.V} }),
		Asks:    asks[UpdatePolicyInput](prefix + "UpdatePolicy"),
		Run:     managed(s.runUpdatePolicy),
	}.Operation()
}

func (s *Service) runUpdatePolicy(c *operation.Call, tx store.Txn, in *UpdatePolicyInput, t *seat) (*UpdatePolicyOutput, error) {
	p, rev, err := t.ownPolicy(c, tx, in.PolicyID.V)
	if err != nil {
		return nil, err
	}
	p.Name, p.Description, p.Content = in.Name.Or(p.Name), in.Description.Or(p.Description), in.Content.Or(p.Content)
	if err := controls[p.Type].check(p.Content); err != nil {
		return nil, err
	}
	if p.Name == controls[p.Type].every.Name {
		return nil, errPolicyName
	}
	if err := policies.Put(c.Context, tx, p, rev); err != nil {
		return nil, policyNameTaken(err)
	}
	return &UpdatePolicyOutput{Policy: t.shownPolicy(c.Partition, p)}, nil
}

// ownPolicy returns a policy that can be changed, which AWS's own can't.
func (t *seat) ownPolicy(c *operation.Call, tx store.Txn, id string) (*controlPolicy, store.Rev, error) {
	p, rev, err := t.policy(c.Context, tx, id)
	switch {
	case err != nil:
		return nil, 0, err
	case p == nil:
		return nil, 0, errNoPolicy
	case p.managed():
		return nil, 0, invalid("IMMUTABLE_POLICY", "You specified a policy that is managed by Amazon Web Services and can't be modified.")
	}
	return p, rev, nil
}
