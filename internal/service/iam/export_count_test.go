package iam

import (
	"context"

	"claviger/internal/ground/store"
)

// SetMFADevices sets the count of virtual MFA devices in the guard record of an account.
func SetMFADevices(ctx context.Context, tx store.Txn, account string, n int) error {
	return setCount(ctx, tx, account, mfaDeviceCount, n)
}

// SetInstanceProfiles sets the count of instance profiles in the guard record of an account.
func SetInstanceProfiles(ctx context.Context, tx store.Txn, account string, n int) error {
	return setCount(ctx, tx, account, instanceProfileCount, n)
}

// SetProviders sets the counts of identity providers in the guard record of an account.
func SetProviders(ctx context.Context, tx store.Txn, account string, oidc, saml int) error {
	a, rev, err := getAccount(ctx, tx, account)
	if err != nil {
		return err
	}
	a.OIDCProviders, a.SAMLProviders = oidc, saml
	return accounts.Put(ctx, tx, a, rev)
}

func setCount(ctx context.Context, tx store.Txn, id string, of func(*account) *int, n int) error {
	a, rev, err := getAccount(ctx, tx, id)
	if err != nil {
		return err
	}
	*of(a) = n
	return accounts.Put(ctx, tx, a, rev)
}
