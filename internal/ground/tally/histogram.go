package tally

import (
	"math"
	"sort"
	"sync/atomic"
)

// Schema is the resolution of a Histogram's fine buckets, as Prometheus numbers
// it for native histograms: eight to each power of two, so that any quantile is
// known to within nine per cent.
// https://prometheus.io/docs/specs/native_histograms/#schema
const Schema = 3

// The fine buckets reach from 2^octaveMin to 2^octaveMax. What is less counts in
// the first one, what is more in the last.
const (
	octaveMin = -20 // about a microsecond, in seconds
	octaveMax = 13  // more than two hours, or 8192 of what is counted
	perOctave = 1 << Schema
	fine      = (octaveMax - octaveMin) * perOctave
)

// fractions are the upper ends of the buckets between a half and one.
var fractions = func() (f [perOctave]float64) {
	for i := range f {
		f[i] = math.Exp2(float64(i+1)/perOctave - 1)
	}
	f[perOctave-1] = 1
	return f
}()

// A Histogram counts values in buckets: in fine ones, whose width grows with the
// value, and in the few that its maker has named. It is safe for concurrent use.
type Histogram struct {
	unit   float64 // of the values that are observed
	bounds []float64
	sum    atomic.Uint64
	fine   [fine]atomic.Uint64
	coarse []atomic.Uint64 // one more than bounds
}

// secondBounds suit calls that take from 50 microseconds to ten seconds.
var secondBounds = []float64{
	50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1, 2.5, 5, 10,
}

// Seconds returns a histogram of times that are observed in nanoseconds and
// shown in seconds.
func Seconds() *Histogram { return newHistogram(1e-9, secondBounds) }

var numberBounds = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096}

// Numbers returns a histogram of how many there were of something.
func Numbers() *Histogram { return newHistogram(1, numberBounds) }

func newHistogram(unit float64, bounds []float64) *Histogram {
	return &Histogram{unit: unit, bounds: bounds, coarse: make([]atomic.Uint64, len(bounds)+1)}
}

// Observe counts a value. Less than nothing, which a clock that was set back can
// make of a time, counts as nothing.
func (h *Histogram) Observe(n int64) {
	n = max(n, 0)
	v := float64(n) * h.unit
	h.sum.Add(uint64(n))
	h.coarse[sort.SearchFloat64s(h.bounds, v)].Add(1)
	h.fine[place(v)].Add(1)
}

// place is the fine bucket of a value.
func place(v float64) int {
	fraction, octave := math.Frexp(v) // v is fraction times 2^octave, and fraction from a half to less than one
	if v == 0 {
		return 0
	}
	i := sort.SearchFloat64s(fractions[:], fraction) + (octave-1-octaveMin)*perOctave
	if fraction == 0.5 { // the upper end of the octave below
		i = (octave-1-octaveMin)*perOctave - 1
	}
	return min(max(i, 0), fine-1)
}

// A Reading is what a Histogram has counted, in the unit that is shown.
type Reading struct {
	Count uint64
	Sum   float64
	// Bounds are the upper ends of the coarse buckets, and Below how many values
	// were not above each.
	Bounds []float64
	Below  []uint64
	// Fine has the counts of the fine buckets. The upper end of the one at i is
	// two to the power of (First+i)/8.
	Fine  []uint64
	First int
}

// Read reads the counts. Values that are observed meanwhile may be in one part
// and not yet in another, but the parts never contradict Count.
func (h *Histogram) Read() Reading {
	r := Reading{Bounds: h.bounds, Below: make([]uint64, len(h.bounds)), Fine: make([]uint64, fine), First: octaveMin*perOctave + 1}
	r.Sum = float64(h.sum.Load()) * h.unit
	for i := range r.Fine {
		r.Fine[i] = h.fine[i].Load()
		r.Count += r.Fine[i]
	}
	below := uint64(0)
	for i := range r.Below {
		below += h.coarse[i].Load()
		r.Below[i] = min(below, r.Count)
	}
	return r
}
