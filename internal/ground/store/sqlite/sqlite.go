// Package sqlite is the store's database in one directory of one machine.
//
// It is SQLite in write-ahead mode, every commit synced. One goroutine owns the
// only connection that writes: it takes the batches that wait, verifies and
// writes each in turn, and commits them together, so that many commits cost one
// sync. Readers have connections of their own; a snapshot is a read transaction.
//
// The rules for SQLite that this package keeps come from
// https://sqlite.org/wal.html and https://sqlite.org/pragma.html.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"claviger/internal/ground/store/driver"
)

// Names of files in the directory. SQLite adds two more while it is open.
const (
	fileName = "store.db"
	lockName = "store.lock"
)

type database struct {
	directory string
	lock      *lock
	pool      *sql.DB
	retained  uint64

	readers  chan *connection // nil stands for one that is yet to be opened
	mu       sync.Mutex       // held while a reader comes back
	released bool

	tables  atomic.Pointer[map[string]*table]
	failure atomic.Pointer[failure] // nil while the database can be written

	writer   *connection // of the goroutine that writes, like the next three
	head     uint64      // as the last commit left it
	mending  *time.Timer // until the next try to write after a failure
	pause    time.Duration
	queue    chan *job
	stopping chan struct{}
	stopped  chan struct{}
	closing  sync.Once
	closeErr error
	commits  atomic.Uint64 // transactions committed, each with one sync
}

// Open opens the database in dir, and creates both if they are missing: the
// directory with mode 0700, the files with 0600. It is ErrLocked while another
// process has it open, and ErrDamaged where the file is not a database of this
// program.
func Open(ctx context.Context, dir string) (driver.Driver, error) {
	d, err := open(ctx, dir, driver.Retained)
	if err != nil {
		return nil, err // not d: a nil pointer would make an interface that is not nil
	}
	return d, nil
}

func open(ctx context.Context, dir string, retained uint64) (*database, error) {
	if err := makeDirectory(dir); err != nil {
		return nil, fmt.Errorf("sqlite: directory %s: %w: %w", dir, driver.ErrUnavailable, err)
	}
	held, err := acquire(filepath.Join(dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("sqlite: %s: %w", dir, err)
	}
	d := &database{
		directory: dir,
		lock:      held,
		retained:  retained,
		readers:   make(chan *connection, max(16, 4*runtime.GOMAXPROCS(0))),
		queue:     make(chan *job),
		stopping:  make(chan struct{}),
		stopped:   make(chan struct{}),
		head:      headUnknown,
		mending:   time.NewTimer(mendMin),
	}
	d.mending.Stop()
	d.tables.Store(&map[string]*table{})
	for range cap(d.readers) {
		d.readers <- nil
	}
	if err := d.openFile(ctx); err != nil {
		return nil, errors.Join(err, d.release())
	}
	go d.write()
	return d, nil
}

// openFile opens the connection that writes, and looks whether the file is ours.
func (d *database) openFile(ctx context.Context) error {
	path := filepath.Join(d.directory, fileName)
	if err := makeFile(path); err != nil {
		return fmt.Errorf("sqlite: %s: %w: %w", path, driver.ErrUnavailable, err)
	}
	var err error
	if d.pool, err = openPool(path); err != nil {
		return fmt.Errorf("sqlite: %s: %w: %w", path, driver.ErrUnavailable, err)
	}
	if err := d.identify(ctx); err != nil {
		return fmt.Errorf("sqlite: opening %s: %w", path, err)
	}
	if d.writer, err = d.connect(ctx); err != nil {
		return fmt.Errorf("sqlite: opening %s: %w", path, err)
	}
	if err := d.writer.settle(); err != nil {
		return fmt.Errorf("sqlite: writing what the log of %s holds: %w", path, err)
	}
	return nil
}

// settle makes durable what was read from the log. Its sync may have failed in
// another process, or never begun, and the system may hold it in memory as if it
// had been written; commits that followed it in the log would be lost with it.
// It is written into the database and synced there, before anybody is told of it.
func (c *connection) settle() error { return c.run("PRAGMA wal_checkpoint(PASSIVE)") }

func (d *database) Name() string { return "sqlite" }

// ready returns why nothing can be done any more.
func (d *database) ready(ctx context.Context) error {
	select {
	case <-d.stopping:
		return fmt.Errorf("sqlite: closed: %w", driver.ErrUnavailable)
	default:
	}
	if err := d.broken(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sqlite: %w: %w", driver.ErrUnavailable, err)
	}
	return nil
}

// Close waits for the commit under way, refuses those that wait, and gives the
// lock up. Snapshots that are open stay readable until they are closed.
func (d *database) Close() error {
	d.closing.Do(func() {
		close(d.stopping)
		<-d.stopped
		d.closeErr = d.release()
	})
	return d.closeErr
}

func (d *database) release() error {
	var err error
	if d.writer != nil {
		err = d.writer.close()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.released = true
	for idle := true; idle; {
		select {
		case c := <-d.readers:
			if c != nil {
				err = errors.Join(err, c.close())
			}
		default:
			idle = false
		}
	}
	if d.pool != nil {
		err = errors.Join(err, d.pool.Close())
	}
	return errors.Join(err, d.lock.release())
}

// reader takes a reading connection, and waits for one while all are in use.
func (d *database) reader(ctx context.Context) (*connection, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	var c *connection
	select {
	case c = <-d.readers:
	case <-d.stopping:
		return nil, d.ready(ctx)
	case <-ctx.Done():
		return nil, d.ready(ctx)
	}
	if c != nil {
		return c, nil
	}
	c, err := d.connect(ctx)
	if err == nil {
		if err = c.run("PRAGMA query_only = ON"); err == nil {
			return c, nil
		}
		err = errors.Join(err, c.close())
	}
	d.readers <- nil
	return nil, fmt.Errorf("sqlite: opening a reader: %w", err)
}

// giveBack returns a reading connection. One that failed is closed instead, and
// so is each that comes back after Close.
func (d *database) giveBack(c *connection, failed bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var err error
	if failed || d.released {
		err = c.close()
		c = nil
	}
	d.readers <- c
	return err
}
