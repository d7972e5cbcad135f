package sqlite

import (
	"context"
	"errors"
	"fmt"

	"claviger/internal/ground/store/driver"
)

// own are the tables that the engine keeps for itself.
var own = []step{
	{"table store_head", "CREATE TABLE store_head (id INTEGER PRIMARY KEY CHECK (id = 0), position INTEGER NOT NULL) STRICT"},
	{"row store_head", "INSERT INTO store_head (id, position) VALUES (0, 0)"},
	{"table store_change", "CREATE TABLE store_change (position INTEGER NOT NULL, entity BLOB NOT NULL, PRIMARY KEY (position, entity)) STRICT, WITHOUT ROWID"},
	{"table store_outbox", "CREATE TABLE store_outbox (position INTEGER NOT NULL, nth INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (position, nth)) STRICT, WITHOUT ROWID"},
	{"table store_op", "CREATE TABLE store_op (op BLOB NOT NULL PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID"},
	{"index store_op__position", "CREATE INDEX store_op__position ON store_op (position)"},
	{"table store_meta", "CREATE TABLE store_meta (k BLOB NOT NULL PRIMARY KEY, v BLOB NOT NULL) STRICT, WITHOUT ROWID"},
}

const (
	createSteps  = "CREATE TABLE IF NOT EXISTS store_step (name BLOB NOT NULL PRIMARY KEY, statement BLOB NOT NULL) STRICT, WITHOUT ROWID"
	selectStep   = "SELECT statement FROM store_step WHERE name = ?"
	insertStep   = "INSERT INTO store_step (name, statement) VALUES (?, ?)"
	selectSchema = "PRAGMA user_version"
)

func (d *database) Migrate(ctx context.Context, version int, schemas []*driver.Schema) error {
	return d.declare(ctx, version, schemas, true)
}

func (d *database) Adopt(ctx context.Context, version int, schemas []*driver.Schema) error {
	return d.declare(ctx, version, schemas, false)
}

func (d *database) declare(ctx context.Context, version int, schemas []*driver.Schema, create bool) error {
	tables := make(map[string]*table, len(schemas))
	steps := own
	for _, s := range schemas {
		if err := s.Validate(); err != nil {
			return fmt.Errorf("sqlite: %w", err)
		}
		if tables[s.Name] != nil {
			return fmt.Errorf("sqlite: table %s declared twice", s.Name)
		}
		t := newTable(s)
		tables[s.Name] = t
		steps = append(steps[:len(steps):len(steps)], t.steps...)
	}
	err := d.do(ctx, &job{alone: func() error {
		if err := d.migrate(version, steps, create); err != nil {
			return err
		}
		d.tables.Store(&tables)
		return nil
	}})
	if err != nil {
		return fmt.Errorf("sqlite: schema: %w", err)
	}
	return nil
}

// migrate runs the steps that are not recorded. All of them are one
// transaction: a crash leaves the schema of before, and so does who may not
// create and learns only that something is missing.
func (d *database) migrate(version int, steps []step, create bool) error {
	if err := d.writer.exec(begin); err != nil {
		return err
	}
	var id int64
	if err := d.writer.row("PRAGMA application_id").Scan(&id); err != nil {
		return errors.Join(explain(err), d.rollback())
	}
	changed, err := d.writer.steps(version, steps)
	switch {
	case err != nil || !changed || create:
	case id == 0:
		err = driver.ErrNotFound
	default:
		err = driver.ErrOlder
	}
	if err != nil || !changed {
		return errors.Join(err, d.rollback())
	}
	return d.commit()
}

func (c *connection) steps(version int, steps []step) (changed bool, err error) {
	var stored int64
	if err := c.row(selectSchema).Scan(&stored); err != nil {
		return false, explain(err)
	}
	if stored > int64(version) {
		return false, fmt.Errorf("the store has schema version %d, this program knows %d: %w", stored, version, driver.ErrSchema)
	}
	if err := c.run(createSteps); err != nil {
		return false, err
	}
	changed = stored < int64(version)
	for _, s := range steps {
		ran, err := c.step(s)
		if err != nil {
			return false, fmt.Errorf("%s: %w", s.name, err)
		}
		changed = changed || ran
	}
	if err := c.run(fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return false, err
	}
	return changed, c.run(fmt.Sprintf("PRAGMA application_id = %d", applicationID))
}

// step runs one step unless it is recorded, and reports whether it did.
func (c *connection) step(s step) (bool, error) {
	var recorded []byte
	err := c.first(selectStep, []any{[]byte(s.name)}, &recorded)
	switch {
	case err == nil && string(recorded) != s.statement:
		return false, fmt.Errorf("declared otherwise than it was created: %w", driver.ErrSchema)
	case err == nil:
		return false, nil
	case !errors.Is(err, driver.ErrNotFound):
		return false, err
	}
	if err := c.run(s.statement); err != nil {
		return false, err
	}
	return true, c.exec(insertStep, []byte(s.name), []byte(s.statement))
}
