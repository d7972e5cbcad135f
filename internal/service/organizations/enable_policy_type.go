package organizations

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// EnablePolicyTypeInput asks for the policies of a type to count.
type EnablePolicyTypeInput struct {
	RootID     optional.Of[string] `aws:"RootId" audit:"rootId"`
	PolicyType optional.Of[string] `aws:"PolicyType" audit:"policyType"`
}

// Validate checks the limits of the public API.
func (in *EnablePolicyTypeInput) Validate(c *check.Checks) {
	may(c, in.RootID, 0, 34, rootPattern)
	checkType(c, in.PolicyType)
	required(c, in.RootID.Set, in.PolicyType.Set)
}

// EnablePolicyTypeOutput is the root.
type EnablePolicyTypeOutput struct {
	Root Root `aws:"Root" audit:"root"`
}

// enablePolicyType implements EnablePolicyType. Every entity has
// AWS's own policy attached from then on.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_EnablePolicyType.html
func (s *Service) enablePolicyType() operation.Operation {
	return operation.Change[EnablePolicyTypeInput, EnablePolicyTypeOutput, *seat, *EnablePolicyTypeInput]{
		Name:    "EnablePolicyType",
		Actions: []string{prefix + "EnablePolicyType"},
		Subject: seated(s, func(in *EnablePolicyTypeInput) about { return about{id: in.RootID.V, kind: in.PolicyType} }),
		Asks:    asks[EnablePolicyTypeInput](prefix + "EnablePolicyType"),
		Run:     managed(s.runEnablePolicyType),
	}.Operation()
}

func (s *Service) runEnablePolicyType(c *operation.Call, tx store.Txn, in *EnablePolicyTypeInput, t *seat) (*EnablePolicyTypeOutput, error) {
	if in.RootID.V != t.Root {
		return nil, errNoRoot
	}
	kind := controlOf(in.PolicyType.V)
	if kind < 0 || t.Features != allFeatures {
		return nil, errNotAvailable
	}
	if t.Types[kind].Enabled {
		return nil, fault.New(policyTypeAlreadyEnabled, "The specified policy type is already enabled.")
	}
	t.Types[kind].Enabled, t.Types[kind].Since = true, c.Time
	return &EnablePolicyTypeOutput{Root: t.shownRoot(c.Partition)}, nil
}
