package sqlite

import (
	"fmt"
	"strings"

	"claviger/internal/ground/store/driver"
)

// A table holds every statement that its rows need, written once.
type table struct {
	schema *driver.Schema
	orders map[string]*order
	unique bool // some index other than the primary key is unique
	steps  []step

	get, rev, insert, update, remove string
}

// An order is one index with the statements that walk along it.
type order struct {
	*driver.Order
	holder string     // primary key by the own columns
	scans  [][]string // by number of columns in the prefix, and in what must be exceeded beyond it
}

// A step of a migration is one statement, recorded under its name.
type step struct{ name, statement string }

func newTable(s *driver.Schema) *table {
	t := &table{schema: s, orders: make(map[string]*order)}
	name := quote(s.Name)
	key := equal(s.PrimaryKey)
	all := columns(s.PrimaryKey, s.Indexed)
	t.get = "SELECT " + all + "rev, sv, body FROM " + name + " WHERE " + key
	t.rev = "SELECT rev FROM " + name + " WHERE " + key
	t.insert = "INSERT INTO " + name + " (" + all + "rev, sv, body) VALUES (" +
		strings.Repeat("?, ", len(s.PrimaryKey)+len(s.Indexed)) + "?, ?, ?)"
	t.update = "UPDATE " + name + " SET "
	for _, c := range s.Indexed {
		t.update += quote(c.Name) + " = ?, "
	}
	t.update += "rev = ?, sv = ?, body = ? WHERE " + key
	t.remove = "DELETE FROM " + name + " WHERE " + key
	t.steps = []step{{"table " + s.Name, createTable(s)}}
	for _, o := range s.Orders() {
		t.orders[o.Index] = newOrder(s, o, all)
		if o.Index != "" {
			t.unique = t.unique || o.Unique
			t.steps = append(t.steps, step{"index " + indexName(s, o.Index), createIndex(s, o)})
		}
	}
	return t
}

func newOrder(s *driver.Schema, o *driver.Order, all string) *order {
	from := " FROM " + quote(s.Name)
	if o.Index != "" {
		from += " INDEXED BY " + quote(indexName(s, o.Index))
	}
	x := &order{Order: o}
	if o.Unique && o.Index != "" {
		x.holder = "SELECT " + strings.TrimSuffix(columns(s.PrimaryKey), ", ") + from + " WHERE " + equal(o.Columns[:o.Own])
	}
	for prefix := range len(o.Columns) + 1 {
		var scans []string
		for beyond := range len(o.Columns) - prefix + 1 {
			scans = append(scans, "SELECT "+all+"rev, sv, body"+from+x.where(prefix, beyond)+
				" ORDER BY "+strings.TrimSuffix(columns(o.Columns), ", ")+" LIMIT ?")
		}
		x.scans = append(x.scans, scans)
	}
	return x
}

// where selects rows whose first columns equal a prefix and whose next columns
// exceed a tuple. Where that tuple is not the whole key, rows that continue it
// exceed it too.
func (x *order) where(prefix, beyond int) string {
	var terms []string
	if prefix > 0 {
		terms = append(terms, equal(x.Columns[:prefix]))
	}
	if beyond > 0 {
		operator := " >= "
		if prefix+beyond == len(x.Columns) {
			operator = " > "
		}
		names := strings.TrimSuffix(columns(x.Columns[prefix:prefix+beyond]), ", ")
		marks := strings.TrimSuffix(strings.Repeat("?, ", beyond), ", ")
		terms = append(terms, "("+names+")"+operator+"("+marks+")")
	}
	if len(terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(terms, " AND ")
}

func createTable(s *driver.Schema) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (", quote(s.Name))
	for _, list := range [][]driver.Column{s.PrimaryKey, s.Indexed} {
		for _, c := range list {
			kind := "BLOB"
			if c.Int {
				kind = "INTEGER"
			}
			fmt.Fprintf(&b, "%s %s NOT NULL, ", quote(c.Name), kind)
		}
	}
	b.WriteString("rev INTEGER NOT NULL, sv INTEGER NOT NULL, body BLOB NOT NULL, ")
	fmt.Fprintf(&b, "PRIMARY KEY (%s)) STRICT, WITHOUT ROWID", strings.TrimSuffix(columns(s.PrimaryKey), ", "))
	return b.String()
}

// createIndex names the whole key, so that its order is total. Of a unique
// index it names only the columns that must be unique; SQLite appends the rest.
func createIndex(s *driver.Schema, o *driver.Order) string {
	list, kind := o.Columns, "INDEX"
	if o.Unique {
		list, kind = o.Columns[:o.Own], "UNIQUE INDEX"
	}
	return fmt.Sprintf("CREATE %s %s ON %s (%s)", kind, quote(indexName(s, o.Index)), quote(s.Name),
		strings.TrimSuffix(columns(list), ", "))
}

// indexName is the name of an index in the database, where all tables share
// one space of names.
func indexName(s *driver.Schema, index string) string { return s.Name + "__" + index }

func quote(name string) string { return `"` + name + `"` }

// columns lists names, each followed by a comma.
func columns(lists ...[]driver.Column) string {
	var b strings.Builder
	for _, list := range lists {
		for _, c := range list {
			b.WriteString(quote(c.Name) + ", ")
		}
	}
	return b.String()
}

func equal(list []driver.Column) string {
	terms := make([]string, len(list))
	for i, c := range list {
		terms[i] = quote(c.Name) + " = ?"
	}
	return strings.Join(terms, " AND ")
}

// arguments appends values as SQLite takes them.
func arguments(dst []any, key driver.Key) []any {
	for _, v := range key {
		if v.IsInt {
			dst = append(dst, v.N)
		} else {
			dst = append(dst, []byte(v.S))
		}
	}
	return dst
}

// readRow reads what get and the scans select.
func (t *table) readRow(scan func(...any) error) (driver.Row, error) {
	n := len(t.schema.PrimaryKey)
	cells := make([]cell, n+len(t.schema.Indexed))
	dest := make([]any, 0, len(cells)+3)
	for i := range cells {
		dest = append(dest, &cells[i])
	}
	var r driver.Row
	dest = append(dest, &r.Rev, &r.Version, &r.Body)
	if err := scan(dest...); err != nil {
		return r, fmt.Errorf("row of %s has a column of another type: %w", t.schema.Name, driver.ErrDamaged)
	}
	values := make(driver.Key, len(cells))
	for i := range cells {
		values[i] = driver.Value(cells[i])
	}
	r.Key, r.Indexed = values[:n:n], values[n:]
	if !driver.Admits(t.schema.PrimaryKey, r.Key) || !driver.Admits(t.schema.Indexed, r.Indexed) {
		return r, fmt.Errorf("row of %s has a column of another type: %w", t.schema.Name, driver.ErrDamaged)
	}
	return r, nil
}

// A cell takes one column value.
type cell driver.Value

// Scan is that of sql.Scanner.
func (c *cell) Scan(v any) error {
	switch v := v.(type) {
	case []byte:
		*c = cell{S: string(v)}
	case int64:
		*c = cell{N: v, IsInt: true}
	default:
		return fmt.Errorf("column holds %T", v)
	}
	return nil
}

func (d *database) table(s *driver.Schema) *table {
	t, ok := (*d.tables.Load())[s.Name]
	if !ok {
		panic("sqlite: table " + s.Name + " was not declared")
	}
	return t
}

func (t *table) order(index string) *order {
	x, ok := t.orders[index]
	if !ok {
		panic("sqlite: table " + t.schema.Name + " has no index " + index)
	}
	return x
}
