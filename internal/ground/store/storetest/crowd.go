package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

func crowdTests() []test {
	return []test{
		{"crowd/many writers of one record", oneRecord},
		{"crowd/two writers of one record", twoWriters},
		{"crowd/turns of the overtaken", turns},
		{"crowd/sums hold in every snapshot", transfers},
		{"crowd/positions and callbacks", orderedCallbacks},
		{"crowd/stamps", crowdStamps},
		{"crowd/one winner of a key", oneWinner},
		{"crowd/one winner of an operation", oneOperation},
		{"crowd/accounts get one key", oneKey},
		{"crowd/closing meanwhile", closingMeanwhile},
	}
}

// crowd runs fn in n goroutines and waits.
func crowd(n int, fn func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { fn(i) })
	}
	wg.Wait()
}

func increment(t *testing.T, s *store.Store, n int64) (value int64, err error) {
	_, err = s.Update(t.Context(), store.OpID{}, func(tx store.Txn) error {
		c, rev, err := counters.Get(t.Context(), tx, store.Key{store.N(n)})
		if err != nil {
			return err
		}
		c.Value++
		value = c.Value
		tx.Touch(fmt.Sprint("counter:", n))
		return counters.Put(t.Context(), tx, c, rev)
	})
	return value, err
}

func addCounters(t *testing.T, s *store.Store, n int, value int64) {
	t.Helper()
	update(t, s, func(tx store.Txn) error {
		for i := range n {
			if err := counters.Insert(t.Context(), tx, &counter{N: int64(i), Value: value}); err != nil {
				return err
			}
		}
		return nil
	})
}

func counterValue(t *testing.T, s *store.Store, n int64) (value int64) {
	t.Helper()
	view(t, s, func(r store.Reader) error {
		c, _, err := counters.Get(t.Context(), r, store.Key{store.N(n)})
		if err == nil {
			value = c.Value
		}
		return err
	})
	return value
}

func oneRecord(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	addCounters(t, s, 1, 0)
	const writers, times = 8, 15
	crowd(writers, func(int) {
		for range times {
			if _, err := increment(t, s, 0); err != nil {
				t.Errorf("Update: %v", err)
			}
		}
	})
	wantEqual(t, "value", counterValue(t, s, 0), writers*times)
}

// twoWriters holds both closures until each has read.
func twoWriters(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	addCounters(t, s, 1, 0)
	var both sync.WaitGroup
	both.Add(2)
	var runs atomic.Int64
	crowd(2, func(int) {
		first := true
		_, err := s.Update(t.Context(), store.OpID{}, func(tx store.Txn) error {
			runs.Add(1)
			c, rev, err := counters.Get(t.Context(), tx, store.Key{store.N(0)})
			if err != nil {
				return err
			}
			if first {
				first = false
				both.Done()
				both.Wait()
			}
			c.Value++
			return counters.Put(t.Context(), tx, c, rev)
		})
		if err != nil {
			t.Errorf("Update: %v", err)
		}
	})
	wantEqual(t, "value", counterValue(t, s, 0), 2)
	if runs.Load() < 3 {
		t.Errorf("%d runs: nobody was overtaken", runs.Load())
	}
}

// turns has many transactions be overtaken again and again. From some number of
// times on they are tried one after another.
func turns(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	const rivals, overtaken = 16, 12
	addCounters(t, s, 1, 0)
	var inTurn atomic.Int64
	crowd(rivals, func(int) {
		runs := 0
		_, err := s.Update(t.Context(), store.OpID{}, func(tx store.Txn) error {
			if runs++; runs >= overtaken {
				defer inTurn.Add(-1)
				if others := inTurn.Add(1); others > 1 {
					t.Errorf("%d transactions have their turn", others)
				}
			}
			c, rev, err := counters.Get(t.Context(), tx, store.Key{store.N(0)})
			if err != nil {
				return err
			}
			if runs <= overtaken {
				return store.ErrConflict
			}
			c.Value++
			return counters.Put(t.Context(), tx, c, rev)
		})
		if err != nil || runs != overtaken+1 {
			t.Errorf("%d runs: %v", runs, err)
		}
	})
	wantEqual(t, "value", counterValue(t, s, 0), rivals)
}

func transfers(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	const accounts, each = 20, 100
	addCounters(t, s, accounts, each)
	var done atomic.Bool
	var readers sync.WaitGroup
	var sums atomic.Int64
	for range 2 {
		readers.Go(func() {
			for !done.Load() || sums.Load() == 0 {
				err := s.View(t.Context(), func(r store.Reader) error {
					var sum int64
					n := 0
					err := counters.Scan(t.Context(), r, "", nil, nil, 100, func(c *counter, _ store.Rev) error {
						sum += c.Value
						n++
						return nil
					})
					if sum != accounts*each || n != accounts {
						t.Errorf("%d accounts with a sum of %d", n, sum)
					}
					sums.Add(1)
					return err
				})
				if err != nil {
					t.Errorf("View: %v", err)
					return
				}
			}
		})
	}
	crowd(4, func(i int) {
		for k := range 25 {
			from, to := int64(i+k)%accounts, int64(i*7+k*3+1)%accounts
			if from == to {
				continue
			}
			if err := transfer(t, s, from, to); err != nil {
				t.Errorf("Update: %v", err)
			}
		}
	})
	done.Store(true)
	readers.Wait()
}

func transfer(t *testing.T, s *store.Store, from, to int64) error {
	_, err := s.Update(t.Context(), store.OpID{}, func(tx store.Txn) error {
		for n, by := range map[int64]int64{from: -1, to: 1} {
			c, rev, err := counters.Get(t.Context(), tx, store.Key{store.N(n)})
			if err != nil {
				return err
			}
			c.Value += by
			if err := counters.Put(t.Context(), tx, c, rev); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// orderedCallbacks mixes commits that succeed, conflict and are undone.
func orderedCallbacks(t *testing.T, d driver.Driver) {
	s, j := openStore(t, d, ring(t))
	addCounters(t, s, 3, 0)
	var mu sync.Mutex
	acknowledged := map[uint64]string{}
	crowd(8, func(i int) {
		for k := range 12 {
			text := fmt.Sprint(i, ".", k)
			c, err := s.Update(t.Context(), store.OpID{}, func(tx store.Txn) error {
				tx.Emit([]byte(text))
				tx.Touch(text)
				if k%5 == 4 {
					return errUndo
				}
				c, rev, err := counters.Get(t.Context(), tx, store.Key{store.N(int64(k % 3))})
				if err != nil {
					return err
				}
				c.Value++
				return counters.Put(t.Context(), tx, c, rev)
			})
			if errors.Is(err, errUndo) {
				continue
			}
			if err != nil {
				t.Errorf("Update: %v", err)
				continue
			}
			if !slices.Contains(j.positions(), c.Position) {
				t.Error("Update returned before the callback")
			}
			mu.Lock()
			acknowledged[c.Position] = text
			mu.Unlock()
		}
	})
	positions := j.positions()
	for i, p := range positions {
		wantEqual(t, "position of a callback", p, positions[0]+uint64(i))
	}
	changes, err := d.Changes(t.Context(), 0, 10000)
	wantErr(t, err, nil)
	events, err := s.Outbox(t.Context(), 0, 10000)
	wantErr(t, err, nil)
	wantEqual(t, "changes", len(changes), len(acknowledged))
	wantEqual(t, "events", len(events), len(acknowledged))
	for i, c := range changes {
		if acknowledged[c.Position] != c.Entity || events[i].Position != c.Position || string(events[i].Body) != c.Entity {
			t.Fatalf("change %+v, event %+v, acknowledged %q", c, events[i], acknowledged[c.Position])
		}
	}
}

// crowdStamps: once an increment was acknowledged, no stamp made from an older
// value is current.
func crowdStamps(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	const n = 3
	addCounters(t, s, n, 0)
	var acknowledged [n]atomic.Int64
	var done atomic.Bool
	var outdated, compared atomic.Int64
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for !done.Load() {
				var values [n]int64
				var stamps [n]store.Stamp
				err := s.View(t.Context(), func(r store.Reader) error {
					return counters.Scan(t.Context(), r, "", nil, nil, n, func(c *counter, _ store.Rev) error {
						values[c.N], stamps[c.N] = c.Value, s.Stamp(r, fmt.Sprint("counter:", c.N))
						return nil
					})
				})
				if err != nil {
					t.Errorf("View: %v", err)
					return
				}
				for range 50 {
					for i := range n {
						newest := acknowledged[i].Load() // before the question
						current := stamps[i].Current()
						compared.Add(1)
						if !current {
							outdated.Add(1)
						}
						if current && newest > values[i] {
							t.Errorf("a stamp of value %d is current after %d was acknowledged", values[i], newest)
							return
						}
					}
				}
			}
		})
	}
	crowd(n, func(i int) {
		for range 40 {
			value, err := increment(t, s, int64(i))
			if err != nil {
				t.Errorf("Update: %v", err)
			}
			acknowledged[i].Store(value)
		}
	})
	done.Store(true)
	readers.Wait()
	if compared.Load() == 0 {
		t.Error("nothing was compared")
	}
	t.Logf("%d of %d stamps were outdated", outdated.Load(), compared.Load())
}

func oneWinner(t *testing.T, d driver.Driver) {
	s, _ := openStore(t, d, ring(t))
	var won, lost atomic.Int64
	crowd(10, func(i int) {
		rec := newThing("a", fmt.Sprint(i), 1)
		rec.Name = []byte("the same")
		_, err := s.Update(t.Context(), store.OpID{}, func(tx store.Txn) error { return things.Insert(t.Context(), tx, rec) })
		switch {
		case err == nil:
			won.Add(1)
		case errors.Is(err, store.ErrExists):
			lost.Add(1)
		default:
			t.Errorf("Update: %v", err)
		}
	})
	wantEqual(t, "winners", won.Load(), 1)
	wantEqual(t, "losers", lost.Load(), 9)
}

func oneOperation(t *testing.T, d driver.Driver) {
	migrate(t, d)
	var called atomic.Int64
	var mu sync.Mutex
	positions := map[uint64]int{}
	crowd(10, func(i int) {
		b := events(fmt.Sprint(i))
		b.OpID = [16]byte{7}
		p, err := d.Commit(t.Context(), b, func(uint64) { called.Add(1) })
		if err != nil {
			t.Errorf("Commit: %v", err)
		}
		mu.Lock()
		positions[p]++
		mu.Unlock()
	})
	wantEqual(t, "callbacks", called.Load(), 1)
	wantEqual(t, "answers of the one position", positions[1], 10)
	wantEqual(t, "head", head(t, d), 1)
}

func oneKey(t *testing.T, d driver.Driver) {
	s, j := openStore(t, d, ring(t))
	crowd(10, func(i int) {
		_, err := s.Update(t.Context(), store.OpID{}, func(tx store.Txn) error {
			return things.Insert(t.Context(), tx, newThing("a", fmt.Sprint(i), 1))
		})
		if err != nil {
			t.Errorf("Update: %v", err)
		}
	})
	for i := range 10 {
		mustGet(t, s, "a", fmt.Sprint(i))
	}
	wantEqual(t, "commits", len(j.positions()), 11)
}

// closingMeanwhile: what was acknowledged was applied, and nothing hangs.
func closingMeanwhile(t *testing.T, d driver.Driver) {
	s, j := openStore(t, d, ring(t))
	addCounters(t, s, 4, 0)
	var acknowledged atomic.Int64
	started := make(chan struct{}, 4)
	crowd(5, func(i int) {
		if i == 4 {
			for range 4 {
				<-started
			}
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			return
		}
		for k := 0; ; k++ {
			_, err := increment(t, s, int64(i))
			if k == 0 {
				started <- struct{}{}
			}
			if err != nil {
				if !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("Update: %v", err)
				}
				return
			}
			acknowledged.Add(1)
		}
	})
	wantEqual(t, "commits", int64(len(j.positions()))-2, acknowledged.Load())
}
