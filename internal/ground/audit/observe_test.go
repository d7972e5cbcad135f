package audit_test

import (
	"fmt"
	"sync"
	"testing"

	"claviger/internal/ground/audit"
)

// TestObserve: who observes a trail is told of every entry under its number,
// in order, before whoever appended it goes on.
func TestObserve(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(observe func(uint64, []audit.Entry)) audit.Trail{
		"log": func(observe func(uint64, []audit.Entry)) audit.Trail {
			o := options()
			o.Dir, o.Observe = t.TempDir(), observe
			l := open(t, o)
			t.Cleanup(func() { closed(t, l) }) // it makes the next segment in a directory that goes with the test
			return l
		},
		"ring": func(observe func(uint64, []audit.Entry)) audit.Trail { return audit.NewRing(1000).Observe(observe) },
	} {
		var mu sync.Mutex
		var seen []string
		told := make(map[string]bool)
		l := open(func(first uint64, entries []audit.Entry) {
			mu.Lock()
			defer mu.Unlock()
			if first != uint64(len(seen))+1 || len(entries) == 0 {
				t.Errorf("%s: %d entries from %d on come after %d", name, len(entries), first, len(seen))
			}
			for _, e := range entries {
				seen = append(seen, string(e.Record))
				told[string(e.Record)] = true
			}
		})
		var group sync.WaitGroup
		for w := range 8 {
			group.Go(func() {
				for i := range 20 {
					added := entries(fmt.Sprintf("%s.%d.%d", name, w, i))
					ticket, err := l.Append(added, nil)
					if err == nil {
						err = ticket.Wait(t.Context())
					}
					mu.Lock()
					if err != nil || !told[string(added[0].Record)] {
						t.Errorf("%s: told of entry %d.%d: %v, %v", name, w, i, told[string(added[0].Record)], err)
					}
					mu.Unlock()
				}
			})
		}
		group.Wait()
		ticket, err := l.AppendOutbox(1, entries("out", "box"))
		if err == nil {
			err = ticket.Wait(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) != 8*20+2 {
			t.Errorf("%s: told of %d entries", name, len(seen))
		}
		err = l.Read(t.Context(), 1, func(sequence uint64, e audit.Entry) error {
			if seen[sequence-1] != string(e.Record) {
				t.Errorf("%s: entry %d is %s, told was %s", name, sequence, e.Record, seen[sequence-1])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
