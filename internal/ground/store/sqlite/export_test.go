package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"

	sqlite3 "modernc.org/sqlite"

	"claviger/internal/ground/store/driver"
)

// FileName is the name of the database file.
const FileName = fileName

// Recent is the check of the library's version.
var Recent = recent

// OpenRetaining opens a database whose lists reach back less far.
func OpenRetaining(ctx context.Context, dir string, retained uint64) (driver.Driver, error) {
	d, err := open(ctx, dir, retained)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Commits is how many transactions were committed.
func Commits(d driver.Driver) uint64 { return d.(*database).commits.Load() }

// Readers is how many snapshots can be open at once.
func Readers(d driver.Driver) int { return cap(d.(*database).readers) }

// Pragma reads a pragma of the connection that writes.
func Pragma(d driver.Driver, name string) (value string, err error) {
	err = d.(*database).do(context.Background(), &job{alone: func() error {
		return d.(*database).writer.row("PRAGMA " + name).Scan(&value)
	}})
	return value, err
}

// SetPragma sets a pragma of the connection that writes.
func SetPragma(d driver.Driver, text string) error {
	return d.(*database).do(context.Background(), &job{alone: func() error {
		return d.(*database).writer.run("PRAGMA " + text)
	}})
}

// RefuseCommits makes SQLite fail as many COMMITs in a way that says nothing about
// their outcome. It returns how many are still to come.
func RefuseCommits(d driver.Driver, times int64) (left *atomic.Int64, err error) {
	left = new(atomic.Int64)
	left.Store(times)
	return left, d.(*database).do(context.Background(), &job{alone: func() error {
		return d.(*database).writer.conn.Raw(func(c any) error {
			c.(sqlite3.HookRegisterer).RegisterCommitHook(func() int32 {
				if left.Add(-1) >= 0 {
					return 1
				}
				return 0
			})
			return nil
		})
	}})
}

// A Plan is a statement, the index that it should use, and what SQLite does.
type Plan struct {
	Statement string
	Index     string // "" is the primary key
	Table     string
	Search    bool // whether it must seek, not only walk
	Sought    int  // how many columns it must seek by, where that is not 0
	Steps     []string
}

// Plans explains every statement that tables have.
func Plans(d driver.Driver) (plans []Plan, err error) {
	base := d.(*database)
	for name, t := range *base.tables.Load() {
		for _, text := range []string{t.get, t.rev, t.update, t.remove} {
			plans = append(plans, Plan{Statement: text, Table: name, Search: true, Sought: len(t.schema.PrimaryKey)})
		}
		for _, x := range t.orders {
			index := ""
			if x.Index != "" {
				index = indexName(t.schema, x.Index)
			}
			if x.holder != "" {
				plans = append(plans, Plan{Statement: x.holder, Index: index, Table: name, Search: true, Sought: x.Own})
			}
			for prefix, list := range x.scans {
				for beyond, text := range list {
					plans = append(plans, Plan{Statement: text, Index: index, Table: name, Search: prefix+beyond > 0, Sought: prefix + beyond})
				}
			}
		}
	}
	for _, text := range []string{selectOp, forgetEvents, forgetChange, selectMeta, selectChanges, restOfChanges, selectEvents, restOfEvents, selectMetas} {
		plans = append(plans, Plan{Statement: text, Search: true})
	}
	for _, t := range engineTables {
		plans = append(plans, Plan{Statement: t.first}, Plan{Statement: t.next, Search: true})
	}
	plans = append(plans, Plan{Statement: forgetOps, Index: "store_op__position", Search: true})
	for i := range plans {
		if plans[i].Steps, err = base.explainPlan(plans[i].Statement); err != nil {
			return nil, fmt.Errorf("%s: %w", plans[i].Statement, err)
		}
	}
	return plans, nil
}

func (d *database) explainPlan(text string) (steps []string, err error) {
	err = d.read(context.Background(), func(c *connection) error {
		args := make([]any, 0, 16)
		for range CountMarks(text) {
			args = append(args, []byte{})
		}
		rows, err := c.conn.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+text, args...)
		if err != nil {
			return err
		}
		defer func(rows *sql.Rows) { _ = rows.Close() }(rows)
		for rows.Next() {
			var id, parent, unused int64
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			steps = append(steps, detail)
		}
		return rows.Err()
	})
	return steps, err
}

// CountMarks counts what a statement takes, or seeks by.
func CountMarks(text string) (n int) {
	for _, c := range text {
		if c == '?' {
			n++
		}
	}
	return n
}
