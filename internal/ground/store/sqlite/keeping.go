package sqlite

import (
	"context"
	"errors"
	"fmt"

	"claviger/internal/ground/store/driver"
)

// Check runs SQLite's quick check over the whole file. Others may read and
// write meanwhile.
func (d *database) Check(ctx context.Context) error {
	c, err := d.reader(ctx)
	if err != nil {
		return err
	}
	var verdict string
	// The one statement that may run for minutes: it ends with ctx, and its
	// connection with it.
	err = c.conn.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict)
	if e := d.giveBack(c, err != nil); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("sqlite: checking: %w", explain(err))
	}
	if verdict != "ok" {
		return fmt.Errorf("sqlite: checking: the database is damaged, restore it from a backup: %w", driver.ErrDamaged)
	}
	return nil
}

// inspectMax bounds what Inspect tells.
const inspectMax = 100

// Inspect runs SQLite's integrity check, which also compares every index with
// its table, and calls fn for each thing that is wrong: pages, tables and
// indexes by their names, never values. Others may read and write meanwhile.
func (d *database) Inspect(ctx context.Context, fn func(problem string)) error {
	c, err := d.reader(ctx)
	if err != nil {
		return err
	}
	rows, err := c.conn.QueryContext(ctx, fmt.Sprintf("PRAGMA integrity_check(%d)", inspectMax))
	for err == nil && rows.Next() {
		var verdict string
		if err = rows.Scan(&verdict); err == nil && verdict != "ok" {
			fn(verdict)
		}
	}
	if rows != nil {
		err = errors.Join(err, rows.Err(), rows.Close())
	}
	if e := d.giveBack(c, err != nil); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("sqlite: inspecting: %w", explain(err))
	}
	return nil
}

// Truncate moves the write-ahead log into the database, where deleted rows are
// overwritten, and empties it. It is ErrUnavailable while a snapshot still needs
// the log; it does not wait for one that is kept, as that of a backup is.
func (d *database) Truncate(ctx context.Context) error {
	return d.do(ctx, &job{alone: func() error {
		err := d.writer.truncate()
		if err != nil {
			return fmt.Errorf("sqlite: truncating the log: %w", err)
		}
		return nil
	}})
}

func (c *connection) truncate() error {
	if err := c.wait(truncatePatience); err != nil {
		return err
	}
	var busy, frames, moved int64
	err := c.row("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved)
	switch {
	case err != nil:
		err = explain(err)
	case busy != 0:
		err = fmt.Errorf("it is still being read: %w", driver.ErrUnavailable)
	}
	return errors.Join(err, c.wait(lockPatience))
}

// wait sets for how many milliseconds locks are waited for.
func (c *connection) wait(patience int) error {
	return c.run(fmt.Sprintf("PRAGMA busy_timeout = %d", patience))
}
