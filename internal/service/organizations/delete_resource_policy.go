package organizations

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// DeleteResourcePolicyInput asks for the resource policy of the organization to be deleted.
type DeleteResourcePolicyInput struct{}

// Validate has nothing to check.
func (*DeleteResourcePolicyInput) Validate(*check.Checks) {}

// deleteResourcePolicy implements DeleteResourcePolicy.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeleteResourcePolicy.html
func (s *Service) deleteResourcePolicy() operation.Operation {
	return operation.Change[DeleteResourcePolicyInput, operation.None, *seat, *DeleteResourcePolicyInput]{
		Name:    "DeleteResourcePolicy",
		Actions: []string{prefix + "DeleteResourcePolicy"},
		Subject: seated(s, func(*DeleteResourcePolicyInput) about { return about{} }),
		Asks:    asks[DeleteResourcePolicyInput](prefix + "DeleteResourcePolicy"),
		Run:     managed(s.runDeleteResourcePolicy),
	}.Operation()
}

func (s *Service) runDeleteResourcePolicy(c *operation.Call, tx store.Txn, _ *DeleteResourcePolicyInput, t *seat) (*operation.None, error) {
	p, rev, err := t.resourcePolicy(c.Context, tx)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, errNoResourcePolicy
	}
	if err := resourcePolicies.Delete(c.Context, tx, idKey(t.ID), rev); err != nil {
		return nil, fmt.Errorf("deleting the resource policy of organization %s: %w", t.ID, err)
	}
	return &operation.None{}, nil
}
