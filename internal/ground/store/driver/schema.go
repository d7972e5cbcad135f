package driver

import (
	"fmt"
	"slices"
	"strings"
)

// A Column of a table.
type Column struct {
	Name string // lower-case letters, digits and underscores
	Int  bool
}

// A Schema declares a table. Every engine keeps real columns for PrimaryKey and
// Indexed, and beside them rev, sv (body schema version) and body.
type Schema struct {
	Name       string // such as "kms_key"
	PrimaryKey []Column
	Indexed    []Column // extracted columns that indexes use
	Indexes    []IndexSchema
}

// An IndexSchema names columns (of PrimaryKey or Indexed) in order. Columns of
// the primary key that are not among them are appended by the engine, so that
// index order is total.
type IndexSchema struct {
	Name    string
	Columns []string
	Unique  bool // a second row with equal Columns is ErrExists
}

// Validate returns an error if the declaration can't be that of a table.
func (s *Schema) Validate() error {
	if !isName(s.Name) || strings.HasPrefix(s.Name, "store_") || strings.HasPrefix(s.Name, "sqlite_") {
		return fmt.Errorf("table %q: not a name for a table", s.Name)
	}
	if len(s.PrimaryKey) == 0 {
		return fmt.Errorf("table %s: no primary key", s.Name)
	}
	taken := []string{"rev", "sv", "body"}
	for _, c := range slices.Concat(s.PrimaryKey, s.Indexed) {
		if !isName(c.Name) || slices.Contains(taken, c.Name) {
			return fmt.Errorf("table %s: %q is no name for a column, or taken", s.Name, c.Name)
		}
		taken = append(taken, c.Name)
	}
	return s.validateIndexes()
}

func (s *Schema) validateIndexes() error {
	var names []string
	for _, x := range s.Indexes {
		if !isName(x.Name) || slices.Contains(names, x.Name) {
			return fmt.Errorf("table %s: %q is no name for an index, or taken", s.Name, x.Name)
		}
		names = append(names, x.Name)
		for i, c := range x.Columns {
			if _, ok := s.locate(c); !ok || slices.Contains(x.Columns[:i], c) {
				return fmt.Errorf("table %s: index %s names %q, which is no column of it, or twice", s.Name, x.Name, c)
			}
		}
		if len(x.Columns) == 0 {
			return fmt.Errorf("table %s: index %s has no columns", s.Name, x.Name)
		}
	}
	return nil
}

func isName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || 'z' < c) && (c < '0' || '9' < c) && c != '_' {
			return false
		}
	}
	return s != "" && (s[0] < '0' || '9' < s[0])
}

// A place says where a column's value is found in a row.
type place struct {
	indexed bool
	at      int
}

func (s *Schema) locate(column string) (place, bool) {
	for i, c := range s.PrimaryKey {
		if c.Name == column {
			return place{false, i}, true
		}
	}
	for i, c := range s.Indexed {
		if c.Name == column {
			return place{true, i}, true
		}
	}
	return place{}, false
}

// An Order is one index of a table with its key written out in full.
type Order struct {
	Index   string   // "" is the primary key
	Columns []Column // the index's own, then those of the primary key that are not among them
	Own     int      // how many are the index's own
	Unique  bool     // no two rows agree in the first Own columns
	places  []place
}

// Order returns the order of an index, "" being the primary key. It panics if
// the table has no such index: names of indexes are constants of the program.
func (s *Schema) Order(index string) *Order {
	if index == "" {
		o := &Order{Own: len(s.PrimaryKey), Unique: true}
		s.complete(o)
		return o
	}
	for i := range s.Indexes {
		x := &s.Indexes[i]
		if x.Name != index {
			continue
		}
		o := &Order{Index: index, Own: len(x.Columns), Unique: x.Unique}
		for _, name := range x.Columns {
			p, ok := s.locate(name)
			if !ok {
				panic("driver: index " + index + " of table " + s.Name + " names a column that is not there")
			}
			o.add(s, p)
		}
		s.complete(o)
		return o
	}
	panic("driver: table " + s.Name + " has no index " + index)
}

// Orders returns the primary key's order and those of all indexes.
func (s *Schema) Orders() []*Order {
	orders := []*Order{s.Order("")}
	for i := range s.Indexes {
		orders = append(orders, s.Order(s.Indexes[i].Name))
	}
	return orders
}

func (s *Schema) complete(o *Order) {
	for i := range s.PrimaryKey {
		if p := (place{false, i}); !slices.Contains(o.places, p) {
			o.add(s, p)
		}
	}
}

func (o *Order) add(s *Schema, p place) {
	o.places = append(o.places, p)
	if p.indexed {
		o.Columns = append(o.Columns, s.Indexed[p.at])
	} else {
		o.Columns = append(o.Columns, s.PrimaryKey[p.at])
	}
}

// Key returns a row's key in this order, in full.
func (o *Order) Key(key, indexed Key) Key {
	full := make(Key, len(o.places))
	for i, p := range o.places {
		if p.indexed {
			full[i] = indexed[p.at]
		} else {
			full[i] = key[p.at]
		}
	}
	return full
}

// Walk calls fn for at most limit rows behind after. page reads the next n of
// them; it is asked for size rows at a time, and has ended while fn runs.
func (o *Order) Walk(after Key, limit, size int, page func(after Key, n int) ([]Row, error), fn func(Row) error) error {
	for limit > 0 {
		n := min(limit, size)
		rows, err := page(after, n)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := fn(r); err != nil {
				return err
			}
		}
		if len(rows) < n {
			return nil
		}
		limit -= n
		last := &rows[n-1]
		after = o.Key(last.Key, last.Indexed)
	}
	return nil
}

// Beyond returns what of after follows prefix, nil where after excludes none of
// the rows that begin with prefix. It returns false where it excludes all.
func (o *Order) Beyond(prefix, after Key) (Key, bool) {
	above, some := Above(prefix, after)
	switch {
	case !some:
		return nil, false
	case above == nil:
		return nil, true
	}
	// A whole key is not greater than itself.
	return above[len(prefix):], len(prefix) < len(o.Columns)
}

// Admits reports whether k is a key of these columns or of the first of them.
func Admits(columns []Column, k Key) bool {
	if len(k) > len(columns) {
		return false
	}
	for i, v := range k {
		if v.IsInt != columns[i].Int {
			return false
		}
	}
	return true
}
