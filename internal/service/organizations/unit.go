package organizations

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/words/pairs"
)

const (
	rootName = "Root"

	// Quotas of an organization.
	// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
	unitsMax = 2000
	depthMax = 5 // of units below the root
)

// A unit is an organizational unit or the root, with the policies attached to it.
type unit struct {
	ID           string      `json:"id"` // ou-… or r-…
	Organization string      `json:"organization"`
	Management   string      `json:"management"`
	Parent       string      `json:"parent"` // of the root: the organization
	Name         string      `json:"name"`
	Attached     attachments `json:"attached"`
	Tags         pairs.Map   `json:"tags,omitempty"`
}

var units = &store.Table[unit]{
	Schema: driver.Schema{
		Name:       "organizations_unit",
		PrimaryKey: []driver.Column{{Name: "id"}},
		Indexed:    []driver.Column{{Name: "organization"}, {Name: "parent"}, {Name: "name"}},
		Indexes: []driver.IndexSchema{
			{Name: "organization", Columns: []string{"organization"}},
			{Name: "parent", Columns: []string{"parent"}},
			{Name: "name", Columns: []string{"parent", "name"}, Unique: true},
		},
	},
	Version: 1,
	Key:     func(u *unit) store.Key { return idKey(u.ID) },
	Indexed: func(u *unit) store.Key { return store.Key{store.S(u.Organization), store.S(u.Parent), store.S(u.Name)} },
	Account: func(u *unit) string { return u.Management },
}

// unit returns a unit of the organization, or its root. It is nil where there is none.
func (o *organization) unit(ctx context.Context, r store.Reader, id string) (*unit, store.Rev, error) {
	u, rev, err := units.Get(ctx, r, idKey(id))
	if errors.Is(err, store.ErrNotFound) || err == nil && u.Organization != o.ID {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading unit %s: %w", id, err)
	}
	return u, rev, nil
}

// lineage returns a unit with those above it, the root first. A unit that is
// missing is an error: a policy may be attached to it.
func (o *organization) lineage(ctx context.Context, r store.Reader, id string) ([]*unit, error) {
	var line []*unit
	for id != o.ID {
		u, _, err := o.unit(ctx, r, id)
		if err != nil {
			return nil, err
		}
		if u == nil || len(line) > depthMax {
			return nil, fmt.Errorf("organization %s: unit %s is not in its tree", o.ID, id)
		}
		line = append(line, u)
		id = u.Parent
	}
	slices.Reverse(line)
	return line, nil
}

// path is that of the last of a lineage, as aws:PrincipalOrgPaths has it.
func (o *organization) path(line []*unit) string {
	path := o.ID + "/"
	for _, u := range line {
		path += u.ID + "/"
	}
	return path
}

// An OrganizationalUnit as outputs show it.
type OrganizationalUnit struct {
	ID   string `aws:"Id" audit:"id"`
	ARN  string `aws:"Arn" audit:"arn"`
	Name string `aws:"Name" audit:"name"`
	Path string `aws:"Path" audit:"path"`
}

func (o *organization) shownUnit(partition string, line []*unit) OrganizationalUnit {
	u := line[len(line)-1]
	return OrganizationalUnit{ID: u.ID, ARN: o.arn(partition, "ou", u.ID), Name: u.Name, Path: o.path(line)}
}

// childUnits calls fn for the units directly below a parent, in the order of
// their ids, from behind one of them, until fn returns false.
func childUnits(ctx context.Context, r store.Reader, parent, after string, fn func(*unit) bool) error {
	return scan(ctx, r, units, "parent", parent, after, func(u *unit) string { return u.ID }, fn)
}

// scan calls fn for the rows of an index under a value, in the order of their
// ids, from behind one of them, until fn returns false.
func scan[T any](ctx context.Context, r store.Reader, table *store.Table[T], index, value, after string, id func(*T) string, fn func(*T) bool) error {
	const batch = 100
	prefix := store.Key{store.S(value)}
	for {
		from := store.Key(nil)
		if after != "" {
			from = store.Key{store.S(value), store.S(after)}
		}
		n, more := 0, true
		err := table.Scan(ctx, r, index, prefix, from, batch, func(row *T, _ store.Rev) error {
			n++
			after = id(row)
			if more = more && fn(row); !more {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("listing %s under %s: %w", table.Schema.Name, value, err)
		}
		if n < batch {
			return nil
		}
	}
}

var errEnough = errors.New("organizations: no more are wanted")
