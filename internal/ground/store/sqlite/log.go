package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"claviger/internal/ground/store/driver"
)

const (
	selectChanges = "SELECT position, entity FROM store_change WHERE position > ? ORDER BY position, entity LIMIT ?"
	restOfChanges = "SELECT position, entity FROM store_change WHERE position = ? AND entity > ? ORDER BY position, entity"
	selectEvents  = "SELECT position, nth, body FROM store_outbox WHERE position > ? ORDER BY position, nth LIMIT ?"
	restOfEvents  = "SELECT position, nth, body FROM store_outbox WHERE position = ? AND nth > ? ORDER BY position, nth"
	selectMetas   = "SELECT k, v FROM store_meta WHERE k >= ? ORDER BY k"
)

// read runs fn on a reading connection.
func (d *database) read(ctx context.Context, fn func(*connection) error) error {
	c, err := d.reader(ctx)
	if err != nil {
		return err
	}
	err = fn(c)
	return errors.Join(err, d.giveBack(c, err != nil && !errors.Is(err, driver.ErrNotFound)))
}

func (d *database) Changes(ctx context.Context, from uint64, max int) ([]driver.Change, error) {
	var list []driver.Change
	each := func(scan func(...any) error) error {
		var c driver.Change
		var entity []byte
		if err := scan(&c.Position, &entity); err != nil {
			return fmt.Errorf("sqlite: change log: %w", driver.ErrDamaged)
		}
		c.Entity = string(entity)
		list = append(list, c)
		return nil
	}
	err := d.read(ctx, func(c *connection) error {
		if err := c.query(selectChanges, []any{position(from), limit(max)}, each); err != nil {
			return err
		}
		if n := len(list); n > 0 && n == max {
			last := list[n-1]
			if err := c.query(restOfChanges, []any{position(last.Position), []byte(last.Entity)}, each); err != nil {
				return err
			}
		}
		// The head is read last: what it still covers had not been dropped before.
		head, err := c.head()
		if err != nil {
			return err
		}
		if head > d.retained && from < head-d.retained {
			return fmt.Errorf("sqlite: changes after %d: %w", from, driver.ErrNotFound)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func (d *database) Outbox(ctx context.Context, from uint64, max int) ([]driver.Event, error) {
	var list []driver.Event
	each := func(scan func(...any) error) error {
		var e driver.Event
		if err := scan(&e.Position, &e.Index, &e.Body); err != nil {
			return fmt.Errorf("sqlite: outbox: %w", driver.ErrDamaged)
		}
		list = append(list, e)
		return nil
	}
	err := d.read(ctx, func(c *connection) error {
		if err := c.query(selectEvents, []any{position(from), limit(max)}, each); err != nil {
			return err
		}
		if n := len(list); n > 0 && n == max {
			last := list[n-1]
			return c.query(restOfEvents, []any{position(last.Position), last.Index}, each)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// position is a position as SQLite holds it. No head comes near its limit.
func position(p uint64) int64 { return int64(min(p, 1<<63-1)) }

// limit keeps SQLite from taking a negative LIMIT for none.
func limit(n int) int { return max(n, 0) }

func (d *database) Meta(ctx context.Context, key string) ([]byte, error) {
	var value []byte
	err := d.read(ctx, func(c *connection) error {
		return c.first(selectMeta, []any{[]byte(key)}, &value)
	})
	if err != nil {
		return nil, fmt.Errorf("meta key %q: %w", key, err)
	}
	return value, nil
}

var errPast = errors.New("past the prefix")

func (d *database) MetaPrefix(ctx context.Context, prefix string) (map[string][]byte, error) {
	found := make(map[string][]byte)
	err := d.read(ctx, func(c *connection) error {
		err := c.query(selectMetas, []any{[]byte(prefix)}, func(scan func(...any) error) error {
			var key, value []byte
			if err := scan(&key, &value); err != nil {
				return fmt.Errorf("sqlite: meta: %w", driver.ErrDamaged)
			}
			if !strings.HasPrefix(string(key), prefix) {
				return errPast
			}
			found[string(key)] = value
			return nil
		})
		if errors.Is(err, errPast) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}
