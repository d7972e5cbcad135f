package organizations

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UpdateOrganizationalUnitInput asks for a unit to be renamed.
type UpdateOrganizationalUnitInput struct {
	OrganizationalUnitID optional.Of[string] `aws:"OrganizationalUnitId" audit:"organizationalUnitId"`
	Name                 optional.Of[string] `aws:"Name" audit:"name"`
}

// Validate checks the limits of the public API.
func (in *UpdateOrganizationalUnitInput) Validate(c *check.Checks) {
	checkUnit(c, in.OrganizationalUnitID)
	may(c, in.Name, 1, 128, nil)
	required(c, in.OrganizationalUnitID.Set)
}

// UpdateOrganizationalUnitOutput is the unit.
type UpdateOrganizationalUnitOutput struct {
	OrganizationalUnit OrganizationalUnit `aws:"OrganizationalUnit" audit:"organizationalUnit"`
}

// updateOrganizationalUnit implements UpdateOrganizationalUnit.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_UpdateOrganizationalUnit.html
func (s *Service) updateOrganizationalUnit() operation.Operation {
	return operation.Change[UpdateOrganizationalUnitInput, UpdateOrganizationalUnitOutput, *seat, *UpdateOrganizationalUnitInput]{
		Name:    "UpdateOrganizationalUnit",
		Actions: []string{prefix + "UpdateOrganizationalUnit"},
		Subject: seated(s, func(in *UpdateOrganizationalUnitInput) about { return about{id: in.OrganizationalUnitID.V} }),
		Asks:    asks[UpdateOrganizationalUnitInput](prefix + "UpdateOrganizationalUnit"),
		Run:     managed(s.runUpdateOrganizationalUnit),
	}.Operation()
}

func (s *Service) runUpdateOrganizationalUnit(c *operation.Call, tx store.Txn, in *UpdateOrganizationalUnitInput, t *seat) (*UpdateOrganizationalUnitOutput, error) {
	u, rev, err := t.unit(c.Context, tx, in.OrganizationalUnitID.V)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, errNoUnit
	}
	u.Name = in.Name.Or(u.Name)
	if err := units.Put(c.Context, tx, u, rev); err != nil {
		return nil, nameTaken(err)
	}
	line, err := t.lineage(c.Context, tx, u.ID)
	if err != nil {
		return nil, err
	}
	return &UpdateOrganizationalUnitOutput{OrganizationalUnit: t.shownUnit(c.Partition, line)}, nil
}
