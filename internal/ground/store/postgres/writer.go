package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"claviger/internal/ground/store/driver"
)

const (
	// groupMax bounds how many jobs share one transaction, and groupBytes how
	// much they write: what is written waits in memory for the last answer.
	groupMax   = 128
	groupBytes = 4 * driver.MaxBytes
)

// A job is work for the goroutine that writes: a batch, values of the meta
// table, or something that has the connection alone.
type job struct {
	batch     *driver.Batch
	meta      map[string][]byte
	roll      driver.Roll // of the digest, with meta
	alone     func() error
	committed func(position uint64) // called when the batch is durable. May be nil.

	at      uint64 // position of the batch, also of one that was applied before
	applied bool   // in the transaction at hand
	err     error
	done    chan struct{}
}

// do hands a job to the writer and waits for it. The queue has no places: a job
// that was taken has begun, and one that was not has no effect.
func (d *database) do(ctx context.Context, j *job) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	j.done = make(chan struct{})
	select {
	case d.queue <- j:
	case <-d.stopping:
		return d.ready(ctx)
	case <-ctx.Done():
		return d.ready(ctx)
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		return fmt.Errorf("postgres: still committing: %w: %w", driver.ErrIndeterminate, ctx.Err())
	}
}

// write is the goroutine that writes, until Close.
func (d *database) write() {
	defer close(d.stopped)
	var jobs []*job
	for {
		var again <-chan time.Time
		if d.doubt != nil && d.broken() == nil {
			again = time.After(settleEvery)
		}
		select {
		case j := <-d.queue:
			jobs = d.gather(append(jobs[:0], j))
			d.serve(jobs)
			clear(jobs)
		case <-again:
			d.settle()
		case <-d.stopping:
			return
		}
	}
}

// gather adds the jobs that wait by now.
func (d *database) gather(jobs []*job) []*job {
	for size := jobs[0].size(); len(jobs) < groupMax && size < groupBytes; {
		select {
		case j := <-d.queue:
			jobs = append(jobs, j)
			size += j.size()
		default:
			return jobs
		}
	}
	return jobs
}

func (j *job) size() (n int) {
	if j.batch == nil {
		return 0
	}
	for i := range j.batch.Writes {
		n += len(j.batch.Writes[i].Row.Body)
	}
	for _, e := range j.batch.Events {
		n += len(e)
	}
	return n
}

// serve does jobs in order: runs of those that share a transaction, and
// those alone between them.
func (d *database) serve(jobs []*job) {
	for len(jobs) > 0 {
		n := 0
		for n < len(jobs) && jobs[n].alone == nil {
			n++
		}
		if n > 0 {
			d.serveGroup(jobs[:n])
		} else {
			n = 1
			jobs[0].err = d.serveAlone(jobs[0])
			close(jobs[0].done)
		}
		jobs = jobs[n:]
	}
}

// serveAlone tries again with a new connection where the one at hand turned out
// to be gone, as serveGroup does.
func (d *database) serveAlone(j *job) error {
	for again := true; ; again = false {
		if err := d.hold(context.Background()); err != nil {
			return err
		}
		err := j.alone()
		if err == nil || !again || !d.writer.lost() || errors.Is(err, driver.ErrIndeterminate) {
			return err
		}
	}
}

// serveGroup ends every job: a caller learns of its commit after its callback,
// and after the callbacks of all commits before it.
func (d *database) serveGroup(jobs []*job) {
	again, err := d.commitGroup(jobs)
	if again {
		// The connection broke before anything was applied, as one does that the
		// server or something between has dropped while nobody used it.
		_, err = d.commitGroup(jobs)
	}
	for _, j := range jobs {
		if err != nil && (j.applied || j.err == nil) {
			j.err = err
		}
		close(j.done)
	}
}

// commitGroup applies jobs in one transaction and calls their callbacks. With
// an error nothing was applied, unless it is ErrIndeterminate. It also reports
// whether a new connection may fare better.
func (d *database) commitGroup(jobs []*job) (again bool, err error) {
	if err := d.hold(context.Background()); err != nil {
		return false, fmt.Errorf("postgres: %w", err)
	}
	for _, j := range jobs {
		j.at, j.applied, j.err = 0, false, nil
	}
	g, err := d.load(jobs)
	if err == nil {
		if err = g.decide(jobs); err == nil && !g.changed {
			d.rollback()
			return false, nil
		}
	}
	if err == nil {
		err = d.writer.send(&g.writes)
	}
	if err != nil {
		d.rollback()
		return d.writer.lost(), fmt.Errorf("postgres: writing: %w", err)
	}
	return d.commit(g, jobs)
}

// commit ends the transaction of a group. Once COMMIT is sent, an answer that
// does not come leaves a doubt, which only the next connection with the lease
// settles: the session before it has ended then, one way or the other.
func (d *database) commit(g *group, jobs []*job) (again bool, err error) {
	q := &doubt{after: g.head}
	for _, j := range jobs {
		if j.applied {
			q.jobs = append(q.jobs, j)
		}
	}
	d.writer.warned = false
	tag, err := d.writer.run("COMMIT")
	switch {
	case err == nil && tag != "COMMIT":
		return false, fmt.Errorf("postgres: committing: the server undid it: %w", driver.ErrUnavailable)
	case err == nil:
		d.pruned, d.forgotten = g.pruned, g.forgotten
		d.applied(q.after, q.jobs)
		if d.writer.warned { // applied here, but perhaps not on the standby that should have it
			return false, fmt.Errorf("postgres: the server committed with a warning: %w", driver.ErrIndeterminate)
		}
		return false, nil
	case !d.writer.lost(): // the server refused, and lives
		return false, fmt.Errorf("postgres: committing: %w", explain(err))
	}
	d.doubt = q
	d.doubtful.Store(true)
	if e := d.hold(context.Background()); e != nil {
		return false, fmt.Errorf("postgres: a commit ended in doubt: %w: %v: %v", driver.ErrIndeterminate, explain(err), e)
	}
	if q.applied {
		return false, nil
	}
	return true, fmt.Errorf("postgres: committing: %w", explain(err))
}

// applied makes known what is durable.
func (d *database) applied(after head, jobs []*job) {
	d.commits.Add(1)
	d.head = after
	d.published.Store(after.position)
	for _, j := range jobs {
		if j.committed != nil {
			j.committed(j.at)
		}
	}
}

// rollback ends a transaction of which nothing shall remain. Where that fails,
// the end of the session does it.
func (d *database) rollback() {
	if !d.writer.lost() && d.writer.exec("ROLLBACK") != nil {
		d.writer.close()
	}
}

func (d *database) Commit(ctx context.Context, b *driver.Batch, committed func(uint64)) (uint64, error) {
	if err := b.Validate(); err != nil {
		return 0, err
	}
	if err := d.verifyEntries(b); err != nil {
		return 0, err
	}
	j := &job{batch: b, committed: committed}
	if err := d.do(ctx, j); err != nil {
		return 0, err
	}
	return j.at, nil
}

func (d *database) PutMeta(ctx context.Context, values map[string][]byte, roll driver.Roll) error {
	for key := range values {
		if len(key) > entryMax {
			return fmt.Errorf("postgres: a key of the meta table: %w", driver.ErrTooLarge)
		}
	}
	return d.do(ctx, &job{meta: values, roll: roll})
}

// verifyEntries refuses a batch with a key for which an index of this database
// has no room. It panics where a table was not declared: a mistake stops the
// caller, not the writer.
func (d *database) verifyEntries(b *driver.Batch) error {
	for i := range b.Requires {
		d.table(b.Requires[i].Table)
	}
	var sizes []int
	for i := range b.Writes {
		w := &b.Writes[i]
		t := d.table(w.Table)
		if w.Kind == driver.Delete {
			continue
		}
		for _, x := range t.orders {
			size := 0
			for _, v := range x.Key(w.Row.Key, w.Row.Indexed)[:len(x.entry())] {
				size += 8 + len(v.S)
			}
			sizes = append(sizes, size)
		}
	}
	for key := range b.Meta {
		sizes = append(sizes, len(key))
	}
	for _, size := range sizes {
		if size > entryMax {
			return fmt.Errorf("postgres: a key of %d bytes: %w", size, driver.ErrTooLarge)
		}
	}
	return nil
}
