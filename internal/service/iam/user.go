package iam

import (
	"context"
	"fmt"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// A user with everything that allows or denies: its policies, its tags and the
// ids of its access keys stand in its own record, so that a missing row can
// only take rights away.
type user struct {
	ID         string    `json:"id"` // AIDA…
	Account    string    `json:"account"`
	Path       string    `json:"path"`
	Name       string    `json:"name"`
	Created    int64     `json:"created"` // seconds since 1970
	Tags       pairs.Map `json:"tags,omitempty"`
	Policies   pairs.Map `json:"policies,omitempty"` // documents of the inline policies by name
	AccessKeys []string  `json:"accessKeys,omitempty"`
	MFADevices []string  `json:"mfaDevices,omitempty"` // ids
	Login      bool      `json:"login,omitempty"`      // has a password

	ServiceCredentials []serviceCredential `json:"serviceCredentials,omitempty"`

	Attached []attachment `json:"attached,omitempty"` // managed policies
	Boundary *attachment  `json:"boundary,omitempty"` // permissions boundary
	Groups   []string     `json:"groups,omitempty"`   // unique ids of the groups that the user is in
}

var users = &store.Table[user]{
	Schema: driver.Schema{
		Name:       "iam_user",
		PrimaryKey: []driver.Column{{Name: "id"}},
		Indexed:    []driver.Column{{Name: "account"}, {Name: "folded"}},
		Indexes:    []driver.IndexSchema{{Name: "name", Columns: []string{"account", "folded"}, Unique: true}},
	},
	Version: 1,
	Key:     func(u *user) store.Key { return userKey(u.ID) },
	Indexed: func(u *user) store.Key { return nameKey(u.Account, u.Name) },
	Account: func(u *user) string { return u.Account },
}

func userKey(id string) store.Key { return store.Key{store.S(id)} }

func nameKey(account, name string) store.Key {
	return store.Key{store.S(account), store.S(fold(name))}
}

// userEntity is what everything that was read of a user rests on.
func userEntity(id string) string { return "pr:" + id }

// findUser looks a user up by name. The user is nil where there is none.
func findUser(ctx context.Context, r store.Reader, account, name string) (*user, store.Rev, error) {
	var found *user
	var rev store.Rev
	err := users.Scan(ctx, r, "name", nameKey(account, name), nil, 1, func(u *user, at store.Rev) error {
		found, rev = u, at
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("looking up user %s of account %s: %w", name, account, err)
	}
	return found, rev, nil
}

// putUser replaces a user's record. What rests on the user ends with this commit.
func putUser(ctx context.Context, tx store.Txn, u user, rev store.Rev) error {
	if err := users.Put(ctx, tx, &u, rev); err != nil {
		return fmt.Errorf("writing user %s: %w", u.ID, err)
	}
	tx.Touch(userEntity(u.ID))
	return nil
}

// holding is what u's own record says of its policies.
func (u *user) holding() holding {
	return holding{owner: "user " + u.ID, inline: u.Policies, attached: u.Attached, boundary: u.Boundary, groups: u.Groups}
}

func (u *user) arn(partition string) string {
	return userARN(partition, u.Account, u.Path, u.Name)
}

func userARN(partition, account, path, name string) string {
	return "arn:" + partition + ":iam::" + account + ":user" + path + name
}

// A User as outputs show it. Path and UserName are absent for the root user.
type User struct {
	Path       optional.Of[string] `aws:"Path" audit:"path"`
	UserName   optional.Of[string] `aws:"UserName" audit:"userName"`
	UserID     string              `aws:"UserId" audit:"userId"`
	ARN        string              `aws:"Arn" audit:"arn"`
	CreateDate time.Time           `aws:"CreateDate" audit:"createDate"`
	Tags       []Tag               `aws:"Tags" audit:"tags"`

	PermissionsBoundary *AttachedPermissionsBoundary `aws:"PermissionsBoundary" audit:"permissionsBoundary"`
}

// shown returns u as an output shows it, without its tags and its boundary: lists leave them out.
func (u *user) shown(partition string) User {
	return User{
		Path:       optional.Some(u.Path),
		UserName:   optional.Some(u.Name),
		UserID:     u.ID,
		ARN:        u.arn(partition),
		CreateDate: seconds(u.Created),
	}
}

func (u *user) shownWhole(partition string) User {
	out := u.shown(partition)
	out.Tags = tagList(u.Tags)
	out.PermissionsBoundary = shownBoundary(u.Boundary)
	return out
}

func seconds(n int64) time.Time { return time.Unix(n, 0).UTC() }
