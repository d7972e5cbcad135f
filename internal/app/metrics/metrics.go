// Package metrics shows what a server counts, in the forms that Prometheus reads.
//
// Rooms count for themselves (package tally, and Calls here); nothing is copied
// before somebody asks. Labels have few values, all of them the program's own:
// no name, key, account or address that a caller could choose is among them.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"claviger/internal/ground/tally"
)

// A Kind is what a family's numbers do.
type Kind string

// The kinds. A counter only grows, a gauge goes up and down.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// A Family is a metric under one name, with a number for each combination of the
// values of its labels. One of Numbers and Readings is given, as Kind has it.
// They are called for every scrape, and call show for each number.
type Family struct {
	Name, Help string
	Kind       Kind
	Labels     []string
	Numbers    func(show func(number float64, labels ...string))
	Readings   func(show func(r tally.Reading, labels ...string))
}

// Handler serves families, with what the process and the runtime of Go say of
// themselves. It panics where two families have one name.
func Handler(families []Family) http.Handler {
	return promhttp.HandlerFor(registry(families), promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// registry is of this server alone: what another part of the program might
// register for everybody does not show up in it.
func registry(families []Family) *prometheus.Registry {
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, f := range families {
		r.MustRegister(collector{f, prometheus.NewDesc(f.Name, f.Help, f.Labels, nil)})
	}
	return r
}

// A collector collects one family.
type collector struct {
	Family
	desc *prometheus.Desc
}

func (c collector) Describe(to chan<- *prometheus.Desc) { to <- c.desc }

func (c collector) Collect(to chan<- prometheus.Metric) {
	if c.Kind == Histogram {
		c.Readings(func(r tally.Reading, labels ...string) {
			to <- reading{c.desc, prometheus.MakeLabelPairs(c.desc, labels), r}
		})
		return
	}
	kind := prometheus.GaugeValue
	if c.Kind == Counter {
		kind = prometheus.CounterValue
	}
	c.Numbers(func(number float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(c.desc, kind, number, labels...)
	})
}

// A reading is a histogram in both forms, with the coarse buckets as the classic
// ones and the fine ones as native ones: who scrapes takes what it understands.
type reading struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	tally.Reading
}

func (r reading) Desc() *prometheus.Desc { return r.desc }

func (r reading) Write(to *dto.Metric) error {
	h := &dto.Histogram{
		SampleCount: new(r.Count), SampleSum: new(r.Sum),
		Schema: new(int32(tally.Schema)), ZeroThreshold: new(0.0), ZeroCount: new(uint64(0)),
	}
	for i, bound := range r.Bounds {
		h.Bucket = append(h.Bucket, &dto.Bucket{UpperBound: new(bound), CumulativeCount: new(r.Below[i])})
	}
	r.native(h)
	to.Label, to.Histogram = r.labels, h
	return nil
}

// native writes the buckets that hold anything: runs of them, each with its
// distance from the end of the one before, and counts as differences.
func (r reading) native(h *dto.Histogram) {
	next, before := 0, int64(0)
	for i, count := range r.Fine {
		if count == 0 {
			continue
		}
		index := r.First + i
		if len(h.PositiveSpan) == 0 || index != next {
			h.PositiveSpan = append(h.PositiveSpan, &dto.BucketSpan{Offset: new(int32(index - next)), Length: new(uint32(0))})
		}
		*h.PositiveSpan[len(h.PositiveSpan)-1].Length++
		h.PositiveDelta = append(h.PositiveDelta, int64(count)-before)
		next, before = index+1, int64(count)
	}
	if len(h.PositiveSpan) == 0 { // tells an empty native histogram from none
		h.PositiveSpan = []*dto.BucketSpan{{Offset: new(int32(0)), Length: new(uint32(0))}}
	}
}
