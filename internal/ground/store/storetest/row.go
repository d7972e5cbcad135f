package storetest

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

// refusals are batches that must not be applied on top of three rows: a/1
// (name x, rev 5), a/2 (name y, rev 6), b/1 (name x, rev 7).
var refusals = []struct {
	name  string
	batch driver.Batch
	want  error
}{
	{"insert an existing key", driver.Batch{Writes: []driver.Write{insert(row("a", "1", "z", 1, 9))}}, driver.ErrExists},
	{"put with another revision", driver.Batch{Writes: []driver.Write{put(row("a", "1", "x", 1, 7), 6)}}, driver.ErrConflict},
	{"put a missing row", driver.Batch{Writes: []driver.Write{put(row("a", "9", "x", 1, 7), 6)}}, driver.ErrConflict},
	{"delete with another revision", driver.Batch{Writes: []driver.Write{remove("a", "1", 4)}}, driver.ErrConflict},
	{"delete a missing row", driver.Batch{Writes: []driver.Write{remove("c", "1", 5)}}, driver.ErrConflict},
	{"require another revision", driver.Batch{
		Writes:   []driver.Write{insert(row("c", "1", "x", 1, 1))},
		Requires: []driver.Require{{Table: &things.Schema, Key: thingKey("a", "1"), Rev: 4}},
	}, driver.ErrConflict},
	{"require a missing row", driver.Batch{
		Writes:   []driver.Write{insert(row("c", "1", "x", 1, 1))},
		Requires: []driver.Require{{Table: &things.Schema, Key: thingKey("a", "9"), Rev: 1}},
	}, driver.ErrConflict},
	{"a unique key that another row holds", driver.Batch{Writes: []driver.Write{insert(row("a", "3", "x", 1, 1))}}, driver.ErrExists},
	{"a unique key moved onto another row's", driver.Batch{Writes: []driver.Write{put(row("a", "1", "y", 1, 6), 5)}}, driver.ErrExists},
	{"a unique key twice in one batch", driver.Batch{Writes: []driver.Write{
		insert(row("c", "1", "q", 1, 1)), insert(row("c", "2", "q", 1, 1))}}, driver.ErrExists},
	{"a unique key that a row of the batch keeps", driver.Batch{Writes: []driver.Write{
		put(row("a", "1", "x", 8, 6), 5), insert(row("a", "3", "x", 1, 1))}}, driver.ErrExists},
	{"one good write and one bad", driver.Batch{Writes: []driver.Write{
		insert(row("c", "1", "x", 1, 1)), put(row("a", "1", "x", 1, 7), 1)}}, driver.ErrConflict},
	{"a conflict goes before what exists", driver.Batch{Writes: []driver.Write{
		insert(row("a", "1", "z", 1, 9)), put(row("a", "2", "y", 1, 7), 1)}}, driver.ErrConflict},
	{"a meta key that is there", driver.Batch{
		Writes: []driver.Write{insert(row("c", "1", "x", 1, 1))},
		Meta:   map[string][]byte{"k": []byte("new")},
	}, driver.ErrConflict},
}

// accepted are batches on top of the same rows.
var accepted = []struct {
	name  string
	batch *driver.Batch
}{
	{"delete and put", batch(remove("a", "1", 5), put(row("a", "2", "y", 2, 7), 6))},
	{"two rows trade unique keys", batch(put(row("a", "1", "y", 1, 6), 5), put(row("a", "2", "x", 1, 7), 6))},
	{"a unique key of a deleted row", batch(remove("a", "1", 5), insert(row("a", "3", "x", 1, 1)))},
	{"a unique key that moves on", batch(insert(row("a", "3", "x", 1, 1)), put(row("a", "1", "w", 1, 6), 5))},
	{"the same name for another owner", batch(insert(row("c", "1", "x", 1, 1)))},
	{"put without another unique key", batch(put(row("b", "1", "x", 9, 8), 7))},
	{"insert with a required neighbour", &driver.Batch{
		Writes:   []driver.Write{insert(row("c", "1", "x", 1, 1))},
		Requires: []driver.Require{{Table: &things.Schema, Key: thingKey("a", "1"), Rev: 5}},
	}},
	{"require what is also written", &driver.Batch{
		Writes:   []driver.Write{put(row("a", "1", "x", 1, 6), 5)},
		Requires: []driver.Require{{Table: &things.Schema, Key: thingKey("a", "1"), Rev: 5}},
	}},
}

func threeRows(t *testing.T, d driver.Driver) {
	t.Helper()
	migrate(t, d)
	b := batch(insert(row("a", "1", "x", 1, 5)), insert(row("a", "2", "y", 1, 6)), insert(row("b", "1", "x", 1, 7)))
	b.Meta = map[string][]byte{"k": []byte("v")}
	commit(t, d, b)
}

func rowTests() []test {
	var list []test
	for _, c := range refusals {
		list = append(list, test{"row/refused/" + c.name, func(t *testing.T, d driver.Driver) {
			threeRows(t, d)
			before := dump(t, d)
			refused(t, d, &c.batch, c.want)
			wantEqual(t, "rows", dump(t, d), before)
		}})
	}
	for _, c := range accepted {
		list = append(list, test{"row/accepted/" + c.name, func(t *testing.T, d driver.Driver) {
			threeRows(t, d)
			commit(t, d, c.batch)
			for _, w := range c.batch.Writes {
				got, err := read(t, d, w.Table, w.Row.Key)
				if w.Kind == driver.Delete {
					wantErr(t, err, driver.ErrNotFound)
					continue
				}
				wantErr(t, err, nil)
				wantRow(t, got, w.Row)
			}
			wantIndexes(t, d)
		}})
	}
	return append(list,
		test{"row/values survive", valuesSurvive},
		test{"row/a missing row", missingRow},
		test{"row/a batch of the largest size", largestBatch},
		test{"row/one write too many", tooManyWrites},
		test{"row/one byte too many", tooManyBytes},
		test{"row/a snapshot does not move", snapshotIsolation},
		test{"row/a closed snapshot", closedSnapshot},
		test{"row/a batch that does not fit panics", misfits},
		test{"row/cancelled contexts", cancelledContexts},
		test{"row/after close", afterClose},
		test{"row/migrating again", migratingAgain},
		test{"row/adopting", adopting},
		test{"row/schemas that are refused", badSchemas},
	)
}

func wantRow(t *testing.T, got, want driver.Row) {
	t.Helper()
	if !got.Key.Equal(want.Key) || !got.Indexed.Equal(want.Indexed) || got.Rev != want.Rev ||
		got.Version != want.Version || !bytes.Equal(got.Body, want.Body) {
		t.Fatalf("got row %v, want %v", got, want)
	}
}

// keys lists the primary keys of things in the order of an index.
func keys(t *testing.T, d driver.Driver, index string) []string {
	t.Helper()
	s := snapshot(t, d)
	defer closeSnapshot(t, s)
	var list []string
	err := s.Scan(t.Context(), &things.Schema, index, nil, nil, 10000, func(r driver.Row) error {
		list = append(list, r.Key[0].S+"/"+r.Key[1].S)
		return nil
	})
	wantErr(t, err, nil)
	return list
}

func dump(t *testing.T, d driver.Driver) string {
	t.Helper()
	return strings.Join(keys(t, d, ""), " ")
}

// wantIndexes checks that every index has exactly the rows of the primary key.
func wantIndexes(t *testing.T, d driver.Driver) {
	t.Helper()
	n := len(keys(t, d, ""))
	for _, x := range things.Schema.Indexes {
		wantEqual(t, "rows by "+x.Name, len(keys(t, d, x.Name)), n)
	}
}

func valuesSurvive(t *testing.T, d driver.Driver) {
	migrate(t, d)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	rows := []driver.Row{
		row("", "", "", 0, 1),
		row("\x00", "\x00", "\x00", math.MinInt64, math.MaxInt64),
		row("\xff", "\xff\xff", "\xff", math.MaxInt64, 2),
		row(string(all), string(all), string(all), -1, 3),
		row("'; DROP TABLE test_thing; --", "\"", "%?$1", 1, 4),
	}
	rows[0].Body = []byte{}
	rows[1].Body = all
	rows[2].Body = bytes.Repeat([]byte{0xa5}, 300_000)
	rows[3].Version = math.MaxInt16
	for _, r := range rows {
		commit(t, d, batch(insert(r)))
	}
	for _, r := range rows {
		got, err := read(t, d, &things.Schema, r.Key)
		wantErr(t, err, nil)
		wantRow(t, got, r)
	}
}

func missingRow(t *testing.T, d driver.Driver) {
	migrate(t, d)
	_, err := read(t, d, &things.Schema, thingKey("a", "1"))
	wantErr(t, err, driver.ErrNotFound)
}

func largestBatch(t *testing.T, d driver.Driver) {
	migrate(t, d)
	var b driver.Batch
	for i := range driver.MaxWrites {
		b.Writes = append(b.Writes, driver.Write{Kind: driver.Insert, Table: &counters.Schema,
			Row: driver.Row{Key: store.Key{store.N(int64(i))}, Rev: 1, Version: 1, Body: make([]byte, 2000)}})
	}
	commit(t, d, &b)
	for i := range b.Writes {
		w := &b.Writes[i]
		w.Kind, w.Old, w.Row.Rev = driver.Put, 1, 2
	}
	commit(t, d, &b)
	got, err := read(t, d, &counters.Schema, store.Key{store.N(driver.MaxWrites - 1)})
	wantErr(t, err, nil)
	wantEqual(t, "revision", got.Rev, 2)
}

func tooManyWrites(t *testing.T, d driver.Driver) {
	migrate(t, d)
	var b driver.Batch
	for i := range driver.MaxWrites + 1 {
		b.Writes = append(b.Writes, driver.Write{Kind: driver.Insert, Table: &counters.Schema,
			Row: driver.Row{Key: store.Key{store.N(int64(i))}, Rev: 1, Version: 1}})
	}
	refused(t, d, &b, driver.ErrTooLarge)
}

func tooManyBytes(t *testing.T, d driver.Driver) {
	migrate(t, d)
	for _, c := range []struct {
		name  string
		batch func(n int) *driver.Batch
	}{
		{"body", func(n int) *driver.Batch {
			r := row("", "", "", 0, 1)
			r.Body = make([]byte, n-4*8)
			return batch(insert(r))
		}},
		{"events", func(n int) *driver.Batch { return &driver.Batch{Events: [][]byte{make([]byte, n)}} }},
		{"entities", func(n int) *driver.Batch { return &driver.Batch{Touches: []string{strings.Repeat("e", n)}} }},
		{"meta", func(n int) *driver.Batch { return &driver.Batch{Meta: map[string][]byte{"m": make([]byte, n-1)}} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused(t, d, c.batch(driver.MaxBytes+1), driver.ErrTooLarge)
			commit(t, d, c.batch(driver.MaxBytes))
		})
	}
}

func snapshotIsolation(t *testing.T, d driver.Driver) {
	threeRows(t, d)
	s := snapshot(t, d)
	defer closeSnapshot(t, s)
	at := s.Position()
	commit(t, d, batch(remove("a", "1", 5), put(row("a", "2", "new", 9, 7), 6), insert(row("c", "1", "x", 1, 1))))
	wantEqual(t, "position", s.Position(), at)
	got, err := s.Get(t.Context(), &things.Schema, thingKey("a", "1"))
	wantErr(t, err, nil)
	wantRow(t, got, row("a", "1", "x", 1, 5))
	_, err = s.Get(t.Context(), &things.Schema, thingKey("c", "1"))
	wantErr(t, err, driver.ErrNotFound)
	n := 0
	err = s.Scan(t.Context(), &things.Schema, "by_size", nil, nil, 10, func(r driver.Row) error {
		n++
		wantEqual(t, "size", r.Indexed[1].N, 1)
		return nil
	})
	wantErr(t, err, nil)
	wantEqual(t, "rows", n, 3)
	wantEqual(t, "later position", head(t, d), at+1)
}

func closedSnapshot(t *testing.T, d driver.Driver) {
	threeRows(t, d)
	s := snapshot(t, d)
	closeSnapshot(t, s)
	closeSnapshot(t, s)
	_, err := s.Get(t.Context(), &things.Schema, thingKey("a", "1"))
	wantErr(t, err, driver.ErrUnavailable)
	err = s.Scan(t.Context(), &things.Schema, "", nil, nil, 1, func(driver.Row) error { return nil })
	wantErr(t, err, driver.ErrUnavailable)
}

func misfits(t *testing.T, d driver.Driver) {
	migrate(t, d)
	short, typed, columns := row("a", "1", "x", 1, 1), row("a", "1", "x", 1, 1), row("a", "1", "x", 1, 1)
	short.Key = short.Key[:1]
	typed.Key = store.Key{store.S("a"), store.N(1)}
	columns.Indexed = columns.Indexed[:1]
	unknown := driver.Schema{Name: "test_unknown", PrimaryKey: []driver.Column{{Name: "k"}}}
	for name, b := range map[string]*driver.Batch{
		"short key":      batch(insert(short)),
		"key of a type":  batch(insert(typed)),
		"few columns":    batch(insert(columns)),
		"a row twice":    batch(insert(row("a", "1", "x", 1, 1)), put(row("a", "1", "x", 1, 2), 1)),
		"required key":   {Requires: []driver.Require{{Table: &things.Schema, Key: short.Key}}},
		"unknown table":  batch(driver.Write{Table: &unknown, Row: driver.Row{Key: store.Key{store.S("k")}}}),
		"unknown at all": {Requires: []driver.Require{{Table: &unknown, Key: store.Key{store.S("k")}}}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			_, _ = d.Commit(t.Context(), b, nil)
		})
	}
}

func cancelledContexts(t *testing.T, d driver.Driver) {
	threeRows(t, d)
	ctx := cancelled()
	s := snapshot(t, d)
	defer closeSnapshot(t, s)
	for name, call := range calls(d, s) {
		if err := call(ctx); !errors.Is(err, driver.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
	wantEqual(t, "position", head(t, d), 1)
}

// calls are all methods that take a context.
func calls(d driver.Driver, s driver.Snapshot) map[string]func(context.Context) error {
	list := map[string]func(context.Context) error{
		"Snapshot":   func(ctx context.Context) error { _, err := d.Snapshot(ctx); return err },
		"Commit":     func(ctx context.Context) error { _, err := d.Commit(ctx, &driver.Batch{}, nil); return err },
		"Changes":    func(ctx context.Context) error { _, err := d.Changes(ctx, 0, 1); return err },
		"Outbox":     func(ctx context.Context) error { _, err := d.Outbox(ctx, 0, 1); return err },
		"Meta":       func(ctx context.Context) error { _, err := d.Meta(ctx, "k"); return err },
		"MetaPrefix": func(ctx context.Context) error { _, err := d.MetaPrefix(ctx, "k"); return err },
		"PutMeta":    func(ctx context.Context) error { return d.PutMeta(ctx, map[string][]byte{"l": nil}, driver.Roll{}) },
		"Migrate":    func(ctx context.Context) error { return d.Migrate(ctx, 1, schemas()) },
		"Adopt":      func(ctx context.Context) error { return d.Adopt(ctx, 1, schemas()) },
	}
	if s != nil {
		list["Get"] = func(ctx context.Context) error {
			_, err := s.Get(ctx, &things.Schema, thingKey("a", "1"))
			return err
		}
		list["Scan"] = func(ctx context.Context) error {
			return s.Scan(ctx, &things.Schema, "", nil, nil, 1, func(driver.Row) error { return nil })
		}
	}
	return list
}

func afterClose(t *testing.T, d driver.Driver) {
	threeRows(t, d)
	s := snapshot(t, d)
	wantErr(t, d.Close(), nil)
	wantErr(t, d.Close(), nil)
	for name, call := range calls(d, nil) {
		if err := call(t.Context()); !errors.Is(err, driver.ErrUnavailable) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
	_, err := s.Get(t.Context(), &things.Schema, thingKey("a", "1"))
	wantErr(t, err, nil) // it was open before
	closeSnapshot(t, s)
}

func migratingAgain(t *testing.T, d driver.Driver) {
	threeRows(t, d)
	migrate(t, d)
	wantEqual(t, "rows", len(keys(t, d, "")), 3)
	wantErr(t, d.Migrate(t.Context(), 2, schemas()), nil)
	wantErr(t, d.Migrate(t.Context(), 1, schemas()), driver.ErrSchema)
	other := things.Schema
	other.Indexed = append([]driver.Column{{Name: "colour"}}, other.Indexed...)
	wantErr(t, d.Migrate(t.Context(), 2, []*driver.Schema{&other}), driver.ErrSchema)
	migrate2 := append(schemas(), &driver.Schema{Name: "test_more", PrimaryKey: []driver.Column{{Name: "k"}}})
	wantErr(t, d.Migrate(t.Context(), 2, migrate2), nil)
	wantEqual(t, "rows", len(keys(t, d, "")), 3)
}

// adopting takes a schema as it is, and leaves one that is not up to date as it was.
func adopting(t *testing.T, d driver.Driver) {
	wantErr(t, d.Adopt(t.Context(), 1, schemas()), driver.ErrNotFound)
	threeRows(t, d)
	wantErr(t, d.Adopt(t.Context(), 1, schemas()), nil)
	wantEqual(t, "rows", len(keys(t, d, "")), 3)
	wantErr(t, d.Adopt(t.Context(), 2, schemas()), driver.ErrOlder)
	more := append(schemas(), &driver.Schema{Name: "test_more", PrimaryKey: []driver.Column{{Name: "k"}}})
	wantErr(t, d.Adopt(t.Context(), 1, more), driver.ErrOlder)
	wantErr(t, d.Adopt(t.Context(), 1, more), driver.ErrOlder) // so it was not made
	other := things.Schema
	other.Indexed = append([]driver.Column{{Name: "colour"}}, other.Indexed...)
	wantErr(t, d.Adopt(t.Context(), 1, []*driver.Schema{&other}), driver.ErrSchema)
	wantErr(t, d.Migrate(t.Context(), 1, schemas()), nil) // nor was the version raised
	wantErr(t, d.Migrate(t.Context(), 2, more), nil)
	wantErr(t, d.Adopt(t.Context(), 2, more), nil)
	wantErr(t, d.Adopt(t.Context(), 1, schemas()), driver.ErrSchema)
	wantEqual(t, "rows", len(keys(t, d, "")), 3)
}

func badSchemas(t *testing.T, d driver.Driver) {
	k := []driver.Column{{Name: "k"}}
	index := func(name string, columns ...string) []driver.IndexSchema {
		return []driver.IndexSchema{{Name: name, Columns: columns}}
	}
	for name, s := range map[string]driver.Schema{
		"no name":           {PrimaryKey: k},
		"name with quote":   {Name: `a"b`, PrimaryKey: k},
		"reserved name":     {Name: "store_meta", PrimaryKey: k},
		"no key":            {Name: "t"},
		"reserved column":   {Name: "t", PrimaryKey: []driver.Column{{Name: "rev"}}},
		"column twice":      {Name: "t", PrimaryKey: k, Indexed: k},
		"upper case":        {Name: "t", PrimaryKey: []driver.Column{{Name: "K"}}},
		"index of nothing":  {Name: "t", PrimaryKey: k, Indexes: index("i", "missing")},
		"index twice":       {Name: "t", PrimaryKey: k, Indexes: append(index("i", "k"), index("i", "k")...)},
		"column repeated":   {Name: "t", PrimaryKey: k, Indexes: index("i", "k", "k")},
		"index unnamed":     {Name: "t", PrimaryKey: k, Indexes: index("", "k")},
		"index of no thing": {Name: "t", PrimaryKey: k, Indexes: index("i")},
	} {
		if err := d.Migrate(t.Context(), 1, []*driver.Schema{&s}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
