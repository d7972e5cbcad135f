package iam

import (
	"context"

	"claviger/internal/ground/store"
)

// UsersMax is the quota that the tests of package iam_test walk up to.
const UsersMax = usersMax

// DevelopmentMax is the bound of accounts that are made on first sight.
const DevelopmentMax = developmentMax

// SetUsers sets the count of users in the guard record of an account.
func SetUsers(ctx context.Context, tx store.Txn, account string, n int) error {
	a, rev, err := getAccount(ctx, tx, account)
	if err != nil {
		return err
	}
	a.Users = n
	return accounts.Put(ctx, tx, a, rev)
}

// Users returns the count of users in the guard record of an account.
func Users(ctx context.Context, r store.Reader, account string) (int, error) {
	a, _, err := getAccount(ctx, r, account)
	if err != nil {
		return 0, err
	}
	return a.Users, nil
}

// LoseUser deletes the row of a user behind the service's back. As a damaged
// store would, it leaves everything else as it is.
func LoseUser(ctx context.Context, tx store.Txn, id string) error {
	_, rev, err := users.Get(ctx, tx, userKey(id))
	if err != nil {
		return err
	}
	tx.Touch(userEntity(id))
	return users.Delete(ctx, tx, userKey(id), rev)
}

// ForgetAccessKeys makes a user's record name no access keys, and leaves their rows.
func ForgetAccessKeys(ctx context.Context, tx store.Txn, id string) error {
	u, rev, err := users.Get(ctx, tx, userKey(id))
	if err != nil {
		return err
	}
	u.AccessKeys = nil
	return putUser(ctx, tx, *u, rev)
}

// BreakPolicy puts a document that does not compile into a user's record.
func BreakPolicy(ctx context.Context, tx store.Txn, id string) error {
	u, rev, err := users.Get(ctx, tx, userKey(id))
	if err != nil {
		return err
	}
	u.Policies = u.Policies.With("broken", "{")
	return putUser(ctx, tx, *u, rev)
}

// Kept is the number of credentials in memory.
func (s *Service) Kept() int { return s.snapshots.count() }
