package organizations

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
)

// DescribeOrganizationInput asks for the caller's organization.
type DescribeOrganizationInput struct{}

// Validate has nothing to check.
func (*DescribeOrganizationInput) Validate(*check.Checks) {}

// DescribeOrganizationOutput is the organization.
type DescribeOrganizationOutput struct {
	Organization Organization `aws:"Organization"`
}

// describeOrganization implements DescribeOrganization, which every account of
// an organization may call.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html
func (s *Service) describeOrganization() operation.Operation {
	return operation.Use[DescribeOrganizationInput, DescribeOrganizationOutput, *seat, *DescribeOrganizationInput]{
		Name:    "DescribeOrganization",
		Actions: []string{prefix + "DescribeOrganization"},
		Subject: func(c *operation.Call, _ *DescribeOrganizationInput) (*seat, error) { return s.seat(c, about{}) },
		Asks:    asks[DescribeOrganizationInput](prefix + "DescribeOrganization"),
		Run: func(c *operation.Call, _ *DescribeOrganizationInput, t *seat) (*DescribeOrganizationOutput, error) {
			if t.organization == nil {
				return nil, errNotInUse
			}
			known, err := s.accounts.Membership(c.Context, t.reader, t.Management)
			if err != nil {
				return nil, err
			}
			return &DescribeOrganizationOutput{Organization: t.shown(c, known.Email)}, nil
		},
	}.Operation()
}
