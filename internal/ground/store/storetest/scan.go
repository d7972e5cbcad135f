package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

// scanned are things in the order of their primary keys. Ids hold the bytes
// that an encoding of keys could get wrong.
var scanned = []*thing{
	{Owner: "", ID: []byte(""), Name: []byte("k"), Size: 0},
	{Owner: "", ID: []byte("\x00"), Name: []byte("j"), Size: -1},
	{Owner: "\x00", ID: []byte(""), Name: []byte("i"), Size: 1},
	{Owner: "a", ID: []byte(""), Name: []byte("h"), Size: math.MinInt64},
	{Owner: "a", ID: []byte("\x00"), Name: []byte("g"), Size: math.MaxInt64},
	{Owner: "a", ID: []byte("\x00\x00"), Name: []byte("f"), Size: 0},
	{Owner: "a", ID: []byte("\x00\x01"), Name: []byte("e"), Size: 256},
	{Owner: "a", ID: []byte("\x00\xff"), Name: []byte("d"), Size: 255},
	{Owner: "a", ID: []byte("\x01"), Name: []byte("c"), Size: -256},
	{Owner: "a", ID: []byte("\x7f"), Name: []byte(""), Size: 0},
	{Owner: "a", ID: []byte("\x80"), Name: []byte("\xff"), Size: 0},
	{Owner: "a", ID: []byte("\xff"), Name: []byte("\x00"), Size: 1 << 32},
	{Owner: "a", ID: []byte("\xff\x00"), Name: []byte("b"), Size: -1 << 32},
	{Owner: "a", ID: []byte("\xff\xff"), Name: []byte("a"), Size: 0},
	{Owner: "a\x00", ID: []byte("x"), Name: []byte("k"), Size: 7},
	{Owner: "b", ID: []byte("x"), Name: []byte("k"), Size: 7},
}

type scanCase struct {
	name          string
	index         string
	prefix, after store.Key
	limit         int
}

func scanCases() []scanCase {
	all := len(scanned)
	key := func(i int, index string) store.Key { return things.IndexKey(index, scanned[i]) }
	list := []scanCase{
		{"all", "", nil, nil, 100},
		{"exactly all", "", nil, nil, all},
		{"one", "", nil, nil, 1},
		{"none", "", nil, nil, 0},
		{"fewer than none", "", nil, nil, -1},
		{"no bound", "", nil, nil, math.MaxInt},
		{"of an owner", "", store.Key{store.S("a")}, nil, 100},
		{"of the empty owner", "", store.Key{store.S("")}, nil, 100},
		{"of nobody", "", store.Key{store.S("aa")}, nil, 100},
		{"a whole key", "", key(4, ""), nil, 100},
		{"a whole key after itself", "", key(4, ""), key(4, ""), 100},
		{"a whole key after the one before", "", key(4, ""), key(3, ""), 100},
		{"after a prefix of keys", "", nil, store.Key{store.S("a")}, 100},
		{"after an owner that is not there", "", nil, store.Key{store.S("\x00\x00")}, 100},
		{"prefix and after it", "", store.Key{store.S("a")}, store.Key{store.S("b")}, 100},
		{"prefix and after before it", "", store.Key{store.S("a")}, store.Key{store.S("")}, 100},
		{"prefix and the same after", "", store.Key{store.S("a")}, store.Key{store.S("a")}, 100},
		{"by size", "by_size", nil, nil, 100},
		{"of a size", "by_size", store.Key{store.N(0)}, nil, 100},
		{"after a size", "by_size", nil, store.Key{store.N(0)}, 100},
		{"of the least size", "by_size", store.Key{store.N(math.MinInt64)}, nil, 100},
		{"of the greatest size", "by_size", store.Key{store.N(math.MaxInt64)}, nil, 100},
		{"of no size", "by_size", store.Key{store.N(3)}, nil, 100},
		{"of a size and owner", "by_size", store.Key{store.N(0), store.S("a")}, nil, 2},
		{"by name", "by_name", nil, nil, 100},
		{"names of an owner", "by_name", store.Key{store.S("a")}, nil, 100},
		{"names of an owner after", "by_name", store.Key{store.S("a")}, store.Key{store.S("a"), store.S("c")}, 100},
		{"one name", "by_name", store.Key{store.S("a"), store.S("\xff")}, nil, 100},
		{"by owner and size", "by_owner_size", nil, nil, 100},
		{"sizes of an owner", "by_owner_size", store.Key{store.S("a")}, nil, 100},
		{"sizes of an owner after", "by_owner_size", store.Key{store.S("a")}, store.Key{store.S("a"), store.N(-1)}, 3},
	}
	for _, index := range []string{"", "by_size", "by_name", "by_owner_size"} {
		list = append(list,
			scanCase{"after the first by " + index, index, nil, firstBy(index), 100},
			scanCase{"after the tenth by " + index, index, nil, key(10, index), 3},
			scanCase{"after the tenth within its owner by " + index, index, key(10, index)[:1], key(10, index), 100},
		)
	}
	return list
}

// want is the plain statement of what a scan gives.
func (c *scanCase) want() []string {
	order := things.Schema.Order(c.index)
	rows := slices.Clone(scanned)
	at := func(r *thing) store.Key { return things.IndexKey(c.index, r) }
	slices.SortFunc(rows, func(a, b *thing) int { return at(a).Compare(at(b)) })
	var list []string
	for _, r := range rows {
		if len(list) >= c.limit {
			break
		}
		k := at(r)
		if len(k) != len(order.Columns) {
			panic("storetest: an index key is not whole")
		}
		if k.HasPrefix(c.prefix) && (c.after == nil || k.Compare(c.after) > 0) {
			list = append(list, label(r))
		}
	}
	return list
}

func firstBy(index string) store.Key {
	return things.IndexKey(index, slices.MinFunc(scanned, func(a, b *thing) int {
		return things.IndexKey(index, a).Compare(things.IndexKey(index, b))
	}))
}

func label(r *thing) string { return fmt.Sprintf("%q/%q", r.Owner, r.ID) }

func scanTests() []test {
	return []test{
		{"scan/driver", scanDriver},
		{"scan/committed records", scanCommitted},
		{"scan/own writes", scanOwn},
		{"scan/own writes over others", scanMixed},
		{"scan/own writes that move and delete", scanMoved},
		{"scan/pages", scanPages},
		{"scan/an error ends it", scanError},
		{"scan/reading meanwhile", scanNested},
		{"scan/writing meanwhile", scanWriting},
		{"scan/a context that ends", scanCancelled},
		{"scan/bounds that do not fit panic", scanMisfits},
	}
}

// eachScan runs all cases against read and counts them.
func eachScan(t *testing.T, read func(t *testing.T, c *scanCase) ([]string, error)) {
	t.Helper()
	n, rows := 0, 0
	for _, c := range scanCases() {
		got, err := read(t, &c)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if want := c.want(); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", c.name, got, want)
		}
		n++
		rows += len(got)
	}
	if n < 40 || rows < 200 {
		t.Fatalf("only %d scans of %d rows", n, rows)
	}
}

func scanDriver(t *testing.T, d driver.Driver) {
	migrate(t, d)
	var b driver.Batch
	for _, r := range slices.Backward(scanned) {
		b.Writes = append(b.Writes, insert(driver.Row{Key: things.Key(r), Indexed: things.Indexed(r), Rev: 1, Version: 1}))
	}
	commit(t, d, &b)
	s := snapshot(t, d)
	defer closeSnapshot(t, s)
	eachScan(t, func(t *testing.T, c *scanCase) (list []string, err error) {
		err = s.Scan(t.Context(), &things.Schema, c.index, c.prefix, c.after, c.limit, func(r driver.Row) error {
			list = append(list, label(&thing{Owner: r.Key[0].S, ID: []byte(r.Key[1].S)}))
			return nil
		})
		return list, err
	})
}

func scanWith(ctx context.Context, r store.Reader, c *scanCase) (list []string, err error) {
	err = things.Scan(ctx, r, c.index, c.prefix, c.after, c.limit, func(rec *thing, rev store.Rev) error {
		if rev < 1 {
			return fmt.Errorf("revision %d", rev)
		}
		list = append(list, label(rec))
		return nil
	})
	return list, err
}

func insertAll(t *testing.T, tx store.Txn, list []*thing) error {
	t.Helper()
	for _, r := range list {
		if err := things.Insert(t.Context(), tx, r); err != nil {
			return err
		}
	}
	return nil
}

func scanCommitted(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	update(t, s, func(tx store.Txn) error { return insertAll(t, tx, scanned) })
	view(t, s, func(r store.Reader) error {
		eachScan(t, func(t *testing.T, c *scanCase) ([]string, error) { return scanWith(t.Context(), r, c) })
		return nil
	})
}

var errUndo = errors.New("undo")

func scanOwn(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	_, err := s.Update(t.Context(), store.OpID{}, func(tx store.Txn) error {
		if err := insertAll(t, tx, scanned); err != nil {
			return err
		}
		eachScan(t, func(t *testing.T, c *scanCase) ([]string, error) { return scanWith(t.Context(), tx, c) })
		return errUndo
	})
	wantErr(t, err, errUndo)
	wantEqual(t, "rows", dump(t, d), "")
}

func scanMixed(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	var odd, even []*thing
	for i, r := range scanned {
		if i%2 == 0 {
			even = append(even, r)
		} else {
			odd = append(odd, r)
		}
	}
	update(t, s, func(tx store.Txn) error { return insertAll(t, tx, even) })
	update(t, s, func(tx store.Txn) error {
		if err := insertAll(t, tx, odd); err != nil {
			return err
		}
		eachScan(t, func(t *testing.T, c *scanCase) ([]string, error) { return scanWith(t.Context(), tx, c) })
		return nil
	})
	view(t, s, func(r store.Reader) error {
		eachScan(t, func(t *testing.T, c *scanCase) ([]string, error) { return scanWith(t.Context(), r, c) })
		return nil
	})
}

// scanMoved begins with every row elsewhere in every index, and with rows that
// are too many.
func scanMoved(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	update(t, s, func(tx store.Txn) error {
		for i, r := range scanned {
			moved := *r
			moved.Name, moved.Size = fmt.Appendf(nil, "%03d", i), int64(i%5)-2
			if err := things.Insert(t.Context(), tx, &moved); err != nil {
				return err
			}
			if err := things.Insert(t.Context(), tx, newThing(r.Owner, fmt.Sprint("extra", i), int64(i%5)-2)); err != nil {
				return err
			}
		}
		return nil
	})
	update(t, s, func(tx store.Txn) error {
		var extra []*thing
		revs := map[string]store.Rev{}
		err := things.Scan(t.Context(), tx, "", nil, nil, 1000, func(r *thing, rev store.Rev) error {
			if strings.HasPrefix(string(r.ID), "extra") {
				extra = append(extra, r)
			}
			revs[label(r)] = rev
			return nil
		})
		if err != nil {
			return err
		}
		for _, r := range extra {
			if err := things.Delete(t.Context(), tx, things.Key(r), revs[label(r)]); err != nil {
				return err
			}
		}
		for _, r := range scanned {
			if err := things.Put(t.Context(), tx, r, revs[label(r)]); err != nil {
				return err
			}
		}
		eachScan(t, func(t *testing.T, c *scanCase) ([]string, error) { return scanWith(t.Context(), tx, c) })
		return nil
	})
	view(t, s, func(r store.Reader) error {
		eachScan(t, func(t *testing.T, c *scanCase) ([]string, error) { return scanWith(t.Context(), r, c) })
		return nil
	})
}

// manyThings are more than an engine reads at once.
func manyThings(t *testing.T, s *store.Store) int {
	t.Helper()
	const n = 200
	update(t, s, func(tx store.Txn) error {
		for i := range n {
			if err := things.Insert(t.Context(), tx, newThing("a", fmt.Sprintf("%04d", i), int64(i/10))); err != nil {
				return err
			}
		}
		return nil
	})
	return n
}

func scanPages(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	n := manyThings(t, s)
	for _, index := range []string{"", "by_size", "by_name", "by_owner_size"} {
		for _, page := range []int{7, 64, 1000} {
			view(t, s, func(r store.Reader) error {
				var after store.Key
				seen := map[string]bool{}
				for {
					got := 0
					err := things.Scan(t.Context(), r, index, nil, after, page, func(rec *thing, _ store.Rev) error {
						after = things.IndexKey(index, rec)
						seen[string(rec.ID)] = true
						got++
						return nil
					})
					if err != nil {
						return err
					}
					if got < page {
						break
					}
				}
				wantEqual(t, fmt.Sprintf("by %q in pages of %d", index, page), len(seen), n)
				return nil
			})
		}
	}
}

func scanError(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	manyThings(t, s)
	view(t, s, func(r store.Reader) error {
		n := 0
		err := things.Scan(t.Context(), r, "", nil, nil, 1000, func(*thing, store.Rev) error {
			if n++; n == 70 {
				return errUndo
			}
			return nil
		})
		if err != errUndo || n != 70 {
			t.Errorf("got %v after %d rows", err, n)
		}
		_, _, err = things.Get(t.Context(), r, thingKey("a", "0001"))
		return err // the snapshot is as good as before
	})
}

func scanNested(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	n := manyThings(t, s)
	view(t, s, func(r store.Reader) error {
		outer, inner := 0, 0
		err := things.Scan(t.Context(), r, "by_size", nil, nil, 1000, func(rec *thing, _ store.Rev) error {
			if _, _, err := things.Get(t.Context(), r, things.Key(rec)); err != nil {
				return err
			}
			if outer++; outer%100 != 0 {
				return nil
			}
			return things.Scan(t.Context(), r, "by_size", nil, nil, 1000, func(*thing, store.Rev) error {
				inner++
				return nil
			})
		})
		wantEqual(t, "outer rows", outer, n)
		wantEqual(t, "inner rows", inner, n/100*n)
		return err
	})
}

func scanWriting(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	n := manyThings(t, s)
	update(t, s, func(tx store.Txn) error {
		seen := 0
		err := things.Scan(t.Context(), tx, "by_size", nil, nil, 1000, func(rec *thing, rev store.Rev) error {
			seen++
			rec.Size += 1000 // ahead of the scan, which must not meet it again
			return things.Put(t.Context(), tx, rec, rev)
		})
		wantEqual(t, "rows", seen, n)
		return err
	})
	view(t, s, func(r store.Reader) error {
		got, err := scanWith(t.Context(), r, &scanCase{index: "by_size", after: store.Key{store.N(1000)}, limit: 1000})
		wantEqual(t, "rows moved", len(got), n)
		return err
	})
}

func scanCancelled(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	manyThings(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	view(t, s, func(r store.Reader) error {
		n := 0
		err := things.Scan(ctx, r, "", nil, nil, 1000, func(*thing, store.Rev) error {
			n++
			cancel()
			return nil
		})
		wantErr(t, err, store.ErrUnavailable)
		wantErr(t, err, context.Canceled)
		wantEqual(t, "rows", n, 1)
		return nil
	})
}

func scanMisfits(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	for name, c := range map[string]scanCase{
		"unknown index":   {index: "by_colour"},
		"type of prefix":  {index: "by_size", prefix: store.Key{store.S("x")}},
		"length of after": {index: "", after: store.Key{store.S("a"), store.S("b"), store.S("c")}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			_ = s.View(t.Context(), func(r store.Reader) error {
				_, err := scanWith(t.Context(), r, &c)
				return err
			})
		})
	}
}
