package organizations

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
)

// DescribeResourcePolicyInput asks for the resource policy of the organization.
type DescribeResourcePolicyInput struct{}

// Validate has nothing to check.
func (*DescribeResourcePolicyInput) Validate(*check.Checks) {}

// DescribeResourcePolicyOutput is the policy.
type DescribeResourcePolicyOutput struct {
	ResourcePolicy ResourcePolicy `aws:"ResourcePolicy"`
}

// describeResourcePolicy implements DescribeResourcePolicy.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeResourcePolicy.html
func (s *Service) describeResourcePolicy() operation.Operation {
	return operation.Use[DescribeResourcePolicyInput, DescribeResourcePolicyOutput, *seat, *DescribeResourcePolicyInput]{
		Name:    "DescribeResourcePolicy",
		Actions: []string{prefix + "DescribeResourcePolicy"},
		Subject: seated(s, func(*DescribeResourcePolicyInput) about { return about{} }),
		Asks:    asks[DescribeResourcePolicyInput](prefix + "DescribeResourcePolicy"),
		Run:     told(s.runDescribeResourcePolicy),
	}.Operation()
}

func (s *Service) runDescribeResourcePolicy(c *operation.Call, _ *DescribeResourcePolicyInput, t *seat) (*DescribeResourcePolicyOutput, error) {
	p, _, err := t.resourcePolicy(c.Context, t.reader)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, errNoResourcePolicy
	}
	return &DescribeResourcePolicyOutput{ResourcePolicy: t.shownResourcePolicy(c.Partition, p)}, nil
}

var errNoResourcePolicy = fault.New(resourcePolicyNotFound, "We can't find a resource policy request with the parameter that you specified.")
