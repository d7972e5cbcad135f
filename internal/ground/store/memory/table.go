package memory

import (
	"encoding/binary"
	"strings"

	"github.com/tidwall/btree"

	"claviger/internal/ground/store/driver"
)

// A table knows under which keys its rows lie in the tree.
type table struct {
	schema  driver.Schema
	indexes map[string]index
}

type index struct {
	order  *driver.Order
	prefix string // of all keys of this index
}

func newTable(s *driver.Schema) *table {
	t := &table{schema: *s, indexes: make(map[string]index)}
	for i, order := range s.Orders() {
		prefix := binary.BigEndian.AppendUint16([]byte(s.Name+"/"), uint16(i))
		t.indexes[order.Index] = index{order, string(prefix)}
	}
	return t
}

// declaredAs compares declarations as far as rows depend on them.
func (t *table) declaredAs(s *driver.Schema) bool {
	return fingerprint(&t.schema) == fingerprint(s)
}

func fingerprint(s *driver.Schema) string {
	var b strings.Builder
	columns := func(list []driver.Column) {
		for _, c := range list {
			b.WriteString(c.Name)
			if c.Int {
				b.WriteString(" int")
			}
			b.WriteByte(',')
		}
		b.WriteByte(';')
	}
	columns(s.PrimaryKey)
	columns(s.Indexed)
	for _, x := range s.Indexes {
		b.WriteString(x.Name + ":" + strings.Join(x.Columns, ","))
		if x.Unique {
			b.WriteString(" unique")
		}
		b.WriteByte(';')
	}
	return b.String()
}

func (x *index) encode(key driver.Key) string {
	return string(key.AppendOrdered([]byte(x.prefix)))
}

func (t *table) get(rows *btree.BTreeG[item], key driver.Key) (*driver.Row, bool) {
	primary := t.indexes[""]
	it, ok := rows.Get(item{key: primary.encode(key)})
	return it.row, ok
}

func (t *table) insert(rows *btree.BTreeG[item], r *driver.Row) {
	for _, x := range t.indexes {
		rows.Set(item{x.encode(x.order.Key(r.Key, r.Indexed)), r})
	}
}

func (t *table) delete(rows *btree.BTreeG[item], r *driver.Row) {
	for _, x := range t.indexes {
		rows.Delete(item{key: x.encode(x.order.Key(r.Key, r.Indexed))})
	}
}

func (t *table) scan(rows *btree.BTreeG[item], name string, prefix, after driver.Key, limit int, fn func(driver.Row) error) error {
	x, ok := t.indexes[name]
	if !ok {
		panic("memory: table " + t.schema.Name + " has no index " + name)
	}
	above, some := driver.Above(prefix, after)
	if !some || limit <= 0 {
		return nil
	}
	within := x.encode(prefix)
	start := within
	if above != nil {
		start = x.encode(above)
	}
	var err error
	rows.Ascend(item{key: start}, func(it item) bool {
		if !strings.HasPrefix(it.key, within) {
			return false
		}
		if above != nil && it.key == start {
			return true
		}
		limit--
		err = fn(*it.row)
		return err == nil && limit > 0
	})
	return err
}
