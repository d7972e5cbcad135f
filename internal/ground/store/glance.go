package store

import (
	"context"
	"fmt"

	"claviger/internal/ground/store/driver"
)

// Glance returns a Reader that reads each row as it is at that moment, without
// the cost of a snapshot. Its Position is that of the last commit before, so that
// everything it reads is as new as that, or newer: stamps made with it are sound.
// Rows read after one another need not fit together, unless their stamps are all
// current in the end.
func (s *Store) Glance() Reader { return &glance{s, s.newest.Load()} }

// A glance has nothing to close.
type glance struct {
	store    *Store
	position uint64
}

func (g *glance) Position() uint64 { return g.position }

func (g *glance) reader() source { return g }

func (g *glance) get(ctx context.Context, table *driver.Schema, key Key) (*entry, error) {
	d, ok := g.store.driver.(driver.Glancer)
	if !ok {
		var e *entry
		err := g.store.View(ctx, func(r Reader) (err error) {
			e, err = r.reader().get(ctx, table, key)
			return err
		})
		return e, err
	}
	row, err := d.Glance(ctx, table, key)
	if err != nil {
		return nil, fmt.Errorf("reading the store: %w", err)
	}
	return g.store.openRow(ctx, table, &row)
}

func (g *glance) scan(ctx context.Context, table *driver.Schema, index string, prefix, after Key, limit int, fn func(*entry) error) error {
	return g.store.View(ctx, func(r Reader) error {
		return r.reader().scan(ctx, table, index, prefix, after, limit, fn)
	})
}
