package sqlite_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/sqlite"
)

func benchmarked(b *testing.B) driver.Driver {
	b.Helper()
	d, err := sqlite.Open(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := d.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := d.Migrate(b.Context(), 1, []*driver.Schema{&notes}); err != nil {
		b.Fatal(err)
	}
	return d
}

// BenchmarkGet reads one row of 500 bytes in a snapshot of its own.
func BenchmarkGet(b *testing.B) {
	d := benchmarked(b)
	for i := range int64(1000) {
		if _, err := d.Commit(b.Context(), insert(i, strings.Repeat("x", 500)), nil); err != nil {
			b.Fatal(err)
		}
	}
	for i := int64(0); b.Loop(); i++ {
		s, err := d.Snapshot(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Get(b.Context(), &notes, note(i%1000, "").Key); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCommit inserts rows of 500 bytes, durably: one writer, and many that
// share commits.
func BenchmarkCommit(b *testing.B) {
	var id atomic.Int64
	one := func(b *testing.B, d driver.Driver) {
		if _, err := d.Commit(b.Context(), insert(id.Add(1), strings.Repeat("x", 500)), nil); err != nil {
			b.Error(err)
		}
	}
	b.Run("alone", func(b *testing.B) {
		d := benchmarked(b)
		for b.Loop() {
			one(b, d)
		}
	})
	b.Run("crowd", func(b *testing.B) {
		d := benchmarked(b)
		b.SetParallelism(32)
		before := sqlite.Commits(d)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				one(b, d)
			}
		})
		b.ReportMetric(float64(b.N)/float64(sqlite.Commits(d)-before), "batches/commit")
	})
}

// BenchmarkUpdate commits what the store seals and sums up: a row that is
// written anew, with an event, by one and by many.
func BenchmarkUpdate(b *testing.B) {
	type record struct {
		N    int64
		Text string
	}
	records := store.Table[record]{
		Schema:  driver.Schema{Name: "record", PrimaryKey: []driver.Column{{Name: "n", Int: true}}},
		Version: 1,
		Key:     func(r *record) store.Key { return store.Key{store.N(r.N)} },
	}
	text := strings.Repeat("x", 500)
	opened := func(b *testing.B) *store.Store {
		root, err := sealed.NewRootKey(sealed.Random(32))
		if err != nil {
			b.Fatal(err)
		}
		keyring, _, err := sealed.Create(root)
		if err != nil {
			b.Fatal(err)
		}
		d, err := sqlite.Open(b.Context(), b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		s, err := store.Open(b.Context(), d, store.Options{Tables: []store.AnyTable{&records}, Sealer: keyring})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := s.Close(); err != nil {
				b.Error(err)
			}
		})
		return s
	}
	var id atomic.Int64
	one := func(b *testing.B, s *store.Store) {
		_, err := s.Update(b.Context(), store.OpID{}, func(tx store.Txn) error {
			tx.Emit([]byte(text))
			return records.Insert(b.Context(), tx, &record{id.Add(1), text})
		})
		if err != nil {
			b.Error(err)
		}
	}
	b.Run("alone", func(b *testing.B) {
		s := opened(b)
		for b.Loop() {
			one(b, s)
		}
	})
	b.Run("crowd", func(b *testing.B) {
		s := opened(b)
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				one(b, s)
			}
		})
	})
}
