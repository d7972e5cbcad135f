package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"

	"claviger/internal/ground/store/driver"
)

// metaLoading marks a store into which rows are being loaded: it holds what was
// loaded so far, and is gone once the store is whole.
const metaLoading = "loading"

// ErrUnfinished means that a store is the target of a copy or a restore that
// has not come to its end.
var ErrUnfinished = errors.New("a copy or a restore into this store was not finished; run it again")

// ErrOccupied means that a store to be loaded holds something else.
var ErrOccupied = errors.New("the target is not empty")

// Limits of what is loaded in one transaction.
const (
	loadRows  = 2000
	loadBytes = 1 << 20
)

// Finished returns ErrUnfinished for a store that is still being loaded.
func Finished(ctx context.Context, d driver.Driver) error {
	_, err := d.Meta(ctx, metaLoading)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("reading the store: %w", err)
	}
	return ErrUnfinished
}

// Carried lists the tables whose rows are carried, in their order: those of the
// program, then those of the engine.
func Carried(tables []AnyTable) []*driver.Schema { return append(Schemas(tables), driver.Own()...) }

// CarrierOf returns a driver's way to carry rows. The error says that it has none.
func CarrierOf(d driver.Driver) (driver.Carrier, error) {
	c, ok := d.(driver.Carrier)
	if !ok {
		return nil, fmt.Errorf("a store of the kind %s can't be carried elsewhere", d.Name())
	}
	return c, nil
}

// A mark says how far rows were loaded: all of the tables that are listed, and
// those of Table up to and including After.
type mark struct {
	Source   string   `json:"source"`
	Position uint64   `json:"position"`
	Whole    []string `json:"whole,omitempty"`
	Table    string   `json:"table,omitempty"`
	After    []byte   `json:"after,omitempty"` // the primary key, as driver.AppendKey has it
	Done     bool     `json:"done,omitempty"`  // all was loaded, and the head and the values set
}

// A Loader fills an empty store with rows that come table by table, in the order
// of their primary keys. A crash at any point leaves a store that no server
// opens (ErrUnfinished), and that another Loader of the same source fills up.
type Loader struct {
	to     driver.Carrier
	tables []*driver.Schema
	mark   mark
	after  driver.Key
	table  *driver.Schema // of the rows that wait
	rows   []driver.Row
	size   int
}

// Load begins to fill to, or goes on where an earlier Loader of the same source
// and position was interrupted. It is ErrOccupied where the store holds
// anything else. The store must have been migrated.
func Load(ctx context.Context, to driver.Driver, tables []AnyTable, source string, position uint64) (*Loader, error) {
	carrier, err := CarrierOf(to)
	if err != nil {
		return nil, err
	}
	l := &Loader{to: carrier, tables: Carried(tables), mark: mark{Source: source, Position: position}}
	held, err := to.Meta(ctx, metaLoading)
	switch {
	case errors.Is(err, ErrNotFound):
		return l, l.begin(ctx)
	case err != nil:
		return nil, fmt.Errorf("reading the target: %w", err)
	}
	return l, l.resume(held)
}

func (l *Loader) begin(ctx context.Context) error {
	whole, err := l.to.Whole(ctx)
	if err != nil {
		return fmt.Errorf("reading the target: %w", err)
	}
	defer whole.Close()
	if whole.Position() != 0 {
		return ErrOccupied
	}
	for _, t := range l.tables {
		err := whole.Rows(ctx, t, nil, func(driver.Row) error { return ErrOccupied })
		if err != nil {
			return err
		}
	}
	return l.put(ctx, l.tables[0], nil)
}

func (l *Loader) resume(held []byte) error {
	var m mark
	if err := json.Unmarshal(held, &m); err != nil {
		return fmt.Errorf("the mark of an unfinished copy: %w", ErrDamaged)
	}
	if m.Source != l.mark.Source || m.Position != l.mark.Position {
		return fmt.Errorf("%w: it holds part of a copy of something else, or of another state of the source; "+
			"remove what is there and begin anew", ErrOccupied)
	}
	l.mark = m
	if m.Table == "" {
		return nil
	}
	for _, t := range l.tables {
		if t.Name == m.Table {
			var err error
			if l.after, _, err = driver.CutKey(m.After, t.PrimaryKey); err != nil {
				return fmt.Errorf("the mark of an unfinished copy: %w", ErrDamaged)
			}
			return nil
		}
	}
	return fmt.Errorf("an unfinished copy stopped in a table %s, which this program does not know: %w", m.Table, ErrSchema)
}

// From returns the key behind which rows of a table are wanted, nil for all, and
// whether any are. Rows that are not wanted may be given and count for nothing.
func (l *Loader) From(table *driver.Schema) (after driver.Key, any bool) {
	if l.mark.Done || slices.Contains(l.mark.Whole, table.Name) {
		return nil, false
	}
	if table.Name == l.mark.Table {
		return l.after, true
	}
	return nil, true
}

// Done reports whether an earlier Loader has loaded everything.
func (l *Loader) Done() bool { return l.mark.Done }

// Add takes the next row of a table. Values of the meta table are for Complete.
func (l *Loader) Add(ctx context.Context, table *driver.Schema, r driver.Row) error {
	after, wanted := l.From(table)
	if !wanted || l.table != table && after != nil && r.Key.Compare(after) <= 0 {
		return nil
	}
	if table != l.table || len(l.rows) == loadRows || l.size > loadBytes {
		if err := l.Flush(ctx); err != nil {
			return err
		}
	}
	l.table = table
	l.rows = append(l.rows, r)
	l.size += len(r.Body) + 64
	return nil
}

// Flush loads what waits. What follows may read the rows back.
func (l *Loader) Flush(ctx context.Context) error {
	if len(l.rows) == 0 {
		return nil
	}
	if t := l.mark.Table; t != "" && t != l.table.Name {
		l.mark.Whole = append(l.mark.Whole, t)
	}
	l.after = l.rows[len(l.rows)-1].Key
	l.mark.Table, l.mark.After = l.table.Name, driver.AppendKey(nil, l.after)
	err := l.put(ctx, l.table, l.rows)
	l.rows, l.size = l.rows[:0:0], 0
	return err
}

func (l *Loader) put(ctx context.Context, table *driver.Schema, rows []driver.Row) error {
	if err := l.to.Load(ctx, table, rows, map[string][]byte{metaLoading: l.mark.encode()}); err != nil {
		return fmt.Errorf("loading rows of %s: %w", table.Name, err)
	}
	return nil
}

func (m *mark) encode() []byte {
	text, err := json.Marshal(m)
	if err != nil {
		panic("store: encoding a mark: " + err.Error()) // strings, bytes and a number
	}
	return text
}

// Complete gives the store its values and its position. It stays marked, so that
// no server opens it before Release.
func (l *Loader) Complete(ctx context.Context, values map[string][]byte) error {
	if err := l.Flush(ctx); err != nil || l.mark.Done {
		return err
	}
	l.mark.Done = true
	all := map[string][]byte{metaLoading: l.mark.encode()}
	for k, v := range values {
		all[k] = append([]byte{}, v...)
	}
	if err := l.to.Advance(ctx, l.mark.Position, all); err != nil {
		return fmt.Errorf("finishing the target: %w", err)
	}
	return nil
}

// Release ends the loading: from here on the store is one.
func (l *Loader) Release(ctx context.Context) error {
	if err := l.to.Advance(ctx, l.mark.Position, map[string][]byte{metaLoading: nil}); err != nil {
		return fmt.Errorf("finishing the target: %w", err)
	}
	return nil
}

// A Sum sums up the rows of one table.
type Sum struct {
	Table  string `json:"table"`
	Rows   uint64 `json:"rows"`
	Bytes  uint64 `json:"bytes"`  // of the rows as they are carried
	Digest string `json:"digest"` // SHA-256 in hexadecimal
}

// A Summer makes a Sum.
type Summer struct {
	hash  hash.Hash
	space []byte
	sum   Sum
}

// NewSummer begins the sum of a table.
func NewSummer(table *driver.Schema) *Summer {
	return &Summer{hash: sha256.New(), sum: Sum{Table: table.Name}}
}

// Add takes the next row and returns it as it is carried, valid until the next Add.
func (s *Summer) Add(r *driver.Row) []byte {
	s.space = driver.AppendRow(s.space[:0], r)
	s.hash.Write(s.space)
	s.sum.Rows++
	s.sum.Bytes += uint64(len(s.space))
	return s.space
}

// Sum returns the sum of what was added.
func (s *Summer) Sum() Sum {
	s.sum.Digest = hex.EncodeToString(s.hash.Sum(nil))
	return s.sum
}

// Sums reads everything that a snapshot shows but the mark of a Loader.
func Sums(ctx context.Context, w driver.Whole, tables []AnyTable) ([]Sum, error) {
	var sums []Sum
	for _, t := range Carried(tables) {
		s := NewSummer(t)
		err := w.Rows(ctx, t, nil, func(r driver.Row) error {
			if t != driver.Values || r.Key[0].S != metaLoading {
				s.Add(&r)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("summing up %s: %w", t.Name, err)
		}
		sums = append(sums, s.Sum())
	}
	return sums, nil
}

// Same returns an error that names the first table in which two lists of sums
// differ. A table that one of them does not have must have no rows in the other.
func Same(want, got []Sum) error {
	rows := func(list []Sum, table string) Sum {
		i := slices.IndexFunc(list, func(s Sum) bool { return s.Table == table })
		if i < 0 {
			return NewSummer(&driver.Schema{Name: table}).Sum()
		}
		return list[i]
	}
	for _, s := range slices.Concat(want, got) {
		w, g := rows(want, s.Table), rows(got, s.Table)
		if w != g {
			return fmt.Errorf("table %s has %d rows with the digest %s, and should have %d with %s: %w",
				s.Table, g.Rows, g.Digest, w.Rows, w.Digest, ErrDamaged)
		}
	}
	return nil
}

// ValuesOf returns all values of the meta table.
func ValuesOf(ctx context.Context, w driver.Whole) (map[string][]byte, error) {
	values := make(map[string][]byte)
	err := w.Rows(ctx, driver.Values, nil, func(r driver.Row) error {
		values[r.Key[0].S] = r.Body
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading values: %w", err)
	}
	return values, nil
}

// A Copied says what Copy did.
type Copied struct {
	Position uint64
	Sums     []Sum
	Found    bool // the target was whole before
}

// Copy copies all of a store into an empty one of the same or another kind, in
// batches. Interrupted at any point, it goes on when it is called again, as long
// as the source was not changed in between. In the end both sides are read and
// compared. Nothing is written to the source. Both must have been migrated, and
// nobody else may have them open.
func Copy(ctx context.Context, from, to driver.Driver, tables []AnyTable) (*Copied, error) {
	carrier, err := CarrierOf(from)
	if err != nil {
		return nil, err
	}
	if err := Finished(ctx, from); err != nil {
		return nil, fmt.Errorf("the source: %w", err)
	}
	source, err := carrier.Whole(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the source: %w", err)
	}
	defer source.Close()
	values, err := ValuesOf(ctx, source)
	if err != nil {
		return nil, err
	}
	l, err := Load(ctx, to, tables, Identify(source.Position(), values), source.Position())
	if errors.Is(err, ErrOccupied) {
		// A crash may have come between the last step and its answer.
		if done, e := compare(ctx, source, to, tables); e == nil {
			return done, nil
		}
	}
	if err != nil {
		return nil, err
	}
	if err := l.fill(ctx, source); err != nil {
		return nil, err
	}
	if err := l.Complete(ctx, values); err != nil {
		return nil, err
	}
	done, err := compare(ctx, source, to, tables)
	if err != nil { // it stays one that no server opens
		return nil, fmt.Errorf("the copy is not what the source is; remove it and begin anew: %w", err)
	}
	done.Found = false
	return done, l.Release(ctx)
}

// fill adds the rows of all tables but the values.
func (l *Loader) fill(ctx context.Context, source driver.Whole) error {
	for _, t := range l.tables {
		after, wanted := l.From(t)
		if !wanted || t == driver.Values {
			continue
		}
		err := source.Rows(ctx, t, after, func(r driver.Row) error { return l.Add(ctx, t, r) })
		if err != nil {
			return fmt.Errorf("copying %s: %w", t.Name, err)
		}
	}
	return nil
}

// compare reads both sides.
func compare(ctx context.Context, source driver.Whole, to driver.Driver, tables []AnyTable) (*Copied, error) {
	target, err := to.(driver.Carrier).Whole(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the target: %w", err)
	}
	defer target.Close()
	if target.Position() != source.Position() {
		return nil, fmt.Errorf("the target stands at position %d, the source at %d: %w", target.Position(), source.Position(), ErrDamaged)
	}
	want, err := Sums(ctx, source, tables)
	if err != nil {
		return nil, err
	}
	got, err := Sums(ctx, target, tables)
	if err != nil {
		return nil, err
	}
	return &Copied{Position: source.Position(), Sums: want, Found: true}, Same(want, got)
}

// Identify names a state of a store by its position and its values, among which
// are the keyring's header and the keys of all accounts.
func Identify(position uint64, values map[string][]byte) string {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, position))
	for _, k := range slices.Sorted(maps.Keys(values)) {
		h.Write(appendField(appendField(nil, k), string(values[k])))
	}
	return hex.EncodeToString(h.Sum(nil))
}
