package organizations

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// AttachPolicyInput asks for a policy to be attached to an entity.
type AttachPolicyInput struct {
	PolicyID optional.Of[string] `aws:"PolicyId" audit:"policyId"`
	TargetID optional.Of[string] `aws:"TargetId" audit:"targetId"`
}

// Validate checks the limits of the public API.
func (in *AttachPolicyInput) Validate(c *check.Checks) {
	checkPolicy(c, in.PolicyID)
	checkTarget(c, in.TargetID)
	required(c, in.PolicyID.Set, in.TargetID.Set)
}

// attachPolicy implements AttachPolicy.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_AttachPolicy.html
func (s *Service) attachPolicy() operation.Operation {
	return operation.Change[AttachPolicyInput, operation.None, *attaching, *AttachPolicyInput]{
		Name:    "AttachPolicy",
		Actions: []string{prefix + "AttachPolicy"},
		Subject: func(c *operation.Call, in *AttachPolicyInput) (*attaching, error) {
			return s.attaching(c, in.PolicyID.V, in.TargetID.V)
		},
		Asks: asksToAttach[AttachPolicyInput](prefix + "AttachPolicy"),
		Run:  s.runAttachPolicy,
	}.Operation()
}

func (s *Service) runAttachPolicy(c *operation.Call, tx store.Txn, in *AttachPolicyInput, t *attaching) (*operation.None, error) {
	p, e, err := t.found(c)
	if err != nil {
		return nil, err
	}
	ids := t.attached(e.attached, p.Type)
	switch {
	case slices.Contains(ids, p.ID):
		return nil, fault.New(duplicateAttachment, "The selected policy is already attached to the specified target.")
	case len(ids) >= attachedMax:
		return nil, violates("MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", "You have attached the maximum number of policies to the specified target.")
	}
	t.attach(e.attached, p.Type, append(slices.Clone(ids), p.ID))
	if err := t.count(c.Context, tx, p.ID, +1); err != nil {
		return nil, err
	}
	if err := e.put(c.Context, tx); err != nil {
		return nil, err
	}
	return &operation.None{}, t.put(c.Context, tx, t.rev)
}
