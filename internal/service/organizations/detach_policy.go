package organizations

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// DetachPolicyInput asks for a policy to be detached from an entity.
type DetachPolicyInput struct {
	PolicyID optional.Of[string] `aws:"PolicyId" audit:"policyId"`
	TargetID optional.Of[string] `aws:"TargetId" audit:"targetId"`
}

// Validate checks the limits of the public API.
func (in *DetachPolicyInput) Validate(c *check.Checks) {
	checkPolicy(c, in.PolicyID)
	checkTarget(c, in.TargetID)
	required(c, in.PolicyID.Set, in.TargetID.Set)
}

// detachPolicy implements DetachPolicy.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DetachPolicy.html
func (s *Service) detachPolicy() operation.Operation {
	return operation.Change[DetachPolicyInput, operation.None, *attaching, *DetachPolicyInput]{
		Name:    "DetachPolicy",
		Actions: []string{prefix + "DetachPolicy"},
		Subject: func(c *operation.Call, in *DetachPolicyInput) (*attaching, error) {
			return s.attaching(c, in.PolicyID.V, in.TargetID.V)
		},
		Asks: asksToAttach[DetachPolicyInput](prefix + "DetachPolicy"),
		Run:  s.runDetachPolicy,
	}.Operation()
}

func (s *Service) runDetachPolicy(c *operation.Call, tx store.Txn, in *DetachPolicyInput, t *attaching) (*operation.None, error) {
	p, e, err := t.found(c)
	if err != nil {
		return nil, err
	}
	ids := t.attached(e.attached, p.Type)
	at := slices.Index(ids, p.ID)
	switch {
	case at < 0:
		return nil, fault.New(policyNotAttached, "This policy isn't attached to the specified target.")
	case p.managed() && p.Type == resourceControl:
		return nil, invalid("NON_DETACHABLE_POLICY", "You can't detach this Amazon Web Services Managed Policy.")
	case len(ids) == 1:
		return nil, violates("MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", "You cannot remove the last policy attached to the specified target. You must have at least one attached at all times.")
	}
	t.attach(e.attached, p.Type, slices.Delete(slices.Clone(ids), at, at+1))
	if err := t.count(c.Context, tx, p.ID, -1); err != nil {
		return nil, err
	}
	if err := e.put(c.Context, tx); err != nil {
		return nil, err
	}
	return &operation.None{}, t.put(c.Context, tx, t.rev)
}
