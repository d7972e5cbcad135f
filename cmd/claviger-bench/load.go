package main

import (
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// A batch is signed requests, one after the other in one piece of memory.
type batch struct {
	first uint64 // number of the first call
	bytes []byte
	ends  []int
}

// batchMax bounds the memory of a batch: a pass ends early rather than the machine.
const batchMax = 384 << 20

// fill signs calls from number first on, at most n, in the memory of an earlier batch.
func (b *batch) fill(w *world, r *row, first uint64, n int) {
	now := time.Now()
	stamp := stampOf(now)
	requests := newWriter(newSigner(w.user, region, "kms", now), w.server.addr, jsonType, target+r.operation)
	requests.next = first
	b.first, b.bytes, b.ends = first, b.bytes[:0], b.ends[:0]
	var body []byte
	for i := range n {
		body = r.body(body[:0], w, first+uint64(i))
		b.bytes = requests.append(b.bytes, stamp, body)
		b.ends = append(b.ends, len(b.bytes))
		if len(b.bytes) > batchMax {
			break
		}
	}
}

func (b *batch) request(i int) []byte {
	start := 0
	if i > 0 {
		start = b.ends[i-1]
	}
	return b.bytes[start:b.ends[i]]
}

// sampled is how many calls go by for one whose answer is checked.
const sampled = 100

// A sample is an answer to check.
type sample struct {
	n      uint64
	answer []byte
}

// A pass is the outcome of sending calls for a while.
type pass struct {
	calls   int
	elapsed time.Duration
	samples []sample
	latency []time.Duration // of each call, in no order
	client  time.Duration   // processor time of the client
	server  time.Duration   // processor time of the server
}

func (p *pass) rate() float64 { return float64(p.calls) / p.elapsed.Seconds() }

// cost is the server's processor time per call.
func (p *pass) cost() time.Duration { return p.server / time.Duration(max(1, p.calls)) }

// A load sends the requests of a batch over connections until they or the time
// run out.
type load struct {
	conns    []*conn
	batch    *batch
	duration time.Duration
	keep     bool // samples
	rate     float64
}

// run runs the load. With a rate, each connection sends at its own fixed times
// and latencies are kept; without, as fast as answers arrive.
func (l *load) run(p *process) (*pass, error) {
	runtime.GC() // signing has left garbage: collect it now, not in the pass
	var next atomic.Int64
	results := make(chan outcome, len(l.conns))
	server, client := p.cpu(), clientCPU()
	begin := time.Now()
	for i, c := range l.conns {
		go func() { results <- l.drive(c, i, begin, &next) }()
	}
	var sum pass
	var failed error
	for range l.conns {
		o := <-results
		sum.calls += o.calls
		sum.samples = append(sum.samples, o.samples...)
		sum.latency = append(sum.latency, o.latency...)
		if o.err != nil {
			failed = fmt.Errorf("calling %s: %w", p.name, o.err)
		}
	}
	sum.elapsed = time.Since(begin)
	sum.server, sum.client = p.cpu()-server, clientCPU()-client
	return &sum, failed
}

// An outcome is what one connection brings to a pass.
type outcome struct {
	calls   int
	samples []sample
	latency []time.Duration
	err     error
}

// drive sends what it can take of the batch over one connection.
func (l *load) drive(c *conn, index int, begin time.Time, next *atomic.Int64) (o outcome) {
	interval, due := l.schedule(index, begin)
	for {
		i := int(next.Add(1) - 1)
		if i >= len(l.batch.ends) || time.Since(begin) > l.duration {
			return o
		}
		var sent time.Time
		if l.rate > 0 {
			time.Sleep(time.Until(due))
			due = due.Add(interval)
			sent = time.Now()
		}
		status, answer, err := c.do(l.batch.request(i))
		switch {
		case err != nil:
			o.err = err
			return o
		case status != 200:
			o.err = fmt.Errorf("status %d: %.300s", status, answer)
			return o
		}
		o.calls++
		if l.rate > 0 {
			o.latency = append(o.latency, time.Since(sent))
		}
		if l.keep && i%sampled == 0 {
			o.samples = append(o.samples, sample{l.batch.first + uint64(i), slices.Clone(answer)})
		}
	}
}

// schedule spreads the calls of all connections evenly over time.
func (l *load) schedule(index int, begin time.Time) (interval time.Duration, first time.Time) {
	if l.rate <= 0 {
		return 0, begin
	}
	interval = time.Duration(float64(len(l.conns)) / l.rate * float64(time.Second))
	return interval, begin.Add(interval * time.Duration(index) / time.Duration(len(l.conns)))
}

// connect opens connections to a server.
func connect(addr string, n int) ([]*conn, error) {
	var conns []*conn
	for range n {
		c, err := dial(addr)
		if err != nil {
			disconnect(conns)
			return nil, err
		}
		conns = append(conns, c)
	}
	return conns, nil
}

func disconnect(conns []*conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}
