package store

import (
	"context"
	"errors"
	"math"
	"slices"

	"claviger/internal/ground/store/driver"
)

// errEnough ends a walk that has given all that was asked for.
var errEnough = errors.New("enough")

// An ownRow is a row of a transaction's buffer that a walk passes.
type ownRow struct {
	at    Key
	entry *entry
}

// ownRows returns those that a walk passes, in its order.
func (tx *transaction) ownRows(table *driver.Schema, order *driver.Order, prefix, after Key) []ownRow {
	var own []ownRow
	for _, p := range tx.order {
		if p.entry == nil || p.table.Name != table.Name {
			continue
		}
		at := order.Key(p.entry.key, p.entry.indexed)
		if at.HasPrefix(prefix) && (after == nil || at.Compare(after) > 0) {
			own = append(own, ownRow{at, p.entry})
		}
	}
	slices.SortFunc(own, func(a, b ownRow) int { return a.at.Compare(b.at) })
	return own
}

// scan merges the snapshot with what the transaction had written when it began.
func (tx *transaction) scan(ctx context.Context, table *driver.Schema, index string, prefix, after Key, limit int, fn func(*entry) error) error {
	return tx.walk(ctx, table, index, prefix, after, limit, func(row *driver.Row, own *entry) error {
		if own != nil {
			return fn(own)
		}
		e, err := tx.store.openRow(ctx, table, row)
		if err != nil {
			return err
		}
		return fn(e)
	})
}

// walk calls fn with rows of the snapshot, still sealed, and with the
// transaction's own, which are given as entries too.
func (tx *transaction) walk(ctx context.Context, table *driver.Schema, index string, prefix, after Key, limit int, fn func(*driver.Row, *entry) error) error {
	if limit <= 0 {
		return nil
	}
	order := table.Order(index)
	own, began := tx.ownRows(table, order, prefix, after), len(tx.order)
	give := func(row *driver.Row, e *entry) error {
		if err := fn(row, e); err != nil {
			return err
		}
		if limit--; limit == 0 {
			return errEnough
		}
		return nil
	}
	giveOwn := func(before Key) error {
		for len(own) > 0 && (before == nil || own[0].at.Compare(before) < 0) {
			e := own[0].entry
			own = own[1:]
			if err := give(&driver.Row{Key: e.key, Indexed: e.indexed, Rev: e.rev, Version: e.version}, e); err != nil {
				return err
			}
		}
		return nil
	}
	// Rows that the buffer hides don't count: ask for as many more.
	most := min(limit, math.MaxInt-began) + began
	err := tx.snapshot.Scan(ctx, table, index, prefix, after, most, func(row driver.Row) error {
		if p, ok := tx.buffer[rowID(table, row.Key)]; ok && p.nth < began {
			return nil
		}
		if err := giveOwn(order.Key(row.Key, row.Indexed)); err != nil {
			return err
		}
		return give(&row, nil)
	})
	if err == nil {
		err = giveOwn(nil)
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}
