package kms

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/record"
	"claviger/internal/words/arn"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
)

// When a key was last used is read off the trail: no call writes it. Records
// are read as they become durable, before their calls are answered, into
// memory; now and then what memory has goes into a table, with the place in the
// trail up to which the table is complete. A start reads on from there, so that a
// crash loses nothing.

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

// trackingRecord says how far the table of last uses has followed the trail.
type trackingRecord struct {
	Since    time.Time `json:"since"`    // no use before is known
	Sequence uint64    `json:"sequence"` // of the last record that the table knows of
}

var trackingTable = &store.Table[trackingRecord]{
	Schema:  driver.Schema{Name: "kms_tracking", PrimaryKey: []driver.Column{{Name: "trail"}}},
	Version: 1,
	Key:     func(*trackingRecord) store.Key { return trackingKey },
}

// trackingKey is the key of the one row there is.
var trackingKey = store.Key{store.S("")}

// lastUses has the uses that the table may not have yet.
type lastUses struct {
	mu      sync.Mutex
	recent  map[keyName]recentUse
	reached trackingRecord // what recent and the table know together
	stored  trackingRecord // what the table alone knows
}

// Recorded is told of the records of the trail: which number a record has, for
// whose trail it is, the time of the call, and what it says if its call was
// answered.
func (s *Service) Recorded(sequence uint64, account string, at time.Time, b *record.Brief) {
	u := &s.lastUses
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reached.Sequence = sequence
	if b == nil || b.Refused || b.Source != EventSource || !trackedOperations[b.Name] {
		return
	}
	for _, name := range b.ARNs {
		a, ok := arn.Parse(name)
		if id, isKey := strings.CutPrefix(a.Resource, "key/"); ok && isKey {
			u.recent[keyName{a.Region, id}] = recentUse{sequence, account, at, b}
		}
	}
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
	s.lastUses.mu.Lock()
	recent, known := s.lastUses.recent[name]
	s.lastUses.mu.Unlock()
	if known {
		return recent.record(name), nil
	}
	// What leaves the memory is in the table already: the row is read as it is
	// now, not as the call's view has it.
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
	s.lastUses.mu.Lock()
	defer s.lastUses.mu.Unlock()
	return later(s.lastUses.reached.Since, k.Created)
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

// A Read calls fn for the records of the trail from a number on, as Recorded
// takes them.
type Read func(ctx context.Context, from uint64, fn func(sequence uint64, account string, at time.Time, b *record.Brief) error) error

// CatchUp reads what the trail has beyond the table of last uses. It is called
// at start, before the first call.
func (s *Service) CatchUp(ctx context.Context, now time.Time, read Read) error {
	u := &s.lastUses
	mark, err := s.tracking(ctx)
	if err != nil {
		return err
	}
	u.reached, u.stored = mark, mark
	first, err := s.readOn(ctx, max(mark.Sequence, 1), read)
	if err == nil && mark.Sequence > 0 && first != mark.Sequence {
		// Not the trail that was followed so far, or not all of it.
		u.reached = trackingRecord{}
		_, err = s.readOn(ctx, 1, read)
	}
	if err != nil {
		return fmt.Errorf("reading the trail for last uses: %w", err)
	}
	if u.reached.Since.IsZero() {
		u.reached.Since = now
	}
	u.reached.Since = u.reached.Since.UTC().Truncate(time.Millisecond) // as answers carry it
	return s.StoreLastUses(ctx)
}

// recentMax is how many uses gather in memory before a start stores them.
const recentMax = 10_000

// readOn reads the trail from a number on and returns the number that it found first.
func (s *Service) readOn(ctx context.Context, from uint64, read Read) (first uint64, err error) {
	u := &s.lastUses
	err = read(ctx, from, func(sequence uint64, account string, at time.Time, b *record.Brief) error {
		if first == 0 {
			first = sequence
		}
		if u.reached.Since.IsZero() {
			u.reached.Since = at
		}
		s.Recorded(sequence, account, at, b)
		if len(u.recent) < recentMax {
			return nil
		}
		return s.StoreLastUses(ctx)
	})
	return first, err
}

// tracking returns how far the table has followed the trail, zero where it has not begun.
func (s *Service) tracking(ctx context.Context) (mark trackingRecord, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		rec, _, err := trackingTable.Get(ctx, r, trackingKey)
		if err == nil {
			mark = *rec
		}
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return mark, fmt.Errorf("reading how far last uses are known: %w", err)
	}
	return mark, nil
}

const (
	storedAtOnce = 100     // last uses that one commit stores
	behindMax    = 100_000 // records without a use that a start may have to read again
)

// StoreLastUses brings the table of last uses up to what memory has. One does it
// at a time.
func (s *Service) StoreLastUses(ctx context.Context) error {
	u := &s.lastUses
	u.mu.Lock()
	reached, uses := u.reached, maps.Clone(u.recent)
	u.mu.Unlock()
	if len(uses) == 0 && reached.Since.Equal(u.stored.Since) && reached.Sequence-u.stored.Sequence < behindMax {
		return nil
	}
	for chunk := range slices.Chunk(slices.Collect(maps.Keys(uses)), storedAtOnce) {
		_, err := s.store.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
			for _, name := range chunk {
				if err := uses[name].record(name).keep(ctx, tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("storing last uses of keys: %w", err)
		}
		u.forget(chunk, uses)
	}
	// A crash before this commit has the next start read again what is stored.
	_, err := s.store.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
		_, rev, err := trackingTable.Get(ctx, tx, trackingKey)
		if errors.Is(err, store.ErrNotFound) {
			return trackingTable.Insert(ctx, tx, &reached)
		}
		if err != nil {
			return err
		}
		return trackingTable.Put(ctx, tx, &reached, rev)
	})
	if err != nil {
		return fmt.Errorf("storing how far last uses are known: %w", err)
	}
	u.stored = reached
	return nil
}

// forget drops uses that were stored, but for those of keys that were used again meanwhile.
func (u *lastUses) forget(names []keyName, stored map[keyName]recentUse) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, name := range names {
		if u.recent[name] == stored[name] {
			delete(u.recent, name)
		}
	}
}

// keep stores a use, unless its key is gone: then nobody can ask for it.
func (r *lastUseRecord) keep(ctx context.Context, tx store.Txn) error {
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
