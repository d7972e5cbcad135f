package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"claviger/internal/ground/store/driver"
)

// Readers is how many snapshots can be open at once.
const Readers = readersMax

// EntryMax is how long a key can be.
const EntryMax = entryMax

// Judge is the verdict over a server of a version and with settings.
func Judge(version string, changed map[string]string) error {
	var values []string
	for _, s := range settings {
		value := s.allowed[0]
		if v, ok := changed[s.name]; ok {
			value = v
		}
		values = append(values, value)
	}
	return judge(version, values)
}

// Configure reads a URL and connects to nothing.
func Configure(url string) error {
	_, err := configure(url)
	return err
}

// Successor is the end of what begins with a prefix.
var Successor = successor

// OpenRetaining opens a database whose lists reach back less far.
func OpenRetaining(ctx context.Context, url string, retained uint64) (driver.Driver, error) {
	d, err := open(ctx, url, retained)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Commits is how many transactions were committed.
func Commits(d driver.Driver) uint64 { return d.(*database).commits.Load() }

// A Plan is a statement, the index that it should use, and what the server does.
type Plan struct {
	Table     string
	Statement string
	Index     string
	Columns   []string // that must be sought in it, all of them
	Search    bool     // whether it must seek, not only walk
	Steps     []string
}

// Plans explains every statement that a table has, or that all tables have where none
// is named.
func Plans(d driver.Driver, only string) (plans []Plan, err error) {
	base := d.(*database)
	for name, t := range *base.tables.Load() {
		plans = append(plans, t.plans(name)...)
	}
	for text, table := range map[string]string{
		selectHead: "store_head", lockHead: "store_head", updateHead: "store_head", selectSchema: "store_head", claim: "store_head",
		selectOp: "store_op", selectMeta: "store_meta", selectMetas: "store_meta", selectSome: "store_meta", deleteMeta: "store_meta",
		selectChanges: "store_change", restOfChanges: "store_change", forgetChange: "store_change",
		selectEvents: "store_outbox", restOfEvents: "store_outbox", forgetEvents: "store_outbox",
		engineTables[driver.Changes.Name].insert: "store_change",
	} {
		plans = append(plans, Plan{Table: table, Statement: text, Index: table + "_pkey", Search: true})
	}
	for name, t := range engineTables {
		plans = append(plans, Plan{Table: name, Statement: t.first, Index: name + "_pkey"},
			Plan{Table: name, Statement: t.next, Index: name + "_pkey", Search: true})
	}
	plans = append(plans, Plan{Table: "store_op", Statement: forgetOps, Index: "store_op__position", Search: true})
	plans = slices.DeleteFunc(plans, func(p Plan) bool { return only != "" && p.Table != only })
	for i := range plans {
		if plans[i].Steps, err = base.explainPlan(plans[i].Statement); err != nil {
			return nil, fmt.Errorf("%s: %w", plans[i].Statement, err)
		}
	}
	return plans, nil
}

func (t *table) plans(name string) (plans []Plan) {
	for _, text := range []string{t.get, t.rev, t.update, t.remove} {
		plans = append(plans, Plan{Table: name, Statement: text, Index: name + "_pkey", Columns: names(t.schema.PrimaryKey), Search: true})
	}
	for _, x := range t.orders {
		index := name + "_pkey"
		if x.Index != "" {
			index = indexName(t.schema, x.Index)
		}
		if x.holder != "" {
			plans = append(plans, Plan{Table: name, Statement: x.holder, Index: index, Columns: names(x.entry()), Search: true})
		}
		for prefix, list := range x.scans {
			for beyond, text := range list {
				plans = append(plans, Plan{Table: name, Statement: text, Index: index, Search: prefix+beyond > 0})
			}
		}
	}
	return plans
}

func names(columns []driver.Column) (list []string) {
	for _, c := range columns {
		list = append(list, c.Name)
	}
	return list
}

// explainPlan asks for the plan that a prepared statement has for any values,
// on a session with the settings of all others.
func (d *database) explainPlan(text string) (steps []string, err error) {
	err = d.read(context.Background(), func(s *snapshot) error {
		if err := s.conn.exec("PREPARE explained AS " + text); err != nil {
			return err
		}
		call := "EXECUTE explained"
		n := 0
		for strings.Contains(text, mark(n+1)) {
			n++
		}
		if n > 0 {
			call += "(" + strings.TrimSuffix(strings.Repeat("NULL, ", n), ", ") + ")"
		}
		err := s.conn.query("EXPLAIN (COSTS OFF) "+call, nil, func(scan func(...any) error) error {
			var step string
			err := scan(&step)
			steps = append(steps, strings.TrimSpace(step))
			return err
		})
		if err != nil {
			return err
		}
		return s.conn.exec("DEALLOCATE explained")
	})
	return steps, err
}

// Pages runs every statement that reads a table of records, with values of rows from
// all over it and with values that no row has, for ten rows at most. It returns how many
// pages each has read at most.
func Pages(d driver.Driver, s *driver.Schema) (most map[string]int, err error) {
	most = make(map[string]int)
	t := d.(*database).table(s)
	err = d.(*database).read(context.Background(), func(s *snapshot) error {
		for _, place := range []float64{0.3, 0.8} {
			row, err := s.rowAt(t, place)
			if err != nil {
				return err
			}
			for text, values := range t.reading(row) {
				for _, last := range []string{"", "\x00"} { // what is appended to it comes right behind
					values := slices.Clone(values)
					if v := &values[len(values)-1]; v.IsInt && last != "" {
						v.N++
					} else {
						v.S += last
					}
					n, err := s.pages(text, values)
					if err != nil {
						return fmt.Errorf("%s: %w", text, err)
					}
					most[text] = max(most[text], n)
				}
			}
		}
		return nil
	})
	return most, err
}

// reading returns the statements that search, with the values that they take to find a row.
func (t *table) reading(r driver.Row) map[string]driver.Key {
	found := map[string]driver.Key{t.get: r.Key, t.rev: r.Key}
	for _, x := range t.orders {
		full := x.Key(r.Key, r.Indexed)
		if x.holder != "" {
			found[x.holder] = full[:x.Own]
		}
		for prefix, list := range x.scans {
			for beyond, text := range list {
				if prefix+beyond > 0 {
					found[text] = full[:prefix+beyond]
				}
			}
		}
	}
	return found
}

// rowAt reads the row that is first in a page, which is at a share of the table.
func (s *snapshot) rowAt(t *table, share float64) (row driver.Row, err error) {
	name := quote(t.schema.Name)
	var size int64
	if err := s.conn.first("SELECT pg_relation_size($1::text::regclass)", []any{name}, &size); err != nil {
		return row, err
	}
	text := fmt.Sprintf("SELECT %srev, sv, body FROM %s WHERE ctid = '(%d,1)'", columns(t.schema.PrimaryKey, t.schema.Indexed), name, int(share*float64(size/8192)))
	err = driver.ErrNotFound
	if e := s.conn.query(text, nil, func(scan func(...any) error) error {
		row, err = t.readRow(scan)
		return err
	}); e != nil {
		return row, e
	}
	return row, err
}

// pages runs a statement with values, which a limit follows where there is one, by the plan that it has for any.
func (s *snapshot) pages(text string, values driver.Key) (int, error) {
	var literals []string
	for _, v := range values {
		if v.IsInt {
			literals = append(literals, fmt.Sprint(v.N))
		} else {
			literals = append(literals, fmt.Sprintf(`'\x%x'`, v.S))
		}
	}
	if strings.HasSuffix(text, " LIMIT "+mark(len(values)+1)) {
		literals = append(literals, "10")
	}
	if err := s.conn.exec("PREPARE explained AS " + text); err != nil {
		return 0, err
	}
	var explained []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
	}
	err := s.conn.first("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE explained("+strings.Join(literals, ", ")+")", nil, &explained)
	if err != nil || len(explained) != 1 {
		return 0, fmt.Errorf("%d plans: %w", len(explained), err)
	}
	return explained[0].Plan.Hit + explained[0].Plan.Read, s.conn.exec("DEALLOCATE explained")
}

// CommitTogether commits batches in one transaction, and returns what Commit
// would have returned for each.
func CommitTogether(d driver.Driver, batches []*driver.Batch) (positions []uint64, errs []error) {
	base := d.(*database)
	var jobs []*job
	for _, b := range batches {
		jobs = append(jobs, &job{batch: b, done: make(chan struct{})})
	}
	if err := base.do(context.Background(), &job{alone: func() error {
		base.serveGroup(jobs)
		return nil
	}}); err != nil {
		panic(err)
	}
	for _, j := range jobs {
		positions, errs = append(positions, j.at), append(errs, j.err)
	}
	return positions, errs
}
