package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"claviger/internal/ground/store/driver"
)

// A connection is one session of the server. What runs on it runs to its end
// whatever a caller's context says, for as long as patience reaches: statements
// are short, and one that is given up costs the connection.
type connection struct {
	conn   *pgx.Conn
	warned bool // the server sent a warning since this was last set to false
}

var errNoCancelling = errors.New("requests to cancel are not sent")

// connect opens a session with a server that examine finds fit.
func connect(ctx context.Context, config *pgx.ConnConfig) (*connection, error) {
	c := new(connection)
	config = config.Copy()
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		c.warned = c.warned || n.SeverityUnlocalized == "WARNING"
	}
	asked := config.ValidateConnect // what target_session_attrs demands
	config.ValidateConnect = func(ctx context.Context, p *pgconn.PgConn) error {
		if asked != nil {
			if err := asked(ctx, p); err != nil {
				return err
			}
		}
		return examine(ctx, p)
	}
	// When a connection breaks, pgx asks the server through another one to
	// cancel what runs on it. That must not happen to a COMMIT that waits for a
	// standby: the server would go on without the standby.
	var connected atomic.Bool
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: time.Second, Count: 5}}
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if connected.Load() {
			return nil, errNoCancelling
		}
		return dialer.DialContext(ctx, network, address)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var err error
	if c.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("connecting: %w", explain(err))
	}
	connected.Store(true)
	return c, nil
}

// lost reports whether the connection is of no use any more. What it had not
// committed is undone.
func (c *connection) lost() bool { return c.conn.IsClosed() }

// close ends the session. The server undoes what it had begun.
func (c *connection) close() {
	ctx, cancel := c.bound()
	defer cancel()
	_ = c.conn.Close(ctx) // there is nobody to tell
}

func (c *connection) bound() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

// run runs a statement and returns what it is said to have done.
func (c *connection) run(text string, args ...any) (string, error) {
	ctx, cancel := c.bound()
	defer cancel()
	tag, err := c.conn.Exec(ctx, text, args...)
	return tag.String(), err
}

// exec runs a statement that answers nothing.
func (c *connection) exec(text string, args ...any) error {
	if _, err := c.run(text, args...); err != nil {
		return explain(err)
	}
	return nil
}

// query calls each for the rows of the answer; scan reads the row at hand.
func (c *connection) query(text string, args []any, each func(scan func(dest ...any) error) error) error {
	ctx, cancel := c.bound()
	defer cancel()
	return c.stream(ctx, text, args, each)
}

// stream is query for an answer that takes its time.
func (c *connection) stream(ctx context.Context, text string, args []any, each func(scan func(dest ...any) error) error) error {
	rows, err := c.conn.Query(ctx, text, args...)
	if err != nil {
		return explain(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return explain(err)
	}
	return nil
}

// first reads the first row of an answer, and returns ErrNotFound if there is none.
func (c *connection) first(text string, args []any, dest ...any) error {
	found := false
	err := c.query(text, args, func(scan func(...any) error) error {
		found = true
		if err := scan(dest...); err != nil {
			return fmt.Errorf("a column has another type than it was written with: %w", driver.ErrDamaged)
		}
		return nil
	})
	if err == nil && !found {
		err = driver.ErrNotFound
	}
	return err
}

// send runs all statements of a batch in one exchange. It ends at the first
// error, which is that of a statement or of a function that reads an answer.
func (c *connection) send(b *pgx.Batch) error {
	ctx, cancel := c.bound()
	defer cancel()
	err := c.conn.SendBatch(ctx, b).Close()
	if err == nil || errors.Is(err, driver.ErrDamaged) || errors.Is(err, driver.ErrUnavailable) {
		return err
	}
	return explain(err)
}

// A head is the row of the last commit.
type head struct {
	position uint64 // of the last batch
	turn     int64  // grows with every transaction, also with those that have no position
	holder   name   // who may commit
}

// read has a statement that selects the head row read into h.
func (h *head) read(q *pgx.QueuedQuery) {
	q.QueryRow(func(row pgx.Row) error {
		var holder []byte
		err := row.Scan(&h.position, &h.turn, &holder)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && copy(h.holder[:], holder) != len(h.holder) {
			return fmt.Errorf("the database has lost its head: %w", driver.ErrDamaged)
		}
		return err
	})
}
