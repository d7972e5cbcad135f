package organizations

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DescribeOrganizationalUnitInput asks for a unit.
type DescribeOrganizationalUnitInput struct {
	OrganizationalUnitID optional.Of[string] `aws:"OrganizationalUnitId" audit:"organizationalUnitId"`
}

// Validate checks the limits of the public API.
func (in *DescribeOrganizationalUnitInput) Validate(c *check.Checks) {
	checkUnit(c, in.OrganizationalUnitID)
	required(c, in.OrganizationalUnitID.Set)
}

// DescribeOrganizationalUnitOutput is the unit.
type DescribeOrganizationalUnitOutput struct {
	OrganizationalUnit OrganizationalUnit `aws:"OrganizationalUnit"`
}

// describeOrganizationalUnit implements DescribeOrganizationalUnit.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganizationalUnit.html
func (s *Service) describeOrganizationalUnit() operation.Operation {
	return operation.Use[DescribeOrganizationalUnitInput, DescribeOrganizationalUnitOutput, *seat, *DescribeOrganizationalUnitInput]{
		Name:    "DescribeOrganizationalUnit",
		Actions: []string{prefix + "DescribeOrganizationalUnit"},
		Subject: seated(s, func(in *DescribeOrganizationalUnitInput) about { return about{id: in.OrganizationalUnitID.V} }),
		Asks:    asks[DescribeOrganizationalUnitInput](prefix + "DescribeOrganizationalUnit"),
		Run:     told(s.runDescribeOrganizationalUnit),
	}.Operation()
}

func (s *Service) runDescribeOrganizationalUnit(c *operation.Call, in *DescribeOrganizationalUnitInput, t *seat) (*DescribeOrganizationalUnitOutput, error) {
	u, _, err := t.unit(c.Context, t.reader, in.OrganizationalUnitID.V)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, errNoUnit
	}
	line, err := t.lineage(c.Context, t.reader, u.ID)
	if err != nil {
		return nil, err
	}
	return &DescribeOrganizationalUnitOutput{OrganizationalUnit: t.shownUnit(c.Partition, line)}, nil
}
