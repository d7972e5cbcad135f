package kms

import (
	"context"
	"errors"
	"fmt"
	"math"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/words/fault"
)

// grantCountRecord counts the grants on a key while there is a quota of them.
// It is written with every grant that comes or goes, so that the count is exact.
// Without a quota nobody keeps it: a count of another start is not believed.
type grantCountRecord struct {
	Region  string `json:"region"`
	KeyID   string `json:"keyId"`
	Account string `json:"account"`
	Grants  int    `json:"grants"`
	Start   string `json:"start"` // of the service that counted
}

var grantCountTable = &store.Table[grantCountRecord]{
	Schema: driver.Schema{
		Name:       "kms_grant_count",
		PrimaryKey: []driver.Column{{Name: "region"}, {Name: "key_id"}},
	},
	Version: 1,
	Key:     func(r *grantCountRecord) store.Key { return keyKey(r.Region, r.KeyID) },
	Account: func(r *grantCountRecord) string { return r.Account },
}

// countGrant counts a grant that is about to come (+1) or to go (-1). The quota
// does not hold for grants on AWS managed keys, which are counted all the same. A
// count that is wrong keeps nobody from ending a grant: it is made anew.
func (s *Service) countGrant(ctx context.Context, tx store.Txn, g *grantRecord, n int, quota bool) error {
	if s.quotas.Grants == math.MaxInt {
		return nil
	}
	at := keyKey(g.Region, g.KeyID)
	count := &grantCountRecord{Region: g.Region, KeyID: g.KeyID, Account: g.Account, Start: s.started}
	old, rev, err := grantCountTable.Get(ctx, tx, at)
	switch {
	case err == nil && old.Start == s.started && old.Grants+n >= 0:
		count.Grants = old.Grants
	case err == nil || errors.Is(err, store.ErrNotFound):
		// Others count what they change, and so conflict with this.
		count.Grants, err = countGrants(ctx, tx, at)
	}
	if err != nil {
		return fmt.Errorf("counting the grants on key %s: %w", g.KeyID, err)
	}
	if count.Grants += n; quota && n > 0 && count.Grants > s.quotas.Grants {
		return fault.New(fault.LimitExceeded, "The key %s already has %d grants.", g.KeyID, count.Grants-n)
	}
	if old == nil {
		return grantCountTable.Insert(ctx, tx, count)
	}
	return grantCountTable.Put(ctx, tx, count, rev)
}

// countGrants reads all grants on a key.
func countGrants(ctx context.Context, r store.Reader, key store.Key) (n int, err error) {
	err = grantTable.Scan(ctx, r, "", key, nil, math.MaxInt, func(*grantRecord, store.Rev) error {
		n++
		return nil
	})
	return n, err
}
