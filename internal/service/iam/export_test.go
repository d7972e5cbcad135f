package iam

import (
	"context"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
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

// RolesMax is the quota that the tests of package iam_test walk up to.
const RolesMax = rolesMax

// SetRoles sets the count of roles in the guard record of an account.
func SetRoles(ctx context.Context, tx store.Txn, account string, n int) error {
	a, rev, err := getAccount(ctx, tx, account)
	if err != nil {
		return err
	}
	a.Roles = n
	return accounts.Put(ctx, tx, a, rev)
}

// Roles returns the count of roles in the guard record of an account.
func Roles(ctx context.Context, r store.Reader, account string) (int, error) {
	a, _, err := getAccount(ctx, r, account)
	if err != nil {
		return 0, err
	}
	return a.Roles, nil
}

// RoleCaller is roleCaller.
func (s *Service) RoleCaller(ctx context.Context, r store.Reader, id string) (*authz.Caller, error) {
	return s.roleCaller(ctx, r, id)
}

// BreakRolePolicy puts a document that does not compile into a role's record.
func BreakRolePolicy(ctx context.Context, tx store.Txn, id string) error {
	o, rev, err := roles.Get(ctx, tx, roleKey(id))
	if err != nil {
		return err
	}
	o.Policies = o.Policies.With("broken", "{")
	return putRole(ctx, tx, *o, rev)
}

// BreakTrust makes a role's trust policy one that does not compile.
func BreakTrust(ctx context.Context, tx store.Txn, id string) error {
	o, rev, err := roles.Get(ctx, tx, roleKey(id))
	if err != nil {
		return err
	}
	o.Trust.Text = "{"
	return putRole(ctx, tx, *o, rev)
}

// SetPolicies sets the count of managed policies in the guard record of an account.
func SetPolicies(ctx context.Context, tx store.Txn, account string, n int) error {
	a, rev, err := getAccount(ctx, tx, account)
	if err != nil {
		return err
	}
	a.Policies = n
	return accounts.Put(ctx, tx, a, rev)
}

// LosePolicy deletes the row of a managed policy behind the service's back.
func LosePolicy(ctx context.Context, tx store.Txn, id string) error {
	_, rev, err := managedPolicies.Get(ctx, tx, managedPolicyKey(id))
	if err != nil {
		return err
	}
	tx.Touch(managedPolicyEntity(id))
	return managedPolicies.Delete(ctx, tx, managedPolicyKey(id), rev)
}

// LosePolicyDocument deletes the row of a version of a managed policy.
func LosePolicyDocument(ctx context.Context, tx store.Txn, id string, number int) error {
	_, rev, err := policyDocuments.Get(ctx, tx, policyDocumentKey(id, number))
	if err != nil {
		return err
	}
	tx.Touch(managedPolicyEntity(id))
	return policyDocuments.Delete(ctx, tx, policyDocumentKey(id, number), rev)
}

// SetGroups sets the count of groups in the guard record of an account.
func SetGroups(ctx context.Context, tx store.Txn, account string, n int) error {
	a, rev, err := getAccount(ctx, tx, account)
	if err != nil {
		return err
	}
	a.Groups = n
	return accounts.Put(ctx, tx, a, rev)
}

// LoseGroup deletes the row of a group behind the service's back.
func LoseGroup(ctx context.Context, tx store.Txn, id string) error {
	_, rev, err := groups.Get(ctx, tx, groupKey(id))
	if err != nil {
		return err
	}
	tx.Touch(groupEntity(id))
	return groups.Delete(ctx, tx, groupKey(id), rev)
}
