package organizations

import (
	"errors"
	"fmt"
	"math"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// CreatePolicyInput asks for a policy, which is attached to nothing at first.
type CreatePolicyInput struct {
	Content     optional.Of[string] `aws:"Content" audit:"content"`
	Description optional.Of[string] `aws:"Description" audit:"description"`
	Name        optional.Of[string] `aws:"Name" audit:"name"`
	Type        optional.Of[string] `aws:"Type" audit:"type"`
	Tags        []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *CreatePolicyInput) Validate(c *check.Checks) {
	may(c, in.Content, 1, math.MaxInt, nil)
	may(c, in.Description, 0, 512, nil)
	may(c, in.Name, 1, 128, nil)
	checkType(c, in.Type)
	checkTags(c, in.Tags)
	required(c, in.Content.Set, in.Description.Set, in.Name.Set, in.Type.Set)
}

// CreatePolicyOutput is the policy.
type CreatePolicyOutput struct {
	Policy Policy `aws:"Policy" audit:"policy"`
}

// createPolicy implements CreatePolicy.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreatePolicy.html
func (s *Service) createPolicy() operation.Operation {
	return operation.Change[CreatePolicyInput, CreatePolicyOutput, *seat, *CreatePolicyInput]{
		Name:    "CreatePolicy",
		Actions: []string{prefix + "CreatePolicy", actionTag},
		Subject: seated(s, func(in *CreatePolicyInput) about { return about{kind: in.Type, tags: in.Tags} }),
		Asks:    asks[CreatePolicyInput](prefix + "CreatePolicy"),
		Run:     managed(s.runCreatePolicy),
	}.Operation()
}

func (s *Service) runCreatePolicy(c *operation.Call, tx store.Txn, in *CreatePolicyInput, t *seat) (*CreatePolicyOutput, error) {
	kind := controlOf(in.Type.V)
	if kind < 0 || t.Features != allFeatures {
		return nil, errNotAvailable
	}
	if err := controls[kind].check(in.Content.V); err != nil {
		return nil, err
	}
	if t.Types[kind].Policies >= controls[kind].most {
		return nil, violates("POLICY_NUMBER_LIMIT_EXCEEDED", "You attempted to exceed the number of policies that you can have in an organization.")
	}
	p := &controlPolicy{
		ID: "p-" + draw(8), Organization: t.ID, Management: t.Management, Type: kind,
		Name: in.Name.V, Description: in.Description.V, Content: in.Content.V, Tags: tagMap(in.Tags),
	}
	if p.Name == controls[kind].every.Name {
		return nil, errPolicyName
	}
	if err := policies.Insert(c.Context, tx, p); err != nil {
		return nil, policyNameTaken(err)
	}
	t.Types[kind].Policies++
	return &CreatePolicyOutput{Policy: t.shownPolicy(c.Partition, p)}, nil
}

var errPolicyName = fault.New(duplicatePolicy, "A policy with the same name already exists.")

// policyNameTaken words the failure to write a policy whose name another one has.
func policyNameTaken(err error) error {
	if errors.Is(err, store.ErrExists) {
		return errPolicyName
	}
	return fmt.Errorf("writing a policy: %w", err)
}

func policyID(p *controlPolicy) string { return p.ID }
