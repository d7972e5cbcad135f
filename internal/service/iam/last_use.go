package iam

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/lastuse"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/record"
)

// A lastUse is the last call that an access key signed, or that a session of a
// role made, whatever was answered.
type lastUse struct {
	ID      string    `json:"id"` // of the access key or role
	Account string    `json:"account"`
	Time    time.Time `json:"time"`    // whole seconds, as the record has it
	Service string    `json:"service"` // such as kms
	Region  string    `json:"region"`
}

var lastUseTable = &store.Table[lastUse]{
	Schema:  driver.Schema{Name: "iam_last_use", PrimaryKey: []driver.Column{{Name: "id"}}},
	Version: 1,
	Key:     func(u *lastUse) store.Key { return lastUseKey(u.ID) },
	Account: func(u *lastUse) string { return u.Account },
}

func lastUseKey(id string) store.Key { return store.Key{store.S(id)} }

// trackingTable says how far the table of last uses has followed the trail.
var trackingTable = lastuse.Marks("iam_tracking")

// lastUses are the last uses of access keys and roles, by id.
type lastUses = lastuse.Tracker[string, lastUse]

// Recorded is told of the records of the trail, see lastuse.Record.
func (s *Service) Recorded(sequence uint64, account string, at time.Time, b *record.Brief) {
	var found [2]lastuse.Use[string, lastUse]
	uses := found[:0]
	if b != nil {
		used := lastUse{Account: account, Time: at.UTC().Truncate(time.Second), Service: strings.TrimSuffix(b.Source, ".amazonaws.com"), Region: b.Region}
		for _, id := range [...]string{b.AccessKeyID, b.RoleID} {
			if id != "" && !strings.HasPrefix(id, "ASIA") { // of temporary credentials nobody asks
				used.ID = id
				uses = append(uses, lastuse.Use[string, lastUse]{Key: id, Use: used})
			}
		}
	}
	s.lastUses.Reach(sequence, uses)
}

// lastUse returns the last use of an access key or role, nil where none is known.
func (s *Service) lastUse(c *operation.Call, id string) (*lastUse, error) {
	if recent, known := s.lastUses.Recent(id); known {
		return &recent, nil
	}
	used, _, err := lastUseTable.Get(c.Context, s.store.Glance(), lastUseKey(id))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the last use of %s: %w", id, err)
	}
	return used, nil
}

// FollowLastUses returns what a start has read the trail beyond the table of last uses.
func (s *Service) FollowLastUses() lastuse.Follower {
	return s.lastUses.Follow(time.Time{}, s.Recorded)
}

// StoreLastUses brings the table of last uses up to what memory has.
func (s *Service) StoreLastUses(ctx context.Context) error { return s.lastUses.Store(ctx) }

// KnownRecord is the last record of the trail of which the table of last uses in a store
// knows.
func KnownRecord(ctx context.Context, s *store.Store) (uint64, error) {
	return lastuse.Known(ctx, s, trackingTable)
}

// UnfollowTrail has last uses be known of the trail that there is, from its beginning.
func (s *Service) UnfollowTrail(ctx context.Context) error { return s.lastUses.Unfollow(ctx) }

// keepUse stores a use, unless what was used is gone: then nobody can ask for it.
func keepUse(ctx context.Context, tx store.Txn, _ string, used lastUse) error {
	u := &used
	exists, err := u.usedExists(ctx, tx)
	if !exists || err != nil {
		return err
	}
	old, rev, err := lastUseTable.Get(ctx, tx, lastUseKey(u.ID))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return lastUseTable.Insert(ctx, tx, u)
	case err != nil:
		return err
	case old.Time.After(u.Time): // of another trail than the one that is followed now
		return nil
	}
	return lastUseTable.Put(ctx, tx, u, rev)
}

// usedExists reports whether there is the access key or the role that was used, and
// has the transaction conflict if it goes.
func (u *lastUse) usedExists(ctx context.Context, tx store.Txn) (bool, error) {
	_, rev, err := accessKeys.Get(ctx, tx, accessKeyKey(u.ID))
	if err == nil {
		accessKeys.Require(tx, accessKeyKey(u.ID), rev)
		return true, nil
	}
	if errors.Is(err, store.ErrNotFound) {
		if _, rev, err = roles.Get(ctx, tx, roleKey(u.ID)); err == nil {
			roles.Require(tx, roleKey(u.ID), rev)
			return true, nil
		}
	}
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return false, fmt.Errorf("reading what %s is: %w", u.ID, err)
}

// forgetUse drops what is stored of the uses of an access key or role that is
// deleted.
func forgetUse(ctx context.Context, tx store.Txn, id string) error {
	_, rev, err := lastUseTable.Get(ctx, tx, lastUseKey(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = lastUseTable.Delete(ctx, tx, lastUseKey(id), rev)
	}
	if err != nil {
		return fmt.Errorf("forgetting the last use of %s: %w", id, err)
	}
	return nil
}
