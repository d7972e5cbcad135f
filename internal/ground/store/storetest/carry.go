package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

// Carry tests that a driver's content can be taken elsewhere and back. from and
// to return empty drivers, which may be of different kinds.
func Carry(t *testing.T, from, to func(t *testing.T) driver.Driver) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, from, to driver.Driver)
	}{
		{"copy", copyAll},
		{"copy in parts", copyInParts},
		{"copy that loses a row", copyThatLoses},
		{"copy of another state", copyOfAnother},
		{"copy to what is occupied", copyToOccupied},
		{"copy goes on as a store", copyGoesOn},
		{"entries", entries},
		{"advance", advance},
		{"size", size},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var both []driver.Driver
			for _, open := range []func(t *testing.T) driver.Driver{from, to} {
				d := open(t)
				t.Cleanup(func() {
					if err := d.Close(); err != nil {
						t.Errorf("Close: %v", err)
					}
				})
				both = append(both, d)
			}
			c.run(t, both[0], both[1])
		})
	}
}

// carried is how many things a store that is carried has.
const carried = 70

// filled fills d with everything that a store may hold.
func filled(t *testing.T, d driver.Driver) *store.Store {
	t.Helper()
	s, _ := openStore(t, d, ring(t))
	for i := range carried {
		_, err := s.Update(t.Context(), store.OpID{1, byte(i)}, func(tx store.Txn) error {
			tx.Touch("b", fmt.Sprint("a", i), "c")
			tx.Emit([]byte(fmt.Sprint("event ", i)))
			return things.Insert(t.Context(), tx, newThing(fmt.Sprint("owner", i%3), fmt.Sprintf("%03d\x00\xff", i), int64(i%7-3)))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	update(t, s, func(tx store.Txn) error { return counters.Insert(t.Context(), tx, &counter{N: -5, Value: 1}) })
	if err := s.PutMeta(t.Context(), map[string][]byte{"note": {0, 1, 2}, "void": {}}); err != nil {
		t.Fatal(err)
	}
	return s
}

func carrier(t *testing.T, d driver.Driver) driver.Carrier {
	t.Helper()
	c, err := store.CarrierOf(d)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func whole(t *testing.T, d driver.Driver) driver.Whole {
	t.Helper()
	w, err := carrier(t, d).Whole(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("closing a whole: %v", err)
		}
	})
	return w
}

func sums(t *testing.T, d driver.Driver) []store.Sum {
	t.Helper()
	list, err := store.Sums(t.Context(), whole(t, d), tables())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func copyAll(t *testing.T, from, to driver.Driver) {
	filled(t, from)
	before := sums(t, from)
	migrate(t, to)
	done, err := store.Copy(t.Context(), from, to, tables())
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "position", done.Position, uint64(carried+5)) // three accounts and the installation got keys
	if err := store.Same(before, sums(t, to)); err != nil {
		t.Error(err)
	}
	if err := store.Same(before, sums(t, from)); err != nil {
		t.Errorf("the source: %v", err)
	}
	wantErr(t, store.Finished(t.Context(), to), nil)
	for _, s := range before {
		if s.Rows == 0 {
			t.Errorf("no rows of %s were carried", s.Table)
		}
	}
	again, err := store.Copy(t.Context(), from, to, tables())
	if err != nil || !again.Found {
		t.Errorf("copying again: %v", err)
	}
}

// copyInParts interrupts a copy after each row of some tables.
// careless is a driver that loses a row which is loaded.
type careless struct {
	driver.Driver
	driver.Carrier
	lost bool
}

func (c *careless) Load(ctx context.Context, table *driver.Schema, rows []driver.Row, values map[string][]byte) error {
	if !c.lost && len(rows) > 1 {
		c.lost, rows = true, rows[1:]
	}
	return c.Carrier.Load(ctx, table, rows, values)
}

// A copy that is not what the source is opens as little as half a copy.
func copyThatLoses(t *testing.T, from, to driver.Driver) {
	filled(t, from)
	migrate(t, to)
	target := &careless{Driver: to, Carrier: carrier(t, to)}
	for range 2 {
		_, err := store.Copy(t.Context(), from, target, tables())
		wantErr(t, err, store.ErrDamaged)
		wantErr(t, store.Finished(t.Context(), to), store.ErrUnfinished)
	}
}

func copyInParts(t *testing.T, from, to driver.Driver) {
	filled(t, from)
	migrate(t, to)
	source := whole(t, from)
	values, err := store.ValuesOf(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	identity := store.Identify(source.Position(), values)
	interrupted := 0
	for _, rows := range []int{0, 1, 2, 63, 64, 65, 200, 600, 1} {
		l, err := store.Load(t.Context(), to, tables(), identity, source.Position())
		if err != nil {
			t.Fatal(err)
		}
		stop := errors.New("enough")
		for _, table := range store.Carried(tables()) {
			after, wanted := l.From(table)
			if !wanted || table == driver.Values {
				continue
			}
			err = source.Rows(t.Context(), table, after, func(r driver.Row) error {
				if rows--; rows < 0 {
					return stop
				}
				return l.Add(t.Context(), table, r)
			})
			if err != nil {
				break
			}
		}
		if err := l.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if errors.Is(err, stop) {
			interrupted++
		}
		wantErr(t, store.Finished(t.Context(), to), store.ErrUnfinished)
	}
	if interrupted < 7 {
		t.Errorf("interrupted %d times only", interrupted)
	}
	if _, err := store.Copy(t.Context(), from, to, tables()); err != nil {
		t.Fatal(err)
	}
	if err := store.Same(sums(t, from), sums(t, to)); err != nil {
		t.Error(err)
	}
}

func copyOfAnother(t *testing.T, from, to driver.Driver) {
	s := filled(t, from)
	migrate(t, to)
	if _, err := store.Load(t.Context(), to, tables(), "another", 7); err != nil {
		t.Fatal(err)
	}
	_, err := store.Copy(t.Context(), from, to, tables())
	wantErr(t, err, store.ErrOccupied)
	_, err = store.Copy(t.Context(), to, from, tables())
	wantErr(t, err, store.ErrUnfinished)
	update(t, s, func(tx store.Txn) error { tx.Touch("x"); return nil })
}

func copyToOccupied(t *testing.T, from, to driver.Driver) {
	filled(t, from)
	migrate(t, to)
	if err := to.PutMeta(t.Context(), map[string][]byte{"k": []byte("v")}, driver.Roll{}); err != nil {
		t.Fatal(err)
	}
	_, err := store.Copy(t.Context(), from, to, tables())
	wantErr(t, err, store.ErrOccupied)
}

// copyGoesOn: positions, revisions, operations and the outbox mean in the copy
// what they meant in the source.
func copyGoesOn(t *testing.T, from, to driver.Driver) {
	keyring := ring(t)
	s, _ := openStore(t, from, keyring)
	one := store.OpID{1}
	first, err := s.Update(t.Context(), one, func(tx store.Txn) error {
		tx.Emit([]byte("first"))
		return things.Insert(t.Context(), tx, newThing("a", "1", 1))
	})
	if err != nil {
		t.Fatal(err)
	}
	migrate(t, to)
	if _, err := store.Copy(t.Context(), from, to, tables()); err != nil {
		t.Fatal(err)
	}
	c, _ := openStore(t, to, keyring)
	again, err := c.Update(t.Context(), one, func(tx store.Txn) error { tx.Touch("x"); return nil })
	if err != nil || !again.Repeated || again.Position != first.Position {
		t.Errorf("the operation again: %+v, %v", again, err)
	}
	events, err := c.Outbox(t.Context(), 0, 10)
	if err != nil || len(events) != 1 || string(events[0].Body) != "first" || events[0].Position != first.Position {
		t.Errorf("outbox %v, %v", events, err)
	}
	next := update(t, c, func(tx store.Txn) error {
		_, rev, err := things.Get(t.Context(), tx, thingKey("a", "1"))
		if err != nil {
			return err
		}
		return things.Put(t.Context(), tx, newThing("a", "1", 2), rev)
	})
	wantEqual(t, "position of the next commit", next.Position, first.Position+1)
}

// entries: every index has what its rows call for.
func entries(t *testing.T, from, _ driver.Driver) {
	filled(t, from)
	w := whole(t, from)
	for _, order := range things.Schema.Orders() {
		var want, got []driver.Key
		if err := w.Rows(t.Context(), &things.Schema, nil, func(r driver.Row) error {
			want = append(want, order.Key(r.Key, r.Indexed))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := w.Entries(t.Context(), &things.Schema, order.Index, func(k driver.Key) error {
			got = append(got, k)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(want, driver.Key.Compare)
		if len(want) != carried || !slices.EqualFunc(want, got, driver.Key.Equal) {
			t.Errorf("index %q: %d entries, want %d in order", order.Index, len(got), len(want))
		}
	}
}

func advance(t *testing.T, from, _ driver.Driver) {
	s, j := openStore(t, from, ring(t))
	update(t, s, func(tx store.Txn) error { return things.Insert(t.Context(), tx, newThing("a", "1", 1)) })
	at := head(t, from)
	c := carrier(t, from)
	wantErr(t, c.Advance(t.Context(), at-1, nil), driver.ErrConflict)
	far := uint64(1) << 40
	if err := s.Advance(t.Context(), far, map[string][]byte{"k": []byte("v"), "gone": nil}); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "head", head(t, from), far)
	if v, err := from.Meta(t.Context(), "k"); err != nil || string(v) != "v" {
		t.Errorf("value %q, %v", v, err)
	}
	next := update(t, s, func(tx store.Txn) error {
		_, rev, err := things.Get(t.Context(), tx, thingKey("a", "1"))
		if err != nil {
			return err
		}
		return things.Delete(t.Context(), tx, thingKey("a", "1"), rev)
	})
	wantEqual(t, "position behind it", next.Position, far+1)
	wantEqual(t, "told", j.positions()[len(j.positions())-1], far+1)
	if err := c.Advance(t.Context(), far+1, map[string][]byte{"k": nil}); err != nil {
		t.Fatal(err)
	}
	_, err := from.Meta(t.Context(), "k")
	wantErr(t, err, driver.ErrNotFound)
	wantErr(t, c.Load(t.Context(), &things.Schema, nil, nil), driver.ErrConflict)
}

func size(t *testing.T, from, _ driver.Driver) {
	filled(t, from)
	s, err := carrier(t, from).Size(t.Context())
	if err != nil || s.Disk < 4096 || s.Free >= s.Disk {
		t.Errorf("size %+v, %v", s, err)
	}
}
