package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

func modelTests() []test {
	return []test{{"model/transactions", modelTransactions}}
}

// A model is what the rows of one owner should be, by id.
type model map[string]thing

var (
	modelIDs   = []string{"", "\x00", "\x00\x00", "\x01", "a", "a\x00", "b", "\xff", "\xff\xff"}
	modelNames = []string{"", "\x00", "x", "y", "\xff"}
	modelSizes = []int64{-1 << 63, -1, 0, 1, 1<<63 - 1}
)

// modelTransactions compares random transactions with a map. Each check has an
// owner of its own, so that all share one database.
func modelTransactions(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	checks := 0
	rapid.Check(t, func(rt *rapid.T) {
		checks++
		owner := fmt.Sprint("owner", checks)
		committed := model{}
		for range rapid.IntRange(1, 4).Draw(rt, "transactions") {
			m := maps.Clone(committed)
			undo := rapid.IntRange(0, 3).Draw(rt, "undo") == 0
			_, err := s.Update(t.Context(), store.OpID{}, func(tx store.Txn) error {
				for range rapid.IntRange(0, 8).Draw(rt, "steps") {
					m.step(rt, t, tx, owner)
				}
				if undo {
					return errUndo
				}
				return nil
			})
			switch {
			case undo && errors.Is(err, errUndo):
			case !undo && err == nil:
				committed = m
			default:
				rt.Fatalf("Update: %v", err)
			}
			if err := s.View(t.Context(), func(r store.Reader) error {
				committed.compare(rt, t, r, owner)
				return nil
			}); err != nil {
				rt.Fatalf("View: %v", err)
			}
		}
	})
	if checks < 10 {
		t.Errorf("only %d checks", checks)
	}
}

// step does one thing to the transaction and to the model.
func (m model) step(rt *rapid.T, t *testing.T, tx store.Txn, owner string) {
	id := rapid.SampledFrom(modelIDs).Draw(rt, "id")
	rec := thing{Owner: owner, ID: []byte(id), Name: []byte(rapid.SampledFrom(modelNames).Draw(rt, "name")),
		Size: rapid.SampledFrom(modelSizes).Draw(rt, "size"), Note: rapid.StringN(0, 3, -1).Draw(rt, "note")}
	_, rev, err := things.Get(t.Context(), tx, thingKey(owner, id))
	_, exists := m[id]
	if (err == nil) != exists || err != nil && !errors.Is(err, store.ErrNotFound) {
		rt.Fatalf("Get %q: error %v, but existing is %v", id, err, exists)
	}
	switch kind := rapid.SampledFrom([]string{"insert", "put", "delete", "require", "compare"}).Draw(rt, "kind"); {
	case kind == "insert":
		err := things.Insert(t.Context(), tx, &rec)
		if exists || m.taken(id, rec.Name) {
			if !errors.Is(err, store.ErrExists) {
				rt.Fatalf("Insert %q: error %v", id, err)
			}
			return
		}
		m.write(rt, id, rec, err)
	case kind == "put" && exists:
		err := things.Put(t.Context(), tx, &rec, rev)
		if m.taken(id, rec.Name) {
			if !errors.Is(err, store.ErrExists) {
				rt.Fatalf("Put %q: error %v", id, err)
			}
			return
		}
		m.write(rt, id, rec, err)
	case kind == "delete" && exists:
		if err := things.Delete(t.Context(), tx, thingKey(owner, id), rev); err != nil {
			rt.Fatalf("Delete %q: %v", id, err)
		}
		delete(m, id)
	case kind == "require" && exists:
		things.Require(tx, thingKey(owner, id), rev)
	case kind == "compare":
		m.compare(rt, t, tx, owner)
	}
}

func (m model) write(rt *rapid.T, id string, rec thing, err error) {
	if err != nil {
		rt.Fatalf("writing %q: %v", id, err)
	}
	m[id] = rec
}

func (m model) taken(id string, name []byte) bool {
	for other, rec := range m {
		if other != id && string(rec.Name) == string(name) {
			return true
		}
	}
	return false
}

// compare scans what r shows in some order, from a random place.
func (m model) compare(rt *rapid.T, t *testing.T, r store.Reader, owner string) {
	index := rapid.SampledFrom([]string{"", "by_name", "by_owner_size"}).Draw(rt, "index")
	at := func(rec *thing) store.Key { return things.IndexKey(index, rec) }
	after := at(&thing{Owner: owner, ID: []byte(rapid.SampledFrom(modelIDs).Draw(rt, "after id")),
		Name: []byte(rapid.SampledFrom(modelNames).Draw(rt, "after name")), Size: rapid.SampledFrom(modelSizes).Draw(rt, "after size")})
	after = after[:rapid.IntRange(0, len(after)).Draw(rt, "after columns")]
	limit := rapid.IntRange(1, 10).Draw(rt, "limit")
	show := func(rec *thing) string { return fmt.Sprintf("%q %q %d %q", rec.ID, rec.Name, rec.Size, rec.Note) }
	var want, got []string
	for _, rec := range slices.SortedFunc(maps.Values(m), func(a, b thing) int { return at(&a).Compare(at(&b)) }) {
		if len(want) < limit && at(&rec).Compare(after) > 0 {
			want = append(want, show(&rec))
		}
	}
	err := things.Scan(t.Context(), r, index, store.Key{store.S(owner)}, after, limit, func(rec *thing, _ store.Rev) error {
		got = append(got, show(rec))
		return nil
	})
	if err != nil || !slices.Equal(got, want) {
		rt.Fatalf("by %q after %v, %d: error %v\n got %v\nwant %v", index, after, limit, err, got, want)
	}
}
