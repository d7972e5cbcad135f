package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"claviger/internal/ground/store/driver"
)

// problemsMax bounds a Verification.
const problemsMax = 1000

// A Problem is something in a store that is not as this program left it.
type Problem struct {
	Table string `json:"table,omitempty"`
	Key   string `json:"key,omitempty"` // the primary key, or that of an index entry
	Index string `json:"index,omitempty"`
	What  string `json:"what"`
}

// String is a line about the problem.
func (p Problem) String() string {
	var parts []string
	if p.Table != "" {
		parts = append(parts, p.Table)
	}
	if p.Index != "" {
		parts = append(parts, "index "+p.Index)
	}
	if p.Key != "" {
		parts = append(parts, p.Key)
	}
	if len(parts) == 0 {
		return p.What
	}
	return strings.Join(parts, " ") + ": " + p.What
}

// A Verification is what Verify found.
type Verification struct {
	Position uint64    `json:"position"`
	Rows     uint64    `json:"rows"`
	Entries  uint64    `json:"indexEntries"`
	Events   uint64    `json:"events"` // of the outbox
	Problems []Problem `json:"problems"`
	Omitted  int       `json:"omitted,omitempty"` // problems beyond the first thousand
}

func (v *Verification) report(p Problem) {
	if len(v.Problems) == problemsMax {
		v.Omitted++
		return
	}
	v.Problems = append(v.Problems, p)
}

// A verifier is one run of Verify.
type verifier struct {
	*Verification
	store  *Store
	from   driver.Carrier
	whole  driver.Whole
	census *census
}

// Verify reads everything on one snapshot: it opens every seal, compares the
// columns of each row with its record, each index with its rows and the other
// way round, all rows and values with the digest, and looks whether events and the lists of the engine fit the head.
// Then it calls further, which may be nil, with the same snapshot, for what rows say of each
// other. It changes nothing, and others may read and write meanwhile.
//
// What is wrong with the store is in the Verification; an error says that
// verifying was not possible. Only where the database itself fails on a table
// is the rest read on a later snapshot.
func (s *Store) Verify(ctx context.Context, tables []AnyTable, further func(Reader, func(Problem)) error) (*Verification, error) {
	from, err := CarrierOf(s.driver)
	if err != nil {
		return nil, err
	}
	v := &verifier{Verification: &Verification{Problems: []Problem{}}, store: s, from: from, census: newCensus(s.ledger.keys)}
	if err := v.inspect(ctx); err != nil {
		return nil, err
	}
	if v.whole, err = from.Whole(ctx); err != nil {
		return nil, fmt.Errorf("verifying: %w", err)
	}
	defer func() { _ = v.whole.Close() }() // it was only read
	v.Position = v.whole.Position()
	for _, t := range tables {
		if err := v.reading(ctx, t.schema().Name, func() error { return v.table(ctx, t) }); err != nil {
			return nil, err
		}
	}
	for _, t := range []*driver.Schema{driver.Outbox, driver.Changes, driver.Operations} {
		if err := v.reading(ctx, t.Name, func() error { return v.list(ctx, t) }); err != nil {
			return nil, err
		}
	}
	if v.whole.Position() == v.Position { // else it is another snapshot than the one that was read
		err := v.reading(ctx, driver.Values.Name, func() error { return v.census.compare(ctx, v.whole, Schemas(tables), v.report) })
		if err != nil {
			return nil, err
		}
	}
	if further != nil {
		err := v.reading(ctx, "", func() error { return further(&view{s, v.whole}, v.report) })
		if err != nil {
			return nil, err
		}
	}
	return v.Verification, nil
}

// inspect has the engine look at its own structure.
func (v *verifier) inspect(ctx context.Context) error {
	i, ok := v.store.driver.(driver.Inspector)
	if !ok {
		err := v.store.Check(ctx)
		if errors.Is(err, ErrDamaged) {
			v.report(Problem{What: err.Error()})
			return nil
		}
		return err
	}
	err := i.Inspect(ctx, func(what string) { v.report(Problem{What: what}) })
	if errors.Is(err, ErrDamaged) {
		v.report(Problem{What: err.Error()})
		return nil
	}
	return err
}

// reading runs read. Where the database can't go on it says so, and reads on
// behind that on another snapshot: the one at hand may have failed for good.
func (v *verifier) reading(ctx context.Context, table string, read func() error) error {
	err := read()
	if err == nil || !errors.Is(err, ErrDamaged) {
		return err
	}
	v.report(Problem{Table: table, What: err.Error()})
	_ = v.whole.Close() // it has failed
	if v.whole, err = v.from.Whole(ctx); err != nil {
		return fmt.Errorf("verifying: %w", err)
	}
	return nil
}

// table verifies the rows of a table, and each of its indexes.
func (v *verifier) table(ctx context.Context, t AnyTable) error {
	schema := t.schema()
	orders := schema.Orders()
	seed := maphash.MakeSeed()
	of := make([]keySum, len(orders))
	var last driver.Key
	sum := &driver.Sum{Table: tableID(schema.Name)}
	err := v.whole.Rows(ctx, schema, nil, func(r driver.Row) error {
		last = r.Key
		v.Rows++
		sum.Add(v.census.row(schema, r.Key, r.Rev))
		for i, o := range orders {
			of[i].add(seed, o.Key(r.Key, r.Indexed))
		}
		return v.row(ctx, t, &r)
	})
	if err != nil {
		if last != nil {
			err = fmt.Errorf("behind %s: %w", KeyText(last), err)
		}
		return err
	}
	v.census.found[schema.Name] = sum
	for i, o := range orders {
		var found keySum
		err := v.whole.Entries(ctx, schema, o.Index, func(k driver.Key) error {
			v.Entries++
			found.add(seed, k)
			return nil
		})
		if err == nil && found != of[i] {
			err = v.index(ctx, schema, o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// row opens a row.
func (v *verifier) row(ctx context.Context, t AnyTable, r *driver.Row) error {
	schema := t.schema()
	e, err := v.store.openRow(ctx, schema, r)
	if err == nil {
		err = t.inspect(e)
	}
	if err == nil && (r.Rev < 1 || uint64(r.Rev) > v.Position) {
		err = fmt.Errorf("its revision %d is beyond the position of the store, %d: %w", r.Rev, v.Position, ErrDamaged)
	}
	if errors.Is(err, ErrDamaged) || errors.Is(err, ErrSchema) {
		v.report(Problem{Table: schema.Name, Key: KeyText(r.Key), What: err.Error()})
		return nil
	}
	return err
}

// A keySum sums up keys in any order.
type keySum struct{ keys, sum uint64 }

func (t *keySum) add(seed maphash.Seed, k driver.Key) {
	t.keys++
	t.sum += keyHash(seed, k)
}

func keyHash(seed maphash.Seed, k driver.Key) uint64 {
	return maphash.Bytes(seed, k.AppendOrdered(nil))
}

// index names what differs between an index and its rows. It keeps eight bytes
// of each row in memory, which only happens where something is wrong.
func (v *verifier) index(ctx context.Context, schema *driver.Schema, o *driver.Order) error {
	name := o.Index
	if name == "" {
		name = "primary key"
	}
	seed := maphash.MakeSeed()
	missing := make(map[uint64]bool)
	err := v.whole.Rows(ctx, schema, nil, func(r driver.Row) error {
		missing[keyHash(seed, o.Key(r.Key, r.Indexed))] = true
		return nil
	})
	if err != nil {
		return err
	}
	err = v.whole.Entries(ctx, schema, o.Index, func(k driver.Key) error {
		if d := keyHash(seed, k); missing[d] {
			delete(missing, d)
			return nil
		}
		v.report(Problem{Table: schema.Name, Index: name, Key: KeyText(k), What: "the index has an entry that no row calls for"})
		return nil
	})
	if err != nil {
		return err
	}
	return v.whole.Rows(ctx, schema, nil, func(r driver.Row) error {
		if missing[keyHash(seed, o.Key(r.Key, r.Indexed))] {
			v.report(Problem{Table: schema.Name, Index: name, Key: KeyText(r.Key), What: "the row is missing in the index"})
		}
		return nil
	})
}

// list verifies a list of the engine: nothing in it lies beyond the head, and
// every event opens.
func (v *verifier) list(ctx context.Context, t *driver.Schema) error {
	return v.whole.Rows(ctx, t, nil, func(r driver.Row) error {
		at := r.Key[0]
		if t == driver.Operations {
			at = r.Indexed[0]
		}
		if at.N < 1 || uint64(at.N) > v.Position {
			v.report(Problem{Table: t.Name, Key: KeyText(r.Key), What: fmt.Sprintf("position %d is beyond that of the store, %d", at.N, v.Position)})
		}
		if t != driver.Outbox {
			return nil
		}
		v.Events++
		_, err := v.store.openEvent(ctx, &driver.Event{Position: uint64(at.N), Index: int(r.Key[1].N), Body: r.Body})
		if errors.Is(err, ErrDamaged) {
			v.report(Problem{Table: t.Name, Key: KeyText(r.Key), What: err.Error()})
			return nil
		}
		return err
	})
}

// KeyText writes a key for people: text in quotes, other bytes in hexadecimal.
func KeyText(k Key) string {
	parts := make([]string, len(k))
	for i, v := range k {
		switch {
		case v.IsInt:
			parts[i] = strconv.FormatInt(v.N, 10)
		case legible(v.S):
			parts[i] = strconv.Quote(v.S)
		default:
			parts[i] = hex.EncodeToString([]byte(v.S))
		}
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

func legible(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// Each calls fn for every record of the table in a snapshot of Verify whose
// primary key begins with prefix, in the order of primary keys, but for rows that
// do not open: those are reported already.
func (t *Table[R]) Each(ctx context.Context, r Reader, prefix Key, fn func(*R, Rev) error) error {
	v, ok := r.reader().(*view)
	if !ok {
		panic("store: Each is for snapshots")
	}
	return v.snapshot.Scan(ctx, &t.Schema, "", prefix, nil, math.MaxInt, func(row driver.Row) error {
		e, err := v.store.openRow(ctx, &t.Schema, &row)
		var rec *R
		if err == nil {
			rec, err = t.decode(e)
		}
		if errors.Is(err, ErrDamaged) || errors.Is(err, ErrSchema) {
			return nil
		}
		if err != nil {
			return err
		}
		return fn(rec, e.rev)
	})
}

// Look returns a record of a snapshot of Verify, nil where there is none. One
// that does not open is there, and is reported already.
func (t *Table[R]) Look(ctx context.Context, r Reader, key Key) (rec *R, there bool, err error) {
	rec, _, err = t.Get(ctx, r, key)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, false, nil
	case errors.Is(err, ErrDamaged) || errors.Is(err, ErrSchema):
		return nil, true, nil
	}
	return rec, err == nil, err
}

// Reporter returns a function that reports a problem with a record of the table.
func (t *Table[R]) Reporter(report func(Problem)) func(key Key, format string, args ...any) {
	return func(key Key, format string, args ...any) {
		report(Problem{Table: t.Schema.Name, Key: KeyText(key), What: fmt.Sprintf(format, args...)})
	}
}

// Try runs fn in a transaction over a snapshot, of which nothing is committed.
func (s *Store) Try(r Reader, fn func(Txn) error) error {
	v, ok := r.reader().(*view)
	if !ok {
		panic("store: Try is for snapshots")
	}
	tx := newTransaction(v)
	defer func() { tx.ended = true }()
	return fn(tx)
}
