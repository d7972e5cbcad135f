package main

import (
	"fmt"
	"slices"
	"time"
)

// A result is what the passes of one row brought.
type result struct {
	null, own         []*pass
	nullTail, ownTail []time.Duration
}

// throughput is calls per second ÷ the null server's.
func (r *result) throughput() spread {
	return pairwise(r.own, r.null, (*pass).rate)
}

// processor is processor time per call ÷ the null server's.
func (r *result) processor() spread {
	return pairwise(r.own, r.null, func(p *pass) float64 { return float64(p.cost()) })
}

// tail is the 99th percentile ÷ the null server's.
func (r *result) tail() spread {
	return pairwise(r.ownTail, r.nullTail, func(d time.Duration) float64 { return float64(d) })
}

// busy is the largest share of its core that the client used: near 1 the client
// is what was measured.
func (r *result) busy() float64 {
	most := 0.0
	for _, p := range slices.Concat(r.null, r.own) {
		most = max(most, p.client.Seconds()/p.elapsed.Seconds())
	}
	return most
}

// A spread is the median of several values, and how far they lie apart.
type spread struct {
	median, least, greatest float64
}

func (s spread) String() string {
	if s.median <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", s.median, s.least, s.greatest)
}

// pairwise divides what was measured in the same turn.
func pairwise[T any](own, null []T, value func(T) float64) spread {
	ratios := make([]float64, 0, len(own))
	for i := range own {
		if n := value(null[i]); n > 0 {
			ratios = append(ratios, value(own[i])/n)
		}
	}
	return spreadOf(ratios, func(f float64) float64 { return f })
}

func spreadOf[T any](items []T, value func(T) float64) spread {
	if len(items) == 0 {
		return spread{}
	}
	values := make([]float64, 0, len(items))
	for _, item := range items {
		values = append(values, value(item))
	}
	slices.Sort(values)
	middle := len(values) / 2
	median := values[middle]
	if len(values)%2 == 0 {
		median = (values[middle-1] + values[middle]) / 2
	}
	return spread{median, values[0], values[len(values)-1]}
}

// percentile returns the value that a share of the values does not exceed. It
// sorts them.
func percentile(values []time.Duration, share float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(len(values)-1, int(share*float64(len(values))))]
}

func ratio(a, b time.Duration) float64 {
	if b <= 0 {
		return 0
	}
	return float64(a) / float64(b)
}
