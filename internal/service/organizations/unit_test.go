package organizations_test

import (
	"fmt"
	"slices"
	"testing"

	"claviger/internal/service/organizations"
	"claviger/internal/words/optional"
)

// TestUnits: units stand five deep, with names that differ among siblings, and
// go only when nothing is below them.
func TestUnits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization(manager)
	const noUnit = "You specified an organizational unit that doesn't exist."
	parent, path := root, ""
	var line []organizations.OrganizationalUnit
	for depth := 1; depth <= 5; depth++ {
		u := w.unit(parent, "same name")
		if depth == 1 {
			organization := do[organizations.DescribeOrganizationOutput](w, manager, "DescribeOrganization", &organizations.DescribeOrganizationInput{}).Organization.ID
			path = organization + "/" + root + "/"
			matches(t, map[string]string{u.ID: `ou-` + root[2:] + `-[a-z0-9]{8,32}`, u.ARN: `arn:aws:organizations::` + manager + `:ou/` + organization + `/` + u.ID})
		}
		if path += u.ID + "/"; u.Path != path {
			t.Errorf("the path of %s is %s, want %s", u.ID, u.Path, path)
		}
		line, parent = append(line, u), u.ID
	}
	create := func(parent, name string) any {
		return &organizations.CreateOrganizationalUnitInput{ParentID: some(parent), Name: some(name)}
	}
	w.refuse(manager, "CreateOrganizationalUnit", create(parent, "sixth"), "ConstraintViolationException", "OU_DEPTH_LIMIT_EXCEEDED", "You attempted to create an OU tree that is too many levels deep.")
	w.refuse(manager, "CreateOrganizationalUnit", create(root, "same name"), "DuplicateOrganizationalUnitException", "", "An OU with the same name already exists.")
	w.refuse(manager, "CreateOrganizationalUnit", create("ou-none-12345678", "x"), "ParentNotFoundException", "", "You specified a parent that doesn't exist.")

	other := w.unit(root, "Same Name")
	rename := func(id, name string) any {
		return &organizations.UpdateOrganizationalUnitInput{OrganizationalUnitID: some(id), Name: some(name)}
	}
	w.refuse(manager, "UpdateOrganizationalUnit", rename(other.ID, "same name"), "DuplicateOrganizationalUnitException", "", "An OU with the same name already exists.")
	w.refuse(manager, "UpdateOrganizationalUnit", rename("ou-none-12345678", "x"), "OrganizationalUnitNotFoundException", "", noUnit)
	do[organizations.UpdateOrganizationalUnitOutput](w, manager, "UpdateOrganizationalUnit", rename(other.ID, "new"))
	seen := do[organizations.DescribeOrganizationalUnitOutput](w, manager, "DescribeOrganizationalUnit", &organizations.DescribeOrganizationalUnitInput{OrganizationalUnitID: some(other.ID)})
	if seen.OrganizationalUnit.Name != "new" {
		t.Errorf("renamed to %q", seen.OrganizationalUnit.Name)
	}

	parents := do[organizations.ListParentsOutput](w, manager, "ListParents", &organizations.ListParentsInput{ChildID: some(line[1].ID)}).Parents
	if !slices.Equal(parents, []organizations.Parent{{ID: line[0].ID, Type: "ORGANIZATIONAL_UNIT"}}) {
		t.Errorf("%+v", parents)
	}
	parents = do[organizations.ListParentsOutput](w, manager, "ListParents", &organizations.ListParentsInput{ChildID: some(line[0].ID)}).Parents
	if !slices.Equal(parents, []organizations.Parent{{ID: root, Type: "ROOT"}}) {
		t.Errorf("%+v", parents)
	}
	w.refuse(manager, "ListParents", &organizations.ListParentsInput{ChildID: some("000000000000")}, "ChildNotFoundException", "", "You specified a child that doesn't exist.")

	remove := func(id string) any {
		return &organizations.DeleteOrganizationalUnitInput{OrganizationalUnitID: some(id)}
	}
	const notEmpty = "The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child OUs, and try the operation again."
	w.refuse(manager, "DeleteOrganizationalUnit", remove(line[0].ID), "OrganizationalUnitNotEmptyException", "", notEmpty)
	id := w.account("one")
	w.done(manager, "MoveAccount", &organizations.MoveAccountInput{AccountID: some(id), SourceParentID: some(root), DestinationParentID: some(other.ID)})
	w.refuse(manager, "DeleteOrganizationalUnit", remove(other.ID), "OrganizationalUnitNotEmptyException", "", notEmpty)
	w.done(manager, "DeleteOrganizationalUnit", remove(line[4].ID))
	w.refuse(manager, "DeleteOrganizationalUnit", remove(line[4].ID), "OrganizationalUnitNotFoundException", "", noUnit)
	w.refuse(manager, "DescribeOrganizationalUnit", &organizations.DescribeOrganizationalUnitInput{OrganizationalUnitID: some(line[4].ID)}, "OrganizationalUnitNotFoundException", "", noUnit)
}

// TestUnitPages: lists come in pages of the size that was asked for, twenty at
// most, and a token opens for its own list only.
func TestUnitPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.organization(manager)
	const n = 23
	made := make(map[string]bool)
	for i := range n {
		made[w.unit(root, fmt.Sprintf("unit %d", i)).ID] = true
	}
	for _, size := range []optional.Of[int]{{}, optional.Some(1), optional.Some(7), optional.Some(20)} {
		seen := make(map[string]bool)
		in, pages := &organizations.ListOrganizationalUnitsForParentInput{ParentID: some(root), MaxResults: size}, 0
		for {
			out := do[organizations.ListOrganizationalUnitsForParentOutput](w, manager, "ListOrganizationalUnitsForParent", in)
			for _, u := range out.OrganizationalUnits {
				seen[u.ID] = true
			}
			pages++
			if in.NextToken = out.NextToken; !in.NextToken.Set {
				break
			}
			if len(out.OrganizationalUnits) != size.Or(20) {
				t.Errorf("a page of %d, asked for %d", len(out.OrganizationalUnits), size.Or(20))
			}
		}
		if want := (n + size.Or(20) - 1) / size.Or(20); len(seen) != n || pages != want {
			t.Errorf("size %v: %d units in %d pages, want %d in %d", size, len(seen), pages, n, want)
		}
	}
	out := do[organizations.ListChildrenOutput](w, manager, "ListChildren", &organizations.ListChildrenInput{ParentID: some(root), ChildType: some("ORGANIZATIONAL_UNIT")})
	if len(out.Children) != 20 || !made[out.Children[0].ID] || out.Children[0].Type != "ORGANIZATIONAL_UNIT" || !out.NextToken.Set {
		t.Errorf("%d children, the first %+v", len(out.Children), out.Children[0])
	}
	w.refuse(manager, "ListOrganizationalUnitsForParent", &organizations.ListOrganizationalUnitsForParentInput{ParentID: some(root), NextToken: out.NextToken},
		"InvalidInputException", "INVALID_NEXT_TOKEN", "Get the value for the NextToken parameter from the response to a previous call of the operation.")
}
