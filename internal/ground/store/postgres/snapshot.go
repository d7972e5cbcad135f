package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"claviger/internal/ground/store/driver"
)

const beginReading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

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
	s, err := d.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// snapshot begins a read transaction. Its first statement reads the head row,
// whose position and holder therefore belong to all that is read after it.
func (d *database) snapshot(ctx context.Context) (*snapshot, error) {
	if d.doubtful.Load() {
		return nil, fmt.Errorf("postgres: a commit is in doubt: %w", driver.ErrUnavailable)
	}
	c, err := d.reader(ctx)
	if err != nil {
		return nil, err
	}
	least := d.published.Load()
	var h head
	idle := c != nil
	if idle {
		if h, err = c.beginReading(); err != nil && c.lost() {
			idle = false // dropped while nobody used it
		}
	}
	if !idle {
		if c, err = connect(ctx, d.config); err == nil {
			h, err = c.beginReading()
		}
	}
	if err == nil {
		err = d.verifyHead(h, least)
	}
	if err != nil {
		d.giveBack(c, true)
		return nil, fmt.Errorf("postgres: taking a snapshot: %w", err)
	}
	return &snapshot{database: d, conn: c, position: h.position}, nil
}

func (c *connection) beginReading() (h head, err error) {
	var b pgx.Batch
	b.Queue(beginReading)
	h.read(b.Queue(selectHead))
	return h, c.send(&b)
}

func (c *connection) head() (h head, err error) {
	var b pgx.Batch
	h.read(b.Queue(selectHead))
	return h, c.send(&b)
}

// verifyHead refuses what another process has taken over, or what lies before a
// commit that was acknowledged: behind the address stands another server then.
// Both concern this connection alone; the one that writes draws conclusions.
func (d *database) verifyHead(h head, least uint64) error {
	if h.holder != d.holder {
		d.ask()
		return fmt.Errorf("%w: another process has taken the store over: %w", driver.ErrUnavailable, driver.ErrLocked)
	}
	if h.position < least {
		return fmt.Errorf("%w: the server stands at commit %d, and %d was acknowledged", driver.ErrUnavailable, h.position, least)
	}
	return nil
}

func (s *snapshot) Position() uint64 { return s.position }

func (s *snapshot) ready(ctx context.Context) error {
	if s.conn == nil {
		return fmt.Errorf("postgres: snapshot closed: %w", driver.ErrUnavailable)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("postgres: %w: %w", driver.ErrUnavailable, err)
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
	return fmt.Errorf("postgres: reading %s: %w", schema.Name, err)
}

func (s *snapshot) Close() error {
	if s.conn == nil {
		return nil
	}
	c := s.conn
	s.conn = nil
	if !s.failed && c.exec("ROLLBACK") != nil {
		s.failed = true // the end of the session ends the transaction
	}
	s.database.giveBack(c, s.failed)
	return nil
}
