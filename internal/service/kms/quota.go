package kms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/words/fault"
)

// AWS's quotas, where they are ours by default.
const (
	keysPerAccount   = 100_000
	aliasesPerKey    = 50
	storesPerAccount = 10
)

// Quotas are how much there may be of what AWS raises quotas of on request; its
// others are fixed. Zero stands for AWS's quota, but for grants without end.
// AWS managed keys, their aliases and grants don't count.
// https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
type Quotas struct {
	Keys            int // of an account in a Region, in whatever state
	Aliases         int // of a key
	Grants          int // on a key
	CustomKeyStores int // of an account in a Region
}

// QuotasAWS are those of AWS.
var QuotasAWS = Quotas{Keys: keysPerAccount, Aliases: aliasesPerKey, Grants: 50_000, CustomKeyStores: storesPerAccount}

// orDefault returns q with what stands for zero.
func (q Quotas) orDefault() Quotas {
	return Quotas{
		Keys:            cmp.Or(q.Keys, keysPerAccount),
		Aliases:         cmp.Or(q.Aliases, aliasesPerKey),
		Grants:          cmp.Or(q.Grants, math.MaxInt),
		CustomKeyStores: cmp.Or(q.CustomKeyStores, storesPerAccount),
	}
}

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
func (s *Service) countKey(ctx context.Context, tx store.Txn, account, region string) error {
	q := &quotaRecord{Account: account, Region: region, Keys: 1}
	old, rev, err := quotaTable.Get(ctx, tx, quotaTable.Key(q))
	switch {
	case errors.Is(err, store.ErrNotFound):
		err = quotaTable.Insert(ctx, tx, q)
	case err != nil:
	case old.Keys >= s.quotas.Keys:
		return fault.New(fault.LimitExceeded, "The account already has %d keys in this Region.", old.Keys)
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

// claimStores makes the transaction conflict with every other that makes a custom
// key store in the account and Region or gives one another name or place: what
// is unique among stores is read from all of them, and reading claims nothing.
func claimStores(ctx context.Context, tx store.Txn, account, region string) error {
	q := &quotaRecord{Account: account, Region: region}
	old, rev, err := quotaTable.Get(ctx, tx, quotaTable.Key(q))
	switch {
	case errors.Is(err, store.ErrNotFound):
		err = quotaTable.Insert(ctx, tx, q)
	case err == nil:
		err = quotaTable.Put(ctx, tx, old, rev)
	}
	if err != nil {
		return fmt.Errorf("claiming the custom key stores of account %s: %w", q.Account, err)
	}
	return nil
}
