package postgres

import (
	"fmt"
	"strconv"
	"strings"

	"claviger/internal/ground/store/driver"
)

const (
	// nameMax is how long a name can be; the server cuts what is longer.
	nameMax = 63
	// entryMax bounds the columns of one entry of an index. The server refuses
	// those beyond a third of a page, 2704 bytes with headers and padding.
	entryMax = 2600
)

// A table holds every statement that its rows need, written once.
type table struct {
	schema *driver.Schema
	orders map[string]*order
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
	all := columns(s.PrimaryKey, s.Indexed)
	n := len(s.PrimaryKey)
	t.get = "SELECT " + all + "rev, sv, body" + one(name, s.PrimaryKey, 1)
	t.rev = "SELECT rev" + one(name, s.PrimaryKey, 1)
	t.insert = "INSERT INTO " + name + " (" + all + "rev, sv, body) VALUES (" + marks(1, n+len(s.Indexed)+3) + ")"
	t.update = "UPDATE " + name + " SET "
	for i, c := range s.Indexed {
		t.update += quote(c.Name) + " = " + mark(i+1) + ", "
	}
	i := len(s.Indexed)
	t.update += "rev = " + mark(i+1) + ", sv = " + mark(i+2) + ", body = " + mark(i+3) +
		" WHERE ctid = (SELECT ctid" + one(name, s.PrimaryKey, i+4) + ") AND rev = " + mark(i+4+n)
	t.remove = "DELETE FROM " + name + " WHERE ctid = (SELECT ctid" + one(name, s.PrimaryKey, 1) + ") AND rev = " + mark(n+1)
	t.steps = []step{{"table " + s.Name, createTable(s)}}
	for _, o := range s.Orders() {
		t.orders[o.Index] = newOrder(s, o, all)
		if o.Index != "" {
			t.steps = append(t.steps, step{"index " + indexName(s, o.Index), createIndex(s, o)})
		}
	}
	return t
}

func newOrder(s *driver.Schema, o *driver.Order, all string) *order {
	from := " FROM " + quote(s.Name)
	x := &order{Order: o}
	if o.Unique && o.Index != "" {
		x.holder = "SELECT " + list(s.PrimaryKey) + one(quote(s.Name), o.Columns[:o.Own], 1)
	}
	for prefix := range len(o.Columns) + 1 {
		var scans []string
		for beyond := range len(o.Columns) - prefix + 1 {
			scans = append(scans, "SELECT "+all+"rev, sv, body"+from+x.where(prefix, beyond)+
				" ORDER BY "+list(x.entry())+" LIMIT "+mark(prefix+beyond+1))
		}
		x.scans = append(x.scans, scans)
	}
	return x
}

// entry returns the columns that the index has in the database. Of a unique
// index these are its own alone, and they make a total order.
func (x *order) entry() []driver.Column { return entry(x.Order) }

func entry(o *driver.Order) []driver.Column {
	if o.Unique {
		return o.Columns[:o.Own]
	}
	return o.Columns
}

// where selects rows whose first columns equal a prefix and whose next columns
// exceed a tuple. Where that tuple is not the whole key, rows that continue it
// exceed it too.
func (x *order) where(prefix, beyond int) string {
	if prefix+beyond == 0 {
		return ""
	}
	operator := " >= "
	if beyond > 0 && prefix+beyond == len(x.Columns) {
		operator = " > "
	}
	return " WHERE " + bounds(x.Columns[:prefix+beyond], min(prefix, len(x.entry())), prefix, operator, 1)
}

// bounds selects a range of an index by its first columns, of which a prefix is
// equal to parameters, and as many of that lie in the index.
//
// The planner must have no choice of indexes, and the server must stop where the
// prefix ends. Columns that are equated count as constant and leave the order that is
// asked for, so that other indexes serve it too; where the planner knows of few rows
// they cost the same, and it may walk one from end to end, or look for a grant among
// all of its key. Rows of columns that are compared do not tell the server when to
// stop, but for the first of these columns. So the last column of the prefix is bounded
// from both sides, those before it are equated, and the first of those as if there
// could be several values, which leaves it in the order.
func bounds(all []driver.Column, within, prefix int, operator string, first int) string {
	var terms []string
	equated := max(within-1, 0)
	for i, c := range all[:equated] {
		value := mark(first + i)
		if i == 0 {
			value = "ANY (ARRAY[" + value + "::" + kind(c) + "])"
		}
		terms = append(terms, quote(c.Name)+" = "+value)
	}
	compare := func(end int, operator string) {
		terms = append(terms, "("+list(all[equated:end])+")"+operator+"("+marks(first+equated, end-equated)+")")
	}
	compare(len(all), operator)
	if prefix > 0 {
		compare(prefix, " <= ")
	}
	return strings.Join(terms, " AND ")
}

// createTable leaves room in each page: a row whose indexed columns stay as
// they are is then rewritten in its page, without touching an index.
func createTable(s *driver.Schema) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (", quote(s.Name))
	for _, list := range [][]driver.Column{s.PrimaryKey, s.Indexed} {
		for _, c := range list {
			fmt.Fprintf(&b, "%s %s NOT NULL, ", quote(c.Name), kind(c))
		}
	}
	b.WriteString("rev bigint NOT NULL, sv smallint NOT NULL, body bytea NOT NULL, ")
	fmt.Fprintf(&b, "PRIMARY KEY (%s)) WITH (fillfactor = 90)", list(s.PrimaryKey))
	return b.String()
}

func kind(c driver.Column) string {
	if c.Int {
		return "bigint"
	}
	return "bytea"
}

// createIndex names the whole key, so that its order is total. Of a unique
// index it names only the columns that must be unique.
func createIndex(s *driver.Schema, o *driver.Order) string {
	kind := "INDEX"
	if o.Unique {
		kind = "UNIQUE INDEX"
	}
	return fmt.Sprintf("CREATE %s %s ON %s (%s)", kind, quote(indexName(s, o.Index)), quote(s.Name), list(entry(o)))
}

// verifyNames refuses names that the server would cut.
func verifyNames(s *driver.Schema) error {
	names := []string{s.Name + "_pkey"} // the server's own choice
	for _, x := range s.Indexes {
		names = append(names, indexName(s, x.Name))
	}
	for _, n := range names {
		if len(n) > nameMax {
			return fmt.Errorf("table %s: the name %s is longer than %d bytes", s.Name, n, nameMax)
		}
	}
	return nil
}

// indexName is the name of an index in the database, where all tables share
// one space of names.
func indexName(s *driver.Schema, index string) string { return s.Name + "__" + index }

// quote quotes a name that driver.Schema has validated: it has no quotes itself.
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

func list(list []driver.Column) string { return strings.TrimSuffix(columns(list), ", ") }

func mark(n int) string { return "$" + strconv.Itoa(n) }

func marks(first, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = mark(first + i)
	}
	return strings.Join(all, ", ")
}

// one selects the row that has given values in the columns of a unique index.
func one(table string, unique []driver.Column, first int) string {
	return " FROM " + table + " WHERE " + bounds(unique, len(unique), len(unique), " >= ", first) + " ORDER BY " + list(unique)
}

// arguments appends values as the server takes them.
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

// cells take the values of columns.
type cells struct {
	columns []driver.Column
	bytes   [][]byte
	numbers []int64
}

func newCells(lists ...[]driver.Column) *cells {
	c := new(cells)
	for _, list := range lists {
		c.columns = append(c.columns, list...)
	}
	c.bytes, c.numbers = make([][]byte, len(c.columns)), make([]int64, len(c.columns))
	return c
}

// dest is where a scan puts the values.
func (c *cells) dest() []any {
	dest := make([]any, 0, len(c.columns)+3)
	for i, column := range c.columns {
		if column.Int {
			dest = append(dest, &c.numbers[i])
		} else {
			dest = append(dest, &c.bytes[i])
		}
	}
	return dest
}

func (c *cells) key() driver.Key {
	key := make(driver.Key, len(c.columns))
	for i, column := range c.columns {
		if column.Int {
			key[i] = driver.Value{N: c.numbers[i], IsInt: true}
		} else {
			key[i] = driver.Value{S: string(c.bytes[i])}
		}
	}
	return key
}

// readRow reads what get and the scans select.
func (t *table) readRow(scan func(...any) error) (driver.Row, error) {
	c := newCells(t.schema.PrimaryKey, t.schema.Indexed)
	var r driver.Row
	if err := scan(append(c.dest(), &r.Rev, &r.Version, &r.Body)...); err != nil {
		return r, fmt.Errorf("row of %s has a column of another type: %w", t.schema.Name, driver.ErrDamaged)
	}
	values, n := c.key(), len(t.schema.PrimaryKey)
	r.Key, r.Indexed = values[:n:n], values[n:]
	return r, nil
}

func (d *database) table(s *driver.Schema) *table {
	t, ok := (*d.tables.Load())[s.Name]
	if !ok {
		panic("postgres: table " + s.Name + " was not declared")
	}
	return t
}

func (t *table) order(index string) *order {
	x, ok := t.orders[index]
	if !ok {
		panic("postgres: table " + t.schema.Name + " has no index " + index)
	}
	return x
}
