package postgres

import (
	"context"
	"errors"
	"fmt"

	"claviger/internal/ground/store/driver"
)

const (
	// leaseKey is "CLVG" in the upper half of an advisory lock's number. The
	// lower half is the number of the schema, so that each has a lease of its own.
	leaseKey     = 0x434c5647 << 32
	selectPlace  = "SELECT current_schema()::regnamespace::oid::bigint"
	acquireLease = "SELECT pg_advisory_lock($1)" // for lock_timeout at most
)

// A doubt is a COMMIT that was sent and not answered. The next connection that
// gets the lease tells what became of it.
type doubt struct {
	after   head   // if it was applied
	jobs    []*job // that it applies
	applied bool
}

// hold sees to it that there is a connection that writes, and that it has the
// lease. Where an earlier one was lost, it settles what that left in doubt. It
// runs before the goroutine that writes begins, and in that goroutine.
func (d *database) hold(ctx context.Context) error {
	if err := d.broken(); err != nil {
		return err
	}
	if d.writer != nil && !d.writer.lost() {
		return nil
	}
	d.writer = nil
	c, err := connect(ctx, d.config)
	if err != nil {
		return err
	}
	if err := c.lease(); err != nil {
		if d.claimed && errors.Is(err, driver.ErrLocked) {
			err = d.rival(c)
		}
		c.close()
		return err
	}
	if d.claimed {
		if err := d.recognise(c); err != nil {
			c.close()
			return err
		}
	}
	d.writer = c
	return nil
}

// lease takes the lease, and waits for a moment: a process that ended just now
// leaves a session of which the server has yet to notice that.
func (c *connection) lease() error {
	var place *int64
	if err := c.first(selectPlace, nil, &place); err != nil {
		return fmt.Errorf("looking for a schema: %w", err)
	}
	if place == nil {
		return fmt.Errorf("%w: no schema of the search_path is there", driver.ErrUnavailable)
	}
	_, err := c.run(acquireLease, leaseKey|*place)
	if state(err) == stateLockTimeout {
		return fmt.Errorf("%w: another session has the lease: %w", driver.ErrUnavailable, driver.ErrLocked)
	}
	if err != nil {
		return fmt.Errorf("taking the lease: %w", explain(err))
	}
	return nil
}

// rival says who has the lease that was ours. It may be a session of this
// process whose end the server has yet to notice; whoever else took the store
// over stands in the head row.
func (d *database) rival(c *connection) error {
	found, err := c.head()
	if err != nil {
		return err
	}
	if found.holder != d.holder {
		return d.fail(d.strange(found))
	}
	return fmt.Errorf("%w: another session still has the lease", driver.ErrUnavailable)
}

// recognise compares the head row, under the lease, with what this process left
// there. Either it is as before, or as after the commit that is in doubt.
func (d *database) recognise(c *connection) error {
	found, err := c.head()
	q := d.doubt
	switch {
	case err != nil && !errors.Is(err, driver.ErrDamaged):
		return err
	case err != nil:
		return d.fail(err)
	case q != nil && found == q.after:
		q.applied = true
	case found != d.head:
		return d.fail(d.strange(found))
	}
	d.doubt = nil
	d.doubtful.Store(false) // before the callbacks, which may read
	if q != nil && q.applied {
		d.applied(q.after, q.jobs)
	}
	return nil
}

// strange says what a head row means that this process did not leave.
func (d *database) strange(found head) error {
	if found.holder != d.holder {
		return fmt.Errorf("another process has taken the store over: %w", driver.ErrLocked)
	}
	return fmt.Errorf("the database stands at commit %d, which is not the one that was left there, %d: %w",
		found.position, d.head.position, driver.ErrDamaged)
}

// settle asks what became of the commit in doubt. Without an answer it stays in
// doubt, and is asked for again.
func (d *database) settle() { _ = d.hold(context.Background()) }
