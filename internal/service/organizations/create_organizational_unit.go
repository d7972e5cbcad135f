package organizations

import (
	"errors"
	"fmt"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// CreateOrganizationalUnitInput asks for a unit below a parent.
type CreateOrganizationalUnitInput struct {
	ParentID optional.Of[string] `aws:"ParentId" audit:"parentId"`
	Name     optional.Of[string] `aws:"Name" audit:"name"`
	Tags     []Tag               `aws:"Tags" audit:"tags"`
}

// Validate checks the limits of the public API.
func (in *CreateOrganizationalUnitInput) Validate(c *check.Checks) {
	checkParent(c, in.ParentID)
	may(c, in.Name, 1, 128, nil)
	checkTags(c, in.Tags)
	required(c, in.ParentID.Set, in.Name.Set)
}

// CreateOrganizationalUnitOutput is the unit.
type CreateOrganizationalUnitOutput struct {
	OrganizationalUnit OrganizationalUnit `aws:"OrganizationalUnit" audit:"organizationalUnit"`
}

// createOrganizationalUnit implements CreateOrganizationalUnit.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganizationalUnit.html
func (s *Service) createOrganizationalUnit() operation.Operation {
	return operation.Change[CreateOrganizationalUnitInput, CreateOrganizationalUnitOutput, *seat, *CreateOrganizationalUnitInput]{
		Name:    "CreateOrganizationalUnit",
		Actions: []string{prefix + "CreateOrganizationalUnit", actionTag},
		Subject: seated(s, func(in *CreateOrganizationalUnitInput) about { return about{id: in.ParentID.V, tags: in.Tags} }),
		Asks:    asks[CreateOrganizationalUnitInput](prefix + "CreateOrganizationalUnit"),
		Run:     managed(s.runCreateOrganizationalUnit),
	}.Operation()
}

func (s *Service) runCreateOrganizationalUnit(c *operation.Call, tx store.Txn, in *CreateOrganizationalUnitInput, t *seat) (*CreateOrganizationalUnitOutput, error) {
	line, err := t.parent(c, in.ParentID.V)
	if err != nil {
		return nil, err
	}
	switch {
	case t.Units >= unitsMax:
		return nil, violates("OU_NUMBER_LIMIT_EXCEEDED", "You attempted to exceed the number of OUs that you can have in an organization.")
	case len(line) > depthMax:
		return nil, violates("OU_DEPTH_LIMIT_EXCEEDED", "You attempted to create an OU tree that is too many levels deep.")
	}
	u := &unit{
		ID: "ou-" + strings.TrimPrefix(t.Root, "r-") + "-" + draw(8), Organization: t.ID, Management: t.Management,
		Parent: in.ParentID.V, Name: in.Name.V, Tags: tagMap(in.Tags),
	}
	if err := units.Insert(c.Context, tx, u); err != nil {
		return nil, nameTaken(err)
	}
	t.Units++
	return &CreateOrganizationalUnitOutput{OrganizationalUnit: t.shownUnit(c.Partition, append(line, u))}, nil
}

// nameTaken words the failure to write a unit whose name another one has.
func nameTaken(err error) error {
	if errors.Is(err, store.ErrExists) {
		return fault.New(duplicateUnit, "An OU with the same name already exists.")
	}
	return fmt.Errorf("writing a unit: %w", err)
}

// parent returns a unit or the root with those above it, the root first.
func (t *seat) parent(c *operation.Call, id string) ([]*unit, error) {
	u, _, err := t.unit(c.Context, t.reader, id)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, errNoParent
	}
	return t.lineage(c.Context, t.reader, id)
}
