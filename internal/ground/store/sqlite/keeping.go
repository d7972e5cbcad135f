package sqlite

import (
	"context"
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

// Truncate moves the write-ahead log into the database, where deleted rows are
// overwritten, and empties it. It is ErrUnavailable while a snapshot still needs
// the log.
func (d *database) Truncate(ctx context.Context) error {
	return d.do(ctx, &job{alone: func() error {
		var busy, frames, moved int64
		err := d.writer.row("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved)
		if err != nil {
			return fmt.Errorf("sqlite: truncating the log: %w", explain(err))
		}
		if busy != 0 {
			return fmt.Errorf("sqlite: the log is still being read: %w", driver.ErrUnavailable)
		}
		return nil
	}})
}
