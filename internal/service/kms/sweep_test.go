package kms

import (
	"context"
	"strconv"
	"testing"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/drivertest"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/ident"
)

// A stumbler is a database that watches commits, and calls stop after some.
type stumbler struct {
	driver.Driver
	commits, rows, most, left int
	stop                      func()
}

func (d *stumbler) Commit(ctx context.Context, b *driver.Batch, committed func(uint64)) (uint64, error) {
	position, err := d.Driver.Commit(ctx, b, committed)
	d.commits++
	d.rows += len(b.Writes)
	d.most = max(d.most, len(b.Writes))
	if d.left--; d.left == 0 {
		d.stop()
	}
	return position, err
}

// TestSweep: the grants of a destroyed key are removed in small commits, and who
// is interrupted goes on where it was.
func TestSweep(t *testing.T) {
	t.Parallel()
	const grants = 10_000
	d := &stumbler{Driver: drivertest.Open(t)}
	s := newShelf(t, d, 100)
	s.service.store = s.store
	s.service.carryOut = func(ctx context.Context, change func(store.Txn) (*operation.Event, error)) error {
		_, err := s.store.Update(ctx, ident.Bytes(), func(tx store.Txn) error {
			_, err := change(tx)
			return err
		})
		return err
	}
	s.load(500, func(i int) *grantRecord {
		g := toAnn("DescribeKey", subsetContext, map[string]string{"volume": strconv.Itoa(i)})
		g.Name, g.Fingerprint = "n", digest(strconv.Itoa(i))
		return g
	})
	for from := 500; from < grants; from += driver.MaxWrites { // without their index, which would take long
		s.update(func(tx store.Txn) error {
			for i := range driver.MaxWrites {
				g := &grantRecord{Region: s.region, KeyID: s.keyID, ID: strconv.Itoa(from + i), Account: shelfOwner}
				if err := grantTable.Insert(t.Context(), tx, g); err != nil {
					return err
				}
			}
			return nil
		})
	}
	due := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s.update(func(tx store.Txn) error {
		k, err := s.service.readKey(t.Context(), tx, s.region, s.keyID)
		if err != nil {
			return err
		}
		rec := k.keyRecord
		rec.State, rec.Deletion = statePendingDeletion, due
		if err := quotaTable.Insert(t.Context(), tx, &quotaRecord{Account: shelfOwner, Region: s.region, Keys: 1}); err != nil {
			return err
		}
		return k.put(t.Context(), tx, &rec)
	})
	*d = stumbler{Driver: d.Driver}
	if n, err := s.service.DeleteDue(t.Context(), due); n != 1 || err != nil || d.commits != 1 {
		t.Fatalf("%d keys were destroyed in %d commits: %v", n, d.commits, err)
	}

	*d = stumbler{Driver: d.Driver}
	for tries := range 2 {
		ctx, stop := context.WithCancel(t.Context())
		d.left, d.stop = 10, stop
		if err := s.service.SweepDeleted(ctx); err == nil {
			t.Error("was not interrupted")
		}
		if d.rows != (tries+1)*10*sweptAtOnce {
			t.Errorf("%d rows were removed until the interruption", d.rows)
		}
	}
	for range 2 {
		if err := s.service.SweepDeleted(t.Context()); err != nil {
			t.Error(err)
		}
	}
	for _, table := range []string{"kms_grant", "kms_grant_name", "kms_grantee", "kms_grant_entry"} {
		if n := s.rows(table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
	timers, err := s.service.timers(t.Context(), taskSweep, nil)
	if len(timers) != 0 || err != nil {
		t.Errorf("%d timers are left, %v", len(timers), err)
	}
	if d.most > sweptAtOnce || d.rows < grants {
		t.Errorf("%d rows were removed, up to %d in a commit", d.rows, d.most)
	}
}
