package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
)

// Counts of an account, by what they count.
func instanceProfileCount(a *account) *int { return &a.InstanceProfiles }
func mfaDeviceCount(a *account) *int       { return &a.MFADevices }
func oidcProviderCount(a *account) *int    { return &a.OIDCProviders }
func samlProviderCount(a *account) *int    { return &a.SAMLProviders }
func mfaDevicesInUse(a *account) *int      { return &a.MFADevicesInUse }

// countUp adds one to a count of the caller's account, unless it has reached a
// quota. The account's record guards it: of two calls at the same time one starts
// again, and finds what the other made.
func countUp(c *operation.Call, tx store.Txn, of func(*account) *int, max int, quota string) error {
	a, rev, err := getAccount(c.Context, tx, ownAccount(c))
	if err != nil {
		return err
	}
	if *of(a) >= max {
		return exceeded(quota, max)
	}
	*of(a)++
	return putCounts(c.Context, tx, *a, rev)
}

// countDown takes one from a count of the caller's account.
func countDown(c *operation.Call, tx store.Txn, of func(*account) *int) error {
	a, rev, err := getAccount(c.Context, tx, ownAccount(c))
	if err != nil {
		return err
	}
	*of(a)--
	return putCounts(c.Context, tx, *a, rev)
}

// exceeded refuses what would be more than a quota allows.
func exceeded(quota string, max int) *fault.Fault {
	return fault.New(fault.LimitExceeded, "Cannot exceed quota for %s: %d", quota, max)
}
