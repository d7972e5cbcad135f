package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

func resealTests() []test {
	return []test{
		{"reseal/every row under the next key", resealAll},
		{"reseal/interrupted", resealInterrupted},
		{"reseal/among writers", resealAmongWriters},
		{"reseal/a transaction that began before", resealOvertaken},
	}
}

// renewed gives a ring its next master key and returns its header.
func renewed(t *testing.T, root *sealed.RootKey, keys *sealed.Keyring) []byte {
	t.Helper()
	header, adopt, err := keys.Renew(root)
	wantErr(t, err, nil)
	adopt()
	return header
}

// many adds rows of two accounts, more than one Reseal looks at.
func many(t *testing.T, s *store.Store) int {
	t.Helper()
	for from := 0; from < 240; from += 120 {
		var list []*thing
		for i := from; i < from+120; i++ {
			list = append(list, newThing(string("ab"[i%2]), fmt.Sprintf("%03d", i), 1))
		}
		add(t, s, list...)
	}
	update(t, s, func(tx store.Txn) error { return counters.Insert(t.Context(), tx, &counter{N: 1}) })
	return 241
}

// reseal passes all rows, and stops after some calls.
func reseal(t *testing.T, s *store.Store, calls int) (looked, sealed int, done bool) {
	t.Helper()
	var place store.Place
	for range calls {
		next, l, n, end, err := s.Reseal(t.Context(), tables(), place)
		wantErr(t, err, nil)
		place, looked, sealed = next, looked+l, sealed+n
		if end {
			return looked, sealed, true
		}
	}
	return looked, sealed, false
}

func resealAll(t *testing.T, d driver.Driver) {
	root, keys, before := rooted(t)
	s, _ := openStore(t, d, keys)
	rows := many(t, s)
	looked, n, done := reseal(t, s, 100)
	if looked != rows || n != 0 || !done {
		t.Errorf("before: looked at %d, sealed %d, done %v", looked, n, done)
	}
	_, rev := mustGet(t, s, "a", "000")
	header := renewed(t, root, keys)
	wantErr(t, s.RenewKeys(t.Context()), nil)
	wantErr(t, s.RenewKeys(t.Context()), nil) // does nothing more
	if n, old := keys.Generation("a"); n != 2 || old {
		t.Errorf("account a has had %d keys, and the newest is old: %v", n, old)
	}
	if looked, n, done = reseal(t, s, 100); looked != rows || n != rows || !done {
		t.Errorf("looked at %d, sealed %d of %d, done %v", looked, n, rows, done)
	}
	if looked, n, done = reseal(t, s, 100); looked != rows || n != 0 || !done {
		t.Errorf("again: looked at %d, sealed %d, done %v", looked, n, done)
	}
	if _, now := mustGet(t, s, "a", "000"); now != rev {
		t.Errorf("the revision went from %d to %d", rev, now)
	}
	later, _ := openStore(t, d, again(t, header, root))
	mustGet(t, later, "a", "000")
	mustGet(t, later, "b", "239")

	// The keys of before open none of it.
	old := again(t, before, root)
	meta, err := d.MetaPrefix(t.Context(), "account-key/")
	wantErr(t, err, nil)
	for key, wrapped := range meta {
		wantErr(t, old.Install(strings.TrimPrefix(key, "account-key/"), wrapped), nil)
	}
	row, err := read(t, d, &things.Schema, thingKey("a", "000"))
	wantErr(t, err, nil)
	if !keys.Known("a") || keys.Stale("a", row.Body[3:]) {
		t.Error("a row is sealed by an earlier key")
	}
	meta, err = d.MetaPrefix(t.Context(), "later-account-key/")
	wantErr(t, err, nil)
	wantEqual(t, "later keys", len(meta), 3)
	for key, wrapped := range meta {
		if err := old.Install(key[len("later-account-key/0002/"):], wrapped); err == nil {
			t.Errorf("the old master key opens %s", key)
		}
	}
}

// resealInterrupted dies between the steps, with another process to go on.
func resealInterrupted(t *testing.T, d driver.Driver) {
	root, keys, _ := rooted(t)
	s, _ := openStore(t, d, keys)
	rows := many(t, s)
	header := renewed(t, root, keys)

	// After the header, before any key: a new account gets its first key under the new master key.
	s, _ = openStore(t, d, again(t, header, root))
	add(t, s, newThing("c", "1", 1))
	mustGet(t, s, "a", "000")

	// After the keys and some of the rows.
	keys = again(t, header, root)
	s, _ = openStore(t, d, keys)
	wantErr(t, s.RenewKeys(t.Context()), nil)
	if n, old := keys.Generation("c"); n != 1 || old {
		t.Errorf("account c has had %d keys, and the newest is old: %v", n, old)
	}
	_, first, done := reseal(t, s, 1)
	if first == 0 || done {
		t.Errorf("the first step sealed %d rows, done %v", first, done)
	}
	s, _ = openStore(t, d, again(t, header, root))
	wantErr(t, s.RenewKeys(t.Context()), nil)
	if _, rest, done := reseal(t, s, 100); first+rest != rows || !done {
		t.Errorf("sealed %d and %d of %d rows, done %v", first, rest, rows, done)
	}
	for i := range 240 {
		mustGet(t, s, string("ab"[i%2]), fmt.Sprintf("%03d", i))
	}
	mustGet(t, s, "c", "1")
}

// resealAmongWriters has others write what is being sealed.
func resealAmongWriters(t *testing.T, d driver.Driver) {
	root, keys, _ := rooted(t)
	s, _ := openStore(t, d, keys)
	many(t, s)
	ctx, stop := context.WithCancel(t.Context())
	var writers, begun sync.WaitGroup
	written := make([]int64, 2)
	begun.Add(len(written))
	for n := range written {
		first := sync.OnceFunc(begun.Done)
		writers.Go(func() {
			for ctx.Err() == nil {
				_, err := s.Update(t.Context(), store.OpID{}, func(tx store.Txn) error {
					rec, rev, err := things.Get(t.Context(), tx, thingKey(string("ab"[n]), fmt.Sprintf("%03d", n)))
					if err != nil {
						return err
					}
					rec.Size++
					return things.Put(t.Context(), tx, rec, rev)
				})
				first()
				if err != nil {
					t.Error(err)
					return
				}
				written[n]++
			}
		})
	}
	begun.Wait()
	for range 2 {
		renewed(t, root, keys)
		wantErr(t, s.RenewKeys(t.Context()), nil)
		reseal(t, s, 100)
		if _, n, done := reseal(t, s, 100); n != 0 || !done {
			t.Errorf("the second pass found %d rows, done %v", n, done)
		}
	}
	stop()
	writers.Wait()
	for n, times := range written {
		if rec, _ := mustGet(t, s, string("ab"[n]), fmt.Sprintf("%03d", n)); rec.Size != times+1 || times == 0 {
			t.Errorf("writer %d wrote %d times, and the row has %d", n, times, rec.Size-1)
		}
	}
}

// resealOvertaken: a transaction that has read a row commits after that was sealed
// anew: it says what it said.
func resealOvertaken(t *testing.T, d driver.Driver) {
	root, keys, _ := rooted(t)
	s, _ := openStore(t, d, keys)
	add(t, s, newThing("a", "1", 1))
	tries := 0
	update(t, s, func(tx store.Txn) error {
		tries++
		rec, rev, err := things.Get(t.Context(), tx, thingKey("a", "1"))
		if err != nil {
			return err
		}
		renewed(t, root, keys)
		wantErr(t, s.RenewKeys(t.Context()), nil)
		if _, n, _ := reseal(t, s, 100); n != 1 {
			t.Errorf("sealed %d rows", n)
		}
		rec.Size = 7
		return things.Put(t.Context(), tx, rec, rev)
	})
	if rec, _ := mustGet(t, s, "a", "1"); rec.Size != 7 || tries != 1 {
		t.Errorf("the row has %d after %d tries", rec.Size, tries)
	}
}
