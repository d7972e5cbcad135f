package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A bench is one run: the servers, filled, and what is printed about them.
type bench struct {
	*settings
	cores bool // server and client have one each
	out   io.Writer

	mu        sync.Mutex
	processes []*process

	memory, disk *world
	batch        batch
	signed       uint64 // calls signed so far: no number comes twice
}

func (b *bench) run() error {
	if err := b.begin(); err != nil {
		return err
	}
	b.heading()
	var misses []string
	for i := range rows {
		r := &rows[i]
		result, err := b.measure(r)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		b.print(r, result)
		if ratio := result.throughput().median; r.required > 0 && ratio < r.required {
			misses = append(misses, fmt.Sprintf("%s: %.2f of the null server's calls, %.2f required", r.name, ratio, r.required))
		}
	}
	if err := b.single(); err != nil {
		return err
	}
	if err := b.pairs(); err != nil {
		return fmt.Errorf("beside key pairs: %w", err)
	}
	slow, err := b.restarts()
	if err != nil {
		return fmt.Errorf("restart: %w", err)
	}
	misses = append(misses, slow...)
	if b.check && len(misses) > 0 {
		return fmt.Errorf("not what is required: %q", misses)
	}
	return nil
}

// What every server of ours is started with.
var (
	rootEnv    = []string{"CLAVIGER_ROOT_ACCESS_KEY_ID=" + rootUser.accessKeyID, "CLAVIGER_ROOT_SECRET_ACCESS_KEY=" + rootUser.secret}
	commonArgs = []string{"--listen", "127.0.0.1:0", "--log-format", "json", "--region", region}
)

// begin starts and fills the two servers: one in memory whose records are
// asynchronous, one on disk whose records are durable before the answer.
func (b *bench) begin() error {
	memory, err := b.start("claviger dev", rootEnv, append([]string{b.claviger, "dev"}, commonArgs...)...)
	if err != nil {
		return err
	}
	data := filepath.Join(b.dir, "data")
	disk, err := b.start("claviger serve", rootEnv, append([]string{b.claviger, "serve", "--init", "--data", data}, commonArgs...)...)
	if err != nil {
		return err
	}
	if b.memory, err = newWorld(memory, b.keys); err != nil {
		return fmt.Errorf("filling %s: %w", memory.name, err)
	}
	if b.disk, err = newWorld(disk, b.keys); err != nil {
		return fmt.Errorf("filling %s: %w", disk.name, err)
	}
	return b.memory.seal(sealedMessages, 32)
}

// start starts a server that stop will end, on one processor.
func (b *bench) start(name string, env []string, args ...string) (*process, error) {
	return b.startOn(1, name, env, args...)
}

// startOn is start on so many processors.
func (b *bench) startOn(processors int, name string, env []string, args ...string) (*process, error) {
	p, err := start(name, processors, b.cores, b.gogc, env, args...)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.processes = append(b.processes, p)
	return p, nil
}

// stop ends every server.
func (b *bench) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.processes {
		p.stop()
	}
	b.processes = nil
}

func (b *bench) world(r *row) *world {
	if r.durable {
		return b.disk
	}
	return b.memory
}

// A duel is a server and the null server, measured in turns.
type duel struct {
	w           *world
	null        *process
	conns, zero []*conn // to the server, to the null server
}

// newDuel starts a null server whose answers are as long as those of r.
func (b *bench) newDuel(r *row) (*duel, error) {
	w := b.world(r)
	b.sign(w, r, 1)
	status, answer, err := w.control.do(b.batch.request(0))
	if err != nil {
		return nil, err
	}
	if status != 200 {
		return nil, fmt.Errorf("status %d: %.300s", status, answer)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	d := &duel{w: w}
	if d.null, err = b.start("null server", nil, self, "-null", strconv.Itoa(len(answer))); err != nil {
		return nil, err
	}
	if d.conns, err = connect(w.server.addr, b.connections); err != nil {
		return nil, err
	}
	if d.zero, err = connect(d.null.addr, b.connections); err != nil {
		disconnect(d.conns)
		return nil, err
	}
	return d, nil
}

func (d *duel) end() {
	disconnect(d.conns)
	disconnect(d.zero)
}

// measure runs the passes of a row.
func (b *bench) measure(r *row) (*result, error) {
	d, err := b.newDuel(r)
	if err != nil {
		return nil, err
	}
	defer d.end()
	rate, err := b.warm(r, d)
	if err != nil {
		return nil, err
	}
	res := &result{}
	for i := range b.passes {
		// The null server is faster and must not run out of requests.
		b.sign(d.w, r, int(rate*b.duration.Seconds()*1.2)+b.connections)
		null, own, err := b.turn(r, d, i%2 == 1)
		if err != nil {
			return nil, err
		}
		if err := check(r, d.w, own.samples); err != nil {
			return nil, err
		}
		res.null, res.own = append(res.null, null), append(res.own, own)
		rate = max(rate, null.rate())
		if b.verbose {
			fmt.Fprintf(b.out, "    pass %d: null %.0f/s %v, claviger %.0f/s %v\n", i+1, null.rate(), null.cost(), own.rate(), own.cost())
		}
	}
	return res, b.tails(r, d, res)
}

// sign fills the batch with n calls that were never signed before.
func (b *bench) sign(w *world, r *row, n int) {
	b.batch.fill(w, r, b.signed, n)
	b.signed += uint64(n)
}

// warm lets both servers reach their pace and returns the null server's.
func (b *bench) warm(r *row, d *duel) (float64, error) {
	b.sign(d.w, r, 50*b.connections)
	null, _, err := b.turn(r, d, false)
	if err != nil {
		return 0, err
	}
	return null.rate(), nil
}

// turn sends the batch to both servers, the null server first or last: what
// drifts meanwhile strikes both alike.
func (b *bench) turn(r *row, d *duel, nullLast bool) (null, own *pass, err error) {
	toNull := &load{conns: d.zero, batch: &b.batch, duration: b.duration}
	toOwn := &load{conns: d.conns, batch: &b.batch, duration: b.duration, keep: true}
	if nullLast {
		if own, err = toOwn.run(d.w.server); err != nil {
			return nil, nil, err
		}
	}
	if null, err = toNull.run(d.null); err != nil {
		return nil, nil, err
	}
	if !nullLast {
		if own, err = toOwn.run(d.w.server); err != nil {
			return nil, nil, err
		}
	}
	return null, own, nil
}

// tails measures the slowest calls at half of what each server can do.
func (b *bench) tails(r *row, d *duel, res *result) error {
	half := func(passes []*pass) float64 {
		return spreadOf(passes, (*pass).rate).median / 2
	}
	nullRate, ownRate := half(res.null), half(res.own)
	for range b.passes {
		b.sign(d.w, r, int(nullRate*b.duration.Seconds())+b.connections)
		null, err := (&load{conns: d.zero, batch: &b.batch, duration: b.duration, rate: nullRate}).run(d.null)
		if err != nil {
			return err
		}
		own, err := (&load{conns: d.conns, batch: &b.batch, duration: b.duration, rate: ownRate}).run(d.w.server)
		if err != nil {
			return err
		}
		res.nullTail = append(res.nullTail, percentile(null.latency, 0.99))
		res.ownTail = append(res.ownTail, percentile(own.latency, 0.99))
	}
	return nil
}

// check verifies answers. None at all would verify nothing.
func check(r *row, w *world, samples []sample) error {
	if len(samples) == 0 {
		return errors.New("no answer was sampled")
	}
	for _, s := range samples {
		if err := r.verify(w, s.n, s.answer); err != nil {
			return fmt.Errorf("checking the answer to call %d: %w", s.n, err)
		}
	}
	return nil
}

// appendBytes is about the size of a record in the trail.
const appendBytes = 600

// single compares what one client waits for a durable record with what the
// disk takes for one synced append.
func (b *bench) single() error {
	calls := 1000
	if b.keys < 1000 {
		calls = 100
	}
	r := &rows[0]
	memory, err := b.alone(r, b.memory, calls)
	if err != nil {
		return err
	}
	disk, err := b.alone(r, b.disk, calls)
	if err != nil {
		return err
	}
	bare, err := syncedAppends(b.dir, calls)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "\none client: a durable record adds %.2f of a bare synced append (p99 of a durable call ÷ p99 of the append: %.2f)\n",
		ratio(percentile(disk, 0.5)-percentile(memory, 0.5), percentile(bare, 0.5)),
		ratio(percentile(disk, 0.99), percentile(bare, 0.99)))
	return nil
}

// alone measures calls of one client.
func (b *bench) alone(r *row, w *world, calls int) ([]time.Duration, error) {
	b.sign(w, r, calls)
	latency := make([]time.Duration, 0, calls)
	for i := range calls {
		begin := time.Now()
		status, answer, err := w.control.do(b.batch.request(i))
		if err != nil {
			return nil, err
		}
		if status != 200 {
			return nil, fmt.Errorf("status %d: %.300s", status, answer)
		}
		latency = append(latency, time.Since(begin))
	}
	return latency, nil
}

// syncedAppends measures appends to a preallocated file, each made durable:
// the least that a durable record can cost on this disk.
func syncedAppends(dir string, n int) ([]time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "append"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Write(make([]byte, n*appendBytes)); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	record := slices.Repeat([]byte{'x'}, appendBytes)
	latency := make([]time.Duration, 0, n)
	for i := range n {
		begin := time.Now()
		if _, err := f.WriteAt(record, int64(i*appendBytes)); err != nil {
			return nil, err
		}
		if err := datasync(f); err != nil {
			return nil, err
		}
		latency = append(latency, time.Since(begin))
	}
	return latency, nil
}

func (b *bench) heading() {
	where := "server and client on one core each"
	if !b.cores {
		where = "NOT pinned to cores (needs taskset and two of them): ratios are coarse"
	}
	fmt.Fprintf(b.out, "%s, %d cores, %s\n", runtime.Version(), runtime.NumCPU(), where)
	fmt.Fprintf(b.out, "%d connections, %d keys, %d passes of %v in turns, GOGC=%s; the caller is an IAM user with an access key\n\n",
		b.connections, b.keys, b.passes, b.duration, b.gogc)
	fmt.Fprintf(b.out, "ratios to the null net/http server: median (least to greatest)\n")
	fmt.Fprintf(b.out, "%-24s %-22s %-22s %-22s %s\n", "", "calls per second", "processor per call", "p99 at half load", "client busy")
}

func (b *bench) print(r *row, res *result) {
	fmt.Fprintf(b.out, "%-24s %-22s %-22s %-22s %.0f %%\n", r.name, res.throughput(), res.processor(), res.tail(), 100*res.busy())
}
