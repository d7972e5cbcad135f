package memory

import (
	"context"
	"fmt"

	"claviger/internal/ground/store/driver"
)

// A snapshot stays readable when the database is closed.
type snapshot struct {
	database *database
	state    *state
	closed   bool
}

func (s *snapshot) ready(ctx context.Context) error {
	if s.closed {
		return fmt.Errorf("memory: %w: %w", driver.ErrUnavailable, errSnapshotClosed)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memory: %w: %w", driver.ErrUnavailable, err)
	}
	return nil
}

func (s *snapshot) Position() uint64 { return s.state.position }

func (s *snapshot) Get(ctx context.Context, table *driver.Schema, key driver.Key) (driver.Row, error) {
	if err := s.ready(ctx); err != nil {
		return driver.Row{}, err
	}
	row, ok := s.database.table(table).get(s.state.rows, key)
	if !ok {
		return driver.Row{}, fmt.Errorf("row of %s: %w", table.Name, driver.ErrNotFound)
	}
	return *row, nil
}

func (s *snapshot) Scan(ctx context.Context, table *driver.Schema, index string, prefix, after driver.Key, limit int, fn func(driver.Row) error) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	t := s.database.table(table)
	return t.scan(s.state.rows, index, prefix, after, limit, func(r driver.Row) error {
		if err := s.ready(ctx); err != nil {
			return err
		}
		return fn(r)
	})
}

func (s *snapshot) Close() error {
	s.closed = true
	return nil
}
