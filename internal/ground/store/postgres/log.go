package postgres

import (
	"context"
	"errors"
	"fmt"

	"claviger/internal/ground/store/driver"
)

const (
	selectChanges = "SELECT position, nth, entity FROM store_change WHERE position > $1 ORDER BY position, nth LIMIT $2"
	restOfChanges = "SELECT position, nth, entity FROM store_change WHERE position = $1 AND nth > $2 ORDER BY position, nth"
	selectEvents  = "SELECT position, nth, body FROM store_outbox WHERE position > $1 ORDER BY position, nth LIMIT $2"
	restOfEvents  = "SELECT position, nth, body FROM store_outbox WHERE position = $1 AND nth > $2 ORDER BY position, nth"
	selectMetas   = "SELECT k, v FROM store_meta WHERE k >= $1 ORDER BY k"
	selectSome    = "SELECT k, v FROM store_meta WHERE k >= $1 AND k < $2 ORDER BY k"
)

// read runs fn in a snapshot.
func (d *database) read(ctx context.Context, fn func(*snapshot) error) error {
	s, err := d.snapshot(ctx)
	if err != nil {
		return err
	}
	err = fn(s)
	s.failed = err != nil && !errors.Is(err, driver.ErrNotFound)
	return errors.Join(err, s.Close())
}

func (d *database) Changes(ctx context.Context, from uint64, max int) ([]driver.Change, error) {
	var list []driver.Change
	var nth int64 // of the last one; they are numbered in order of their entities
	each := func(scan func(...any) error) error {
		var c driver.Change
		var entity []byte
		if err := scan(&c.Position, &nth, &entity); err != nil {
			return fmt.Errorf("postgres: change log: %w", driver.ErrDamaged)
		}
		c.Entity = string(entity)
		list = append(list, c)
		return nil
	}
	err := d.read(ctx, func(s *snapshot) error {
		if s.position > d.retained && from < s.position-d.retained {
			return fmt.Errorf("postgres: changes after %d: %w", from, driver.ErrNotFound)
		}
		if err := s.conn.query(selectChanges, []any{position(from), limit(max)}, each); err != nil {
			return err
		}
		if n := len(list); n > 0 && n == max {
			return s.conn.query(restOfChanges, []any{position(list[n-1].Position), nth}, each)
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
			return fmt.Errorf("postgres: outbox: %w", driver.ErrDamaged)
		}
		list = append(list, e)
		return nil
	}
	err := d.read(ctx, func(s *snapshot) error {
		if err := s.conn.query(selectEvents, []any{position(from), limit(max)}, each); err != nil {
			return err
		}
		if n := len(list); n > 0 && n == max {
			last := list[n-1]
			return s.conn.query(restOfEvents, []any{position(last.Position), last.Index}, each)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// limit keeps the server from refusing a negative LIMIT.
func limit(n int) int { return max(n, 0) }

func (d *database) Meta(ctx context.Context, key string) ([]byte, error) {
	var value []byte
	err := d.read(ctx, func(s *snapshot) error {
		return s.conn.first(selectMeta, []any{[]byte(key)}, &value)
	})
	if err != nil {
		return nil, fmt.Errorf("meta key %q: %w", key, err)
	}
	return value, nil
}

func (d *database) MetaPrefix(ctx context.Context, prefix string) (map[string][]byte, error) {
	found := make(map[string][]byte)
	text, args := selectMetas, []any{[]byte(prefix)}
	if past := successor(prefix); past != nil {
		text, args = selectSome, append(args, past)
	}
	err := d.read(ctx, func(s *snapshot) error {
		return s.conn.query(text, args, func(scan func(...any) error) error {
			var key, value []byte
			if err := scan(&key, &value); err != nil {
				return fmt.Errorf("postgres: meta: %w", driver.ErrDamaged)
			}
			found[string(key)] = value
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// successor returns the least bytes that are greater than all that begin with a
// prefix, nil where there are none.
func successor(prefix string) []byte {
	b := []byte(prefix)
	for len(b) > 0 && b[len(b)-1] == 0xff {
		b = b[:len(b)-1]
	}
	if len(b) == 0 {
		return nil
	}
	b[len(b)-1]++
	return b
}
