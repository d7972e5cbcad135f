package kms

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
	"claviger/internal/words/arn"
	"claviger/internal/words/optional"
)

// trackedOperations are those that count as a use of a key, where they succeed.
// https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html#tracked-crypto-operations
var trackedOperations = func() map[string]bool {
	tracked := make(map[string]bool)
	for _, name := range []string{
		"Decapsulate", "Decrypt", "DeriveSharedSecret", "Encapsulate", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
		"GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "ReEncrypt", "Sign", "Verify", "VerifyMac",
	} {
		tracked[name] = true
	}
	return tracked
}()

// lastUseRecord is the last use of a key.
type lastUseRecord struct {
	Region    string    `json:"region"`
	KeyID     string    `json:"keyId"`
	Account   string    `json:"account"`
	Operation string    `json:"operation"`
	Time      time.Time `json:"time"`
	EventID   string    `json:"eventId"`
	RequestID string    `json:"requestId"`
}

var lastUseTable = &store.Table[lastUseRecord]{
	Schema: driver.Schema{
		Name:       "kms_last_use",
		PrimaryKey: []driver.Column{{Name: "region"}, {Name: "key_id"}},
	},
	Version: 1,
	Key:     func(r *lastUseRecord) store.Key { return keyKey(r.Region, r.KeyID) },
	Account: func(r *lastUseRecord) string { return r.Account },
}

// trackingTable says how far the table of last uses has followed the trail.
var trackingTable = lastuse.Marks("kms_tracking")

// lastUses are the last uses of keys.
type lastUses = lastuse.Tracker[keyName, recentUse]

// Recorded is told of the records of the trail, see lastuse.Record.
func (s *Service) Recorded(sequence uint64, account string, at time.Time, b *record.Brief) {
	var found [2]lastuse.Use[keyName, recentUse] // ReEncrypt has two keys
	uses := found[:0]
	if b != nil && !b.Refused && b.Source == EventSource && trackedOperations[b.Name] {
		for _, name := range b.ARNs {
			a, ok := arn.Parse(name)
			if id, isKey := strings.CutPrefix(a.Resource, "key/"); ok && isKey {
				uses = append(uses, lastuse.Use[keyName, recentUse]{Key: keyName{a.Region, id}, Use: recentUse{sequence, account, at, b}})
			}
		}
	}
	s.lastUses.Reach(sequence, uses)
}

// A recentUse is a use as the trail told of it.
type recentUse struct {
	sequence uint64
	account  string
	at       time.Time
	brief    *record.Brief
}

// record is what is stored of u, a use of the key that is named.
func (u recentUse) record(name keyName) *lastUseRecord {
	return &lastUseRecord{
		Region: name.region, KeyID: name.id, Account: u.account, Operation: u.brief.Name,
		Time:    u.at.UTC().Truncate(time.Second), // as the record says it
		EventID: u.brief.EventID, RequestID: u.brief.RequestID,
	}
}

// lastUse returns the last use of a key, nil where none is known.
func (s *Service) lastUse(c *operation.Call, k *Key) (*lastUseRecord, error) {
	name := keyName{k.Region, k.ID}
	if recent, known := s.lastUses.Recent(name); known {
		return recent.record(name), nil
	}
	use, _, err := lastUseTable.Get(c.Context, s.store.Glance(), keyKey(k.Region, k.ID))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the last use of key %s: %w", k.ID, err)
	}
	return use, nil
}

// tracked returns from when on the uses of a key are known.
func (s *Service) tracked(k *Key) time.Time {
	return later(s.lastUses.Since(), k.Created)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// checkIdle has t answer for how many days, rounded down, its key has not been
// used, as far as that is known.
// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-trailing-days-without-key-usage
func (s *Service) checkIdle(c *operation.Call, t *target) error {
	if t.key == nil {
		return nil
	}
	since := s.tracked(t.key)
	use, err := s.lastUse(c, t.key)
	if err != nil {
		return err
	}
	if use != nil {
		since = later(since, use.Time)
	}
	t.idle = optional.Some(max(0, int(c.Time.Sub(since)/(24*time.Hour))))
	return nil
}

// FollowLastUses returns what a start has read the trail beyond the table of last uses.
func (s *Service) FollowLastUses(now time.Time) lastuse.Follower {
	return s.lastUses.Follow(now, s.Recorded)
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

// keepUse stores a use, unless its key is gone: then nobody can ask for it.
func keepUse(ctx context.Context, tx store.Txn, name keyName, use recentUse) error {
	r := use.record(name)
	at := keyKey(r.Region, r.KeyID)
	_, rev, err := keyTable.Get(ctx, tx, at)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	keyTable.Require(tx, at, rev)
	old, rev, err := lastUseTable.Get(ctx, tx, at)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return lastUseTable.Insert(ctx, tx, r)
	case err != nil:
		return err
	case old.Time.After(r.Time): // of another trail than the one that is followed now
		return nil
	}
	return lastUseTable.Put(ctx, tx, r, rev)
}
