package driver_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"claviger/internal/ground/store/driver"
)

func s(v string) driver.Value { return driver.Value{S: v} }
func n(v int64) driver.Value  { return driver.Value{N: v, IsInt: true} }

// ordered are keys of one table in ascending order.
var ordered = []driver.Key{
	{},
	{s("")},
	{s(""), n(math.MinInt64)},
	{s(""), n(-1)},
	{s(""), n(0)},
	{s(""), n(0), s("")},
	{s(""), n(0), s("\x00")},
	{s(""), n(1)},
	{s(""), n(255)},
	{s(""), n(256)},
	{s(""), n(math.MaxInt64)},
	{s("\x00")},
	{s("\x00"), n(math.MinInt64)},
	{s("\x00\x00")},
	{s("\x00\x01")},
	{s("\x00\xfe")},
	{s("\x00\xff")},
	{s("\x01")},
	{s("a")},
	{s("a"), n(5), s("z")},
	{s("a\x00")},
	{s("a\x00\x00")},
	{s("a\x01")},
	{s("aa")},
	{s("\x7f")},
	{s("\x80")},
	{s("\xff")},
	{s("\xff\x00")},
	{s("\xff\xff")},
}

func TestOrder(t *testing.T) {
	t.Parallel()
	compared := 0
	for i, a := range ordered {
		for j, b := range ordered {
			want := sign(i - j)
			if got := a.Compare(b); got != want {
				t.Errorf("%v against %v: %d, want %d", a, b, got, want)
			}
			if got := bytes.Compare(a.AppendOrdered(nil), b.AppendOrdered(nil)); got != want {
				t.Errorf("%v against %v encoded: %d, want %d", a, b, got, want)
			}
			if a.Equal(b) != (i == j) {
				t.Errorf("%v against %v: wrong equality", a, b)
			}
			compared++
		}
	}
	if compared < 800 {
		t.Errorf("only %d comparisons", compared)
	}
}

func sign(i int) int {
	switch {
	case i < 0:
		return -1
	case i > 0:
		return 1
	}
	return 0
}

func FuzzOrder(f *testing.F) {
	f.Add("", int64(0), "", "\x00", int64(-1), "\xff")
	f.Add("a", int64(1), "b", "a\x00", int64(1), "")
	f.Add("a\x00\xff", int64(1), "b", "a\x00", int64(1<<62), "\x01")
	f.Fuzz(func(t *testing.T, a string, b int64, c, d string, e int64, g string) {
		x, y := driver.Key{s(a), n(b), s(c)}, driver.Key{s(d), n(e), s(g)}
		if got, want := bytes.Compare(x.AppendOrdered(nil), y.AppendOrdered(nil)), x.Compare(y); got != want {
			t.Errorf("%v against %v: encoded %d, compared %d", x, y, got, want)
		}
		for i := range x {
			if !bytes.HasPrefix(x.AppendOrdered(nil), x[:i].AppendOrdered(nil)) || !x.HasPrefix(x[:i]) {
				t.Errorf("%v: the encoding of a prefix is no prefix", x)
			}
			if i > 0 && x[:i].Compare(y[:i]) != 0 && bytes.HasPrefix(y.AppendOrdered(nil), x[:i].AppendOrdered(nil)) {
				t.Errorf("%v begins %v, encoded only", x[:i], y)
			}
		}
	})
}

func TestAbove(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		prefix, after driver.Key
		want          driver.Key
		some          bool
	}{
		{"nothing", nil, nil, nil, true},
		{"prefix alone", driver.Key{s("a")}, nil, nil, true},
		{"after alone", nil, driver.Key{s("a")}, driver.Key{s("a")}, true},
		{"after before the prefix", driver.Key{s("b")}, driver.Key{s("a"), n(9)}, nil, true},
		{"after beyond the prefix", driver.Key{s("a")}, driver.Key{s("b")}, nil, false},
		{"after is the prefix", driver.Key{s("a")}, driver.Key{s("a")}, driver.Key{s("a")}, true},
		{"after within the prefix", driver.Key{s("a")}, driver.Key{s("a"), n(1)}, driver.Key{s("a"), n(1)}, true},
		{"after begins the prefix", driver.Key{s("a"), n(1)}, driver.Key{s("a")}, nil, true},
	} {
		got, some := driver.Above(c.prefix, c.after)
		if some != c.some || !got.Equal(c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: got %v %v", c.name, got, some)
		}
	}
}

func TestMixedComparison(t *testing.T) {
	t.Parallel()
	defer func() {
		if r, _ := recover().(string); !strings.HasPrefix(r, "driver: ") {
			t.Errorf("recovered %q", r)
		}
	}()
	driver.Key{s("a")}.Compare(driver.Key{n(1)})
}

var table = driver.Schema{
	Name:       "t",
	PrimaryKey: []driver.Column{{Name: "a"}, {Name: "b", Int: true}},
	Indexed:    []driver.Column{{Name: "c"}, {Name: "d", Int: true}},
	Indexes: []driver.IndexSchema{
		{Name: "by_c", Columns: []string{"c"}},
		{Name: "by_b", Columns: []string{"b", "d"}, Unique: true},
	},
}

func TestSchemaOrder(t *testing.T) {
	t.Parallel()
	key, indexed := driver.Key{s("A"), n(1)}, driver.Key{s("C"), n(2)}
	for index, want := range map[string]struct {
		key driver.Key
		own int
	}{
		"":     {driver.Key{s("A"), n(1)}, 2},
		"by_c": {driver.Key{s("C"), s("A"), n(1)}, 1},
		"by_b": {driver.Key{n(1), n(2), s("A")}, 2},
	} {
		o := table.Order(index)
		if got := o.Key(key, indexed); !got.Equal(want.key) || o.Own != want.own || !driver.Admits(o.Columns, got) {
			t.Errorf("by %q: %v, own %d", index, got, o.Own)
		}
	}
	if err := table.Validate(); err != nil {
		t.Error(err)
	}
	if got := len(table.Orders()); got != 3 {
		t.Errorf("%d orders", got)
	}
}

func TestAdmits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key  driver.Key
		want bool
	}{
		{nil, true}, {driver.Key{s("x")}, true}, {driver.Key{s("x"), n(1)}, true},
		{driver.Key{n(1)}, false}, {driver.Key{s("x"), s("1")}, false}, {driver.Key{s("x"), n(1), n(1)}, false},
	} {
		if got := driver.Admits(table.PrimaryKey, c.key); got != c.want {
			t.Errorf("%v: %v", c.key, got)
		}
	}
}
