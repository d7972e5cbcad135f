package postgres

import (
	"context"
	"fmt"
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
	Statement string
	Index     string
	Search    bool // whether it must seek, not only walk
	Steps     []string
}

// Plans explains every statement that tables have.
func Plans(d driver.Driver) (plans []Plan, err error) {
	base := d.(*database)
	for name, t := range *base.tables.Load() {
		for _, text := range []string{t.get, t.rev, t.update, t.remove} {
			plans = append(plans, Plan{Statement: text, Index: name + "_pkey", Search: true})
		}
		for _, x := range t.orders {
			index := name + "_pkey"
			if x.Index != "" {
				index = indexName(t.schema, x.Index)
			}
			if x.holder != "" {
				plans = append(plans, Plan{Statement: x.holder, Index: index, Search: true})
			}
			for prefix, list := range x.scans {
				for beyond, text := range list {
					plans = append(plans, Plan{Statement: text, Index: index, Search: prefix+beyond > 0})
				}
			}
		}
	}
	for text, table := range map[string]string{
		selectHead: "store_head", lockHead: "store_head", updateHead: "store_head", selectOp: "store_op", selectMeta: "store_meta",
		selectMetas: "store_meta", selectSome: "store_meta", selectChanges: "store_change", restOfChanges: "store_change",
		forgetChange: "store_change", selectEvents: "store_outbox", restOfEvents: "store_outbox", forgetEvents: "store_outbox",
	} {
		plans = append(plans, Plan{Statement: text, Index: table + "_pkey", Search: true})
	}
	for name, t := range engineTables {
		plans = append(plans, Plan{Statement: t.first, Index: name + "_pkey"}, Plan{Statement: t.next, Index: name + "_pkey", Search: true})
	}
	plans = append(plans, Plan{Statement: forgetOps, Index: "store_op__position", Search: true})
	for i := range plans {
		if plans[i].Steps, err = base.explainPlan(plans[i].Statement); err != nil {
			return nil, fmt.Errorf("%s: %w", plans[i].Statement, err)
		}
	}
	return plans, nil
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
