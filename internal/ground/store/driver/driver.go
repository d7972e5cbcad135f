// Package driver is what a database must offer to the store.
//
// A driver keeps rows of declared tables and applies batches. It sees column
// values, revisions and sealed bodies; it never stores what a body says. Rules
// live above it, in package store, so that every database shares them.
package driver

import (
	"context"
	"errors"
)

// The closed set of errors. Drivers wrap them with what was attempted.
var (
	ErrNotFound      = errors.New("not found")
	ErrExists        = errors.New("already exists")
	ErrConflict      = errors.New("changed meanwhile")     // the caller runs its closure again
	ErrUnavailable   = errors.New("store unavailable")     // certainly not applied
	ErrIndeterminate = errors.New("outcome unknown")       // may have been applied
	ErrTooLarge      = errors.New("transaction too large") // more than MaxWrites rows or MaxBytes bytes
	ErrDamaged       = errors.New("store damaged")         // what was read can't be what was written
	ErrSchema        = errors.New("schema not understood") // written by a newer program
	ErrOlder         = errors.New("schema out of date")    // written by an older program
	ErrLocked        = errors.New("store in use")          // another process holds the exclusive lock
)

// Retained is how many commits the change log and the list of applied OpIDs
// reach back. Both would grow for ever without a bound, and a bound in commits
// needs no clock.
const Retained = 1 << 18

// A Row as a driver keeps it. Neither side changes one that it has handed over.
type Row struct {
	Key     Key
	Indexed Key // values of Schema.Indexed, in that order
	Rev     int64
	Version int16 // schema version of the body
	Body    []byte
}

// A Change is one row of the change log.
type Change struct {
	Position uint64
	Entity   string
}

// An Event is one row of the outbox.
type Event struct {
	Position uint64 // of the commit
	Index    int    // within the commit
	Body     []byte
}

// A Snapshot is a consistent view. It must be closed; closing it again does
// nothing. It is not safe for concurrent use, but the function that Scan calls
// may use it.
type Snapshot interface {
	// Position is the head of the change log in this snapshot.
	Position() uint64
	// Get returns ErrNotFound for a missing row.
	Get(ctx context.Context, table *Schema, key Key) (Row, error)
	// Scan calls fn for rows of an index ("" is the primary key) in order,
	// those whose key begins with prefix and is greater than after (an index
	// key with the primary key appended; nil starts at the beginning), at most
	// limit. A key is greater than each of its own prefixes. An error of fn
	// ends the scan and is returned as it is.
	Scan(ctx context.Context, table *Schema, index string, prefix, after Key, limit int, fn func(Row) error) error
	Close() error
}

// A Driver is one open database. It is safe for concurrent use. After Close its
// methods return ErrUnavailable.
type Driver interface {
	Snapshot(ctx context.Context) (Snapshot, error)
	// Commit applies b and returns the position of the commit. When it returns
	// without error the batch is durable (on a durable engine). Each commit has
	// the position that follows the one before, whatever b holds; the first is 1.
	//
	// committed is called with the position before Commit returns, in the order
	// of positions, never concurrently, when snapshots already show the commit.
	// It is not called for a batch that was applied before. Where Commit
	// returned ErrIndeterminate it may still be called later.
	//
	// ctx ends the wait for the commit to begin, which is ErrUnavailable. When
	// it ends later the outcome is ErrIndeterminate.
	Commit(ctx context.Context, b *Batch, committed func(position uint64)) (uint64, error)
	// Changes returns change-log rows after from, by position and entity. It
	// stops when it has max rows, but gives the rows of one commit together.
	// It is ErrNotFound where from lies more than Retained commits back: the
	// reader has to start afresh.
	Changes(ctx context.Context, from uint64, max int) ([]Change, error)
	// Outbox returns undeleted outbox rows after from, in order. It stops when
	// it has max rows, but gives the rows of one commit together.
	Outbox(ctx context.Context, from uint64, max int) ([]Event, error)
	// Meta returns a value of the meta table, ErrNotFound where there is none.
	Meta(ctx context.Context, key string) ([]byte, error)
	// MetaPrefix returns all values whose key begins with prefix.
	MetaPrefix(ctx context.Context, prefix string) (map[string][]byte, error)
	// PutMeta inserts or replaces values outside of any batch, durably. The
	// digest rolls on with them.
	PutMeta(ctx context.Context, values map[string][]byte, roll Roll) error
	// Migrate brings the schema to the given tables: it creates what is missing
	// and refuses with ErrSchema a store whose schema version is newer, or a
	// table that is declared otherwise than it was created.
	Migrate(ctx context.Context, version int, tables []*Schema) error
	// Adopt is Migrate for who only looks. It creates nothing: a database that
	// Migrate would change is ErrOlder, and ErrNotFound where it has no tables yet.
	Adopt(ctx context.Context, version int, tables []*Schema) error
	Name() string
	Close() error
}

// A Glancer is a driver that reads one row for less than a snapshot costs.
type Glancer interface {
	// Glance returns a row as it is at a moment within the call: every commit whose
	// applied function was called before is in it. The errors are those of a
	// snapshot's Get.
	Glance(ctx context.Context, table *Schema, key Key) (Row, error)
}

// A Keeper is a driver whose files want care from time to time.
type Keeper interface {
	// Check reads the whole database and returns ErrDamaged where its structure
	// is broken.
	Check(ctx context.Context) error
	// Truncate takes out of the files what was deleted or overwritten before.
	Truncate(ctx context.Context) error
}

// An Inspector is a driver that can tell all that is wrong with the structure of
// its database, not only the first of it.
type Inspector interface {
	// Inspect calls fn for each thing that is wrong, in words that hold no values.
	Inspect(ctx context.Context, fn func(problem string)) error
}

// A MetaKeeper is a Keeper that can do for the meta table alone what costs much
// for all tables.
type MetaKeeper interface {
	// TruncateMeta is Truncate for the meta table.
	TruncateMeta(ctx context.Context) error
}

// A Reporter is a driver that knows without being asked to write whether it can.
type Reporter interface {
	// Writable returns why the database can't be written at present. The driver
	// goes on trying by itself.
	Writable() error
}

// A Tenant is a driver of a database that another process can take over.
type Tenant interface {
	// Lost is closed once another one has: nothing works here any more.
	Lost() <-chan struct{}
}
