package iam

import (
	"context"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// DeletePolicyInput names the managed policy to be deleted.
type DeletePolicyInput struct {
	PolicyARN optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
}

// Validate checks the limits of the public API.
func (in *DeletePolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPolicyARN(c, in.PolicyARN)
}

// deletePolicy implements DeletePolicy. Nothing may have the policy attached or as
// its boundary any more, and the versions that are not in force must have been deleted.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html
func (s *Service) deletePolicy() operation.Operation {
	return operation.Change[DeletePolicyInput, operation.None, policyTarget, *DeletePolicyInput]{
		Name:    "DeletePolicy",
		Actions: []string{"iam:DeletePolicy"},
		Subject: func(c *operation.Call, in *DeletePolicyInput) (policyTarget, error) {
			return s.policyNamed(c, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, _ *DeletePolicyInput, t policyTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askWith(c, "iam:DeletePolicy", &facts{}))
		},
		Run: runDeletePolicy,
	}.Operation()
}

func runDeletePolicy(c *operation.Call, tx store.Txn, _ *DeletePolicyInput, t policyTarget) (*operation.None, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	u, used, err := getPolicyUse(c.Context, tx, t.policy.Account, t.policy.ID)
	if err != nil {
		return nil, err
	}
	if u.Attachments > 0 || u.Boundaries > 0 {
		return nil, fault.New(DeleteConflict, "Cannot delete a policy attached to entities.")
	}
	if len(t.policy.Versions) > 1 {
		return nil, fault.New(DeleteConflict, "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	}
	if err := deleteDocument(c, tx, t.policy.ID, t.policy.Default); err != nil {
		return nil, err
	}
	if err := t.policy.delete(c.Context, tx, t.rev, u, used); err != nil {
		return nil, err
	}
	return &operation.None{}, nil
}

// delete deletes a policy, whose versions are gone, with the count of who has it.
func (p *managedPolicy) delete(ctx context.Context, tx store.Txn, rev store.Rev, u *policyUse, used store.Rev) error {
	if err := policyUses.Delete(ctx, tx, policyUseKey(u.Account, u.Policy), used); err != nil {
		return fmt.Errorf("deleting the count of policy %s: %w", p.ID, err)
	}
	if err := managedPolicies.Delete(ctx, tx, managedPolicyKey(p.ID), rev); err != nil {
		return fmt.Errorf("deleting policy %s: %w", p.ID, err)
	}
	tx.Touch(managedPolicyEntity(p.ID))
	a, rev, err := getAccount(ctx, tx, p.Account)
	if err != nil {
		return err
	}
	return countManagedPolicy(ctx, tx, *a, rev, -1)
}

func deleteDocument(c *operation.Call, tx store.Txn, id string, number int) error {
	key := policyDocumentKey(id, number)
	_, rev, err := policyDocuments.Get(c.Context, tx, key)
	if err == nil {
		err = policyDocuments.Delete(c.Context, tx, key, rev)
	}
	if err != nil {
		return fmt.Errorf("deleting version %d of policy %s: %w", number, id, err)
	}
	return nil
}
