package iam

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/pairs"
)

// Quotas of groups.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	groupsMax          = 300  // of an account
	groupsOfUserMax    = 10   // that a user is in
	groupPolicySizeMax = 5120 // characters of all inline policies of a group together, without white space
)

// A group gives its policies to the users in it. Who is in it stands in the
// records of the users: a group never is a principal itself.
type group struct {
	ID       string       `json:"id"` // AGPA…
	Account  string       `json:"account"`
	Path     string       `json:"path"`
	Name     string       `json:"name"`
	Created  int64        `json:"created"`            // seconds since 1970
	Policies pairs.Map    `json:"policies,omitempty"` // documents of the inline policies by name
	Attached []attachment `json:"attached,omitempty"` // managed policies
}

var groups = &store.Table[group]{
	Schema: driver.Schema{
		Name:       "iam_group",
		PrimaryKey: []driver.Column{{Name: "id"}},
		Indexed:    []driver.Column{{Name: "account"}, {Name: "folded"}},
		Indexes:    []driver.IndexSchema{{Name: "name", Columns: []string{"account", "folded"}, Unique: true}},
	},
	Version: 1,
	Key:     func(g *group) store.Key { return groupKey(g.ID) },
	Indexed: func(g *group) store.Key { return nameKey(g.Account, g.Name) },
	Account: func(g *group) string { return g.Account },
}

func groupKey(id string) store.Key { return store.Key{store.S(id)} }

// groupEntity is what everything that was read of a group rests on.
func groupEntity(id string) string { return "gr:" + id }

// A groupSize counts who is in a group. It is a row of its own, for the reasons
// that a policyUse is one.
type groupSize struct {
	Group   string `json:"group"` // unique id
	Account string `json:"account"`
	Users   int    `json:"users"`
}

var groupSizes = &store.Table[groupSize]{
	Schema: driver.Schema{
		Name:       "iam_group_size",
		PrimaryKey: []driver.Column{{Name: "group_id"}},
	},
	Version: 1,
	Key:     func(z *groupSize) store.Key { return groupKey(z.Group) },
	Account: func(z *groupSize) string { return z.Account },
}

func getGroupSize(ctx context.Context, r store.Reader, id string) (*groupSize, store.Rev, error) {
	z, rev, err := groupSizes.Get(ctx, r, groupKey(id))
	if err != nil {
		return nil, 0, fmt.Errorf("reading the size of group %s: %w", id, err)
	}
	return z, rev, nil
}

// countMember adds n to the users in a group.
func countMember(ctx context.Context, tx store.Txn, id string, n int) error {
	z, rev, err := getGroupSize(ctx, tx, id)
	if err != nil {
		return err
	}
	z.Users += n
	if err := groupSizes.Put(ctx, tx, z, rev); err != nil {
		return fmt.Errorf("counting the users of group %s: %w", id, err)
	}
	return nil
}

// findGroup looks a group up by name. The group is nil where there is none.
func findGroup(ctx context.Context, r store.Reader, account, name string) (*group, store.Rev, error) {
	var found *group
	var rev store.Rev
	err := groups.Scan(ctx, r, "name", nameKey(account, name), nil, 1, func(g *group, at store.Rev) error {
		found, rev = g, at
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("looking up group %s of account %s: %w", name, account, err)
	}
	return found, rev, nil
}

// getGroup reads a group that a user is in.
func getGroup(ctx context.Context, r store.Reader, id string) (*group, store.Rev, error) {
	g, rev, err := groups.Get(ctx, r, groupKey(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, 0, fmt.Errorf("group %s has users and is missing: %w", id, store.ErrDamaged)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading group %s: %w", id, err)
	}
	return g, rev, nil
}

// groupsOf returns the groups that a user is in, in the order of folded names.
func groupsOf(ctx context.Context, r store.Reader, u *user) ([]*group, error) {
	list := make([]*group, len(u.Groups))
	for i, id := range u.Groups {
		var err error
		if list[i], _, err = getGroup(ctx, r, id); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(list, func(a, b *group) int { return compareFolded(a.Name, b.Name) })
	return list, nil
}

// putGroup replaces a group's record. What rests on the group ends with this commit.
func putGroup(ctx context.Context, tx store.Txn, g group, rev store.Rev) error {
	if err := groups.Put(ctx, tx, &g, rev); err != nil {
		return fmt.Errorf("writing group %s: %w", g.ID, err)
	}
	tx.Touch(groupEntity(g.ID))
	return nil
}

// sharedGroup returns the policies of a group. A group that is missing might deny:
// without it nobody who is in it is judged.
func (s *Service) sharedGroup(ctx context.Context, r store.Reader, id string) (*share, error) {
	return s.shared(r, id, func() (*share, error) {
		g, rev, err := getGroup(ctx, r, id)
		if err != nil {
			return nil, err
		}
		all := &authz.Caller{
			Stamps:  []store.Stamp{s.store.Stamp(r, groupEntity(id))},
			Require: func(tx store.Txn) { groups.Require(tx, groupKey(id), rev) },
		}
		if err := s.endow(ctx, r, all, g.holding()); err != nil {
			return nil, err
		}
		return &share{policies: all.Identity, stamps: all.Stamps, require: all.Require}, nil
	})
}

// holding is what g's own record says of its policies.
func (g *group) holding() holding {
	return holding{owner: "group " + g.ID, inline: g.Policies, attached: g.Attached}
}

func (g *group) arn(partition string) string {
	return groupARN(partition, g.Account, g.Path, g.Name)
}

func groupARN(partition, account, path, name string) string {
	return "arn:" + partition + ":iam::" + account + ":group" + path + name
}

// A Group as outputs show it.
type Group struct {
	Path       string    `aws:"Path" audit:"path"`
	GroupName  string    `aws:"GroupName" audit:"groupName"`
	GroupID    string    `aws:"GroupId" audit:"groupId"`
	ARN        string    `aws:"Arn" audit:"arn"`
	CreateDate time.Time `aws:"CreateDate" audit:"createDate"`
}

func (g *group) shown(partition string) Group {
	return Group{Path: g.Path, GroupName: g.Name, GroupID: g.ID, ARN: g.arn(partition), CreateDate: seconds(g.Created)}
}
