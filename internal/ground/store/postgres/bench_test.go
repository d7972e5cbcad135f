package postgres_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/postgres"
	"claviger/internal/ground/store/postgres/postgrestest"
)

// BenchmarkGet reads one row of 500 bytes in a snapshot of its own.
func BenchmarkGet(b *testing.B) {
	d := closing(b, migrated(b, postgrestest.URL(b)))
	for i := range int64(1000) {
		commit(b, d, insert(i, strings.Repeat("x", 500)))
	}
	for i := int64(0); b.Loop(); i++ {
		s, err := d.Snapshot(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Get(b.Context(), &notes, note(i%1000, "").Key); err != nil {
			b.Fatal(err)
		}
		closeSnapshot(b, s)
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
		d := closing(b, migrated(b, postgrestest.URL(b)))
		for b.Loop() {
			one(b, d)
		}
	})
	b.Run("crowd", func(b *testing.B) {
		d := closing(b, migrated(b, postgrestest.URL(b)))
		b.SetParallelism(32)
		before := postgres.Commits(d)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				one(b, d)
			}
		})
		b.ReportMetric(float64(b.N)/float64(postgres.Commits(d)-before), "batches/commit")
	})
}
