package store

import (
	"context"
	"fmt"

	"claviger/internal/ground/store/driver"
)

// Reader reads one consistent snapshot. It is not safe for concurrent use, but
// the function that Scan calls may use it.
type Reader interface {
	// Position is the snapshot's place in the order of commits.
	Position() uint64
	reader() source // implemented here only: typed access goes through Table
}

// Snapshot is a Reader to be closed.
type Snapshot interface {
	Reader
	Close() error
}

// A source gives entries to tables, which know what they mean.
type source interface {
	get(ctx context.Context, s *driver.Schema, key Key) (*entry, error)
	scan(ctx context.Context, s *driver.Schema, index string, prefix, after Key, limit int, fn func(*entry) error) error
}

// A view is the snapshot of a driver, with bodies opened.
type view struct {
	store    *Store
	snapshot driver.Snapshot
}

func (s *Store) view(ctx context.Context) (*view, error) {
	snapshot, err := s.driver.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the store: %w", err)
	}
	return &view{s, snapshot}, nil
}

func (v *view) Position() uint64 { return v.snapshot.Position() }

func (v *view) Close() error { return v.snapshot.Close() }

func (v *view) reader() source { return v }

func (v *view) get(ctx context.Context, s *driver.Schema, key Key) (*entry, error) {
	row, err := v.snapshot.Get(ctx, s, key)
	if err != nil {
		return nil, err
	}
	return v.store.openRow(ctx, s, &row)
}

func (v *view) scan(ctx context.Context, s *driver.Schema, index string, prefix, after Key, limit int, fn func(*entry) error) error {
	return v.snapshot.Scan(ctx, s, index, prefix, after, limit, func(row driver.Row) error {
		e, err := v.store.openRow(ctx, s, &row)
		if err != nil {
			return err
		}
		return fn(e)
	})
}
