package lastuse

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/drivertest"
	"claviger/internal/kernel/record"
)

// TestCatchUpTogether: of two tables that know different parts of the trail each is
// told what it lacks, and no record is read twice for that unless it must be.
func TestCatchUpTogether(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(sequence uint64) time.Time { return now.Add(time.Duration(sequence) * time.Hour) }
	for _, c := range []struct {
		name        string
		knows       [2]uint64 // the last record that each table has
		first, last uint64    // of the trail
		damaged     uint64    // can't be read, nor what is behind it where a reading began before
		told        [2][]uint64
		read        []uint64
		since       time.Time // of the first follower
	}{
		{"nothing known", [2]uint64{0, 0}, 1, 3, 0, [2][]uint64{{1, 2, 3}, {1, 2, 3}}, []uint64{1, 2, 3}, at(1)},
		{"one behind", [2]uint64{2, 4}, 1, 6, 0, [2][]uint64{{2, 3, 4, 5, 6}, {4, 5, 6}}, []uint64{2, 3, 4, 5, 6}, now},
		{"the other behind", [2]uint64{4, 2}, 1, 5, 0, [2][]uint64{{4, 5}, {2, 3, 4, 5}}, []uint64{2, 3, 4, 5}, now},
		{"one has all", [2]uint64{3, 5}, 1, 5, 0, [2][]uint64{{3, 4, 5}, {5}}, []uint64{3, 4, 5}, now},
		{"one new", [2]uint64{3, 0}, 1, 4, 0, [2][]uint64{{3, 4}, {1, 2, 3, 4}}, []uint64{1, 2, 3, 4}, now},
		{"another trail", [2]uint64{5, 7}, 1, 2, 0, [2][]uint64{{1, 2}, {1, 2}}, []uint64{1, 2}, at(1)},
		{"a shorter trail", [2]uint64{2, 7}, 1, 3, 0, [2][]uint64{{2, 3}, {1, 2, 3}}, []uint64{2, 3, 1, 2, 3}, now},
		{"a trail that has lost its beginning", [2]uint64{2, 7}, 4, 8, 0, [2][]uint64{{4, 5, 6, 7, 8, 4, 5, 6, 7, 8}, {7, 8}}, []uint64{4, 5, 6, 7, 8, 4, 5, 6, 7, 8}, at(4)},
		{"damage before what one lacks", [2]uint64{2, 6}, 1, 8, 4, [2][]uint64{{2, 3}, {6, 7, 8}}, []uint64{2, 3, 6, 7, 8}, at(9)},
		{"damage before what both lack", [2]uint64{2, 6}, 1, 8, 2, [2][]uint64{nil, {6, 7, 8}}, []uint64{6, 7, 8}, at(9)},
		{"damage in what both lack", [2]uint64{2, 3}, 1, 8, 5, [2][]uint64{{2, 3, 4}, {3, 4}}, []uint64{2, 3, 4}, at(9)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			trackers := [2]*Tracker[string, uint64]{}
			tables := [2]*store.Table[Mark]{Marks("one_tracking"), Marks("two_tracking")}
			s := open(t, tables[0], tables[1])
			for i := range trackers {
				trackers[i] = New(s, tables[i], func(context.Context, store.Txn, string, uint64) error { return nil })
				if c.knows[i] > 0 {
					trackers[i].reached.Since = now
					trackers[i].Reach(c.knows[i], []Use[string, uint64]{{"k", c.knows[i]}})
					if err := trackers[i].Store(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			var read []uint64
			trail := func(_ context.Context, from uint64, fn func(uint64, string, time.Time, *record.Brief) error) error {
				for n := max(from, c.first); n <= c.last; n++ {
					if n == c.damaged {
						return fmt.Errorf("record %d: %w", n, audit.ErrDamaged)
					}
					read = append(read, n)
					if err := fn(n, "", at(n), nil); err != nil {
						return err
					}
				}
				return nil
			}
			var told [2][]uint64
			tell := func(i int) Record {
				return func(sequence uint64, _ string, _ time.Time, _ *record.Brief) {
					told[i] = append(told[i], sequence)
					trackers[i].Reach(sequence, nil)
				}
			}
			behind, err := CatchUp(t.Context(), trail, trackers[0].Follow(at(9), tell(0)), trackers[1].Follow(time.Time{}, tell(1)))
			if lost := c.last < max(c.knows[0], c.knows[1]); behind != lost || err != nil {
				t.Fatalf("behind %v, error %v", behind, err)
			}
			for i := range told {
				if !slices.Equal(told[i], c.told[i]) {
					t.Errorf("follower %d was told of %d, not %d", i, told[i], c.told[i])
				}
			}
			if !slices.Equal(read, c.read) {
				t.Errorf("%d were read, not %d", read, c.read)
			}
			if since := trackers[0].Since(); !since.Equal(c.since) {
				t.Errorf("uses are known since %v, not %v", since, c.since)
			}
			if since := trackers[1].Since(); c.knows[1] == 0 && !since.IsZero() {
				t.Errorf("one that nobody asks from when on knows uses since %v", since)
			}
		})
	}
}

// TestBehind: a start is told to store soon what is many records, from one on that it
// would not like to read again.
func TestBehind(t *testing.T) {
	t.Parallel()
	near, far := Marks("one_tracking"), Marks("two_tracking")
	s := open(t, near, far)
	keep := func(context.Context, store.Txn, string, uint64) error { return nil }
	for _, c := range []struct {
		marks *store.Table[Mark]
		last  uint64
		want  bool
	}{{near, behindMax - 1, false}, {far, behindMax, true}} {
		tracker := New(s, c.marks, keep)
		told := func(sequence uint64, _ string, _ time.Time, _ *record.Brief) {
			tracker.Reach(sequence, []Use[string, uint64]{{"k", sequence}})
		}
		trail := func(_ context.Context, from uint64, fn func(uint64, string, time.Time, *record.Brief) error) error {
			for n := from; n <= c.last; n++ {
				if err := fn(n, "", time.Time{}, nil); err != nil {
					return err
				}
			}
			return nil
		}
		if behind, err := CatchUp(t.Context(), trail, tracker.Follow(time.Time{}, told)); behind != c.want || err != nil {
			t.Errorf("after %d records: behind %v, error %v", c.last, behind, err)
		}
		if err := tracker.Store(t.Context()); err != nil {
			t.Fatal(err)
		}
		if behind, err := CatchUp(t.Context(), trail, tracker.Follow(time.Time{}, told)); behind || err != nil {
			t.Errorf("when they are stored: behind %v, error %v", behind, err)
		}
	}
}

// TestKnown: the table knows of every record that was told of when it was stored,
// whether or not one is a use, and is not written where it has nothing to learn.
func TestKnown(t *testing.T) {
	t.Parallel()
	marks := Marks("one_tracking")
	s := open(t, marks)
	tracker := New(s, marks, func(context.Context, store.Txn, string, uint64) error { return nil })
	for _, sequence := range []uint64{0, 1, 1, 2, behindMax} {
		before := s.Glance().Position()
		known, err := Known(t.Context(), s, marks)
		if err != nil {
			t.Fatal(err)
		}
		tracker.Reach(sequence, nil)
		if err := tracker.Store(t.Context()); err != nil {
			t.Fatal(err)
		}
		if wrote := s.Glance().Position() > before; wrote != (known < sequence) {
			t.Errorf("record %d behind %d: written %v", sequence, known, wrote)
		}
		if known, err = Known(t.Context(), s, marks); err != nil || known != sequence {
			t.Errorf("of record %d it knows %d, %v", sequence, known, err)
		}
	}
}

func open(t *testing.T, tables ...store.AnyTable) *store.Store {
	t.Helper()
	key, err := root.Random()
	if err != nil {
		t.Fatal(err)
	}
	keyring, _, err := sealed.Create(key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), drivertest.Open(t), store.Options{Tables: tables, Sealer: keyring})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
