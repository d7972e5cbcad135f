package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"claviger/internal/ground/store/driver"
)

// Txn is a Reader that also buffers writes and sees its own. It is not safe for
// concurrent use, and ends with the closure that it was given to.
type Txn interface {
	Reader
	// Touch marks entities as changed: snapshots that rest on them end with this commit.
	Touch(entities ...string)
	// Emit adds to the outbox, in the same transaction.
	Emit(event []byte)
	txn() *transaction
}

// A transaction buffers what its closure writes. The closure's reads see a
// snapshot with the buffer laid over it.
type transaction struct {
	*view
	buffer   map[string]*pending // by rowID
	order    []*pending
	size     int
	requires []driver.Require
	touches  []string
	events   [][]byte
	ended    bool
}

// pending is what becomes of one row. Several writes of a transaction to a row
// are one.
type pending struct {
	nth     int // place in the transaction's order
	table   *driver.Schema
	key     Key
	existed bool   // whether the row must be there at commit,
	base    Rev    // and with which revision
	entry   *entry // nil: deleted
}

func newTransaction(v *view) *transaction {
	return &transaction{view: v, buffer: make(map[string]*pending)}
}

func (tx *transaction) reader() source { return tx }

func (tx *transaction) txn() *transaction {
	if tx.ended {
		panic("store: transaction used after its closure returned")
	}
	return tx
}

func (tx *transaction) Touch(entities ...string) {
	tx.txn().touches = append(tx.touches, entities...)
}

func (tx *transaction) Emit(event []byte) {
	tx.txn().events = append(tx.events, slices.Clone(event))
}

func rowID(table *driver.Schema, key Key) string {
	return string(key.AppendOrdered([]byte(table.Name + "/")))
}

func (tx *transaction) get(ctx context.Context, table *driver.Schema, key Key) (*entry, error) {
	p, ok := tx.buffer[rowID(table, key)]
	switch {
	case !ok:
		return tx.view.get(ctx, table, key)
	case p.entry == nil:
		return nil, missing(table)
	}
	return p.entry, nil
}

func missing(table *driver.Schema) error {
	return fmt.Errorf("row of %s: %w", table.Name, ErrNotFound)
}

// insert gives a new row a revision that its key never had: each write of a
// row is a commit of its own, so that no revision exceeds the position of its
// commit, and whatever stood here before was committed by the snapshot's position.
// Where something was inserted here after that, the transaction conflicts.
func (tx *transaction) insert(ctx context.Context, table *driver.Schema, e *entry) error {
	p, ok := tx.buffer[rowID(table, e.key)]
	if !ok {
		switch _, err := tx.snapshot.Get(ctx, table, e.key); {
		case err == nil:
			return fmt.Errorf("row of %s: %w", table.Name, ErrExists)
		case !errors.Is(err, ErrNotFound):
			return err
		}
		p = &pending{table: table, key: e.key}
	}
	if p.entry != nil {
		return fmt.Errorf("row of %s: %w", table.Name, ErrExists)
	}
	e.rev = Rev(tx.Position()) + 1
	if p.existed {
		e.rev = p.base + 1
	}
	return tx.write(ctx, p, e)
}

func (tx *transaction) put(ctx context.Context, table *driver.Schema, e *entry, old Rev) error {
	p, ok := tx.buffer[rowID(table, e.key)]
	if !ok {
		p = &pending{table: table, key: e.key, existed: true, base: old}
		e.rev = old + 1
	} else {
		if p.entry == nil || p.entry.rev != old {
			return fmt.Errorf("row of %s: %w", table.Name, ErrConflict)
		}
		e.rev = old
	}
	return tx.write(ctx, p, e)
}

func (tx *transaction) delete(table *driver.Schema, key Key, old Rev) error {
	p, ok := tx.buffer[rowID(table, key)]
	if !ok {
		return tx.keep(&pending{table: table, key: slices.Clone(key), existed: true, base: old})
	}
	if p.entry == nil || p.entry.rev != old {
		return fmt.Errorf("row of %s: %w", table.Name, ErrConflict)
	}
	tx.size -= len(p.entry.body)
	p.entry = nil
	return nil
}

// write lays e over the snapshot, unless it would take a unique key from another row.
func (tx *transaction) write(ctx context.Context, p *pending, e *entry) error {
	if err := tx.claim(ctx, p.table, e); err != nil {
		return err
	}
	if p.entry != nil {
		tx.size -= len(p.entry.body)
	}
	if tx.size += len(e.body); tx.size > driver.MaxBytes {
		return ErrTooLarge
	}
	p.entry = e
	return tx.keep(p)
}

func (tx *transaction) keep(p *pending) error {
	id := rowID(p.table, p.key)
	if tx.buffer[id] != nil {
		return nil
	}
	if len(tx.order) == driver.MaxWrites {
		return ErrTooLarge
	}
	p.nth = len(tx.order)
	tx.buffer[id] = p
	tx.order = append(tx.order, p)
	return nil
}

func (tx *transaction) claim(ctx context.Context, table *driver.Schema, e *entry) error {
	for i := range table.Indexes {
		if !table.Indexes[i].Unique {
			continue
		}
		order := table.Order(table.Indexes[i].Name)
		own := order.Key(e.key, e.indexed)[:order.Own]
		// Two rows at most: the one being written, and another.
		err := tx.walk(ctx, table, order.Index, own, nil, 2, func(row *driver.Row, _ *entry) error {
			if !row.Key.Equal(e.key) {
				return fmt.Errorf("row of %s by %s: %w", table.Name, order.Index, ErrExists)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (tx *transaction) require(table *driver.Schema, key Key, rev Rev) {
	if p, ok := tx.buffer[rowID(table, key)]; ok && p.entry != nil && p.entry.rev == rev {
		return // its own write, which has a condition of its own
	}
	same := func(r driver.Require) bool { return r.Table == table && r.Rev == rev && r.Key.Equal(key) }
	if !slices.ContainsFunc(tx.requires, same) {
		tx.requires = append(tx.requires, driver.Require{Table: table, Key: slices.Clone(key), Rev: rev})
	}
}

// empty reports whether there is nothing to commit, and nothing to verify.
func (tx *transaction) empty() bool {
	return len(tx.order) == 0 && len(tx.requires) == 0 && len(tx.touches) == 0 && len(tx.events) == 0
}

// accounts whose keys the commit needs.
func (tx *transaction) accounts() []string {
	var list []string
	if len(tx.events) > 0 {
		list = append(list, "")
	}
	for _, p := range tx.order {
		if p.entry != nil && !slices.Contains(list, p.entry.account) {
			list = append(list, p.entry.account)
		}
	}
	return list
}

// batch seals what was buffered, but for events: those the driver has sealed
// when it knows their position.
func (tx *transaction) batch(id OpID) (*driver.Batch, error) {
	b := &driver.Batch{OpID: id, Requires: tx.requires, Touches: tx.touches, Events: tx.events, SealEvent: tx.store.sealEvent}
	change := newDeltas(tx.store.ledger.keys)
	for _, p := range tx.order {
		w := driver.Write{Table: p.table, Old: p.base, Row: driver.Row{Key: p.key}}
		switch {
		case p.entry == nil && !p.existed:
			continue // inserted and deleted again
		case p.entry == nil:
			w.Kind = driver.Delete
		case p.existed:
			w.Kind = driver.Put
		}
		if p.entry != nil {
			var err error
			if w.Row, err = tx.store.sealRow(p.table, p.entry); err != nil {
				return nil, err
			}
		}
		change.write(&w)
		b.Writes = append(b.Writes, w)
	}
	b.Confirm = func() error { return tx.store.births.confirm(b.Writes, tx.Position()) }
	b.Roll = tx.store.ledger.roll(change.done())
	return b, nil
}
