package tally_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"claviger/internal/ground/tally"
)

func TestCache(t *testing.T) {
	t.Parallel()
	var c tally.Cache
	if !c.Look(true) || c.Look(false) || c.Look(false) {
		t.Error("a look returns something else than it was told")
	}
	if hits, misses := c.Looks(); hits != 1 || misses != 2 {
		t.Errorf("%d hits and %d misses, want 1 and 2", hits, misses)
	}
}

// TestBuckets: every value lies in a fine bucket whose upper end is not below it
// and at most nine per cent above, and in the coarse buckets that reach it.
func TestBuckets(t *testing.T) {
	t.Parallel()
	values := []int64{1, 2, 3, 999, 1000, 49_999, 50_000, 50_001, 1e6, 1e6 + 1, 1e9, 2e9, 10e9, 11e9, 3600e9}
	for _, n := range values {
		h := tally.Seconds()
		h.Observe(n)
		r, v := h.Read(), float64(n)*1e-9
		if r.Count != 1 || math.Abs(r.Sum-v) > v/1e9 {
			t.Errorf("%d: count %d, sum %g", n, r.Count, r.Sum)
		}
		for i, count := range r.Fine {
			if count == 0 {
				continue
			}
			end := math.Exp2(float64(r.First+i) / 8)
			if v > end*(1+1e-12) || i > 0 && v <= end/math.Exp2(1.0/8)*(1-1e-12) {
				t.Errorf("%d is in the bucket up to %g", n, end)
			}
		}
		for i, bound := range r.Bounds {
			if inside := r.Below[i] == 1; inside != (v <= bound) {
				t.Errorf("%d is not above %g: %v", n, bound, inside)
			}
		}
	}
}

// TestEnds: powers of two end their buckets, and what is out of reach counts.
func TestEnds(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{1, 2, 4, 4096} {
		h := tally.Numbers()
		h.Observe(n)
		r := h.Read()
		for i, count := range r.Fine {
			if end := math.Exp2(float64(r.First+i) / 8); count == 1 && end != float64(n) {
				t.Errorf("%d is in the bucket up to %g", n, end)
			}
		}
	}
	h := tally.Numbers()
	for _, n := range []int64{-1, 0, 1 << 62} {
		h.Observe(n)
	}
	r := h.Read()
	if r.Count != 3 || r.Fine[0] != 2 || r.Fine[len(r.Fine)-1] != 1 || r.Below[0] != 2 || r.Below[len(r.Below)-1] != 2 {
		t.Errorf("count %d, first %d, last %d, coarse %v", r.Count, r.Fine[0], r.Fine[len(r.Fine)-1], r.Below)
	}
}

// TestTogether: nothing that many observe at once is lost, and no reading
// contradicts itself meanwhile.
func TestTogether(t *testing.T) {
	t.Parallel()
	h := tally.Seconds()
	var work sync.WaitGroup
	const each, workers = 2000, 4
	for range workers {
		work.Go(func() {
			for i := range each {
				h.Observe(int64(time.Microsecond) * int64(i))
			}
		})
	}
	for range 50 {
		r := h.Read()
		last := uint64(0)
		for _, below := range r.Below {
			if below < last || below > r.Count {
				t.Fatalf("coarse buckets %v of %d", r.Below, r.Count)
			}
			last = below
		}
	}
	work.Wait()
	if r := h.Read(); r.Count != each*workers || r.Below[len(r.Below)-1] != r.Count {
		t.Errorf("%d of %d counted", r.Count, each*workers)
	}
}

// TestNoAllocation: counting allocates nothing.
func TestNoAllocation(t *testing.T) {
	h := tally.Seconds()
	var c tally.Cache
	n := int64(50_000)
	if allocations := testing.AllocsPerRun(1000, func() {
		h.Observe(n)
		c.Look(n%2 == 0)
		n += 977
	}); allocations != 0 {
		t.Errorf("counting allocates %v times", allocations)
	}
}

func BenchmarkObserve(b *testing.B) {
	h := tally.Seconds()
	n := int64(50_000)
	for b.Loop() {
		h.Observe(n)
		n += 977
	}
}
