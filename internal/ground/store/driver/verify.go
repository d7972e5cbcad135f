package driver

import (
	"errors"
	"fmt"
)

// A Verifier is what verification asks of an engine, inside the transaction
// that will write.
type Verifier interface {
	// Rev returns the revision of a row, or ErrNotFound.
	Rev(table *Schema, key Key) (int64, error)
	// Holder returns the primary key of the row whose own columns of a unique
	// index are values, or ErrNotFound.
	Holder(table *Schema, index string, values Key) (Key, error)
	// HasMeta reports whether the meta table has a key.
	HasMeta(key string) (bool, error)
}

// Verify checks all that b demands of what is stored, and changes nothing. A
// change that another batch made meanwhile is ErrConflict and goes before
// ErrExists, which may be its consequence.
func Verify(b *Batch, v Verifier) error {
	if err := verifyRevs(b, v); err != nil {
		return err
	}
	for key := range b.Meta {
		if has, err := v.HasMeta(key); err != nil {
			return err
		} else if has {
			return fmt.Errorf("meta key %q: %w", key, ErrConflict)
		}
	}
	for i := range b.Writes {
		w := &b.Writes[i]
		if w.Kind != Insert {
			continue
		}
		switch _, err := v.Rev(w.Table, w.Row.Key); {
		case err == nil:
			return fmt.Errorf("row of %s: %w", w.Table.Name, ErrExists)
		case !errors.Is(err, ErrNotFound):
			return err
		}
	}
	if err := verifyUnique(b, v); err != nil || b.Confirm == nil {
		return err
	}
	return b.Confirm()
}

func verifyRevs(b *Batch, v Verifier) error {
	for i := range b.Requires {
		if err := verifyRequire(v, &b.Requires[i]); err != nil {
			return err
		}
	}
	for i := range b.Writes {
		w := &b.Writes[i]
		if w.Kind == Insert {
			continue
		}
		if err := verifyRev(v, w.Table, w.Row.Key, w.Old); err != nil {
			return err
		}
	}
	return nil
}

func verifyRev(v Verifier, table *Schema, key Key, want int64) error {
	rev, err := v.Rev(table, key)
	if errors.Is(err, ErrNotFound) || err == nil && rev != want {
		return fmt.Errorf("row of %s: %w", table.Name, ErrConflict)
	}
	return err
}

func verifyRequire(v Verifier, r *Require) error {
	if r.Rev != 0 {
		return verifyRev(v, r.Table, r.Key, r.Rev)
	}
	_, err := v.Rev(r.Table, r.Key)
	switch {
	case err == nil:
		return fmt.Errorf("row of %s: %w", r.Table.Name, ErrConflict)
	case errors.Is(err, ErrNotFound):
		return nil
	}
	return err
}

// verifyUnique looks at the state after the batch: a holder that the batch
// itself deletes or rewrites is judged by what it claims then.
func verifyUnique(b *Batch, v Verifier) error {
	replaced := make(map[string]bool, len(b.Writes))
	for i := range b.Writes {
		replaced[rowID(b.Writes[i].Table, b.Writes[i].Row.Key)] = true
	}
	claims := make(map[string]bool)
	for i := range b.Writes {
		w := &b.Writes[i]
		if w.Kind == Delete {
			continue
		}
		for x := range w.Table.Indexes {
			if !w.Table.Indexes[x].Unique {
				continue
			}
			order := w.Table.Order(w.Table.Indexes[x].Name)
			values := order.Key(w.Row.Key, w.Row.Indexed)[:order.Own]
			claim := string(values.AppendOrdered([]byte(w.Table.Name + "/" + order.Index + "/")))
			taken, err := heldElsewhere(v, w.Table, order.Index, values, replaced)
			if err != nil {
				return err
			}
			if taken || claims[claim] {
				return fmt.Errorf("row of %s by %s: %w", w.Table.Name, order.Index, ErrExists)
			}
			claims[claim] = true
		}
	}
	return nil
}

func heldElsewhere(v Verifier, table *Schema, index string, values Key, replaced map[string]bool) (bool, error) {
	holder, err := v.Holder(table, index, values)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && !replaced[rowID(table, holder)], err
}
