package organizations

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DescribePolicyInput asks for a policy.
type DescribePolicyInput struct {
	PolicyID optional.Of[string] `aws:"PolicyId" audit:"policyId"`
}

// Validate checks the limits of the public API.
func (in *DescribePolicyInput) Validate(c *check.Checks) {
	checkPolicy(c, in.PolicyID)
	required(c, in.PolicyID.Set)
}

// DescribePolicyOutput is the policy.
type DescribePolicyOutput struct {
	Policy Policy `aws:"Policy"`
}

// describePolicy implements DescribePolicy.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribePolicy.html
func (s *Service) describePolicy() operation.Operation {
	return operation.Use[DescribePolicyInput, DescribePolicyOutput, *seat, *DescribePolicyInput]{
		Name:    "DescribePolicy",
		Actions: []string{prefix + "DescribePolicy"},
		Subject: seated(s, func(in *DescribePolicyInput) about { return about{id: in.PolicyID.V} }),
		Asks:    asks[DescribePolicyInput](prefix + "DescribePolicy"),
		Run:     told(s.runDescribePolicy),
	}.Operation()
}

func (s *Service) runDescribePolicy(c *operation.Call, in *DescribePolicyInput, t *seat) (*DescribePolicyOutput, error) {
	p, _, err := t.policy(c.Context, t.reader, in.PolicyID.V)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, errNoPolicy
	}
	return &DescribePolicyOutput{Policy: t.shownPolicy(c.Partition, p)}, nil
}
