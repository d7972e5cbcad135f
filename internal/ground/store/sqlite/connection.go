package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	sqlite3 "modernc.org/sqlite"

	"claviger/internal/ground/store/driver"
)

// applicationID marks the file as ours: "CLVG" in the database header.
const applicationID = 0x434c5647

// oldestVersion is the first that can't reset the write-ahead log under a
// second connection: 3.7.0 to 3.51.2 can lose committed data.
var oldestVersion = [3]int{3, 51, 3}

// pragmas of every connection, in order.
var pragmas = []string{
	"journal_mode = WAL",
	"synchronous = FULL",            // a power cut must not undo a revocation
	"fullfsync = ON",                // as much on macOS, where fsync alone does not reach the disk
	"secure_delete = ON",            // what is deleted is overwritten
	"mmap_size = 0",                 // an I/O error must be an error, not a signal
	"foreign_keys = OFF",            // rules live above the database
	"trusted_schema = OFF",          // the file's schema is not ours to trust
	"cell_size_check = ON",          // damage is found before it is followed
	"temp_store = MEMORY",           // nothing outside the directory
	"journal_size_limit = 67108864", // a log that a long reader let grow shrinks again
}

// Milliseconds that a statement waits for a lock of another connection, and that
// Truncate does, for which every commit waits.
const (
	lockPatience     = 5000
	truncatePatience = 200
)

// A connection is one SQLite connection with the statements it has prepared.
// Its statements run to their end whatever a context says: they are short, and
// interrupting SQLite would end the transaction around them.
type connection struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
}

func openPool(path string) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	name := filepath.ToSlash(absolute)
	if !strings.HasPrefix(name, "/") {
		name = "/" + name // a drive letter
	}
	file := url.URL{Scheme: "file", Path: name}
	query := url.Values{"_pragma": {fmt.Sprintf("busy_timeout(%d)", lockPatience)}, "_defensive": {"1"}, "_dqs": {"0"}, "mode": {"rw"}}
	connector, err := sqlite3.NewConnector(file.String() + "?" + query.Encode())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func (d *database) connect(ctx context.Context) (*connection, error) {
	conn, err := d.pool.Conn(context.WithoutCancel(ctx))
	if err != nil {
		return nil, explain(err)
	}
	c := &connection{conn: conn, statements: make(map[string]*sql.Stmt)}
	if err := c.setPragmas(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *connection) setPragmas() error {
	for _, p := range pragmas {
		if err := c.run("PRAGMA " + p); err != nil {
			return err
		}
	}
	return c.verifyPragmas()
}

// verifyPragmas refuses a connection on which durability is not what was asked
// for: SQLite keeps silent about a pragma that it does not obey.
func (c *connection) verifyPragmas() error {
	var mode string
	if err := c.row("PRAGMA journal_mode").Scan(&mode); err != nil {
		return explain(err)
	}
	if mode != "wal" {
		return fmt.Errorf("journal mode is %q: %w", mode, driver.ErrUnavailable)
	}
	for pragma, want := range map[string]int64{"synchronous": 2, "secure_delete": 1, "mmap_size": 0} {
		var got int64
		err := c.row("PRAGMA " + pragma).Scan(&got)
		if errors.Is(err, sql.ErrNoRows) && want == 0 {
			continue // mmap_size answers nothing where it was compiled out
		}
		if err != nil {
			return explain(err)
		}
		if got != want {
			return fmt.Errorf("%s is %d: %w", pragma, got, driver.ErrUnavailable)
		}
	}
	return nil
}

// identify refuses a library that is too old and a database that is not ours.
// It has a connection of its own, without pragmas: the first of them would
// write to a file of another program.
func (d *database) identify(ctx context.Context) error {
	conn, err := d.pool.Conn(context.WithoutCancel(ctx))
	if err != nil {
		return explain(err)
	}
	c := &connection{conn: conn}
	return errors.Join(c.identify(), c.close())
}

func (c *connection) identify() error {
	var version string
	if err := c.row("SELECT sqlite_version()").Scan(&version); err != nil {
		return explain(err)
	}
	if !recent(version) {
		return fmt.Errorf("SQLite %s may lose committed data: %w", version, driver.ErrUnavailable)
	}
	var id, tables int64
	if err := c.row("PRAGMA application_id").Scan(&id); err != nil {
		return explain(err)
	}
	if err := c.row("SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return explain(err)
	}
	if id != applicationID && (id != 0 || tables != 0) {
		return fmt.Errorf("the file is a database of another program: %w", driver.ErrDamaged)
	}
	return nil
}

func recent(version string) bool {
	parts := strings.SplitN(version, ".", 4)
	if len(parts) < 3 {
		return false
	}
	for i, oldest := range oldestVersion {
		n, err := strconv.Atoi(parts[i])
		if err != nil || n != oldest {
			return err == nil && n > oldest
		}
	}
	return true
}

func (c *connection) close() error {
	var err error
	for _, s := range c.statements {
		err = errors.Join(err, s.Close())
	}
	return errors.Join(err, c.conn.Close())
}

// row runs a statement that is not worth keeping and answers one row.
func (c *connection) row(text string) *sql.Row {
	return c.conn.QueryRowContext(context.Background(), text)
}

// run runs a statement that is not worth keeping and answers nothing.
func (c *connection) run(text string) error {
	if _, err := c.conn.ExecContext(context.Background(), text); err != nil {
		return explain(err)
	}
	return nil
}

// prepared returns the statement of a text, which is one of a fixed set.
func (c *connection) prepared(text string) (*sql.Stmt, error) {
	if s, ok := c.statements[text]; ok {
		return s, nil
	}
	s, err := c.conn.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, explain(err)
	}
	c.statements[text] = s
	return s, nil
}

func (c *connection) exec(text string, args ...any) error {
	s, err := c.prepared(text)
	if err != nil {
		return err
	}
	if _, err = s.Exec(args...); err != nil {
		return explain(err)
	}
	return nil
}

// query calls each for the rows of the answer; scan reads the row at hand.
func (c *connection) query(text string, args []any, each func(scan func(dest ...any) error) error) (err error) {
	s, err := c.prepared(text)
	if err != nil {
		return err
	}
	rows, err := s.Query(args...)
	if err != nil {
		return explain(err)
	}
	defer func() {
		if e := rows.Close(); err == nil && e != nil {
			err = explain(e)
		}
	}()
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

// head returns the position of the last commit.
func (c *connection) head() (position uint64, err error) {
	err = c.first(selectHead, nil, &position)
	if errors.Is(err, driver.ErrNotFound) {
		err = fmt.Errorf("the database has lost its head: %w", driver.ErrDamaged)
	}
	return position, err
}

// first reads the first row of an answer, and returns ErrNotFound if there is none.
func (c *connection) first(text string, args []any, dest ...any) error {
	err := error(driver.ErrNotFound)
	if e := c.query(text, args, func(scan func(...any) error) error {
		if err = scan(dest...); err != nil {
			err = fmt.Errorf("a column has another type than it was written with: %w", driver.ErrDamaged)
		}
		return err
	}); e != nil {
		return e
	}
	return err
}
