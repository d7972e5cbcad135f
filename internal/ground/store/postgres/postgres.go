// Package postgres is the store's database in a PostgreSQL server.
//
// One process at a time keeps its records in a schema of a database: it holds
// an advisory lock, its lease, on the connection that writes. Whoever gets the
// lease puts its name into the head row, and every commit and every snapshot
// compares that name, so that a process which lost the lease is shut out
// whatever it still believes.
//
// That the lease and the writing are one session of the server has a second
// use: a connection that gets the lease knows that the one before it has ended,
// and so the head row tells for certain what became of a COMMIT whose answer
// was lost.
//
// One goroutine owns that connection. As in package sqlite it takes the batches
// that wait and commits them together. What they need to be verified is loaded
// under the lock of the head row in one exchange, verified in memory, and
// written in a second one.
package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"claviger/internal/ground/store/driver"
)

const (
	// readersMax bounds the connections that read. A server admits a hundred in all if it is not told otherwise.
	readersMax = 32
	// patience is how long the server may take to answer, before the connection is given up.
	patience = 20 * time.Second
	// settleEvery is how often the outcome of a commit in doubt is asked for.
	settleEvery = 250 * time.Millisecond
)

type database struct {
	config   *pgx.ConnConfig
	holder   name // of this process in the head row
	retained uint64

	idle     chan *connection // that read, and nobody uses
	unopened chan struct{}    // places for more of them
	mu       sync.Mutex       // held while a reader comes back
	released bool

	tables    atomic.Pointer[map[string]*table]
	failure   atomic.Pointer[error] // set when this process can't go on with the database
	doubtful  atomic.Bool           // while the outcome of a commit is unknown nothing is read
	published atomic.Uint64         // position of the last commit, which every snapshot must show
	asking    atomic.Bool           // whether the store is still ours
	lost      chan struct{}         // closed when it is another process's

	// What follows belongs to the goroutine that writes.
	writer    *connection // with the lease, or nil
	claimed   bool        // the head row has our name
	head      head        // as the last commit left it
	pruned    uint64      // events up to here have gone
	forgotten uint64      // changes and operations up to here have gone
	doubt     *doubt

	queue    chan *job
	stopping chan struct{}
	stopped  chan struct{}
	closing  sync.Once
	commits  atomic.Uint64 // transactions committed
}

// A name tells processes apart. Each draws its own.
type name [16]byte

// Open connects to the database of a URL such as
//
//	postgres://claviger@db.example.com/claviger?sslmode=verify-full
//
// as described at https://www.postgresql.org/docs/15/libpq-connect.html, with
// the environment variables and the password file that are named there. Tables
// lie in the first schema of the role's search_path.
//
// It is ErrLocked while another process has the schema open, and ErrUnavailable
// where the server is older than PostgreSQL 15, is a standby, or is set up so
// that it may lose commits, and where the way to it leaves the machine without
// sslmode=verify-full. Migrate must be called before anything else.
func Open(ctx context.Context, url string) (driver.Driver, error) {
	d, err := open(ctx, url, driver.Retained)
	if err != nil {
		return nil, err // not d: a nil pointer would make an interface that is not nil
	}
	return d, nil
}

func open(ctx context.Context, url string, retained uint64) (*database, error) {
	config, err := configure(url)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	d := &database{
		config:   config,
		retained: retained,
		idle:     make(chan *connection, readersMax),
		unopened: make(chan struct{}, readersMax),
		queue:    make(chan *job),
		stopping: make(chan struct{}),
		stopped:  make(chan struct{}),
		lost:     make(chan struct{}),
	}
	_, _ = rand.Read(d.holder[:]) // never fails
	d.tables.Store(&map[string]*table{})
	for range cap(d.unopened) {
		d.unopened <- struct{}{}
	}
	if err := d.hold(ctx); err != nil {
		return nil, fmt.Errorf("postgres: opening: %w", err)
	}
	go d.write()
	return d, nil
}

// Exists reports whether the database of a URL has a store, and changes
// nothing. It takes no lease.
func Exists(ctx context.Context, url string) (bool, error) {
	config, err := configure(url)
	if err != nil {
		return false, fmt.Errorf("postgres: %w", err)
	}
	c, err := connect(ctx, config)
	if err != nil {
		return false, fmt.Errorf("postgres: %w", err)
	}
	defer c.close()
	var exists bool
	if err := c.first("SELECT to_regclass('store_head') IS NOT NULL", nil, &exists); err != nil {
		return false, fmt.Errorf("postgres: looking for a store: %w", err)
	}
	return exists, nil
}

func (d *database) Name() string { return "postgres" }

// ready returns why nothing can be done, now or any more.
func (d *database) ready(ctx context.Context) error {
	select {
	case <-d.stopping:
		return fmt.Errorf("postgres: closed: %w", driver.ErrUnavailable)
	default:
	}
	if err := d.broken(); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("postgres: %w: %w", driver.ErrUnavailable, err)
	}
	return nil
}

// broken returns an error once this process can't go on with the database.
func (d *database) broken() error {
	if f := d.failure.Load(); f != nil {
		return fmt.Errorf("%w until it is opened again: %w", driver.ErrUnavailable, *f)
	}
	return nil
}

// fail ends the use of the database for this process.
func (d *database) fail(err error) error {
	if d.failure.CompareAndSwap(nil, &err) && errors.Is(err, driver.ErrLocked) {
		close(d.lost)
	}
	return d.broken()
}

func (d *database) Lost() <-chan struct{} { return d.lost }

// ask has the connection that writes look whose the store is, and does not wait
// for that.
func (d *database) ask() {
	if !d.asking.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer d.asking.Store(false)
		// What comes of it is in d.failure.
		_ = d.do(context.Background(), &job{alone: func() error {
			if !d.claimed {
				return nil
			}
			return d.recognise(d.writer)
		}})
	}()
}

// Close waits for the commit under way, refuses those that wait, and gives the
// lease up. Snapshots that are open stay readable until they are closed.
func (d *database) Close() error {
	d.closing.Do(func() {
		close(d.stopping)
		<-d.stopped
		d.release()
	})
	return nil
}

func (d *database) release() {
	if d.writer != nil {
		d.writer.close()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.released = true
	for {
		select {
		case c := <-d.idle:
			c.close()
		default:
			return
		}
	}
}

// reader takes a connection that nobody uses, or else the place of one that is
// yet to be opened, for which it returns nil. It waits while all are in use.
func (d *database) reader(ctx context.Context) (*connection, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	select {
	case c := <-d.idle:
		return c, nil
	default:
	}
	select {
	case c := <-d.idle:
		return c, nil
	case <-d.unopened:
		return nil, nil
	case <-d.stopping:
		return nil, d.ready(ctx)
	case <-ctx.Done():
		return nil, d.ready(ctx)
	}
}

// giveBack returns a reading connection. One that failed is closed, and so is
// each that comes back after Close; what is nil was never opened.
func (d *database) giveBack(c *connection, failed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c != nil && !failed && !d.released {
		d.idle <- c
		return
	}
	if c != nil {
		c.close()
	}
	d.unopened <- struct{}{}
}
