package store

import (
	"context"
	"encoding/json"
	"fmt"

	"claviger/internal/ground/store/driver"
)

// A Table describes records of type R. Declare it once, as an unexported
// package variable of the service that owns it; its name begins with the service's.
//
// A body is the JSON of R, whose columns must survive it: bytes that need not
// be UTF-8 belong into a []byte.
type Table[R any] struct {
	Schema  driver.Schema
	Version int16                                            // schema version of bodies written now, from 1
	Key     func(*R) Key                                     // primary key
	Indexed func(*R) Key                                     // values of Schema.Indexed; nil where there are none
	Account func(*R) string                                  // owner, whose key seals the body; nil is the installation
	Upgrade func(version int16, body []byte) ([]byte, error) // older bodies; nil while Version is 1
}

// Schemas returns what a driver needs to know of tables.
func Schemas(tables []AnyTable) []*driver.Schema {
	schemas := make([]*driver.Schema, len(tables))
	for i, t := range tables {
		schemas[i] = t.schema()
	}
	return schemas
}

// AnyTable is what Open needs of every Table.
type AnyTable interface {
	schema() *driver.Schema
	validate() error
	inspect(e *entry) error
}

func (t *Table[R]) schema() *driver.Schema { return &t.Schema }

// inspect reads an entry as Get does.
func (t *Table[R]) inspect(e *entry) error {
	_, err := t.decode(e)
	return err
}

func (t *Table[R]) validate() error {
	if err := t.Schema.Validate(); err != nil {
		return err
	}
	switch {
	case t.Version < 1:
		return fmt.Errorf("table %s: versions begin with 1", t.Schema.Name)
	case t.Key == nil:
		return fmt.Errorf("table %s: no function for its key", t.Schema.Name)
	case (t.Indexed == nil) != (len(t.Schema.Indexed) == 0):
		return fmt.Errorf("table %s: indexed columns and their function go together", t.Schema.Name)
	case t.Version > 1 && t.Upgrade == nil:
		return fmt.Errorf("table %s: no function for older bodies", t.Schema.Name)
	}
	return nil
}

// Get returns a record and its revision, or ErrNotFound.
func (t *Table[R]) Get(ctx context.Context, r Reader, key Key) (*R, Rev, error) {
	t.mustFit(key)
	e, err := r.reader().get(ctx, &t.Schema, key)
	if err != nil {
		return nil, 0, err
	}
	rec, err := t.decode(e)
	return rec, e.rev, err
}

// Insert fails with ErrExists if the key (or a unique index key) exists, at the latest when the transaction commits.
// Where another commit came in between, the closure of the transaction runs
// again and meets the ErrExists itself.
func (t *Table[R]) Insert(ctx context.Context, tx Txn, rec *R) error {
	e, err := t.encode(rec)
	if err != nil {
		return err
	}
	return tx.txn().insert(ctx, &t.Schema, e)
}

// Put replaces the record whose revision is old, else the transaction conflicts.
// It fails with ErrExists if another record has the same unique index key.
func (t *Table[R]) Put(ctx context.Context, tx Txn, rec *R, old Rev) error {
	e, err := t.encode(rec)
	if err != nil {
		return err
	}
	return tx.txn().put(ctx, &t.Schema, e, old)
}

// Delete deletes the record whose revision is old, else the transaction conflicts.
func (t *Table[R]) Delete(ctx context.Context, tx Txn, key Key, old Rev) error {
	t.mustFit(key)
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	return tx.txn().delete(&t.Schema, key, old)
}

// Require makes the transaction conflict if the record's revision is no longer rev at
// commit. Zero, which no record has, requires that there is none.
func (t *Table[R]) Require(tx Txn, key Key, rev Rev) {
	t.mustFit(key)
	tx.txn().require(&t.Schema, key, rev)
}

// Scan calls fn for records in the order of an index ("" is the primary key):
// those whose index key begins with prefix and is greater than after, at most limit.
// It sees the transaction's own writes, as they were when it began. A range read
// is never a precondition of a commit. An error of fn ends it and is returned as
// it is.
func (t *Table[R]) Scan(ctx context.Context, r Reader, index string, prefix, after Key, limit int, fn func(*R, Rev) error) error {
	order := t.Schema.Order(index)
	if !driver.Admits(order.Columns, prefix) || !driver.Admits(order.Columns, after) {
		panic("store: bounds of a scan do not fit table " + t.Schema.Name)
	}
	return r.reader().scan(ctx, &t.Schema, index, prefix, after, limit, func(e *entry) error {
		rec, err := t.decode(e)
		if err != nil {
			return err
		}
		return fn(rec, e.rev)
	})
}

// IndexKey returns what Scan takes as after to continue behind rec: the index
// key with the primary key appended.
func (t *Table[R]) IndexKey(index string, rec *R) Key {
	return t.Schema.Order(index).Key(t.Key(rec), t.indexed(rec))
}

func (t *Table[R]) indexed(rec *R) Key {
	if t.Indexed == nil {
		return nil
	}
	return t.Indexed(rec)
}

func (t *Table[R]) account(rec *R) string {
	if t.Account == nil {
		return ""
	}
	return t.Account(rec)
}

func (t *Table[R]) mustFit(key Key) {
	if len(key) != len(t.Schema.PrimaryKey) || !driver.Admits(t.Schema.PrimaryKey, key) {
		panic("store: key does not fit table " + t.Schema.Name)
	}
}

// encode takes a record as it is now: what the caller does to it later counts no more.
func (t *Table[R]) encode(rec *R) (*entry, error) {
	e := &entry{key: t.Key(rec), indexed: t.indexed(rec), account: t.account(rec), version: t.Version}
	t.mustFit(e.key)
	if len(e.indexed) != len(t.Schema.Indexed) || !driver.Admits(t.Schema.Indexed, e.indexed) {
		panic("store: indexed values do not fit table " + t.Schema.Name)
	}
	if len(e.account) > maxAccount {
		panic("store: account too long in table " + t.Schema.Name)
	}
	var err error
	if e.body, err = json.Marshal(rec); err != nil {
		return nil, fmt.Errorf("encoding a record of %s: %w", t.Schema.Name, err)
	}
	// JSON replaces bytes that are not UTF-8. Better no row than one that can't be read.
	if _, err := t.decode(e); err != nil {
		return nil, fmt.Errorf("a record of %s would not survive its encoding", t.Schema.Name)
	}
	return e, nil
}

// decode returns the record of an entry. Its columns must be those that the
// record itself calls for.
func (t *Table[R]) decode(e *entry) (*R, error) {
	body := e.body
	if e.version != t.Version {
		var err error
		if body, err = t.upgrade(e.version, body); err != nil {
			return nil, err
		}
	}
	rec := new(R)
	if err := json.Unmarshal(body, rec); err != nil {
		return nil, damaged(&t.Schema) // the cause could quote the body
	}
	if !t.Key(rec).Equal(e.key) || !t.indexed(rec).Equal(e.indexed) || t.account(rec) != e.account {
		return nil, damaged(&t.Schema)
	}
	return rec, nil
}

func (t *Table[R]) upgrade(version int16, body []byte) ([]byte, error) {
	if version > t.Version || version < 1 {
		return nil, fmt.Errorf("row of %s has version %d, this program knows %d: %w", t.Schema.Name, version, t.Version, ErrSchema)
	}
	body, err := t.Upgrade(version, body)
	if err != nil {
		return nil, fmt.Errorf("row of %s: upgrading from version %d: %w", t.Schema.Name, version, err)
	}
	return body, nil
}
