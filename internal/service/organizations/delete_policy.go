package organizations

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// DeletePolicyInput asks for a policy to be deleted that is attached to nothing.
type DeletePolicyInput struct {
	PolicyID optional.Of[string] `aws:"PolicyId" audit:"policyId"`
}

// Validate checks the limits of the public API.
func (in *DeletePolicyInput) Validate(c *check.Checks) {
	checkPolicy(c, in.PolicyID)
	required(c, in.PolicyID.Set)
}

// deletePolicy implements DeletePolicy.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeletePolicy.html
func (s *Service) deletePolicy() operation.Operation {
	return operation.Change[DeletePolicyInput, operation.None, *seat, *DeletePolicyInput]{
		Name:    "DeletePolicy",
		Actions: []string{prefix + "DeletePolicy"},
		Subject: seated(s, func(in *DeletePolicyInput) about { return about{id: in.PolicyID.V} }),
		Asks:    asks[DeletePolicyInput](prefix + "DeletePolicy"),
		Run:     managed(s.runDeletePolicy),
	}.Operation()
}

func (s *Service) runDeletePolicy(c *operation.Call, tx store.Txn, in *DeletePolicyInput, t *seat) (*operation.None, error) {
	p, rev, err := t.ownPolicy(c, tx, in.PolicyID.V)
	if err != nil {
		return nil, err
	}
	if t.targets(p) > 0 {
		return nil, fault.New(policyInUse, "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts before performing this operation.")
	}
	if err := policies.Delete(c.Context, tx, idKey(p.ID), rev); err != nil {
		return nil, fmt.Errorf("deleting policy %s: %w", p.ID, err)
	}
	t.Types[p.Type].Policies--
	return &operation.None{}, nil
}
