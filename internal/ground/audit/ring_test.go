package audit_test

import (
	"fmt"
	"sync"
	"testing"

	"claviger/internal/ground/audit"
)

func TestRingEvicts(t *testing.T) {
	t.Parallel()
	r := audit.NewRing(3)
	add(t, r, "a", "b")
	equal(t, read(t, r, 1), "a", "b")
	add(t, r, "c", "d", "e")
	for from, want := range map[uint64][]string{3: {"c", "d", "e"}, 4: {"d", "e"}, 5: {"e"}, 6: nil, 99: nil} {
		equal(t, read(t, r, from), want...)
	}
	var first uint64
	var names []string
	if err := r.Read(t.Context(), 0, func(sequence uint64, e audit.Entry) error {
		if first == 0 {
			first = sequence
		}
		names = append(names, name(e))
		return nil
	}); err != nil || first != 3 {
		t.Errorf("reading begins at %d, %v", first, err)
	}
	equal(t, names, "c", "d", "e")
	if _, err := r.Append(entries(count("n", 7)...), nil); err != nil {
		t.Fatal(err)
	}
	equal(t, read(t, r, 10), "n4", "n5", "n6")
}

// What goes while it is being read is left out; numbers stay true.
func TestRingEvictsWhileReading(t *testing.T) {
	t.Parallel()
	r := audit.NewRing(4)
	add(t, r, "n1", "n2", "n3", "n4")
	var got []string
	err := r.Read(t.Context(), 1, func(sequence uint64, e audit.Entry) error {
		if name(e) != fmt.Sprintf("n%d", sequence) {
			t.Errorf("entry %d is %s", sequence, name(e))
		}
		if got = append(got, name(e)); len(got) == 1 {
			add(t, r, "n5", "n6")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, "n1", "n3", "n4")
}

func TestRingWriters(t *testing.T) {
	t.Parallel()
	r := audit.NewRing(1000)
	var group sync.WaitGroup
	for w := range 16 {
		group.Go(func() {
			for i := range 50 {
				if err := try(r, fmt.Sprintf("%d.%d", w, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	seen := make(map[string]bool)
	for _, n := range read(t, r, 1) {
		seen[n] = true
	}
	if len(seen) != 16*50 {
		t.Errorf("%d entries", len(seen))
	}
}
