package organizations

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DisablePolicyTypeInput asks for the policies of a type to count no more.
type DisablePolicyTypeInput struct {
	RootID     optional.Of[string] `aws:"RootId" audit:"rootId"`
	PolicyType optional.Of[string] `aws:"PolicyType" audit:"policyType"`
}

// Validate checks the limits of the public API.
func (in *DisablePolicyTypeInput) Validate(c *check.Checks) {
	may(c, in.RootID, 0, 34, rootPattern)
	checkType(c, in.PolicyType)
	required(c, in.RootID.Set, in.PolicyType.Set)
}

// DisablePolicyTypeOutput is the root.
type DisablePolicyTypeOutput struct {
	Root Root `aws:"Root" audit:"root"`
}

// disablePolicyType implements DisablePolicyType. It detaches all policies
// of the type, for good.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DisablePolicyType.html
func (s *Service) disablePolicyType() operation.Operation {
	return operation.Change[DisablePolicyTypeInput, DisablePolicyTypeOutput, *seat, *DisablePolicyTypeInput]{
		Name:    "DisablePolicyType",
		Actions: []string{prefix + "DisablePolicyType"},
		Subject: seated(s, func(in *DisablePolicyTypeInput) about { return about{id: in.RootID.V, kind: in.PolicyType} }),
		Asks:    asks[DisablePolicyTypeInput](prefix + "DisablePolicyType"),
		Run:     managed(s.runDisablePolicyType),
	}.Operation()
}

func (s *Service) runDisablePolicyType(c *operation.Call, tx store.Txn, in *DisablePolicyTypeInput, t *seat) (*DisablePolicyTypeOutput, error) {
	if in.RootID.V != t.Root {
		return nil, errNoRoot
	}
	kind := controlOf(in.PolicyType.V)
	if kind < 0 || !t.Types[kind].Enabled {
		return nil, errTypeNotEnabled
	}
	t.Types[kind].Enabled = false
	t.Types[kind].Epoch++
	return &DisablePolicyTypeOutput{Root: t.shownRoot(c.Partition)}, nil
}
