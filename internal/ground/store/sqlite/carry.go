package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"claviger/internal/ground/store/driver"
)

// An engineTable is a table of the engine, as rows to be carried.
type engineTable struct {
	schema              *driver.Schema
	first, next, insert string
	body                bool
}

// engineTables have their columns in the order of primary key, indexed columns,
// body.
var engineTables = map[string]*engineTable{
	driver.Changes.Name:    newEngineTable(driver.Changes, ""),
	driver.Outbox.Name:     newEngineTable(driver.Outbox, "body"),
	driver.Operations.Name: newEngineTable(driver.Operations, ""),
	driver.Values.Name:     newEngineTable(driver.Values, "v"),
}

func newEngineTable(s *driver.Schema, body string) *engineTable {
	t := &engineTable{schema: s, body: body != ""}
	key := strings.TrimSuffix(columns(s.PrimaryKey), ", ")
	all := columns(s.PrimaryKey, s.Indexed)
	n := len(s.PrimaryKey) + len(s.Indexed)
	if t.body {
		all += quote(body)
		n++
	}
	all = strings.TrimSuffix(all, ", ")
	t.first = "SELECT " + all + " FROM " + quote(s.Name) + " ORDER BY " + key + " LIMIT ?"
	t.next = "SELECT " + all + " FROM " + quote(s.Name) + " WHERE (" + key + ") > (" + questions(len(s.PrimaryKey)) + ") ORDER BY " + key + " LIMIT ?"
	t.insert = "INSERT INTO " + quote(s.Name) + " (" + all + ") VALUES (" + questions(n) + ")"
	return t
}

func questions(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

func (t *engineTable) readRow(scan func(...any) error) (driver.Row, error) {
	cells := make([]cell, len(t.schema.PrimaryKey)+len(t.schema.Indexed))
	var dest []any
	for i := range cells {
		dest = append(dest, &cells[i])
	}
	var r driver.Row
	if t.body {
		dest = append(dest, &r.Body)
	}
	if err := scan(dest...); err != nil {
		return r, fmt.Errorf("a column has another type than it was written with: %w", driver.ErrDamaged)
	}
	n := len(t.schema.PrimaryKey)
	values := make(driver.Key, len(cells))
	for i := range cells {
		values[i] = driver.Value(cells[i])
	}
	r.Key, r.Indexed = values[:n:n], values[n:]
	if !driver.Admits(t.schema.PrimaryKey, r.Key) || !driver.Admits(t.schema.Indexed, r.Indexed) {
		return r, fmt.Errorf("a column has another type than it was written with: %w", driver.ErrDamaged)
	}
	return r, nil
}

// Whole implements driver.Carrier. While it is open the write-ahead log can't
// begin anew, so it grows by what is written meanwhile. Nobody waits for it.
func (d *database) Whole(ctx context.Context) (driver.Whole, error) {
	taken, err := d.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	s := taken.(*snapshot)
	if err := s.verifyTables(); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: %w", err), s.Close())
	}
	return s, nil
}

const selectTables = "SELECT name FROM sqlite_schema WHERE type = 'table'"

// verifyTables refuses a database with more tables than this program knows.
func (s *snapshot) verifyTables() error {
	known := *s.database.tables.Load()
	return s.conn.query(selectTables, nil, func(scan func(...any) error) error {
		var name string
		if err := scan(&name); err != nil {
			return fmt.Errorf("tables: %w", driver.ErrDamaged)
		}
		if known[name] == nil && !strings.HasPrefix(name, "store_") && !strings.HasPrefix(name, "sqlite_") {
			return fmt.Errorf("the database has a table %s, which this program does not know: %w", name, driver.ErrSchema)
		}
		return nil
	})
}

// Rows implements driver.Whole.
func (s *snapshot) Rows(ctx context.Context, schema *driver.Schema, after driver.Key, fn func(driver.Row) error) error {
	t := engineTables[schema.Name]
	if t == nil {
		return s.Scan(ctx, schema, "", nil, after, math.MaxInt, fn)
	}
	page := func(after driver.Key, n int) (rows []driver.Row, err error) {
		if err := s.ready(ctx); err != nil {
			return nil, err
		}
		text := t.first
		if after != nil {
			text = t.next
		}
		err = s.conn.query(text, append(arguments(nil, after), n), func(scan func(...any) error) error {
			r, err := t.readRow(scan)
			rows = append(rows, r)
			return err
		})
		if err != nil {
			return nil, s.fail(schema, err)
		}
		return rows, nil
	}
	return schema.Order("").Walk(after, math.MaxInt, pageRows, page, fn)
}

// Entries implements driver.Whole. An index has the columns of its key, so that
// the statement reads nothing else.
func (s *snapshot) Entries(ctx context.Context, schema *driver.Schema, index string, fn func(driver.Key) error) error {
	x := s.database.table(schema).order(index)
	list := strings.TrimSuffix(columns(x.Columns), ", ")
	text := "SELECT " + list + " FROM " + quote(schema.Name)
	if index != "" {
		text += " INDEXED BY " + quote(indexName(schema, index))
	}
	text += " ORDER BY " + list
	err := s.conn.query(text, nil, func(scan func(...any) error) error {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
		}
		cells := make([]cell, len(x.Columns))
		dest := make([]any, len(cells))
		for i := range cells {
			dest[i] = &cells[i]
		}
		if err := scan(dest...); err != nil {
			return fmt.Errorf("index %s has a column of another type: %w", index, driver.ErrDamaged)
		}
		key := make(driver.Key, len(cells))
		for i := range cells {
			key[i] = driver.Value(cells[i])
		}
		return fn(key)
	})
	if err != nil {
		return s.fail(schema, err)
	}
	return nil
}

const deleteMeta = "DELETE FROM store_meta WHERE k = ?"

// Load implements driver.Carrier.
func (d *database) Load(ctx context.Context, schema *driver.Schema, rows []driver.Row, values map[string][]byte) error {
	insert := d.loader(schema)
	return d.do(ctx, &job{apply: func(g *group) (bool, error) {
		if g.head != 0 {
			return false, fmt.Errorf("sqlite: the database is not empty: %w", driver.ErrConflict)
		}
		for i := range rows {
			if err := insert(&rows[i]); err != nil {
				return false, err
			}
		}
		return true, d.writer.replaceValues(values)
	}})
}

// loader returns what inserts a row of a table as it is.
func (d *database) loader(schema *driver.Schema) func(*driver.Row) error {
	if t := engineTables[schema.Name]; t != nil {
		return func(r *driver.Row) error {
			args := arguments(arguments(nil, r.Key), r.Indexed)
			if t.body {
				args = append(args, append([]byte{}, r.Body...))
			}
			return d.writer.exec(t.insert, args...)
		}
	}
	text := d.table(schema).insert
	return func(r *driver.Row) error {
		args := arguments(arguments(nil, r.Key), r.Indexed)
		return d.writer.exec(text, append(args, r.Rev, r.Version, append([]byte{}, r.Body...))...)
	}
}

// replaceValues replaces values of the meta table; nil removes one.
func (c *connection) replaceValues(values map[string][]byte) error {
	for key, value := range values {
		var err error
		if value == nil {
			err = c.exec(deleteMeta, []byte(key))
		} else {
			err = c.exec(replaceMeta, []byte(key), slices.Clone(value))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Advance implements driver.Carrier.
func (d *database) Advance(ctx context.Context, to uint64, values map[string][]byte) error {
	return d.do(ctx, &job{apply: func(g *group) (bool, error) {
		if to < g.head {
			return false, fmt.Errorf("sqlite: the head has passed position %d: %w", to, driver.ErrConflict)
		}
		g.head = to
		return true, d.writer.replaceValues(values)
	}})
}

// Size implements driver.Carrier.
func (d *database) Size(ctx context.Context) (size driver.Size, err error) {
	err = d.read(ctx, func(c *connection) error {
		var pages, free, page int64
		for text, to := range map[string]*int64{"PRAGMA page_count": &pages, "PRAGMA freelist_count": &free, "PRAGMA page_size": &page} {
			if err := c.row(text).Scan(to); err != nil {
				return explain(err)
			}
		}
		size.Disk, size.Free = pages*page, free*page
		return nil
	})
	if err != nil {
		return size, err
	}
	if info, err := os.Stat(filepath.Join(d.directory, fileName+"-wal")); err == nil {
		size.Log = info.Size()
		size.Disk += size.Log
	}
	return size, nil
}
