package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

func digestTests() []test {
	return []test{
		{"digest/goes on", digestGoesOn},
		{"digest/of several stores", digestShared},
		{"digest/of values", digestOfValues},
		{"digest/of a value that nobody waits for", digestOfLateValue},
		{"digest/missing", digestMissing},
		{"digest/refuses commits beside it", digestBeside},
	}
}

// digestOf returns the digest that a database keeps.
func digestOf(t *testing.T, d driver.Driver) string {
	t.Helper()
	v, err := d.Meta(t.Context(), driver.DigestKey)
	wantErr(t, err, nil)
	return string(v)
}

func digestGoesOn(t *testing.T, d driver.Driver) {
	keys := ring(t)
	s, _ := openStore(t, d, keys)
	seen := []string{digestOf(t, d)}
	step := func(fn func(tx store.Txn) error) {
		t.Helper()
		update(t, s, fn)
		now := digestOf(t, d)
		if slices.Contains(seen, now) {
			t.Error("a digest came twice")
		}
		seen = append(seen, now)
	}
	step(func(tx store.Txn) error { return things.Insert(t.Context(), tx, newThing("a", "1", 1)) })
	step(func(tx store.Txn) error { tx.Touch("entity"); return nil })
	rec, rev := mustGet(t, s, "a", "1")
	step(func(tx store.Txn) error { return things.Put(t.Context(), tx, rec, rev) })
	step(func(tx store.Txn) error { return things.Delete(t.Context(), tx, thingKey("a", "1"), rev+1) })
	wantErr(t, s.PutMeta(t.Context(), map[string][]byte{"k": []byte("v")}), nil)
	wantErr(t, s.PutMeta(t.Context(), map[string][]byte{"k": []byte("w")}), nil)
	wantErr(t, s.Sound(), nil)
	next, _ := openStore(t, unclosed{d}, keys)
	wantErr(t, next.Sound(), nil)
}

// digestShared has two stores write to one database in turns, neither of which
// knows the other's digests.
func digestShared(t *testing.T, d driver.Driver) {
	keys := ring(t)
	one, _ := openStore(t, d, keys)
	two, _ := openStore(t, unclosed{d}, keys)
	for i := range 6 {
		s := []*store.Store{one, two}[i%2]
		add(t, s, newThing("a", fmt.Sprint(i), int64(i)))
	}
	three, _ := openStore(t, unclosed{d}, keys)
	wantErr(t, three.Sound(), nil)
}

// digestOfValues has somebody change values past the store.
func digestOfValues(t *testing.T, d driver.Driver) {
	keys := ring(t)
	s, _ := openStore(t, d, keys)
	wantErr(t, s.PutMeta(t.Context(), map[string][]byte{"k": []byte("old")}), nil)
	add(t, s, newThing("a", "1", 1))
	wantErr(t, s.PutMeta(t.Context(), map[string][]byte{"k": []byte("new")}), nil)
	for value, want := range map[string]error{"old": store.ErrAltered, "other": store.ErrAltered, "": store.ErrAltered, "new": nil} {
		wantErr(t, d.PutMeta(t.Context(), map[string][]byte{"k": []byte(value)}, driver.Roll{}), nil)
		next, _ := openStore(t, unclosed{d}, keys)
		wantErr(t, next.Sound(), want)
		if want == nil {
			continue
		}
		_, err := next.Update(t.Context(), store.OpID{}, func(tx store.Txn) error { tx.Touch("x"); return nil })
		wantErr(t, err, store.ErrAltered)
		wantErr(t, next.PutMeta(t.Context(), map[string][]byte{"k": []byte("new")}), store.ErrAltered)
		if rec, _ := mustGet(t, next, "a", "1"); rec.Size != 1 {
			t.Errorf("a store of which a value was changed reads %+v", rec)
		}
	}
	wantErr(t, d.PutMeta(t.Context(), map[string][]byte{"one more": nil}, driver.Roll{}), nil)
	next, _ := openStore(t, unclosed{d}, keys)
	wantErr(t, next.Sound(), store.ErrAltered)
}

// A hurried is a driver whose caller gives up as soon as values are handed over:
// with the context of the first PutMeta its wait ends, as it does where the
// database is slow, and the values are stored later.
type hurried struct {
	driver.Driver
	giveUp func()
	late   func() error
}

func (h *hurried) PutMeta(ctx context.Context, values map[string][]byte, roll driver.Roll) error {
	if h.giveUp != nil {
		h.giveUp()
		h.giveUp = nil
		if ctx.Err() != nil {
			h.late = func() error { return h.Driver.PutMeta(context.WithoutCancel(ctx), values, roll) }
			return driver.ErrIndeterminate
		}
	}
	if late := h.late; late != nil {
		h.late = nil
		if err := late(); err != nil {
			return err
		}
	}
	return h.Driver.PutMeta(ctx, values, roll)
}

// digestOfLateValue replaces a value twice, and the first time nobody waits for it.
func digestOfLateValue(t *testing.T, d driver.Driver) {
	keys := ring(t)
	h := &hurried{Driver: d}
	s, _ := openStore(t, h, keys)
	wantErr(t, s.PutMeta(t.Context(), map[string][]byte{"k": []byte("first")}), nil)
	ctx, cancel := context.WithCancel(t.Context())
	h.giveUp = cancel
	if err := s.PutMeta(ctx, map[string][]byte{"k": []byte("second")}); err != nil && !errors.Is(err, store.ErrIndeterminate) {
		t.Fatal(err)
	}
	wantErr(t, s.PutMeta(t.Context(), map[string][]byte{"k": []byte("third")}), nil)
	next, _ := openStore(t, unclosed{d}, keys)
	wantErr(t, next.Sound(), nil)
	wantErr(t, s.PutMeta(ctx, map[string][]byte{"k": []byte("fourth")}), store.ErrUnavailable)
	v, err := s.Meta(t.Context(), "k")
	wantErr(t, err, nil)
	wantEqual(t, "the value", string(v), "third")
}

// digestMissing has somebody take the digest away, or put an earlier one back.
func digestMissing(t *testing.T, d driver.Driver) {
	keys := ring(t)
	s, _ := openStore(t, d, keys)
	first := digestOf(t, d)
	add(t, s, newThing("a", "1", 1))
	second := digestOf(t, d)
	add(t, s, newThing("a", "2", 1))
	for _, stored := range []string{"", first, second, digestOf(t, d)[1:], "\x01", "\x02" + digestOf(t, d)[1:]} {
		wantErr(t, d.PutMeta(t.Context(), map[string][]byte{driver.DigestKey: []byte(stored)}, driver.Roll{}), nil)
		next, _ := openStore(t, unclosed{d}, keys)
		wantErr(t, next.Sound(), store.ErrAltered)
		// One that is open meanwhile does not go on from it either.
		_, err := s.Update(t.Context(), store.OpID{}, func(tx store.Txn) error { tx.Touch("x"); return nil })
		wantErr(t, err, store.ErrAltered)
	}
}

// digestBeside has somebody commit past the store.
func digestBeside(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	add(t, s, newThing("a", "1", 1))
	commit(t, d, &driver.Batch{Touches: []string{"x"}})
	before := head(t, d)
	_, err := s.Update(t.Context(), store.OpID{1}, func(tx store.Txn) error {
		return things.Insert(t.Context(), tx, newThing("a", "2", 1))
	})
	wantErr(t, err, store.ErrAltered)
	wantEqual(t, "head", head(t, d), before)
	_, err = read(t, d, &things.Schema, thingKey("a", "2"))
	wantErr(t, err, driver.ErrNotFound)
}

// PutBack tests that Verify names rows that are as they were earlier, and that
// Recount accepts them. snapshot keeps what a table has, and restore puts rows of
// it back that a condition names, both past the driver.
func PutBack(t *testing.T, database func(t *testing.T) Tampered) {
	one := "owner = OWNER AND id = ONE"
	keep := "CREATE TABLE kept AS SELECT * FROM test_thing;"
	back := "INSERT INTO test_thing SELECT * FROM kept WHERE "
	for _, c := range []struct {
		name   string
		change string // behind keep, when rows one and two were written anew and three deleted
		want   string
	}{
		{"nothing", "", ""},
		{"an earlier row", "DELETE FROM test_thing WHERE " + one + ";" + back + one,
			`test_thing ("owner", "one"): it is at revision REV, and was last written at revision NEXT: the row of an older state was put back`},
		{"a deleted row", back + "id = THREE", `test_thing ("owner", "three"): it was deleted, or never written, and is here all the same`},
		{"a row taken away", "DELETE FROM test_thing WHERE " + one, "test_thing: rows are missing: 1 fewer than were written"},
		{"all rows", "DELETE FROM test_thing;" + back + "1 = 1", "test_thing: rows that were deleted are here all the same: 1 more than were written"},
		{"two rows", "DELETE FROM test_thing;" + back + "id <> THREE", "test_thing: rows are not those that were last written"},
		{"no digest", "DELETE FROM store_meta WHERE k = DIGEST", `store_meta ("digest"): it has no digest of its rows`},
		{"no incarnation", "DELETE FROM store_meta WHERE k = MARK", "store_meta: rows are missing: 1 fewer than were written"},
		{"one value more", "INSERT INTO store_meta (k, v) VALUES (ONE, ONE)", `store_meta ("one"): it was deleted, or never written, and is here all the same`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := database(t)
			root, keyring, header := rooted(t)
			execute := func(statements string) {
				for name, value := range map[string]string{"OWNER": "owner", "ONE": "one", "THREE": "three", "DIGEST": driver.DigestKey, "MARK": "mark"} {
					statements = strings.ReplaceAll(statements, name, db.Bytes(value))
				}
				db.Execute(t, statements)
			}
			d := db.Open(t)
			s, _ := openStore(t, d, keyring)
			wantErr(t, s.PutMeta(t.Context(), map[string][]byte{"mark": []byte("here")}), nil)
			for i, id := range []string{"one", "two", "three"} {
				add(t, s, newThing("owner", id, int64(i)))
			}
			_, rev := mustGet(t, s, "owner", "one")
			wantErr(t, d.Close(), nil)
			execute(keep)
			s, _ = openStore(t, db.Open(t), again(t, header, root))
			for _, id := range []string{"one", "two", "one"} {
				rec, at := mustGet(t, s, "owner", id)
				update(t, s, func(tx store.Txn) error { return things.Put(t.Context(), tx, rec, at) })
			}
			_, three := mustGet(t, s, "owner", "three")
			update(t, s, func(tx store.Txn) error { return things.Delete(t.Context(), tx, thingKey("owner", "three"), three) })
			wantErr(t, s.Close(), nil)
			execute(c.change + ";DROP TABLE kept")

			s, _ = openStore(t, db.Open(t), again(t, header, root))
			defer s.Close()
			want := strings.NewReplacer("REV", fmt.Sprint(rev), "NEXT", fmt.Sprint(rev+2)).Replace(c.want)
			v, err := s.Verify(t.Context(), tables(), nil)
			wantErr(t, err, nil)
			switch {
			case want == "" && len(v.Problems) > 0, want != "" && (len(v.Problems) != 1 || !strings.HasPrefix(v.Problems[0].String(), want)):
				t.Errorf("problems %+v, want %s", v.Problems, want)
			}
			wantErr(t, s.Recount(t.Context(), tables()), nil)
			update(t, s, func(tx store.Txn) error { tx.Touch("accepted"); return nil })
			v, err = s.Verify(t.Context(), tables(), nil)
			if err = errors.Join(err, s.Sound()); err != nil || len(v.Problems) > 0 {
				t.Errorf("after it was accepted: %+v, %v", v.Problems, err)
			}
		})
	}
}
