package organizations

import (
	"errors"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// DeleteOrganizationalUnitInput asks for a unit to be deleted that has nothing below it.
type DeleteOrganizationalUnitInput struct {
	OrganizationalUnitID optional.Of[string] `aws:"OrganizationalUnitId" audit:"organizationalUnitId"`
}

// Validate checks the limits of the public API.
func (in *DeleteOrganizationalUnitInput) Validate(c *check.Checks) {
	checkUnit(c, in.OrganizationalUnitID)
	required(c, in.OrganizationalUnitID.Set)
}

// deleteOrganizationalUnit implements DeleteOrganizationalUnit. The policies that
// are attached to the unit are detached.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeleteOrganizationalUnit.html
func (s *Service) deleteOrganizationalUnit() operation.Operation {
	return operation.Change[DeleteOrganizationalUnitInput, operation.None, *seat, *DeleteOrganizationalUnitInput]{
		Name:    "DeleteOrganizationalUnit",
		Actions: []string{prefix + "DeleteOrganizationalUnit"},
		Subject: seated(s, func(in *DeleteOrganizationalUnitInput) about { return about{id: in.OrganizationalUnitID.V} }),
		Asks:    asks[DeleteOrganizationalUnitInput](prefix + "DeleteOrganizationalUnit"),
		Run:     managed(s.runDeleteOrganizationalUnit),
	}.Operation()
}

func (s *Service) runDeleteOrganizationalUnit(c *operation.Call, tx store.Txn, in *DeleteOrganizationalUnitInput, t *seat) (*operation.None, error) {
	u, rev, err := t.unit(c.Context, tx, in.OrganizationalUnitID.V)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, errNoUnit
	}
	empty := true
	err = errors.Join(
		childUnits(c.Context, tx, u.ID, "", func(*unit) bool { empty = false; return false }),
		scan(c.Context, tx, members, "parent", u.ID, "", memberID, func(*member) bool { empty = false; return false }))
	if err != nil {
		return nil, err
	}
	if !empty {
		return nil, fault.New(unitNotEmpty, "The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child OUs, and try the operation again.")
	}
	if err := t.detachAll(c.Context, tx, &u.Attached); err != nil {
		return nil, err
	}
	if err := units.Delete(c.Context, tx, idKey(u.ID), rev); err != nil {
		return nil, fmt.Errorf("deleting unit %s: %w", u.ID, err)
	}
	t.Units--
	return &operation.None{}, nil
}
