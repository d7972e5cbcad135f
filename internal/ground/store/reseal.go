package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"claviger/internal/ground/store/driver"
)

// RenewKeys gives a next key to every account whose newest one is old. It may be
// interrupted anywhere, and goes on where it was when it is called again.
func (s *Store) RenewKeys(ctx context.Context) error {
	s.drawing.Lock() // whoever draws one still, under the older key, has stored it then
	wrapped, err := s.driver.MetaPrefix(ctx, accountKeys)
	s.drawing.Unlock()
	if err != nil {
		return fmt.Errorf("reading account keys: %w", err)
	}
	for _, key := range slices.Sorted(maps.Keys(wrapped)) {
		if err := s.renew(ctx, strings.TrimPrefix(key, accountKeys)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) renew(ctx context.Context, account string) error {
	s.drawing.Lock()
	defer s.drawing.Unlock()
	if _, old := s.sealer.Generation(account); !old {
		return nil
	}
	return s.draw(ctx, account)
}

// Limits of one Reseal.
const (
	resealRows  = 200
	resealBytes = driver.MaxBytes / 2
)

// A Place is where Reseal has got to among all rows. The zero value is the beginning.
type Place struct {
	table int
	after Key
}

// Reseal looks at some rows behind a place, and seals those anew that an earlier key of
// their account sealed. It returns the place behind them, how many rows it looked at and
// sealed, and whether it was the last one.
//
// A row keeps its revision, since it says what it said before: who has read it has
// read the present state, and no stamp ends. A row that was written meanwhile is left
// to its writer; rows that were inserted behind the place are seen, those before it not,
// but what is written is sealed by the newest key anyway.
func (s *Store) Reseal(ctx context.Context, tables []AnyTable, from Place) (next Place, looked, sealed int, done bool, err error) {
	if from.table >= len(tables) {
		return from, 0, 0, true, nil
	}
	table := tables[from.table].schema()
	rows, last, looked, err := s.stale(ctx, table, from.after)
	if err != nil {
		return from, 0, 0, false, fmt.Errorf("looking for rows of %s to seal anew: %w", table.Name, err)
	}
	if len(rows) > 0 {
		if sealed, err = s.resealRows(ctx, table, rows); err != nil {
			return from, 0, sealed, false, fmt.Errorf("sealing rows of %s anew: %w", table.Name, err)
		}
	}
	if last == nil {
		next.table = from.table + 1
		return next, looked, sealed, next.table == len(tables), nil
	}
	return Place{from.table, last}, looked, sealed, false, nil
}

// stale reads rows behind a key and returns those to seal anew, and the key of the
// last one that was looked at, nil where that was the table's last.
func (s *Store) stale(ctx context.Context, table *driver.Schema, after Key) (rows []driver.Row, last Key, looked int, err error) {
	v, err := s.view(ctx)
	if err != nil {
		return nil, nil, 0, err
	}
	size := 0
	full := errors.New("enough")
	err = v.snapshot.Scan(ctx, table, "", nil, after, resealRows, func(row driver.Row) error {
		account, sealed, ok := splitBody(row.Body)
		if !ok {
			return damaged(table)
		}
		if s.sealer.Stale(account, sealed) {
			if size += len(row.Body); size > resealBytes && len(rows) > 0 {
				return full
			}
			rows = append(rows, row)
		}
		looked++
		last = row.Key
		return nil
	})
	if err == nil && looked < resealRows {
		last = nil
	}
	if errors.Is(err, full) {
		err = nil
	}
	return rows, last, looked, errors.Join(err, v.Close())
}

// resealRows seals rows anew in one commit, or in several, so that those that were
// written meanwhile keep the others from nothing.
func (s *Store) resealRows(ctx context.Context, table *driver.Schema, rows []driver.Row) (sealed int, err error) {
	b := &driver.Batch{Roll: s.ledger.roll(nil)} // the rows say what they said
	for i := range rows {
		e, err := s.openRow(ctx, table, &rows[i])
		if err != nil {
			return 0, err
		}
		row, err := s.sealRow(table, e)
		if err != nil {
			return 0, err
		}
		b.Writes = append(b.Writes, driver.Write{Kind: driver.Put, Table: table, Row: row, Old: rows[i].Rev})
	}
	_, err = s.commit(ctx, b)
	switch {
	case err == nil:
		return len(rows), nil
	case !errors.Is(err, ErrConflict):
		return 0, err
	case len(rows) == 1:
		return 0, nil
	}
	half := len(rows) / 2
	sealed, err = s.resealRows(ctx, table, rows[:half])
	if err != nil {
		return sealed, err
	}
	n, err := s.resealRows(ctx, table, rows[half:])
	return sealed + n, err
}
