package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/jackc/pgx/v5"

	"claviger/internal/ground/store/driver"
)

// An engineTable is a table of the engine, as rows to be carried. Its columns
// stand in the order of primary key, indexed columns, body.
type engineTable struct {
	schema              *driver.Schema
	first, next, insert string
	body                bool
}

// The change log is walked by the numbers that its rows have here, which are in
// the order of their entities, and rows that are loaded get such numbers again.
var engineTables = map[string]*engineTable{
	driver.Changes.Name: {
		schema: driver.Changes,
		first:  "SELECT position, entity FROM store_change ORDER BY position, nth LIMIT $1",
		next: "SELECT position, entity FROM store_change WHERE (position, nth) > ($1, (SELECT nth FROM store_change WHERE position = $1 AND entity = $2)) " +
			"ORDER BY position, nth LIMIT $3",
		insert: "INSERT INTO store_change (position, nth, entity) SELECT $1, coalesce(max(nth) + 1, 0), $2 FROM store_change WHERE position = $1",
	},
	driver.Outbox.Name:     newEngineTable(driver.Outbox, "body"),
	driver.Operations.Name: newEngineTable(driver.Operations, ""),
	driver.Values.Name:     newEngineTable(driver.Values, "v"),
}

func newEngineTable(s *driver.Schema, body string) *engineTable {
	t := &engineTable{schema: s, body: body != ""}
	key, n := len(s.PrimaryKey), len(s.PrimaryKey)+len(s.Indexed)
	all := columns(s.PrimaryKey, s.Indexed)
	if t.body {
		all += quote(body)
		n++
	}
	all = strings.TrimSuffix(all, ", ")
	from := "SELECT " + all + " FROM " + quote(s.Name)
	t.first = from + " ORDER BY " + list(s.PrimaryKey) + " LIMIT $1"
	t.next = from + " WHERE (" + list(s.PrimaryKey) + ") > (" + marks(1, key) + ") ORDER BY " + list(s.PrimaryKey) + " LIMIT " + mark(key+1)
	t.insert = "INSERT INTO " + quote(s.Name) + " (" + all + ") VALUES (" + marks(1, n) + ")"
	return t
}

func (t *engineTable) readRow(scan func(...any) error) (driver.Row, error) {
	c := newCells(t.schema.PrimaryKey, t.schema.Indexed)
	dest := c.dest()
	var r driver.Row
	if t.body {
		dest = append(dest, &r.Body)
	}
	if err := scan(dest...); err != nil {
		return r, fmt.Errorf("a column has another type than it was written with: %w", driver.ErrDamaged)
	}
	values, n := c.key(), len(t.schema.PrimaryKey)
	r.Key, r.Indexed = values[:n:n], values[n:]
	return r, nil
}

func (t *engineTable) values(r *driver.Row) []any {
	args := arguments(arguments(nil, r.Key), r.Indexed)
	if t.body {
		args = append(args, notNull(r.Body))
	}
	return args
}

// takeTime lets a snapshot rest between two pages: who reads everything may
// have to wait for a disk.
const takeTime = "SET LOCAL idle_in_transaction_session_timeout = 0"

// Whole implements driver.Carrier. While it is open the server can't clear away
// what was overwritten meanwhile. Nobody waits for it.
func (d *database) Whole(ctx context.Context) (driver.Whole, error) {
	s, err := d.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	if err = s.conn.exec(takeTime); err == nil {
		err = s.verifyTables()
	}
	if err != nil {
		s.failed = true
		return nil, errors.Join(fmt.Errorf("postgres: %w", err), s.Close())
	}
	return s, nil
}

const selectTables = "SELECT name FROM store_step WHERE name >= 'table ' AND name < 'table!'"

// verifyTables refuses a store with more tables than this program knows. Other
// programs may have tables of their own in the schema, so the steps tell.
func (s *snapshot) verifyTables() error {
	known := *s.database.tables.Load()
	return s.conn.query(selectTables, nil, func(scan func(...any) error) error {
		var step []byte
		if err := scan(&step); err != nil {
			return fmt.Errorf("steps: %w", driver.ErrDamaged)
		}
		name := strings.TrimPrefix(string(step), "table ")
		if known[name] == nil && !strings.HasPrefix(name, "store_") {
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

// Entries implements driver.Whole. The server walks the index and fetches the
// row of each entry: an index can't be read alone there.
func (s *snapshot) Entries(ctx context.Context, schema *driver.Schema, index string, fn func(driver.Key) error) error {
	x := s.database.table(schema).order(index)
	text := "SELECT " + list(x.Columns) + " FROM " + quote(schema.Name) + " ORDER BY " + list(x.entry())
	err := s.conn.stream(ctx, text, nil, func(scan func(...any) error) error {
		c := newCells(x.Columns)
		if err := scan(c.dest()...); err != nil {
			return fmt.Errorf("index %s has a column of another type: %w", index, driver.ErrDamaged)
		}
		return fn(c.key())
	})
	if err != nil {
		return s.fail(schema, err)
	}
	return nil
}

const deleteMeta = "DELETE FROM store_meta WHERE k = $1"

// Load implements driver.Carrier.
func (d *database) Load(ctx context.Context, schema *driver.Schema, rows []driver.Row, values map[string][]byte) error {
	text, of := d.loader(schema)
	for i := range rows {
		if err := d.verifyRow(schema, &rows[i]); err != nil {
			return err
		}
	}
	return d.do(ctx, &job{alone: func() error {
		return d.transact(func(h *head, b *pgx.Batch) error {
			if h.position != 0 {
				return fmt.Errorf("postgres: the database is not empty: %w", driver.ErrConflict)
			}
			for i := range rows {
				b.Queue(text, of(&rows[i])...)
			}
			replaceValues(b, values)
			return nil
		})
	}})
}

// loader returns what inserts a row of a table as it is.
func (d *database) loader(schema *driver.Schema) (text string, of func(*driver.Row) []any) {
	if t := engineTables[schema.Name]; t != nil {
		return t.insert, t.values
	}
	return d.table(schema).insert, func(r *driver.Row) []any {
		return append(arguments(arguments(nil, r.Key), r.Indexed), r.Rev, r.Version, notNull(r.Body))
	}
}

// verifyRow refuses a row with a key for which an index has no room here.
func (d *database) verifyRow(schema *driver.Schema, r *driver.Row) error {
	if engineTables[schema.Name] == nil {
		return d.verifyEntries(&driver.Batch{Writes: []driver.Write{{Table: schema, Row: *r}}})
	}
	if size := len(r.Key[len(r.Key)-1].S); schema != driver.Changes && size > entryMax {
		return fmt.Errorf("postgres: a key of %d bytes: %w", size, driver.ErrTooLarge)
	}
	return nil
}

func replaceValues(b *pgx.Batch, values map[string][]byte) {
	for key, value := range values {
		if value == nil {
			b.Queue(deleteMeta, []byte(key))
		} else {
			b.Queue(replaceMeta, []byte(key), value)
		}
	}
}

// transact runs what fill queues in one transaction of its own, under the lock
// of the head row, which moves to what fill makes of it. It runs in the
// goroutine that writes. Where the answer to COMMIT is lost, this process is
// done with the database: whoever opens it next finds all of it or nothing.
func (d *database) transact(fill func(*head, *pgx.Batch) error) error {
	var begin, writes pgx.Batch
	var found head
	begin.Queue(beginWriting)
	found.read(begin.Queue(lockHead))
	err := d.writer.send(&begin)
	if err == nil && found != d.head {
		err = d.fail(d.strange(found))
	}
	after := found
	if err == nil {
		err = fill(&after, &writes)
	}
	if err == nil {
		after.turn++
		writes.Queue(updateHead, position(after.position), after.turn, after.holder[:])
		err = d.writer.send(&writes)
	}
	if err != nil {
		d.rollback()
		return err
	}
	if tag, err := d.writer.run("COMMIT"); err != nil || tag != "COMMIT" {
		d.writer.close()
		return d.fail(errors.New("a commit ended in doubt"))
	}
	d.commits.Add(1)
	d.head = after
	d.published.Store(after.position)
	return nil
}

// Advance implements driver.Carrier.
func (d *database) Advance(ctx context.Context, to uint64, values map[string][]byte) error {
	return d.do(ctx, &job{alone: func() error {
		return d.transact(func(h *head, b *pgx.Batch) error {
			if to < h.position {
				return fmt.Errorf("postgres: the head has passed position %d: %w", to, driver.ErrConflict)
			}
			h.position = to
			replaceValues(b, values)
			return nil
		})
	}})
}

const selectSize = `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c, store_step s
	WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND convert_to(c.relname::text, 'UTF8') = substring(s.name FROM 7)
	AND substring(s.name FROM 1 FOR 6) = 'table '`

// Size implements driver.Carrier.
func (d *database) Size(ctx context.Context) (size driver.Size, err error) {
	size.Free, size.Log = -1, -1
	err = d.read(ctx, func(s *snapshot) error { return s.conn.first(selectSize, nil, &size.Disk) })
	return size, err
}
