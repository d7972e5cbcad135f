package storetest

import (
	"fmt"
	"testing"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

func stampTests() []test {
	return []test{
		{"stamp/the zero stamp", zeroStamp},
		{"stamp/ends with a touch", stampEnds},
		{"stamp/of the newest data", stampOfNewest},
		{"stamp/of an old snapshot", stampOfOld},
		{"stamp/within a transaction", stampInTransaction},
		{"stamp/a touch that is not committed", stampUncommitted},
		{"stamp/ends before the commit is told", stampBeforeCallback},
		{"stamp/others go on", stampOthers},
		{"stamp/of a glance", stampOfGlance},
		{"stamp/glances under commits", stampGlances},
	}
}

func touch(t *testing.T, s *store.Store, entities ...string) {
	t.Helper()
	update(t, s, func(tx store.Txn) error {
		tx.Touch(entities...)
		return nil
	})
}

func stampOf(t *testing.T, s *store.Store, entity string) (st store.Stamp) {
	t.Helper()
	view(t, s, func(r store.Reader) error {
		st = s.Stamp(r, entity)
		return nil
	})
	return st
}

func zeroStamp(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	var zero store.Stamp
	touch(t, s, "")
	wantEqual(t, "current", zero.Current(), true)
}

func stampEnds(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	st := stampOf(t, s, "key:1")
	wantEqual(t, "current at first", st.Current(), true)
	touch(t, s, "other", "key:1")
	wantEqual(t, "current after the touch", st.Current(), false)
	touch(t, s)
	wantEqual(t, "current later", st.Current(), false)
}

func stampOfNewest(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	touch(t, s, "key:1")
	st := stampOf(t, s, "key:1")
	wantEqual(t, "current", st.Current(), true)
	add(t, s, newThing("a", "1", 1)) // commits that touch nothing end nothing
	wantEqual(t, "current after other commits", st.Current(), true)
}

func stampOfOld(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	shot, err := s.Snapshot(t.Context())
	wantErr(t, err, nil)
	touch(t, s, "key:1")
	wantEqual(t, "current", s.Stamp(shot, "key:1").Current(), false)
	wantErr(t, shot.Close(), nil)
}

func stampInTransaction(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	var st store.Stamp
	update(t, s, func(tx store.Txn) error {
		st = s.Stamp(tx, "key:1")
		tx.Touch("key:1")
		wantEqual(t, "current in the transaction", st.Current(), true)
		return nil
	})
	wantEqual(t, "current after its own commit", st.Current(), false)
}

func stampUncommitted(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	st := stampOf(t, s, "key:1")
	err := attempt(t, s, func(tx store.Txn) error {
		tx.Touch("key:1")
		return errUndo
	})
	wantErr(t, err, errUndo)
	wantEqual(t, "current", st.Current(), true)
}

func stampBeforeCallback(t *testing.T, d driver.Driver) {
	var st store.Stamp
	current := true
	s, err := store.Open(t.Context(), d, store.Options{Tables: tables(), Sealer: ring(t),
		Committed: func(store.Commit) { current = st.Current() }})
	wantErr(t, err, nil)
	st = stampOf(t, s, "key:1")
	touch(t, s, "key:1")
	wantEqual(t, "current in the callback", current, false)
}

// stampOthers: entities may share a slot, but most don't.
func stampOthers(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	var stamps []store.Stamp
	for i := range 1000 {
		stamps = append(stamps, stampOf(t, s, fmt.Sprint("key:", i)))
	}
	touch(t, s, "key:0")
	ended := 0
	for _, st := range stamps {
		if !st.Current() {
			ended++
		}
	}
	if ended < 1 || ended > 20 {
		t.Errorf("one touch ended %d of 1000 stamps", ended)
	}
}

// stampOfGlance: a glance reads what is committed, one row at a time, and its
// stamps end with the next touch.
func stampOfGlance(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	rec := newThing("a", "1", 1)
	add(t, s, rec)
	g := s.Glance()
	st := s.Stamp(g, "key:1")
	_, _, err := things.Get(t.Context(), g, things.Key(rec))
	wantErr(t, err, nil)
	_, _, err = things.Get(t.Context(), g, things.Key(newThing("a", "2", 1)))
	wantErr(t, err, store.ErrNotFound)
	wantEqual(t, "current", st.Current(), true)
	touch(t, s, "key:1")
	wantEqual(t, "current after a touch", st.Current(), false)
	wantEqual(t, "of a new glance", s.Stamp(s.Glance(), "key:1").Current(), true)
	count := 0
	wantErr(t, things.Scan(t.Context(), g, "", nil, nil, 10, func(*thing, store.Rev) error { count++; return nil }), nil)
	wantEqual(t, "rows", count, 1)
}

// stampGlances: while a row changes, a glance whose stamp is current has seen
// every change that was acknowledged before.
func stampGlances(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	first := newThing("a", "1", 1)
	add(t, s, first)
	const rounds = 200
	acknowledged := make(chan int64)
	go func() {
		defer close(acknowledged)
		for i := range int64(rounds) {
			_, err := s.Update(t.Context(), store.OpID{}, func(tx store.Txn) error {
				rec, rev, err := things.Get(t.Context(), tx, things.Key(first))
				if err != nil {
					return err
				}
				rec.Size = i
				tx.Touch("thing")
				return things.Put(t.Context(), tx, rec, rev)
			})
			if err != nil {
				t.Error(err)
				return
			}
			acknowledged <- i
		}
	}()
	seen := 0
	for size := range acknowledged {
		g := s.Glance()
		st := s.Stamp(g, "thing")
		rec, _, err := things.Get(t.Context(), g, things.Key(first))
		wantErr(t, err, nil)
		if st.Current() && rec.Size < size {
			t.Errorf("a glance after change %d saw %d, and its stamp is current", size, rec.Size)
		}
		seen++
	}
	wantEqual(t, "rounds", seen, rounds)
}
