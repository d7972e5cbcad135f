package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

func recordTests() []test {
	return []test{
		{"record/insert and get", insertAndGet},
		{"record/put", putRecord},
		{"record/delete", deleteRecord},
		{"record/insert what exists", insertExisting},
		{"record/unique index", uniqueIndex},
		{"record/unique index between transactions", uniqueRace},
		{"record/own writes", ownWrites},
		{"record/own writes count once", ownWritesOnce},
		{"record/a buffered record is the caller's no more", bufferedCopy},
		{"record/revisions never return", revisionsGrow},
		{"record/revisions never return at the same time", revisionsApart},
		{"record/require", requireRecord},
		{"record/require a record of its own", requireOwn},
		{"record/require that there is none", requireNone},
		{"record/a closure runs again", closureAgain},
		{"record/a closure is overtaken for ever", closureOvertaken},
		{"record/an error of the closure", closureError},
		{"record/a panic of the closure", closurePanic},
		{"record/nothing to commit", emptyTransaction},
		{"record/a transaction after its end", endedTransaction},
		{"record/a context that has ended", endedContext},
		{"record/a context that ends in the closure", endingContext},
		{"record/a context that ends in the commit", commitOutlives},
		{"record/an operation repeated", repeated},
		{"record/too many writes", tooManyRecords},
		{"record/too many bytes", tooLargeRecord},
		{"record/rewriting does not add up", rewriting},
		{"record/what does not survive its encoding", notUTF8},
		{"record/older and newer bodies", bodyVersions},
		{"record/tables that are refused", badTables},
		{"record/meta of the store", storeMeta},
		{"record/a snapshot of its own", ownSnapshot},
		{"record/events in order", eventsInOrder},
		{"record/after close", storeAfterClose},
	}
}

func get(t *testing.T, s *store.Store, owner, id string) (rec *thing, rev store.Rev, err error) {
	t.Helper()
	view(t, s, func(r store.Reader) error {
		rec, rev, err = things.Get(t.Context(), r, thingKey(owner, id))
		return nil
	})
	return rec, rev, err
}

func mustGet(t *testing.T, s *store.Store, owner, id string) (*thing, store.Rev) {
	t.Helper()
	rec, rev, err := get(t, s, owner, id)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return rec, rev
}

func add(t *testing.T, s *store.Store, list ...*thing) store.Commit {
	t.Helper()
	return update(t, s, func(tx store.Txn) error { return insertAll(t, tx, list) })
}

// attempt returns the error of an update.
func attempt(t *testing.T, s *store.Store, fn func(store.Txn) error) error {
	t.Helper()
	_, err := s.Update(t.Context(), store.OpID{}, fn)
	return err
}

func insertAndGet(t *testing.T, d driver.Driver) {
	s, j := openStore(t, d, ring(t))
	want := &thing{Owner: "a", ID: []byte{0, 1, 0xff}, Name: []byte("n"), Size: -7, Note: "ünïcode"}
	c := add(t, s, want)
	got, rev := mustGet(t, s, "a", "\x00\x01\xff")
	if got.Note != want.Note || got.Size != want.Size || !bytes.Equal(got.ID, want.ID) {
		t.Fatalf("got %+v", got)
	}
	if rev < 1 {
		t.Fatalf("revision %d", rev)
	}
	list := j.positions()
	wantEqual(t, "last commit", list[len(list)-1], c.Position)
	_, _, err := get(t, s, "a", "2")
	wantErr(t, err, store.ErrNotFound)
}

func putRecord(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	add(t, s, newThing("a", "1", 1))
	rec, rev := mustGet(t, s, "a", "1")
	rec.Size, rec.Note = 2, "changed"
	update(t, s, func(tx store.Txn) error { return things.Put(t.Context(), tx, rec, rev) })
	got, next := mustGet(t, s, "a", "1")
	wantEqual(t, "note", got.Note, "changed")
	wantEqual(t, "revision", next, rev+1)
	wantIndexes(t, d)
	err := attempt(t, s, func(tx store.Txn) error { return things.Put(t.Context(), tx, rec, rev) })
	wantErr(t, err, store.ErrUnavailable) // its revision is gone for ever
}

func deleteRecord(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	add(t, s, newThing("a", "1", 1), newThing("a", "2", 1))
	_, rev := mustGet(t, s, "a", "1")
	update(t, s, func(tx store.Txn) error { return things.Delete(t.Context(), tx, thingKey("a", "1"), rev) })
	_, _, err := get(t, s, "a", "1")
	wantErr(t, err, store.ErrNotFound)
	wantEqual(t, "rows", dump(t, d), "a/2")
	wantIndexes(t, d)
	err = attempt(t, s, func(tx store.Txn) error { return things.Delete(t.Context(), tx, thingKey("a", "1"), rev) })
	wantErr(t, err, store.ErrUnavailable)
}

func insertExisting(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	add(t, s, newThing("a", "1", 1))
	runs := 0
	err := attempt(t, s, func(tx store.Txn) error {
		runs++
		err := things.Insert(t.Context(), tx, newThing("a", "1", 2))
		wantErr(t, err, store.ErrExists)
		return err
	})
	wantErr(t, err, store.ErrExists)
	wantEqual(t, "runs", runs, 1)
}

func uniqueIndex(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	add(t, s, newThing("a", "1", 1), newThing("a", "2", 1))
	same := newThing("a", "3", 1)
	same.Name = []byte("n1")
	wantErr(t, attempt(t, s, func(tx store.Txn) error { return things.Insert(t.Context(), tx, same) }), store.ErrExists)
	other := newThing("b", "3", 1)
	other.Name = []byte("n1")
	add(t, s, other)
	two, rev := mustGet(t, s, "a", "2")
	two.Name = []byte("n1")
	wantErr(t, attempt(t, s, func(tx store.Txn) error { return things.Put(t.Context(), tx, two, rev) }), store.ErrExists)
	one, oneRev := mustGet(t, s, "a", "1")
	update(t, s, func(tx store.Txn) error { // a name that is free within the transaction
		one.Name = []byte("n9")
		if err := things.Put(t.Context(), tx, one, oneRev); err != nil {
			return err
		}
		if err := things.Put(t.Context(), tx, two, rev); err != nil {
			return err
		}
		err := things.Insert(t.Context(), tx, same)
		wantErr(t, err, store.ErrExists) // and taken again
		return nil
	})
	wantIndexes(t, d)
}

// uniqueRace lets another transaction take the name after the closure looked.
func uniqueRace(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	runs := 0
	err := attempt(t, s, func(tx store.Txn) error {
		runs++
		err := things.Insert(t.Context(), tx, newThing("a", "1", 1))
		if runs == 1 {
			wantErr(t, err, nil)
			rival := newThing("a", "2", 1)
			rival.Name = []byte("n1")
			add(t, s, rival)
		}
		return err
	})
	wantErr(t, err, store.ErrExists)
	wantEqual(t, "runs", runs, 2)
	wantEqual(t, "rows", dump(t, d), "a/2")
}

func ownWrites(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	ctx := t.Context()
	add(t, s, newThing("a", "1", 1), newThing("a", "2", 1))
	update(t, s, func(tx store.Txn) error {
		one, rev, err := things.Get(ctx, tx, thingKey("a", "1"))
		wantErr(t, err, nil)
		one.Note = "first"
		wantErr(t, things.Put(ctx, tx, one, rev), nil)
		one, own, err := things.Get(ctx, tx, thingKey("a", "1"))
		wantErr(t, err, nil)
		wantEqual(t, "own note", one.Note, "first")
		wantEqual(t, "own revision", own, rev+1)
		wantErr(t, things.Put(ctx, tx, one, rev), store.ErrConflict) // its own write overtook it
		one.Note = "second"
		wantErr(t, things.Put(ctx, tx, one, own), nil)

		_, rev, err = things.Get(ctx, tx, thingKey("a", "2"))
		wantErr(t, err, nil)
		wantErr(t, things.Delete(ctx, tx, thingKey("a", "2"), rev), nil)
		_, _, err = things.Get(ctx, tx, thingKey("a", "2"))
		wantErr(t, err, store.ErrNotFound)
		wantErr(t, things.Delete(ctx, tx, thingKey("a", "2"), rev), store.ErrConflict)
		wantErr(t, things.Put(ctx, tx, newThing("a", "2", 5), rev), store.ErrConflict)
		wantErr(t, things.Insert(ctx, tx, newThing("a", "2", 5)), nil)
		wantErr(t, things.Insert(ctx, tx, newThing("a", "2", 5)), store.ErrExists)
		return nil
	})
	one, _ := mustGet(t, s, "a", "1")
	wantEqual(t, "note", one.Note, "second")
	two, _ := mustGet(t, s, "a", "2")
	wantEqual(t, "size", two.Size, 5)
	wantIndexes(t, d)
}

func ownWritesOnce(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	ctx := t.Context()
	update(t, s, func(tx store.Txn) error {
		for i := range 3 * driver.MaxWrites { // inserted and deleted again: no write at all
			if err := things.Insert(ctx, tx, newThing("a", "1", int64(i))); err != nil {
				return err
			}
			_, rev, err := things.Get(ctx, tx, thingKey("a", "1"))
			if err != nil {
				return err
			}
			if err := things.Delete(ctx, tx, thingKey("a", "1"), rev); err != nil {
				return err
			}
		}
		return things.Insert(ctx, tx, newThing("a", "2", 1))
	})
	wantEqual(t, "rows", dump(t, d), "a/2")
}

func bufferedCopy(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	update(t, s, func(tx store.Txn) error {
		rec := newThing("a", "1", 1)
		if err := things.Insert(t.Context(), tx, rec); err != nil {
			return err
		}
		rec.Note, rec.Name[0] = "changed later", 'X'
		own, _, err := things.Get(t.Context(), tx, thingKey("a", "1"))
		if err != nil {
			return err
		}
		own.Note, own.Name[0] = "changed too", 'Y'
		return nil
	})
	got, _ := mustGet(t, s, "a", "1")
	wantEqual(t, "record", got.Note+string(got.Name), "note of an1")
}

// revisionsGrow: a row that is deleted and inserted again must not meet a
// Require or a Put that was meant for the one before.
func revisionsGrow(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	ctx := t.Context()
	var last store.Rev
	for i := range 20 {
		add(t, s, newThing("a", "1", int64(i)))
		for range i % 3 {
			rec, rev := mustGet(t, s, "a", "1")
			update(t, s, func(tx store.Txn) error { return things.Put(ctx, tx, rec, rev) })
		}
		_, rev := mustGet(t, s, "a", "1")
		if rev <= last {
			t.Fatalf("revision %d after %d", rev, last)
		}
		last = rev
		if i%2 == 0 {
			update(t, s, func(tx store.Txn) error { return things.Delete(ctx, tx, thingKey("a", "1"), rev) })
			continue
		}
		c := update(t, s, func(tx store.Txn) error {
			if err := things.Delete(ctx, tx, thingKey("a", "1"), rev); err != nil {
				return err
			}
			return things.Insert(ctx, tx, newThing("a", "1", 0))
		})
		_, rev = mustGet(t, s, "a", "1")
		if rev <= last || rev > store.Rev(c.Position) {
			t.Fatalf("revision %d after %d at position %d", rev, last, c.Position)
		}
		last = rev
		update(t, s, func(tx store.Txn) error { return things.Delete(ctx, tx, thingKey("a", "1"), rev) })
	}
}

// revisionsApart: nor must a row that two transactions insert, of which neither sees
// that of the other, as one is gone when the second commits.
func revisionsApart(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	ctx := t.Context()
	runs := 0
	var first store.Rev
	c := update(t, s, func(tx store.Txn) error {
		if runs++; runs == 1 {
			defer func() {
				add(t, s, newThing("a", "1", 1))
				_, first = mustGet(t, s, "a", "1")
				update(t, s, func(tx store.Txn) error { return things.Delete(ctx, tx, thingKey("a", "1"), first) })
			}()
		}
		return things.Insert(ctx, tx, newThing("a", "1", 2))
	})
	_, second := mustGet(t, s, "a", "1")
	if second <= first || second > store.Rev(c.Position) {
		t.Fatalf("revision %d after %d at position %d", second, first, c.Position)
	}
	wantEqual(t, "runs", runs, 2)
}

func requireRecord(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	add(t, s, newThing("a", "parent", 1))
	runs := 0
	err := attempt(t, s, func(tx store.Txn) error {
		runs++
		parent, rev, err := things.Get(t.Context(), tx, thingKey("a", "parent"))
		if err != nil {
			return err
		}
		things.Require(tx, things.Key(parent), rev)
		things.Require(tx, things.Key(parent), rev)
		if runs == 1 {
			update(t, s, func(other store.Txn) error { return things.Delete(t.Context(), other, things.Key(parent), rev) })
		}
		return things.Insert(t.Context(), tx, newThing("a", "child", 1))
	})
	wantErr(t, err, store.ErrNotFound)
	wantEqual(t, "runs", runs, 2)
	wantEqual(t, "rows", dump(t, d), "")
	err = attempt(t, s, func(tx store.Txn) error {
		things.Require(tx, thingKey("a", "parent"), 1) // nothing else, and yet verified
		return nil
	})
	wantErr(t, err, store.ErrUnavailable)
}

func requireOwn(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	ctx := t.Context()
	add(t, s, newThing("a", "1", 1))
	update(t, s, func(tx store.Txn) error {
		rec, rev, err := things.Get(ctx, tx, thingKey("a", "1"))
		wantErr(t, err, nil)
		things.Require(tx, things.Key(rec), rev)
		wantErr(t, things.Put(ctx, tx, rec, rev), nil)
		_, own, err := things.Get(ctx, tx, thingKey("a", "1"))
		wantErr(t, err, nil)
		things.Require(tx, things.Key(rec), own)
		wantErr(t, things.Insert(ctx, tx, newThing("a", "2", 1)), nil)
		_, own, err = things.Get(ctx, tx, thingKey("a", "2"))
		wantErr(t, err, nil)
		things.Require(tx, thingKey("a", "2"), own)
		return nil
	})
	wantEqual(t, "rows", dump(t, d), "a/1 a/2")
}

func requireNone(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	runs := 0
	update(t, s, func(tx store.Txn) error {
		runs++
		_, rev, err := things.Get(t.Context(), tx, thingKey("a", "rule"))
		if err != nil {
			wantErr(t, err, store.ErrNotFound)
			things.Require(tx, thingKey("a", "rule"), 0)
		} else {
			things.Require(tx, thingKey("a", "rule"), rev)
		}
		if runs == 1 {
			add(t, s, newThing("a", "rule", 1))
		}
		return things.Insert(t.Context(), tx, newThing("a", fmt.Sprint(runs), 1))
	})
	wantEqual(t, "runs", runs, 2)
	wantEqual(t, "rows", dump(t, d), "a/2 a/rule")
	update(t, s, func(tx store.Txn) error { // may make it itself
		things.Require(tx, thingKey("a", "3"), 0)
		return things.Insert(t.Context(), tx, newThing("a", "3", 1))
	})
}

func closureAgain(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	ctx := t.Context()
	add(t, s, newThing("a", "1", 10))
	runs := 0
	c := update(t, s, func(tx store.Txn) error {
		rec, rev, err := things.Get(ctx, tx, thingKey("a", "1"))
		if err != nil {
			return err
		}
		if runs++; runs <= 3 {
			other := *rec
			other.Size += 100
			update(t, s, func(tx store.Txn) error { return things.Put(ctx, tx, &other, rev) })
		}
		if runs == 1 { // must be gone from the second run
			tx.Emit([]byte("of the first run"))
			tx.Touch("first")
			wantErr(t, things.Insert(ctx, tx, newThing("a", "leftover", 1)), nil)
		}
		rec.Size++
		return things.Put(ctx, tx, rec, rev)
	})
	wantEqual(t, "runs", runs, 4)
	wantEqual(t, "events", len(c.Events), 0)
	rec, _ := mustGet(t, s, "a", "1")
	wantEqual(t, "size", rec.Size, 311)
	wantEqual(t, "rows", dump(t, d), "a/1")
}

func closureOvertaken(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	add(t, s, newThing("a", "1", 10))
	runs := 0
	err := attempt(t, s, func(tx store.Txn) error {
		runs++
		return fmt.Errorf("wrapped: %w", store.ErrConflict)
	})
	wantErr(t, err, store.ErrUnavailable)
	if runs < 10 || runs > 100 {
		t.Errorf("%d runs", runs)
	}
}

func closureError(t *testing.T, d driver.Driver) {
	s, j := openStore(t, d, ring(t))
	runs := 0
	err := attempt(t, s, func(tx store.Txn) error {
		runs++
		tx.Emit([]byte("x"))
		tx.Touch("x")
		wantErr(t, things.Insert(t.Context(), tx, newThing("a", "1", 1)), nil)
		return errUndo
	})
	if err != errUndo {
		t.Fatalf("got error %v", err)
	}
	wantEqual(t, "runs", runs, 1)
	wantEqual(t, "commits", len(j.positions()), 0)
	wantEqual(t, "position", head(t, d), 0)
	if err := s.View(t.Context(), func(store.Reader) error { return errUndo }); err != errUndo {
		t.Fatalf("View: got error %v", err)
	}
}

func closurePanic(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 100 { // more than there are connections
		for _, run := range []func() error{
			func() error {
				_, err := s.Update(ctx, store.OpID{}, func(store.Txn) error { panic("a bug") })
				return err
			},
			func() error { return s.View(ctx, func(store.Reader) error { panic("a bug") }) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Fatal("no panic")
					}
				}()
				t.Error(run())
			}()
		}
	}
	wantEqual(t, "position", head(t, d), 0)
}

func emptyTransaction(t *testing.T, d driver.Driver) {
	s, j := openStore(t, d, ring(t))
	c := add(t, s, newThing("a", "1", 1))
	n := len(j.positions())
	got := update(t, s, func(tx store.Txn) error {
		_, _, err := things.Get(t.Context(), tx, thingKey("a", "1"))
		return err
	})
	wantEqual(t, "position", got.Position, c.Position)
	wantEqual(t, "commits", len(j.positions()), n)
}

func endedTransaction(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	var kept store.Txn
	update(t, s, func(tx store.Txn) error {
		kept = tx
		return nil
	})
	_, _, err := things.Get(t.Context(), kept, thingKey("a", "1"))
	wantErr(t, err, store.ErrUnavailable)
	for name, use := range map[string]func(){
		"Touch":   func() { kept.Touch("e") },
		"Emit":    func() { kept.Emit(nil) },
		"Insert":  func() { _ = things.Insert(t.Context(), kept, newThing("a", "1", 1)) },
		"Require": func() { things.Require(kept, thingKey("a", "1"), 1) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			use()
		})
	}
}

func endedContext(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	_, err := s.Update(cancelled(), store.OpID{}, func(tx store.Txn) error { return insertAll(t, tx, []*thing{newThing("a", "1", 1)}) })
	wantErr(t, err, store.ErrUnavailable)
	wantErr(t, err, context.Canceled)
	wantErr(t, s.View(cancelled(), func(store.Reader) error { return nil }), context.Canceled)
	wantEqual(t, "position", head(t, d), 0)
}

func endingContext(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.Update(ctx, store.OpID{}, func(tx store.Txn) error {
		err := insertAll(t, tx, []*thing{newThing("a", "1", 1)})
		cancel()
		return err
	})
	wantErr(t, err, store.ErrUnavailable)
	wantErr(t, err, context.Canceled)
	wantEqual(t, "position", head(t, d), 0)

	ctx, cancel = context.WithCancel(t.Context())
	runs := 0
	_, err = s.Update(ctx, store.OpID{}, func(store.Txn) error {
		if runs++; runs == 2 {
			cancel() // ends the wait for another run
		}
		return store.ErrConflict
	})
	wantErr(t, err, context.Canceled)
	wantEqual(t, "runs", runs, 2)
}

// commitOutlives: a caller that gives up does not tear its commit.
func commitOutlives(t *testing.T, d driver.Driver) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := store.Open(t.Context(), d, store.Options{Tables: tables(), Sealer: ring(t),
		Committed: func(store.Commit) { cancel() }})
	wantErr(t, err, nil)
	_, err = s.Update(ctx, store.OpID{}, func(tx store.Txn) error { return insertAll(t, tx, []*thing{newThing("a", "1", 1)}) })
	wantErr(t, err, nil)
	wantErr(t, ctx.Err(), context.Canceled)
	mustGet(t, s, "a", "1")
}

func repeated(t *testing.T, d driver.Driver) {
	s, j := openStore(t, d, ring(t))
	id := store.OpID{1, 2, 3}
	bump := func(tx store.Txn) error {
		c, rev, err := counters.Get(t.Context(), tx, store.Key{store.N(1)})
		if errors.Is(err, store.ErrNotFound) {
			tx.Emit([]byte("made"))
			return counters.Insert(t.Context(), tx, &counter{N: 1, Value: 1})
		}
		if err != nil {
			return err
		}
		c.Value++
		return counters.Put(t.Context(), tx, c, rev)
	}
	first, err := s.Update(t.Context(), id, bump)
	wantErr(t, err, nil)
	n := len(j.positions())
	second, err := s.Update(t.Context(), id, bump)
	wantErr(t, err, nil)
	if first.Repeated || !second.Repeated || second.Position != first.Position || second.Events != nil {
		t.Fatalf("first %+v, second %+v", first, second)
	}
	wantEqual(t, "commits", len(j.positions()), n)
	third, err := s.Update(t.Context(), store.OpID{9}, bump)
	wantErr(t, err, nil)
	wantEqual(t, "position", third.Position, first.Position+1)
	view(t, s, func(r store.Reader) error {
		c, _, err := counters.Get(t.Context(), r, store.Key{store.N(1)})
		wantErr(t, err, nil)
		wantEqual(t, "value", c.Value, 2)
		return nil
	})
}

func tooManyRecords(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	fill := func(n int) error {
		return attempt(t, s, func(tx store.Txn) error {
			for i := range n {
				if err := counters.Insert(t.Context(), tx, &counter{N: int64(i)}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	wantErr(t, fill(driver.MaxWrites+1), store.ErrTooLarge)
	wantErr(t, fill(driver.MaxWrites), nil)
}

func tooLargeRecord(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	big := newThing("a", "1", 1)
	big.Note = strings.Repeat("x", driver.MaxBytes)
	wantErr(t, attempt(t, s, func(tx store.Txn) error { return things.Insert(t.Context(), tx, big) }), store.ErrTooLarge)
	err := attempt(t, s, func(tx store.Txn) error {
		tx.Emit(make([]byte, driver.MaxBytes+1))
		return nil
	})
	wantErr(t, err, store.ErrTooLarge)
	wantEqual(t, "rows", dump(t, d), "")
}

func rewriting(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	update(t, s, func(tx store.Txn) error {
		rec := newThing("a", "1", 1)
		rec.Note = strings.Repeat("x", driver.MaxBytes/4)
		if err := things.Insert(t.Context(), tx, rec); err != nil {
			return err
		}
		for range 10 {
			rec, rev, err := things.Get(t.Context(), tx, thingKey("a", "1"))
			if err != nil {
				return err
			}
			if err := things.Put(t.Context(), tx, rec, rev); err != nil {
				return err
			}
		}
		return nil
	})
}

func notUTF8(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	bad := newThing("a\xff", "1", 1) // its owner is a string
	err := attempt(t, s, func(tx store.Txn) error { return things.Insert(t.Context(), tx, bad) })
	if err == nil || strings.Contains(err.Error(), "\xff") {
		t.Fatalf("got error %v", err)
	}
	wantEqual(t, "rows", dump(t, d), "")
}

func bodyVersions(t *testing.T, d driver.Driver) {
	keys := ring(t)
	s, _ := openStore(t, d, keys)
	update(t, s, func(tx store.Txn) error { return counters.Insert(t.Context(), tx, &counter{N: 1, Value: 5}) })
	next := counters
	next.Version = 3
	next.Upgrade = func(version int16, body []byte) ([]byte, error) {
		wantEqual(t, "version", version, 1)
		return bytes.Replace(body, []byte(`"Value":5`), []byte(`"Value":50`), 1), nil
	}
	later, err := store.Open(t.Context(), d, store.Options{Tables: []store.AnyTable{&next}, Sealer: keys})
	wantErr(t, err, nil)
	update(t, later, func(tx store.Txn) error {
		c, rev, err := next.Get(t.Context(), tx, store.Key{store.N(1)})
		wantErr(t, err, nil)
		wantEqual(t, "value", c.Value, 50)
		return next.Put(t.Context(), tx, c, rev)
	})
	view(t, s, func(r store.Reader) error { // a program from before the upgrade
		_, _, err := counters.Get(t.Context(), r, store.Key{store.N(1)})
		wantErr(t, err, store.ErrSchema)
		return nil
	})
}

func badTables(t *testing.T, d driver.Driver) {
	schema := driver.Schema{Name: "test_bad", PrimaryKey: []driver.Column{{Name: "n", Int: true}}}
	indexed := schema
	indexed.Indexed = []driver.Column{{Name: "x"}}
	for name, tables := range map[string][]store.AnyTable{
		"no version":  {&store.Table[counter]{Schema: schema, Key: counters.Key}},
		"no key":      {&store.Table[counter]{Schema: schema, Version: 1}},
		"no columns":  {&store.Table[counter]{Schema: indexed, Version: 1, Key: counters.Key}},
		"no upgrade":  {&store.Table[counter]{Schema: schema, Version: 2, Key: counters.Key}},
		"twice":       {&counters, &counters},
		"no such key": {&store.Table[counter]{Schema: driver.Schema{Name: "x"}, Version: 1, Key: counters.Key}},
	} {
		if s, err := store.Open(t.Context(), unclosed{d}, store.Options{Tables: tables, Sealer: ring(t)}); err == nil || s != nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// unclosed is a driver that outlives the store that owns it.
type unclosed struct{ driver.Driver }

func (unclosed) Close() error { return nil }

func storeMeta(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	_, err := s.Meta(t.Context(), "header")
	wantErr(t, err, store.ErrNotFound)
	wantErr(t, s.PutMeta(t.Context(), map[string][]byte{"header": []byte("h")}), nil)
	got, err := s.Meta(t.Context(), "header")
	wantErr(t, err, nil)
	wantEqual(t, "value", string(got), "h")
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	_ = s.PutMeta(t.Context(), map[string][]byte{"account-key/a": nil})
}

func ownSnapshot(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	c := add(t, s, newThing("a", "1", 1))
	shot, err := s.Snapshot(t.Context())
	wantErr(t, err, nil)
	add(t, s, newThing("a", "2", 1))
	wantEqual(t, "position", shot.Position(), c.Position)
	_, _, err = things.Get(t.Context(), shot, thingKey("a", "2"))
	wantErr(t, err, store.ErrNotFound)
	wantErr(t, shot.Close(), nil)
	wantErr(t, shot.Close(), nil)
	_, _, err = things.Get(t.Context(), shot, thingKey("a", "1"))
	wantErr(t, err, store.ErrUnavailable)
}

func eventsInOrder(t *testing.T, d driver.Driver) {
	s, j := openStore(t, d, ring(t))
	c := update(t, s, func(tx store.Txn) error {
		for i := range 20 {
			tx.Emit(fmt.Append(nil, i))
		}
		return nil
	})
	got, err := s.Outbox(t.Context(), 0, 1)
	wantErr(t, err, nil)
	wantEqual(t, "events", len(got), 20)
	for i, e := range got {
		if e.Position != c.Position || e.Index != i || string(e.Body) != fmt.Sprint(i) {
			t.Fatalf("event %d is %+v", i, e)
		}
	}
	last := j.commits[len(j.commits)-1]
	if len(last.Events) != 20 || string(last.Events[7]) != "7" || last.Position != c.Position {
		t.Fatalf("commit %+v", last)
	}
}

func storeAfterClose(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	wantErr(t, s.Close(), nil)
	wantErr(t, attempt(t, s, func(store.Txn) error { return nil }), store.ErrUnavailable)
	wantErr(t, s.View(t.Context(), func(store.Reader) error { return nil }), store.ErrUnavailable)
	_, err := s.Snapshot(t.Context())
	wantErr(t, err, store.ErrUnavailable)
	_, err = s.Outbox(t.Context(), 0, 1)
	wantErr(t, err, store.ErrUnavailable)
}
