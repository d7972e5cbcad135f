package iam

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/words/arn"
	"claviger/internal/words/confidential"
)

// usersMax is the quota of users per account.
const usersMax = 5000

// An account is an account with its root user. It is also the guard record of
// the quotas of what it counts: whoever creates or deletes one writes it.
type account struct {
	ID         string   `json:"id"`
	Name       string   `json:"name,omitempty"` // the operator's word for it, or the organization's
	Email      string   `json:"email,omitempty"`
	Created    int64    `json:"created"` // seconds since 1970
	AccessKeys []string `json:"accessKeys,omitempty"`
	Users      int      `json:"users"`
	Roles      int      `json:"roles,omitempty"`
	Policies   int      `json:"policies,omitempty"` // managed ones
	Groups     int      `json:"groups,omitempty"`

	// Organization is the id of that of which the account is a member.
	Organization string `json:"organization,omitempty"`

	// RootFeatures are on, of centralised root access, where the account manages it.
	RootFeatures []string `json:"rootFeatures,omitempty"`

	InstanceProfiles int `json:"instanceProfiles,omitempty"`
	MFADevices       int `json:"mfaDevices,omitempty"` // virtual ones
	MFADevicesInUse  int `json:"mfaDevicesInUse,omitempty"`

	Alias string `json:"alias,omitempty"`

	OIDCProviders int `json:"oidcProviders,omitempty"`
	SAMLProviders int `json:"samlProviders,omitempty"`

	PasswordPolicy *passwordPolicy `json:"passwordPolicy,omitempty"` // nil: AWS's own
}

var accounts = &store.Table[account]{
	Schema: driver.Schema{
		Name:       "iam_account",
		PrimaryKey: []driver.Column{{Name: "id"}},
	},
	Version: 1,
	Key:     func(a *account) store.Key { return accountKey(a.ID) },
	Account: func(a *account) string { return a.ID },
}

func accountKey(id string) store.Key { return store.Key{store.S(id)} }

// accountEntity is what the snapshots of a root user rest on. Counting users and
// roles does not touch it.
func accountEntity(id string) string { return "ac:" + id }

func getAccount(ctx context.Context, r store.Reader, id string) (*account, store.Rev, error) {
	a, rev, err := accounts.Get(ctx, r, accountKey(id))
	if err != nil {
		return nil, 0, fmt.Errorf("reading account %s: %w", id, err)
	}
	return a, rev, nil
}

// countUser adds n to the users of an account.
func countUser(ctx context.Context, tx store.Txn, a account, rev store.Rev, n int) error {
	a.Users += n
	return putCounts(ctx, tx, a, rev)
}

// countRole adds n to the roles of an account.
func countRole(ctx context.Context, tx store.Txn, a account, rev store.Rev, n int) error {
	a.Roles += n
	return putCounts(ctx, tx, a, rev)
}

// countManagedPolicy adds n to the managed policies of an account.
func countManagedPolicy(ctx context.Context, tx store.Txn, a account, rev store.Rev, n int) error {
	a.Policies += n
	return putCounts(ctx, tx, a, rev)
}

// countGroup adds n to the groups of an account.
func countGroup(ctx context.Context, tx store.Txn, a account, rev store.Rev, n int) error {
	a.Groups += n
	return putCounts(ctx, tx, a, rev)
}

func putCounts(ctx context.Context, tx store.Txn, a account, rev store.Rev) error {
	if err := accounts.Put(ctx, tx, &a, rev); err != nil {
		return fmt.Errorf("counting what account %s has: %w", a.ID, err)
	}
	return nil
}

// CreateAccount makes an account within tx. With an accessKeyID its root user
// gets that access key, which may be one that DrawAccessKey drew; without one
// the root user has none. The error wraps store.ErrExists where the account or
// the access key exists.
func (s *Service) CreateAccount(ctx context.Context, tx store.Txn, id, accessKeyID string, secret confidential.Bytes, now time.Time) error {
	return s.insertAccount(ctx, tx, account{ID: id, Created: now.Unix()}, accessKeyID, secret)
}

func (s *Service) insertAccount(ctx context.Context, tx store.Txn, a account, accessKeyID string, plain confidential.Bytes) error {
	if !arn.IsAccount(a.ID) {
		return fmt.Errorf("making account %q: an account id has twelve digits", a.ID)
	}
	if accessKeyID != "" {
		if err := s.usable(accessKeyID, plain); err != nil {
			return fmt.Errorf("making account %s: %w", a.ID, err)
		}
		k := &accessKey{ID: accessKeyID, Account: a.ID, Status: active, Created: a.Created, Secret: secret{plain}}
		if err := accessKeys.Insert(ctx, tx, k); err != nil {
			return fmt.Errorf("making the root access key of account %s: %w", a.ID, err)
		}
		tx.Touch(accessKeyEntity(accessKeyID))
		a.AccessKeys = []string{accessKeyID}
	}
	if err := accounts.Insert(ctx, tx, &a); err != nil {
		return fmt.Errorf("making account %s: %w", a.ID, err)
	}
	tx.Touch(accountEntity(a.ID))
	return nil
}

// drawAccountID draws the id of an account that does not exist yet.
func drawAccountID(ctx context.Context, r store.Reader) (string, error) {
	for {
		id := randomDigits()
		_, _, err := accounts.Get(ctx, r, accountKey(id))
		if errors.Is(err, store.ErrNotFound) {
			return id, nil
		}
		if err != nil {
			return "", fmt.Errorf("drawing an account id: %w", err)
		}
	}
}

// randomDigits draws twelve digits, each equally likely.
func randomDigits() string {
	digits := make([]byte, 0, 12)
	var b [32]byte
	for {
		_, _ = rand.Read(b[:])
		for _, c := range b {
			if c >= 250 { // the bytes above would favour some digits
				continue
			}
			if digits = append(digits, '0'+c%10); len(digits) == cap(digits) {
				return string(digits)
			}
		}
	}
}

// Accounts lists the ids of all accounts, in ascending order.
func (s *Service) Accounts(ctx context.Context) (ids []string, err error) {
	const batch = 500
	err = s.store.View(ctx, func(r store.Reader) error {
		ids = nil
		var after store.Key
		for {
			before := len(ids)
			err := accounts.Scan(ctx, r, "", nil, after, batch, func(a *account, _ store.Rev) error {
				ids = append(ids, a.ID)
				return nil
			})
			if err != nil {
				return fmt.Errorf("listing accounts: %w", err)
			}
			if len(ids)-before < batch {
				return nil
			}
			after = accountKey(ids[len(ids)-1])
		}
	})
	return ids, err
}
