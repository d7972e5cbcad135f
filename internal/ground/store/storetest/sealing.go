package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

// tamperings are what somebody who holds the database could do to the rows of
// things a/1, a/2 and b/1. Each must be noticed when a/1 is read.
var tamperings = []struct {
	name string
	do   func(one, two, other *driver.Row)
}{
	{"swap bodies", func(one, two, _ *driver.Row) { one.Body, two.Body = two.Body, one.Body }},
	{"a body of another account", func(one, _, other *driver.Row) { one.Body = other.Body }},
	{"another indexed text", func(one, _, _ *driver.Row) { one.Indexed = store.Key{store.S("other"), one.Indexed[1]} }},
	{"another indexed number", func(one, _, _ *driver.Row) { one.Indexed = store.Key{one.Indexed[0], store.N(99)} }},
	{"another revision", func(one, _, _ *driver.Row) { one.Rev++ }},
	{"another version", func(one, _, _ *driver.Row) { one.Version++ }},
	{"no body", func(one, _, _ *driver.Row) { one.Body = nil }},
	{"a short body", func(one, _, _ *driver.Row) { one.Body = one.Body[:len(one.Body)-1] }},
	{"a long body", func(one, _, _ *driver.Row) { one.Body = append(one.Body[:len(one.Body):len(one.Body)], 0) }},
	{"nothing but an account", func(one, _, _ *driver.Row) { one.Body = one.Body[:3] }},
	{"an account cut off", func(one, _, _ *driver.Row) { one.Body = []byte{1, 200, 'a'} }},
	{"another format", func(one, _, _ *driver.Row) { flip(one, 0) }},
	{"another account before it", func(one, _, _ *driver.Row) { one.Body = append([]byte{1, 1, 'b'}, one.Body[3:]...) }},
	{"an account without a key", func(one, _, _ *driver.Row) { one.Body = append([]byte{1, 1, 'z'}, one.Body[3:]...) }},
	{"a shorter account", func(one, _, _ *driver.Row) { flip(one, 1) }},
	{"a bit of the sealed text", func(one, _, _ *driver.Row) { flip(one, 40) }},
	{"a bit of its end", func(one, _, _ *driver.Row) { flip(one, len(one.Body)-1) }},
}

func flip(r *driver.Row, at int) {
	r.Body = append([]byte(nil), r.Body...)
	r.Body[at] ^= 1
}

func sealingTests() []test {
	var list []test
	for _, c := range tamperings {
		list = append(list, test{"sealing/" + c.name, func(t *testing.T, d driver.Driver) { tamper(t, d, c.do) }})
	}
	return append(list,
		test{"sealing/an older body of the same row", olderBody},
		test{"sealing/a row under another key", movedRow},
		test{"sealing/a row of another table", movedTable},
		test{"sealing/bodies say nothing", silentBodies},
		test{"sealing/a key for each account", accountKeys},
		test{"sealing/keys are there after opening again", keysAgain},
		test{"sealing/two draw a key at once", keyConflict},
		test{"sealing/a key drawn by another", keyLearned},
		test{"sealing/a key of which nobody knows", keyInDoubt},
		test{"sealing/a key that does not open", keyDamaged},
		test{"sealing/another keyring", otherRing},
	)
}

func tamper(t *testing.T, d driver.Driver, do func(one, two, other *driver.Row)) {
	s, _ := openStore(t, d, ring(t))
	add(t, s, newThing("a", "1", 1), newThing("a", "2", 1), newThing("b", "1", 1))
	var rows [3]driver.Row
	var olds [3]int64
	for i, key := range []store.Key{thingKey("a", "1"), thingKey("a", "2"), thingKey("b", "1")} {
		var err error
		rows[i], err = read(t, d, &things.Schema, key)
		wantErr(t, err, nil)
		olds[i] = rows[i].Rev
	}
	mustGet(t, s, "a", "1")
	do(&rows[0], &rows[1], &rows[2])
	commit(t, d, batch(put(rows[0], olds[0]), put(rows[1], olds[1])))
	wantDamaged(t, s, "a", "1")
	mustGet(t, s, "b", "1")
}

// wantDamaged reads a thing in every way.
func wantDamaged(t *testing.T, s *store.Store, owner, id string) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		wantErr(t, err, store.ErrDamaged)
		if text := err.Error(); strings.Contains(text, "note of") || !strings.Contains(text, "test_thing") {
			t.Errorf("the error says %q", text)
		}
	}
	_, _, err := get(t, s, owner, id)
	check(err)
	for _, index := range []string{"", "by_size", "by_name"} {
		check(s.View(t.Context(), func(r store.Reader) error {
			_, err := scanWith(t.Context(), r, &scanCase{index: index, limit: 100})
			return err
		}))
	}
	check(attempt(t, s, func(tx store.Txn) error {
		_, _, err := things.Get(t.Context(), tx, thingKey(owner, id))
		return err
	}))
}

func olderBody(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	add(t, s, newThing("a", "1", 1))
	old, err := read(t, d, &things.Schema, thingKey("a", "1"))
	wantErr(t, err, nil)
	rec, rev := mustGet(t, s, "a", "1")
	rec.Note = "a permission withdrawn"
	update(t, s, func(tx store.Txn) error { return things.Put(t.Context(), tx, rec, rev) })
	now, err := read(t, d, &things.Schema, thingKey("a", "1"))
	wantErr(t, err, nil)
	now.Body = old.Body
	commit(t, d, batch(put(now, now.Rev)))
	wantDamaged(t, s, "a", "1")
}

// movedRow also brings a row that was deleted back after another took its place.
func movedRow(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	add(t, s, newThing("a", "1", 1))
	old, err := read(t, d, &things.Schema, thingKey("a", "1"))
	wantErr(t, err, nil)
	update(t, s, func(tx store.Txn) error { return things.Delete(t.Context(), tx, thingKey("a", "1"), old.Rev) })
	add(t, s, newThing("a", "1", 1))
	now, err := read(t, d, &things.Schema, thingKey("a", "1"))
	wantErr(t, err, nil)

	moved := now
	moved.Key = thingKey("a", "2")
	moved.Indexed = store.Key{store.S("free"), store.N(1)}
	commit(t, d, batch(insert(moved)))
	wantDamaged(t, s, "a", "2")

	now.Body = old.Body
	commit(t, d, batch(put(now, now.Rev)))
	wantDamaged(t, s, "a", "1")
}

func movedTable(t *testing.T, d driver.Driver) {
	keys := ring(t)
	twin := counters
	twin.Schema.Name = "test_twin"
	s, err := store.Open(t.Context(), d, store.Options{Tables: []store.AnyTable{&counters, &twin}, Sealer: keys})
	wantErr(t, err, nil)
	update(t, s, func(tx store.Txn) error { return counters.Insert(t.Context(), tx, &counter{N: 1, Value: 5}) })
	r, err := read(t, d, &counters.Schema, store.Key{store.N(1)})
	wantErr(t, err, nil)
	commit(t, d, batch(driver.Write{Kind: driver.Insert, Table: &twin.Schema, Row: r}))
	view(t, s, func(r store.Reader) error {
		_, _, err := counters.Get(t.Context(), r, store.Key{store.N(1)})
		wantErr(t, err, nil)
		_, _, err = twin.Get(t.Context(), r, store.Key{store.N(1)})
		wantErr(t, err, store.ErrDamaged)
		return nil
	})
}

func silentBodies(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	add(t, s, newThing("a", "1", 1), newThing("a", "2", 1))
	one, err := read(t, d, &things.Schema, thingKey("a", "1"))
	wantErr(t, err, nil)
	two, err := read(t, d, &things.Schema, thingKey("a", "2"))
	wantErr(t, err, nil)
	if strings.Contains(string(one.Body), "note") || string(one.Body[3:]) == string(two.Body[3:]) {
		t.Error("a body is not sealed")
	}
	wantEqual(t, "what is in the clear", string(one.Body[:3]), "\x01\x01a")
}

func accountKeys(t *testing.T, d driver.Driver) {
	keys := ring(t)
	s, _ := openStore(t, d, keys)
	add(t, s, newThing("a", "1", 1), newThing("b", "1", 1))
	add(t, s, newThing("a", "2", 1))
	update(t, s, func(tx store.Txn) error { return counters.Insert(t.Context(), tx, &counter{N: 1}) })
	got, err := d.MetaPrefix(t.Context(), "account-key/")
	wantErr(t, err, nil)
	wantEqual(t, "keys", len(got), 3)
	for _, account := range []string{"a", "b", ""} {
		if len(got["account-key/"+account]) == 0 || !keys.Known(account) {
			t.Errorf("account %q has no key", account)
		}
	}
	err = attempt(t, s, func(tx store.Txn) error {
		wantErr(t, things.Insert(t.Context(), tx, newThing("c", "1", 1)), nil)
		return errUndo
	})
	wantErr(t, err, errUndo)
	wantEqual(t, "key of an account that wrote nothing", keys.Known("c"), false)
}

// again opens the header of a ring once more: the same keys, none installed.
func again(t *testing.T, header []byte, root *sealed.RootKey) *sealed.Keyring {
	t.Helper()
	r, err := sealed.Open(header, root)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func rooted(t *testing.T) (*sealed.RootKey, *sealed.Keyring, []byte) {
	t.Helper()
	root, err := sealed.NewRootKey(sealed.Random(32))
	if err != nil {
		t.Fatal(err)
	}
	keys, header, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	return root, keys, header
}

func keysAgain(t *testing.T, d driver.Driver) {
	root, keys, header := rooted(t)
	s, _ := openStore(t, d, keys)
	add(t, s, newThing("a", "1", 1))
	update(t, s, func(tx store.Txn) error {
		tx.Emit([]byte("event"))
		return nil
	})
	later, _ := openStore(t, d, again(t, header, root))
	mustGet(t, later, "a", "1")
	events, err := later.Outbox(t.Context(), 0, 10)
	wantErr(t, err, nil)
	wantEqual(t, "event", string(events[0].Body), "event")
}

// keyConflict has two stores on one driver that both see an account without a key.
func keyConflict(t *testing.T, d driver.Driver) {
	root, keys, header := rooted(t)
	first, _ := openStore(t, d, keys)
	second, _ := openStore(t, d, again(t, header, root))
	add(t, first, newThing("a", "1", 1))
	add(t, second, newThing("a", "2", 1))
	for _, s := range []*store.Store{first, second} {
		mustGet(t, s, "a", "1")
		mustGet(t, s, "a", "2")
	}
	got, err := d.MetaPrefix(t.Context(), "account-key/")
	wantErr(t, err, nil)
	wantEqual(t, "keys", len(got), 1)
}

func keyLearned(t *testing.T, d driver.Driver) {
	root, keys, header := rooted(t)
	first, _ := openStore(t, d, keys)
	second, _ := openStore(t, d, again(t, header, root))
	add(t, first, newThing("a", "1", 1))
	mustGet(t, second, "a", "1")
	update(t, first, func(tx store.Txn) error {
		tx.Emit([]byte("event"))
		return nil
	})
	events, err := second.Outbox(t.Context(), 0, 10)
	wantErr(t, err, nil)
	wantEqual(t, "events", len(events), 1)
}

// doubtful is a driver that loses the answers to commits of keys.
type doubtful struct {
	driver.Driver
	reach bool // whether the commits happen all the same
}

func (d *doubtful) Commit(ctx context.Context, b *driver.Batch, committed func(uint64)) (uint64, error) {
	if len(b.Meta) == 0 {
		return d.Driver.Commit(ctx, b, committed)
	}
	if d.reach {
		if _, err := d.Driver.Commit(ctx, b, committed); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("the answer was lost: %w", driver.ErrIndeterminate)
}

// keyInDoubt: whatever became of the key, nothing became of the change, and it
// can be made again.
func keyInDoubt(t *testing.T, d driver.Driver) {
	keys := ring(t)
	s, _ := openStore(t, d, keys)
	for _, reach := range []bool{false, true} {
		lossy, err := store.Open(t.Context(), &doubtful{d, reach}, store.Options{Tables: tables(), Sealer: keys})
		wantErr(t, err, nil)
		owner, before := fmt.Sprint("reached ", reach), dump(t, d)
		change := func(tx store.Txn) error { return things.Insert(t.Context(), tx, newThing(owner, "1", 1)) }
		err = attempt(t, lossy, change)
		wantErr(t, err, store.ErrUnavailable)
		if errors.Is(err, store.ErrIndeterminate) {
			t.Fatalf("the outcome of a change that did not begin is in doubt: %v", err)
		}
		wantEqual(t, "rows", dump(t, d), before)
		wantEqual(t, "the account's key is in use", keys.Known(owner), false)
		update(t, s, change)
		mustGet(t, s, owner, "1")
	}
}

func keyDamaged(t *testing.T, d driver.Driver) {
	root, keys, header := rooted(t)
	s, _ := openStore(t, d, keys)
	add(t, s, newThing("a", "1", 1))
	wantErr(t, d.PutMeta(t.Context(), map[string][]byte{"account-key/a": make([]byte, 60)}, driver.Roll{}), nil)
	_, err := store.Open(t.Context(), unclosed{d}, store.Options{Tables: tables(), Sealer: again(t, header, root)})
	wantErr(t, err, store.ErrDamaged)
}

func otherRing(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	add(t, s, newThing("a", "1", 1))
	_, err := store.Open(t.Context(), unclosed{d}, store.Options{Tables: tables(), Sealer: ring(t)})
	if !errors.Is(err, store.ErrDamaged) {
		t.Fatalf("got error %v", err)
	}
}
