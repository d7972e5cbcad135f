package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

func logTests() []test {
	return []test{
		{"log/positions are dense", densePositions},
		{"log/changes", changes},
		{"log/changes of one commit stay together", changesTogether},
		{"log/outbox", outbox},
		{"log/outbox of one commit stays together", outboxTogether},
		{"log/pruning", pruning},
		{"log/an operation applied twice", operationTwice},
		{"log/an operation refused is not remembered", operationRefused},
		{"log/the zero operation", operationZero},
		{"log/meta", meta},
		{"log/meta in a batch", metaInBatch},
		{"log/meta by prefix", metaPrefix},
		{"log/callbacks", callbacks},
		{"log/forgetting events", forgetting},
		{"log/events are sealed", eventsSealed},
		{"log/events are sealed at their position", eventsSealedAt},
		{"log/an event that can't be sealed", eventUnsealable},
		{"log/a copied event", eventCopied},
	}
}

func densePositions(t *testing.T, d driver.Driver) {
	migrate(t, d)
	wantEqual(t, "first position", head(t, d), 0)
	for i, b := range []*driver.Batch{
		{}, batch(insert(row("a", "1", "x", 1, 1))), {Touches: []string{"e"}}, {Events: [][]byte{nil}},
		{Meta: map[string][]byte{"k": nil}}, {OpID: [16]byte{1}}, {Prune: 3},
	} {
		wantEqual(t, "position", commit(t, d, b), uint64(i)+1)
		wantEqual(t, "head", head(t, d), uint64(i)+1)
	}
	refused(t, d, batch(insert(row("a", "1", "x", 1, 1))), driver.ErrExists)
	wantEqual(t, "position after a refusal", commit(t, d, &driver.Batch{}), 8)
}

func changeList(t *testing.T, d driver.Driver, from uint64, max int) string {
	t.Helper()
	list, err := d.Changes(t.Context(), from, max)
	wantErr(t, err, nil)
	var b strings.Builder
	for _, c := range list {
		fmt.Fprintf(&b, "%d:%s ", c.Position, c.Entity)
	}
	return b.String()
}

func changes(t *testing.T, d driver.Driver) {
	migrate(t, d)
	wantEqual(t, "changes of nothing", changeList(t, d, 0, 10), "")
	commit(t, d, &driver.Batch{Touches: []string{"b", "a", "b", "\x00", ""}})
	commit(t, d, &driver.Batch{})
	commit(t, d, &driver.Batch{Touches: []string{"a"}})
	wantEqual(t, "all", changeList(t, d, 0, 10), "1: 1:\x00 1:a 1:b 3:a ")
	wantEqual(t, "after the first", changeList(t, d, 1, 10), "3:a ")
	wantEqual(t, "after the second", changeList(t, d, 2, 10), "3:a ")
	wantEqual(t, "after the last", changeList(t, d, 3, 10), "")
	wantEqual(t, "from the future", changeList(t, d, 1<<63, 10), "")
	wantEqual(t, "none", changeList(t, d, 0, 0), "")
}

func changesTogether(t *testing.T, d driver.Driver) {
	migrate(t, d)
	commit(t, d, &driver.Batch{Touches: []string{"a", "b", "c"}})
	commit(t, d, &driver.Batch{Touches: []string{"d", "e"}})
	wantEqual(t, "one", changeList(t, d, 0, 1), "1:a 1:b 1:c ")
	wantEqual(t, "three", changeList(t, d, 0, 3), "1:a 1:b 1:c ")
	wantEqual(t, "four", changeList(t, d, 0, 4), "1:a 1:b 1:c 2:d 2:e ")
}

func eventList(t *testing.T, d driver.Driver, from uint64, max int) string {
	t.Helper()
	list, err := d.Outbox(t.Context(), from, max)
	wantErr(t, err, nil)
	var b strings.Builder
	for _, e := range list {
		fmt.Fprintf(&b, "%d.%d:%s ", e.Position, e.Index, e.Body)
	}
	return b.String()
}

func events(list ...string) *driver.Batch {
	var b driver.Batch
	for _, e := range list {
		b.Events = append(b.Events, []byte(e))
	}
	return &b
}

func outbox(t *testing.T, d driver.Driver) {
	migrate(t, d)
	wantEqual(t, "events of nothing", eventList(t, d, 0, 10), "")
	commit(t, d, events("z", "a", "", "a"))
	commit(t, d, events())
	commit(t, d, events("m"))
	wantEqual(t, "all", eventList(t, d, 0, 10), "1.0:z 1.1:a 1.2: 1.3:a 3.0:m ")
	wantEqual(t, "after the first", eventList(t, d, 1, 10), "3.0:m ")
	wantEqual(t, "after the last", eventList(t, d, 3, 10), "")
	wantEqual(t, "none", eventList(t, d, 0, 0), "")
}

func outboxTogether(t *testing.T, d driver.Driver) {
	migrate(t, d)
	commit(t, d, events("a", "b", "c"))
	commit(t, d, events("d", "e"))
	wantEqual(t, "one", eventList(t, d, 0, 1), "1.0:a 1.1:b 1.2:c ")
	wantEqual(t, "three", eventList(t, d, 0, 3), "1.0:a 1.1:b 1.2:c ")
	wantEqual(t, "four", eventList(t, d, 0, 4), "1.0:a 1.1:b 1.2:c 2.0:d 2.1:e ")
}

func pruning(t *testing.T, d driver.Driver) {
	migrate(t, d)
	for _, e := range []string{"a", "b", "c"} {
		commit(t, d, events(e))
	}
	b := events("d")
	b.Prune = 2
	commit(t, d, b)
	wantEqual(t, "after pruning", eventList(t, d, 0, 10), "3.0:c 4.0:d ")
	b = events("e")
	b.Prune = 1 << 63 // its own events stay all the same
	commit(t, d, b)
	wantEqual(t, "after pruning all", eventList(t, d, 0, 10), "5.0:e ")
}

func operationTwice(t *testing.T, d driver.Driver) {
	migrate(t, d)
	b := batch(insert(row("a", "1", "x", 1, 1)))
	b.OpID = [16]byte{15: 1}
	b.Events = [][]byte{[]byte("e")}
	wantEqual(t, "position", commit(t, d, b), 1)
	commit(t, d, events("f"))
	position, err := d.Commit(t.Context(), b, func(uint64) { t.Error("callback of an operation applied before") })
	wantErr(t, err, nil)
	wantEqual(t, "position of the repetition", position, 1)
	wantEqual(t, "head", head(t, d), 2)
	wantEqual(t, "events", eventList(t, d, 0, 10), "1.0:e 2.0:f ")
}

func operationRefused(t *testing.T, d driver.Driver) {
	migrate(t, d)
	b := batch(put(row("a", "1", "x", 1, 2), 1))
	b.OpID = [16]byte{1}
	refused(t, d, b, driver.ErrConflict)
	commit(t, d, batch(insert(row("a", "1", "x", 1, 1))))
	wantEqual(t, "position", commit(t, d, b), 2)
}

func operationZero(t *testing.T, d driver.Driver) {
	migrate(t, d)
	wantEqual(t, "position", commit(t, d, events("a")), 1)
	wantEqual(t, "position", commit(t, d, events("a")), 2)
}

func meta(t *testing.T, d driver.Driver) {
	migrate(t, d)
	ctx := t.Context()
	_, err := d.Meta(ctx, "k")
	wantErr(t, err, driver.ErrNotFound)
	wantErr(t, d.PutMeta(ctx, map[string][]byte{"k": []byte("v"), "": {0}, "empty": nil}, driver.Roll{}), nil)
	wantErr(t, d.PutMeta(ctx, map[string][]byte{"k": []byte("w")}, driver.Roll{}), nil)
	wantErr(t, d.PutMeta(ctx, nil, driver.Roll{}), nil)
	for key, want := range map[string]string{"k": "w", "": "\x00", "empty": ""} {
		got, err := d.Meta(ctx, key)
		wantErr(t, err, nil)
		wantEqual(t, key, string(got), want)
	}
	wantEqual(t, "position", head(t, d), 0)
}

func metaInBatch(t *testing.T, d driver.Driver) {
	migrate(t, d)
	commit(t, d, &driver.Batch{Meta: map[string][]byte{"k": []byte("v")}})
	refused(t, d, &driver.Batch{Meta: map[string][]byte{"k": []byte("w"), "l": nil}}, driver.ErrConflict)
	got, err := d.Meta(t.Context(), "k")
	wantErr(t, err, nil)
	wantEqual(t, "value", string(got), "v")
	_, err = d.Meta(t.Context(), "l")
	wantErr(t, err, driver.ErrNotFound)
}

func metaPrefix(t *testing.T, d driver.Driver) {
	migrate(t, d)
	wantErr(t, d.PutMeta(t.Context(), map[string][]byte{
		"a/": []byte("1"), "a/x": []byte("2"), "a/\xff": []byte("3"), "a": nil, "a0": nil, "b/x": nil}, driver.Roll{}), nil)
	for prefix, want := range map[string]int{"a/": 3, "a": 5, "": 6, "c": 0, "a/\xff": 1, "\xff": 0} {
		got, err := d.MetaPrefix(t.Context(), prefix)
		wantErr(t, err, nil)
		wantEqual(t, fmt.Sprintf("values below %q", prefix), len(got), want)
	}
	got, err := d.MetaPrefix(t.Context(), "a/")
	wantErr(t, err, nil)
	wantEqual(t, "value", string(got["a/\xff"]), "3")
}

func callbacks(t *testing.T, d driver.Driver) {
	migrate(t, d)
	var seen []uint64
	for range 5 {
		position, err := d.Commit(t.Context(), &driver.Batch{}, func(p uint64) {
			// The commit is visible by now.
			wantEqual(t, "head in the callback", head(t, d), p)
			seen = append(seen, p)
		})
		wantErr(t, err, nil)
		wantEqual(t, "last callback", seen[len(seen)-1], position)
	}
	wantEqual(t, "callbacks", fmt.Sprint(seen), "[1 2 3 4 5]")
}

func forgetting(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	emit := func(text string) uint64 {
		return update(t, s, func(tx store.Txn) error {
			tx.Emit([]byte(text))
			return nil
		}).Position
	}
	first, second, third := emit("one"), emit("two"), emit("three")
	list := func() string {
		got, err := s.Outbox(t.Context(), 0, 100)
		wantErr(t, err, nil)
		var texts []string
		for _, e := range got {
			texts = append(texts, string(e.Body))
		}
		return strings.Join(texts, " ")
	}
	s.Forget(second)
	s.Forget(first) // never backwards
	wantEqual(t, "events before the next commit", list(), "one two three")
	emit("four")
	wantEqual(t, "events after it", list(), "three four")
	s.Forget(third)
	emit("five")
	wantEqual(t, "events at last", list(), "four five")
}

func eventsSealed(t *testing.T, d driver.Driver) {
	s, j := openStore(t, d, ring(t))
	event := []byte("canary of an event")
	c := update(t, s, func(tx store.Txn) error {
		tx.Emit(event)
		event[0] = 'C' // the buffer keeps what it was given
		tx.Emit(event)
		return nil
	})
	if !slices.Contains(j.positions(), c.Position) || string(c.Events[0]) != "canary of an event" {
		t.Fatalf("commit %v", c)
	}
	stored, err := d.Outbox(t.Context(), 0, 10)
	wantErr(t, err, nil)
	wantEqual(t, "events", len(stored), 2)
	for _, e := range stored {
		if strings.Contains(string(e.Body), "anary") {
			t.Error("an event is stored in the clear")
		}
	}
	opened, err := s.Outbox(t.Context(), 0, 10)
	wantErr(t, err, nil)
	wantEqual(t, "events", string(opened[0].Body)+"|"+string(opened[1].Body), "canary of an event|Canary of an event")

	commit(t, d, &driver.Batch{Events: [][]byte{{}}, Prune: 1 << 62})
	_, err = s.Outbox(context.Background(), 0, 10)
	wantErr(t, err, store.ErrDamaged)
}

// sealEvents has events say where they stand.
func sealEvents(b *driver.Batch) *driver.Batch {
	b.SealEvent = func(position uint64, index int, event []byte) ([]byte, error) {
		return fmt.Appendf(nil, "%s@%d.%d", event, position, index), nil
	}
	return b
}

func eventsSealedAt(t *testing.T, d driver.Driver) {
	migrate(t, d)
	first := sealEvents(events("a", "b"))
	first.OpID = [16]byte{1}
	commit(t, d, first)
	commit(t, d, events())
	stale := sealEvents(events("never"))
	stale.Writes = []driver.Write{put(row("a", "1", "x", 1, 2), 1)}
	refused(t, d, stale, driver.ErrConflict)
	wantEqual(t, "position of the repetition", commit(t, d, first), 1)
	commit(t, d, sealEvents(events("c")))
	wantEqual(t, "events", eventList(t, d, 0, 10), "1.0:a@1.0 1.1:b@1.1 3.0:c@3.0 ")

	// Of batches that are committed together each has its own position.
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := d.Commit(t.Context(), sealEvents(events("d")), nil); err != nil {
				t.Errorf("Commit: %v", err)
			}
		})
	}
	all.Wait()
	var want strings.Builder
	for p := 4; p < 54; p++ {
		fmt.Fprintf(&want, "%d.0:d@%d.0 ", p, p)
	}
	wantEqual(t, "events of a crowd", eventList(t, d, 3, 100), want.String())
}

func eventUnsealable(t *testing.T, d driver.Driver) {
	migrate(t, d)
	b := batch(insert(row("a", "1", "x", 1, 1)))
	b.OpID, b.Touches, b.Events = [16]byte{1}, []string{"e"}, [][]byte{[]byte("a"), []byte("b")}
	b.SealEvent = func(_ uint64, index int, event []byte) ([]byte, error) {
		if index == 1 {
			return nil, errUndo
		}
		return event, nil
	}
	refused(t, d, b, errUndo)
	wantEqual(t, "events", eventList(t, d, 0, 10), "")
	wantEqual(t, "changes", changeList(t, d, 0, 10), "")
	_, err := read(t, d, &things.Schema, thingKey("a", "1"))
	wantErr(t, err, driver.ErrNotFound)
	b.SealEvent = nil
	wantEqual(t, "position", commit(t, d, b), 1)
}

// eventCopied has somebody who can write the database bring the record of an
// old commit before the trail once more, at a later position.
func eventCopied(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	emit := func(list ...string) uint64 {
		return update(t, s, func(tx store.Txn) error {
			for _, event := range list {
				tx.Emit([]byte(event))
			}
			return nil
		}).Position
	}
	at := emit("an access key was made", "another")
	own, err := d.Outbox(t.Context(), at-1, 10)
	wantErr(t, err, nil)
	wantEqual(t, "events", len(own), 2)
	opened, err := s.Outbox(t.Context(), at-1, 10)
	wantErr(t, err, nil)
	wantEqual(t, "event at its own position", string(opened[0].Body), "an access key was made")

	later := emit("later")
	for name, forged := range map[string][][]byte{
		"as it is":       {own[0].Body, own[1].Body},
		"alone":          {own[0].Body},
		"in other order": {own[1].Body, own[0].Body},
	} {
		position := commit(t, d, &driver.Batch{Events: forged})
		if _, err := s.Outbox(t.Context(), position-1, 1); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: a copy at a later position: error %v", name, err)
		}
	}
	// What was there before still opens, and nothing else of the store is harmed.
	opened, err = s.Outbox(t.Context(), later-1, 1)
	wantErr(t, err, nil)
	wantEqual(t, "event before the copies", string(opened[0].Body), "later")
	// But nobody goes on from commits that the digest does not have.
	_, err = s.Update(t.Context(), store.OpID{}, func(tx store.Txn) error {
		return things.Insert(t.Context(), tx, newThing("a", "1", 1))
	})
	wantErr(t, err, store.ErrAltered)
}
