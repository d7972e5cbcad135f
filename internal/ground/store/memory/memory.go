// Package memory is a database that lives and dies with the process.
//
// It serves tests and development. Its rows lie in one copy-on-write B-tree
// whose keys are order-preserving encodings of tuples, so that a snapshot is a
// pointer and costs nothing.
package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tidwall/btree"

	"claviger/internal/ground/store/driver"
)

// An item is one row under its key in one index.
type item struct {
	key string // table, index, and the index key in full
	row *driver.Row
}

func less(a, b item) bool { return a.key < b.key }

// A state is what snapshots see. Once published it never changes.
type state struct {
	position uint64
	rows     *btree.BTreeG[item]
}

type database struct {
	closed    atomic.Bool
	published atomic.Pointer[state]

	committing sync.Mutex // held from verification to the end of the callback
	work       *btree.BTreeG[item]

	mu     sync.RWMutex // guards what follows
	tables map[string]*table
	log    log
	meta   map[string][]byte
	schema int
}

// New returns an empty database.
func New() driver.Driver { return newDatabase(driver.Retained) }

func newDatabase(retained uint64) *database {
	d := &database{
		work:   btree.NewBTreeGOptions(less, btree.Options{NoLocks: true}),
		tables: make(map[string]*table),
		log:    log{retained: retained, ops: make(map[[16]byte]uint64)},
		meta:   make(map[string][]byte),
	}
	d.publish(0)
	return d
}

// publish makes what was written visible. The copy is the one that readers get:
// copying marks the tree that is copied, which they must not see happen.
func (d *database) publish(position uint64) {
	d.published.Store(&state{position: position, rows: d.work.Copy()})
}

func (d *database) ready(ctx context.Context) error {
	if d.closed.Load() {
		return fmt.Errorf("memory: closed: %w", driver.ErrUnavailable)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memory: %w: %w", driver.ErrUnavailable, err)
	}
	return nil
}

func (d *database) Name() string { return "memory" }

func (d *database) Close() error {
	d.closed.Store(true)
	d.committing.Lock() // a commit that has begun ends first
	defer d.committing.Unlock()
	return nil
}

func (d *database) Migrate(ctx context.Context, version int, tables []*driver.Schema) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if version < d.schema {
		return fmt.Errorf("memory: schema version %d, this program knows %d: %w", d.schema, version, driver.ErrSchema)
	}
	for _, s := range tables {
		if err := s.Validate(); err != nil {
			return fmt.Errorf("memory: %w", err)
		}
		if err := d.declare(s); err != nil {
			return err
		}
	}
	d.schema = version
	return nil
}

func (d *database) Adopt(ctx context.Context, version int, tables []*driver.Schema) error {
	if err := d.older(version, tables); err != nil {
		return fmt.Errorf("memory: schema: %w", err)
	}
	return d.Migrate(ctx, version, tables)
}

// older tells whether Migrate would change something.
func (d *database) older(version int, tables []*driver.Schema) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if len(d.tables) == 0 {
		return driver.ErrNotFound
	}
	if version > d.schema || slices.ContainsFunc(tables, func(s *driver.Schema) bool { return d.tables[s.Name] == nil }) {
		return driver.ErrOlder
	}
	return nil
}

func (d *database) declare(s *driver.Schema) error {
	t, ok := d.tables[s.Name]
	if !ok {
		d.tables[s.Name] = newTable(s)
		return nil
	}
	if !t.declaredAs(s) {
		return fmt.Errorf("memory: table %s is declared otherwise than it was created: %w", s.Name, driver.ErrSchema)
	}
	return nil
}

func (d *database) table(s *driver.Schema) *table {
	d.mu.RLock()
	defer d.mu.RUnlock()
	t, ok := d.tables[s.Name]
	if !ok {
		panic("memory: table " + s.Name + " was not declared")
	}
	return t
}

func (d *database) Commit(ctx context.Context, b *driver.Batch, committed func(uint64)) (uint64, error) {
	if err := b.Validate(); err != nil {
		return 0, err
	}
	d.committing.Lock()
	defer d.committing.Unlock()
	if err := d.ready(ctx); err != nil {
		return 0, err
	}
	if position, ok := d.applied(b.OpID); ok {
		return position, nil
	}
	if err := driver.Verify(b, d); err != nil {
		return 0, err
	}
	position := d.published.Load().position + 1
	events, err := b.Outbox(position)
	if err != nil {
		return 0, fmt.Errorf("memory: sealing events: %w", err)
	}
	digest, err := d.roll(position-1, position, b.Roll)
	if err != nil {
		return 0, fmt.Errorf("memory: %w", err)
	}
	d.write(b)
	d.mu.Lock()
	for k, v := range b.Meta {
		d.meta[k] = slices.Clone(v)
	}
	if digest != nil {
		d.meta[driver.DigestKey] = digest
	}
	d.log.append(position, b, events)
	d.publish(position)
	d.mu.Unlock()
	if committed != nil {
		committed(position)
	}
	return position, nil
}

// roll returns the next digest, nil where it stays. The caller holds committing.
func (d *database) roll(from, to uint64, r driver.Roll) ([]byte, error) {
	if r.Next == nil {
		return nil, nil
	}
	d.mu.RLock()
	before := d.meta[driver.DigestKey]
	d.mu.RUnlock()
	return r.Next(from, to, before, r.Delta)
}

func (d *database) applied(op [16]byte) (uint64, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	position, ok := d.log.ops[op]
	return position, ok
}

// write applies the rows of a batch that was verified.
func (d *database) write(b *driver.Batch) {
	for i := range b.Writes {
		w := &b.Writes[i]
		t := d.table(w.Table)
		if old, ok := t.get(d.work, w.Row.Key); ok {
			t.delete(d.work, old)
		}
		if w.Kind != driver.Delete {
			t.insert(d.work, clone(w.Row))
		}
	}
}

func clone(r driver.Row) *driver.Row {
	r.Key, r.Indexed, r.Body = slices.Clone(r.Key), slices.Clone(r.Indexed), slices.Clone(r.Body)
	return &r
}

// Rev, Holder and HasMeta are those of driver.Verifier; they see what is being written.

func (d *database) Rev(s *driver.Schema, key driver.Key) (int64, error) {
	row, ok := d.table(s).get(d.work, key)
	if !ok {
		return 0, driver.ErrNotFound
	}
	return row.Rev, nil
}

func (d *database) Holder(s *driver.Schema, index string, values driver.Key) (driver.Key, error) {
	var holder driver.Key
	err := d.table(s).scan(d.work, index, values, nil, 1, func(r driver.Row) error {
		holder = r.Key
		return nil
	})
	if err == nil && holder == nil {
		err = driver.ErrNotFound
	}
	return holder, err
}

func (d *database) HasMeta(key string) (bool, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	_, ok := d.meta[key]
	return ok, nil
}

func (d *database) Snapshot(ctx context.Context) (driver.Snapshot, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	return &snapshot{database: d, state: d.published.Load()}, nil
}

var errSnapshotClosed = errors.New("snapshot closed")
