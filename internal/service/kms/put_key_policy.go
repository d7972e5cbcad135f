package kms

import (
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// PutKeyPolicyInput asks for a key's policy to be replaced.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
type PutKeyPolicyInput struct {
	KeyID                          optional.Of[string] `aws:"KeyId" audit:"keyId"`
	PolicyName                     optional.Of[string] `aws:"PolicyName" audit:"policyName"`
	Policy                         optional.Of[string] `aws:"Policy" audit:"policy"`
	BypassPolicyLockoutSafetyCheck optional.Of[bool]   `aws:"BypassPolicyLockoutSafetyCheck" audit:"bypassPolicyLockoutSafetyCheck"`
}

// Validate checks the limits of the public model.
func (in *PutKeyPolicyInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkPolicyName(c, in.PolicyName)
	if c.Required("policy", in.Policy.Set) {
		checkPolicy(c, in.Policy)
	}
}

func (s *Service) putKeyPolicy() operation.Operation {
	return operation.Change[PutKeyPolicyInput, operation.None, *target, *PutKeyPolicyInput]{
		Name:    "PutKeyPolicy",
		Actions: []string{"kms:PutKeyPolicy"},
		Subject: func(c *operation.Call, in *PutKeyPolicyInput) (*target, error) {
			t, err := s.keyOnly(c, in.KeyID.V, s.keyToChange)
			if err != nil {
				return nil, err
			}
			t.bypass = in.BypassPolicyLockoutSafetyCheck
			return t, nil
		},
		Asks: asksOnKey[PutKeyPolicyInput]("kms:PutKeyPolicy", false),
		Run:  s.runPutKeyPolicy,
	}.Operation()
}

func (s *Service) runPutKeyPolicy(c *operation.Call, tx store.Txn, in *PutKeyPolicyInput, t *target) (*operation.None, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if err := onlyDefault(in.PolicyName); err != nil {
		return nil, err
	}
	p, err := s.newPolicy(c, &k.keyRecord, in.Policy.V, in.BypassPolicyLockoutSafetyCheck)
	if err != nil {
		return nil, err
	}
	_, rev, err := policyTable.Get(c.Context, tx, keyKey(k.Region, k.ID))
	if err != nil {
		return nil, fmt.Errorf("reading the policy of key %s: %w", k.ID, damaged(err))
	}
	if err := policyTable.Put(c.Context, tx, p, rev); err != nil {
		return nil, fmt.Errorf("writing the policy of key %s: %w", k.ID, err)
	}
	// The key's own revision grows with its policy: a decision rests on both.
	rec := k.keyRecord
	return k.change(c, tx, &rec, true)
}
