package sqlite

import (
	"context"
	"errors"
	"fmt"

	"claviger/internal/ground/store/driver"
)

// pageRows is how many rows a scan reads at once. Between pages no statement is
// open, so that the function it calls may read as it likes.
const pageRows = 64

// A snapshot is a read transaction on a connection of its own.
type snapshot struct {
	database *database
	conn     *connection // nil when closed
	position uint64
	failed   bool
}

func (d *database) Snapshot(ctx context.Context) (driver.Snapshot, error) {
	c, err := d.reader(ctx)
	if err != nil {
		return nil, err
	}
	s := &snapshot{database: d, conn: c}
	// BEGIN alone takes no snapshot: the first read does, and that is the one
	// of the position, which therefore belongs to all that follow.
	if err = c.exec("BEGIN"); err == nil {
		s.position, err = c.head()
	}
	if err != nil {
		s.failed = true
		return nil, errors.Join(fmt.Errorf("sqlite: taking a snapshot: %w", err), s.Close())
	}
	return s, nil
}

// Glance reads one row in one statement, which is a snapshot of its own.
func (d *database) Glance(ctx context.Context, schema *driver.Schema, key driver.Key) (driver.Row, error) {
	c, err := d.reader(ctx)
	if err != nil {
		return driver.Row{}, err
	}
	s := &snapshot{database: d, conn: c}
	row, err := s.Get(ctx, schema, key)
	if back := d.giveBack(c, s.failed); err == nil && back != nil {
		return row, fmt.Errorf("sqlite: closing a glance: %w", back)
	}
	return row, err
}

func (s *snapshot) Position() uint64 { return s.position }

func (s *snapshot) ready(ctx context.Context) error {
	if s.conn == nil {
		return fmt.Errorf("sqlite: snapshot closed: %w", driver.ErrUnavailable)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sqlite: %w: %w", driver.ErrUnavailable, err)
	}
	return nil
}

func (s *snapshot) Get(ctx context.Context, schema *driver.Schema, key driver.Key) (driver.Row, error) {
	if err := s.ready(ctx); err != nil {
		return driver.Row{}, err
	}
	t := s.database.table(schema)
	var row driver.Row
	found := false
	err := s.conn.query(t.get, arguments(nil, key), func(scan func(...any) error) (err error) {
		found = true
		row, err = t.readRow(scan)
		return err
	})
	if err != nil {
		return row, s.fail(schema, err)
	}
	if !found {
		return row, fmt.Errorf("row of %s: %w", schema.Name, driver.ErrNotFound)
	}
	return row, nil
}

func (s *snapshot) Scan(ctx context.Context, schema *driver.Schema, index string, prefix, after driver.Key, limit int, fn func(driver.Row) error) error {
	t := s.database.table(schema)
	x := t.order(index)
	page := func(after driver.Key, n int) ([]driver.Row, error) {
		if err := s.ready(ctx); err != nil {
			return nil, err
		}
		rows, err := s.page(t, x, prefix, after, n)
		if err != nil {
			return nil, s.fail(schema, err)
		}
		return rows, nil
	}
	return x.Walk(after, limit, pageRows, page, func(row driver.Row) error {
		if err := s.ready(ctx); err != nil {
			return err
		}
		return fn(row)
	})
}

func (s *snapshot) page(t *table, x *order, prefix, after driver.Key, n int) (rows []driver.Row, err error) {
	beyond, some := x.Beyond(prefix, after)
	if !some {
		return nil, nil
	}
	args := append(arguments(arguments(nil, prefix), beyond), n)
	err = s.conn.query(x.scans[len(prefix)][len(beyond)], args, func(scan func(...any) error) error {
		r, err := t.readRow(scan)
		rows = append(rows, r)
		return err
	})
	return rows, err
}

func (s *snapshot) fail(schema *driver.Schema, err error) error {
	s.failed = true
	return fmt.Errorf("sqlite: reading %s: %w", schema.Name, err)
}

func (s *snapshot) Close() error {
	if s.conn == nil {
		return nil
	}
	c := s.conn
	s.conn = nil
	if err := c.exec("ROLLBACK"); err != nil {
		s.failed = true
	}
	if err := s.database.giveBack(c, s.failed); err != nil {
		return fmt.Errorf("sqlite: closing a snapshot: %w", err)
	}
	return nil
}
