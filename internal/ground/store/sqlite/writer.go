package sqlite

import (
	"context"
	"errors"
	"fmt"

	"claviger/internal/ground/store/driver"
)

// groupMax bounds how many jobs share one transaction.
const groupMax = 128

const (
	begin        = "BEGIN IMMEDIATE"
	selectHead   = "SELECT position FROM store_head"
	updateHead   = "UPDATE store_head SET position = ?"
	selectOp     = "SELECT position FROM store_op WHERE op = ?"
	insertOp     = "INSERT INTO store_op (op, position) VALUES (?, ?)"
	forgetOps    = "DELETE FROM store_op WHERE position <= ?"
	insertChange = "INSERT INTO store_change (position, entity) VALUES (?, ?) ON CONFLICT DO NOTHING"
	forgetChange = "DELETE FROM store_change WHERE position <= ?"
	insertEvent  = "INSERT INTO store_outbox (position, nth, body) VALUES (?, ?, ?)"
	forgetEvents = "DELETE FROM store_outbox WHERE position <= ?"
	selectMeta   = "SELECT v FROM store_meta WHERE k = ?"
	insertMeta   = "INSERT INTO store_meta (k, v) VALUES (?, ?)"
	replaceMeta  = "INSERT INTO store_meta (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v"
)

// A job is work for the goroutine that writes.
type job struct {
	// apply runs in the transaction of a group. A refusal writes nothing; any
	// other error undoes the group.
	apply func(*group) (applied bool, err error)
	// committed is called when what apply wrote is durable. May be nil.
	committed func()
	// alone runs outside of any transaction, in place of apply.
	alone func() error

	applied bool
	err     error
	done    chan struct{}
}

// A group is the transaction that several jobs share.
type group struct {
	head uint64
	roll driver.Roll // of those that were applied
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
		return fmt.Errorf("sqlite: still committing: %w: %w", driver.ErrIndeterminate, ctx.Err())
	}
}

// write is the goroutine that writes, until Close.
func (d *database) write() {
	defer close(d.stopped)
	var jobs []*job
	for {
		select {
		case j := <-d.queue:
			jobs = d.gather(append(jobs[:0], j))
			d.serve(jobs)
			clear(jobs)
		case <-d.mending.C:
			d.tryMend()
		case <-d.stopping:
			return
		}
	}
}

// gather adds the jobs that wait by now.
func (d *database) gather(jobs []*job) []*job {
	for len(jobs) < groupMax {
		select {
		case j := <-d.queue:
			jobs = append(jobs, j)
		default:
			return jobs
		}
	}
	return jobs
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
			if jobs[0].err = d.broken(); jobs[0].err == nil {
				jobs[0].err = jobs[0].alone()
			}
			close(jobs[0].done)
		}
		jobs = jobs[n:]
	}
}

// serveGroup ends every job, in order: a caller learns of its commit after its
// callback, and after the callbacks of all commits before it.
func (d *database) serveGroup(jobs []*job) {
	if err := d.commitGroup(jobs); err != nil {
		for _, j := range jobs {
			if j.applied || j.err == nil {
				j.err = err
			}
			close(j.done)
		}
		return
	}
	for _, j := range jobs {
		if j.applied && j.committed != nil {
			j.committed()
		}
		close(j.done)
	}
}

// commitGroup applies jobs in one transaction. With an error nothing was
// applied, unless it is ErrIndeterminate.
func (d *database) commitGroup(jobs []*job) error {
	if err := d.broken(); err != nil {
		return err
	}
	err := d.writer.exec(begin)
	if err != nil {
		d.fail(err, false)
		return fmt.Errorf("sqlite: beginning: %w", err)
	}
	var g group
	applied, err := d.applyGroup(&g, jobs)
	switch {
	case err != nil:
		d.fail(err, false)
		return errors.Join(fmt.Errorf("sqlite: writing: %w", err), d.rollback())
	case !applied:
		return d.rollback()
	}
	if err := d.commit(); err != nil {
		return err
	}
	d.head = g.head
	return nil
}

// commit ends the transaction of the connection that writes. A crash before it
// returns leaves either all of the transaction or nothing, and nobody has been
// told.
func (d *database) commit() error {
	err := d.writer.exec("COMMIT")
	if err == nil {
		d.commits.Add(1)
		return nil
	}
	if undone(err) {
		d.fail(err, false)
		return errors.Join(fmt.Errorf("sqlite: committing: %w", err), d.rollback())
	}
	err = fmt.Errorf("a commit ended in doubt: %w", err)
	d.fail(err, true)
	return fmt.Errorf("sqlite: %w: %w", driver.ErrIndeterminate, err)
}

// rollback ends a transaction of which nothing shall remain.
func (d *database) rollback() error {
	err := d.endTransaction()
	if err != nil {
		d.fail(fmt.Errorf("a rollback failed: %w", err), true)
	}
	return err
}

func (d *database) applyGroup(g *group, jobs []*job) (applied bool, err error) {
	if g.head, err = d.writer.head(); err != nil {
		return false, err
	}
	head := g.head
	d.head = head
	for _, j := range jobs {
		j.applied, j.err = j.apply(g)
		if j.err != nil && !refusal(j.err) {
			return false, j.err
		}
		applied = applied || j.applied
	}
	if g.head != head {
		err = d.writer.exec(updateHead, position(g.head))
	}
	if err == nil && g.roll.Next != nil {
		err = d.writer.roll(head, g)
	}
	return applied, err
}

// roll brings the digest from a position to that of the group.
func (c *connection) roll(from uint64, g *group) error {
	var digest []byte
	err := c.first(selectMeta, []any{[]byte(driver.DigestKey)}, &digest)
	if err != nil && !errors.Is(err, driver.ErrNotFound) {
		return err
	}
	if digest, err = g.roll.Next(from, g.head, digest, g.roll.Delta); err != nil {
		return err
	}
	return c.exec(replaceMeta, []byte(driver.DigestKey), digest)
}

// refusal reports whether err is the answer to a batch, rather than a failure.
func refusal(err error) bool {
	return errors.Is(err, driver.ErrConflict) || errors.Is(err, driver.ErrExists)
}

func (d *database) Commit(ctx context.Context, b *driver.Batch, committed func(uint64)) (uint64, error) {
	if err := b.Validate(); err != nil {
		return 0, err
	}
	for i := range b.Writes {
		d.table(b.Writes[i].Table) // a mistake stops the caller, not the writer
	}
	for i := range b.Requires {
		d.table(b.Requires[i].Table)
	}
	var at uint64 // written before done is closed, read after
	j := &job{apply: func(g *group) (applied bool, err error) {
		at, applied, err = d.apply(g, b)
		return applied, err
	}}
	if committed != nil {
		j.committed = func() { committed(at) }
	}
	if err := d.do(ctx, j); err != nil {
		return 0, err
	}
	return at, nil
}

// apply verifies all of a batch, and then writes it.
func (d *database) apply(g *group, b *driver.Batch) (at uint64, applied bool, err error) {
	if b.OpID != [16]byte{} {
		err := d.writer.first(selectOp, []any{b.OpID[:]}, &at)
		if err == nil || !errors.Is(err, driver.ErrNotFound) {
			return at, false, err
		}
	}
	if err := driver.Verify(b, d); err != nil {
		return 0, false, err
	}
	at = g.head + 1
	events, err := b.Outbox(at)
	if err != nil {
		return 0, false, err
	}
	if err := d.writeRows(b); err != nil {
		return 0, false, err
	}
	if err := d.writer.writeLog(position(at), b, events); err != nil {
		return 0, false, err
	}
	if at > d.retained {
		if err := d.writer.forget(position(at - d.retained)); err != nil {
			return 0, false, err
		}
	}
	g.head = at
	g.roll = g.roll.Join(b.Roll)
	return at, true, nil
}

// writeRows writes what was verified. In a table with a unique index rows may
// trade values, so all that will be replaced goes before anything comes.
func (d *database) writeRows(b *driver.Batch) error {
	for i := range b.Writes {
		w := &b.Writes[i]
		t := d.table(w.Table)
		if w.Kind == driver.Delete || w.Kind == driver.Put && t.unique {
			if err := d.writer.exec(t.remove, arguments(nil, w.Row.Key)...); err != nil {
				return err
			}
		}
	}
	for i := range b.Writes {
		w := &b.Writes[i]
		if w.Kind == driver.Delete {
			continue
		}
		t, r := d.table(w.Table), &w.Row
		body := r.Body
		if body == nil {
			body = []byte{}
		}
		var err error
		if w.Kind == driver.Put && !t.unique {
			args := append(arguments(nil, r.Indexed), r.Rev, r.Version, body)
			err = d.writer.exec(t.update, arguments(args, r.Key)...)
		} else {
			args := arguments(arguments(nil, r.Key), r.Indexed)
			err = d.writer.exec(t.insert, append(args, r.Rev, r.Version, body)...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeLog writes what a batch leaves beside rows.
func (c *connection) writeLog(at int64, b *driver.Batch, events [][]byte) error {
	if b.OpID != [16]byte{} {
		if err := c.exec(insertOp, b.OpID[:], at); err != nil {
			return err
		}
	}
	for key, value := range b.Meta {
		if err := c.exec(insertMeta, []byte(key), append([]byte{}, value...)); err != nil {
			return err
		}
	}
	if b.Prune > 0 {
		if err := c.exec(forgetEvents, min(position(b.Prune), at-1)); err != nil {
			return err
		}
	}
	for _, entity := range b.Touches {
		if err := c.exec(insertChange, at, []byte(entity)); err != nil {
			return err
		}
	}
	for i, body := range events {
		if err := c.exec(insertEvent, at, i, append([]byte{}, body...)); err != nil {
			return err
		}
	}
	return nil
}

// forget drops what lies at or below a position from the lists that only reach
// back so far.
func (c *connection) forget(oldest int64) error {
	return errors.Join(c.exec(forgetOps, oldest), c.exec(forgetChange, oldest))
}

// Rev, Holder and HasMeta are those of driver.Verifier, on the connection that writes.

func (d *database) Rev(s *driver.Schema, key driver.Key) (rev int64, err error) {
	return rev, d.writer.first(d.table(s).rev, arguments(nil, key), &rev)
}

func (d *database) Holder(s *driver.Schema, index string, values driver.Key) (driver.Key, error) {
	cells := make([]cell, len(s.PrimaryKey))
	dest := make([]any, len(cells))
	for i := range cells {
		dest[i] = &cells[i]
	}
	if err := d.writer.first(d.table(s).order(index).holder, arguments(nil, values), dest...); err != nil {
		return nil, err
	}
	key := make(driver.Key, len(cells))
	for i := range cells {
		key[i] = driver.Value(cells[i])
	}
	return key, nil
}

func (d *database) HasMeta(key string) (bool, error) {
	var value []byte
	err := d.writer.first(selectMeta, []any{[]byte(key)}, &value)
	if errors.Is(err, driver.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (d *database) PutMeta(ctx context.Context, values map[string][]byte, roll driver.Roll) error {
	return d.do(ctx, &job{apply: func(g *group) (bool, error) {
		for key, value := range values {
			if err := d.writer.exec(replaceMeta, []byte(key), append([]byte{}, value...)); err != nil {
				return false, err
			}
		}
		g.roll = g.roll.Join(roll)
		return len(values) > 0, nil
	}})
}
