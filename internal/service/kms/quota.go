package kms

import (
	"context"
	"errors"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/words/fault"
)

// keysPerAccount is how many keys an account may have in a Region, in whatever state.
// https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
const keysPerAccount = 100_000

// quotaRecord counts the keys of an account in a Region. It is written with
// every key that comes or goes, so that the count is exact and two calls can't
// both take the last place.
type quotaRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Keys    int    `json:"keys"`
}

var quotaTable = &store.Table[quotaRecord]{
	Schema: driver.Schema{
		Name:       "kms_quota",
		PrimaryKey: []driver.Column{{Name: "account"}, {Name: "region"}},
	},
	Version: 1,
	Key:     func(r *quotaRecord) store.Key { return store.Key{store.S(r.Account), store.S(r.Region)} },
	Account: func(r *quotaRecord) string { return r.Account },
}

// countKey takes a place for one more key of an account in a Region.
func countKey(ctx context.Context, tx store.Txn, account, region string) error {
	q := &quotaRecord{Account: account, Region: region, Keys: 1}
	old, rev, err := quotaTable.Get(ctx, tx, quotaTable.Key(q))
	switch {
	case errors.Is(err, store.ErrNotFound):
		err = quotaTable.Insert(ctx, tx, q)
	case err != nil:
	case old.Keys >= keysPerAccount:
		return fault.New(fault.LimitExceeded, "The account already has %d keys in this Region.", keysPerAccount)
	default:
		q.Keys = old.Keys + 1
		err = quotaTable.Put(ctx, tx, q, rev)
	}
	if err != nil {
		return fmt.Errorf("counting keys of account %s: %w", q.Account, err)
	}
	return nil
}

// uncountKey gives back the place of a key that is gone. An account that is not
// counted to have any is damage, not arithmetic.
func uncountKey(ctx context.Context, tx store.Txn, account, region string) error {
	q := &quotaRecord{Account: account, Region: region}
	old, rev, err := quotaTable.Get(ctx, tx, quotaTable.Key(q))
	if err == nil && old.Keys < 1 {
		err = store.ErrDamaged
	}
	if err == nil {
		q.Keys = old.Keys - 1
		err = quotaTable.Put(ctx, tx, q, rev)
	}
	if err != nil {
		return fmt.Errorf("counting keys of account %s: %w", account, damaged(err))
	}
	return nil
}
