package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"claviger/internal/ground/store/driver"
)

// Pauses between two tries to write again after a failure.
const (
	mendMin = 50 * time.Millisecond
	mendMax = 2 * time.Second
)

// headUnknown is the head of a database that was not written to yet.
const headUnknown = math.MaxUint64

// A failure is why the writer can't write. It lasts until mend succeeds.
type failure struct {
	err error
	// doubt means that it is not known whether a transaction was committed, or
	// that one could not be ended. Nothing is served meanwhile.
	doubt bool
}

// fail notes a failure. Only the goroutine that writes calls it.
func (d *database) fail(err error, doubt bool) {
	if f := d.failure.Load(); f != nil && f.doubt {
		return // worse than what comes now
	}
	d.failure.Store(&failure{err, doubt})
	d.pause = mendMin
	d.mending.Reset(d.pause)
}

// broken returns an error while a commit is in doubt.
func (d *database) broken() error {
	if f := d.failure.Load(); f != nil && f.doubt {
		return unwritable(f)
	}
	return nil
}

// Writable implements driver.Reporter.
func (d *database) Writable() error {
	if f := d.failure.Load(); f != nil {
		return unwritable(f)
	}
	return nil
}

func unwritable(f *failure) error {
	return fmt.Errorf("sqlite: %w, the database can't be written: %w", driver.ErrUnavailable, f.err)
}

// tryMend mends the database, or leaves it for later.
func (d *database) tryMend() {
	if d.failure.Load() == nil {
		return
	}
	if d.mend() != nil {
		d.pause = min(2*d.pause, mendMax)
		d.mending.Reset(d.pause)
		return
	}
	d.failure.Store(nil)
}

// mend ends a doubt. To this process the transaction was rolled back: no
// snapshot shows it. But some of its frames may stand in the log, where a crash
// would bring them back, and where a sync that failed has perhaps left them in
// memory alone. A commit writes its own frames in their place; once it is
// durable, what is left behind it continues no chain of checksums and is nothing
// (https://sqlite.org/fileformat2.html#walformat). So nothing was applied.
//
// The commit writes the page of the header, with what it holds already.
func (d *database) mend() error {
	if err := d.endTransaction(); err != nil {
		return err
	}
	if err := d.writer.exec(begin); err != nil {
		return err
	}
	err := d.writer.touchHeader(d.head)
	if err == nil {
		err = d.writer.exec("COMMIT")
	}
	if err != nil {
		return errors.Join(err, d.endTransaction())
	}
	return nil
}

// touchHeader has the page of the header written anew. It refuses a database
// that ends elsewhere than the last commit that was told of.
func (c *connection) touchHeader(want uint64) error {
	head, err := c.head()
	if err != nil {
		return err
	}
	if head != want && want != headUnknown {
		return fmt.Errorf("the database ends at %d, the last commit was %d", head, want)
	}
	var version int64
	if err := c.row(selectSchema).Scan(&version); err != nil {
		return explain(err)
	}
	return c.run(fmt.Sprintf("PRAGMA user_version = %d", version))
}

// endTransaction ends what is left of a transaction that failed. SQLite may have
// rolled it back by itself, in which case another can begin. A connection that
// is of no use any more is replaced; it is closed last, so that the log is not
// read again from the file as it is by the first to open a database.
func (d *database) endTransaction() error {
	if d.writer.exec("ROLLBACK") == nil {
		return nil
	}
	if d.writer.exec("BEGIN") == nil && d.writer.exec("ROLLBACK") == nil {
		return nil
	}
	next, err := d.connect(context.Background())
	if err != nil {
		return fmt.Errorf("replacing a connection: %w", err)
	}
	_ = d.writer.close() // it has failed, and holds nothing
	d.writer = next
	return nil
}
