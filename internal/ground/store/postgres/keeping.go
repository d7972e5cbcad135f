package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"

	"claviger/internal/ground/store/driver"
)

// ownReads read everything in the tables of the engine.
var ownReads = []string{
	"SELECT count(*) FROM store_head",
	"SELECT count(md5(entity)) FROM store_change",
	"SELECT count(md5(body)) FROM store_outbox",
	"SELECT count(op) FROM store_op",
	"SELECT count(md5(v)) FROM store_meta",
	"SELECT count(md5(statement)) FROM store_step",
}

// Settings of the transaction that checks.
const (
	alongTable = "SET LOCAL enable_seqscan = on; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off"
	alongIndex = "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = on"
)

// Check reads every table whole, and again along each of its indexes, and
// compares what was there. Others may read and write meanwhile. Pages that hold
// something else than was written are found where the server has checksums.
func (d *database) Check(ctx context.Context) error {
	err := d.read(ctx, func(s *snapshot) error {
		if err := s.conn.exec(alongTable); err != nil {
			return fmt.Errorf("postgres: checking: %w", err)
		}
		for _, text := range ownReads {
			if err := s.conn.stream(ctx, text, nil, func(func(...any) error) error { return nil }); err != nil {
				return fmt.Errorf("postgres: checking: %w", err)
			}
		}
		tables := *d.tables.Load()
		for _, name := range slices.Sorted(maps.Keys(tables)) {
			if err := s.check(ctx, tables[name]); err != nil {
				return fmt.Errorf("postgres: checking %s: %w", name, err)
			}
		}
		return nil
	})
	if ended := ctx.Err(); err != nil && ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w: %w", err, ended)
	}
	return err
}

// A digest sums up rows in any order.
type digest struct {
	rows uint64
	sum  uint64
}

func (d *digest) add(seed maphash.Seed, key driver.Key, rev int64) {
	d.rows++
	d.sum += maphash.Bytes(seed, append(key.AppendOrdered(nil), byte(rev), byte(rev>>8), byte(rev>>16), byte(rev>>24)))
}

func (s *snapshot) check(ctx context.Context, t *table) error {
	seed := maphash.MakeSeed()
	all := columns(t.schema.PrimaryKey, t.schema.Indexed)
	var whole digest
	var sum []byte
	if err := s.conn.exec(alongTable); err != nil {
		return err
	}
	err := s.rows(ctx, t, "SELECT "+all+"rev, sha256(body) FROM "+quote(t.schema.Name), []any{&sum}, func(key, _ driver.Key, rev int64) error {
		whole.add(seed, key, rev)
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.conn.exec(alongIndex); err != nil {
		return err
	}
	for _, x := range t.orders {
		var along digest
		var last driver.Key
		text := "SELECT " + all + "rev FROM " + quote(t.schema.Name) + " ORDER BY " + list(x.entry())
		err := s.rows(ctx, t, text, nil, func(key, indexed driver.Key, rev int64) error {
			along.add(seed, key, rev)
			place := x.Key(key, indexed)[:len(x.entry())]
			if last != nil && last.Compare(place) >= 0 {
				return fmt.Errorf("the index %q is out of order, restore it from a backup: %w", x.Index, driver.ErrDamaged)
			}
			last = place
			return nil
		})
		if err != nil {
			return err
		}
		if along != whole {
			return fmt.Errorf("the index %q does not have the rows of its table, restore it from a backup: %w", x.Index, driver.ErrDamaged)
		}
	}
	return nil
}

// rows reads keys, indexed columns, revision and more of the rows of a table.
func (s *snapshot) rows(ctx context.Context, t *table, text string, more []any, each func(key, indexed driver.Key, rev int64) error) error {
	n := len(t.schema.PrimaryKey)
	return s.conn.stream(ctx, text, nil, func(scan func(...any) error) error {
		c := newCells(t.schema.PrimaryKey, t.schema.Indexed)
		var rev int64
		if err := scan(append(append(c.dest(), &rev), more...)...); err != nil {
			return fmt.Errorf("a column has another type than it was written with: %w", driver.ErrDamaged)
		}
		values := c.key()
		return each(values[:n], values[n:], rev)
	})
}

// Truncate writes every table anew, without what was deleted or overwritten,
// and lets go of the old files. The write-ahead log of the server, its archive
// and its standbys keep what they have until the server overwrites it: that is
// not in the hands of a client. While a table is being written anew it can't be
// read; one that is large takes minutes. It is ErrUnavailable while a snapshot
// still needs a table.
func (d *database) Truncate(ctx context.Context) error {
	names := []string{"store_head", "store_change", "store_outbox", "store_op", "store_meta"}
	return d.rewrite(ctx, append(names, slices.Sorted(maps.Keys(*d.tables.Load()))...))
}

// TruncateMeta is Truncate for the meta table, which is small.
func (d *database) TruncateMeta(ctx context.Context) error {
	return d.rewrite(ctx, []string{"store_meta"})
}

func (d *database) rewrite(ctx context.Context, names []string) error {
	return d.do(ctx, &job{alone: func() error {
		for _, name := range names {
			_, err := d.writer.conn.Exec(context.WithoutCancel(ctx), "VACUUM (FULL) "+quote(name))
			if state(err) == stateLockTimeout {
				return fmt.Errorf("postgres: %s is still being read: %w", name, driver.ErrUnavailable)
			}
			if err != nil {
				return fmt.Errorf("postgres: writing %s anew: %w", name, explain(err))
			}
		}
		return nil
	}})
}
