package postgres

import (
	"context"
	"errors"
	"fmt"

	"claviger/internal/ground/store/driver"
)

// own are the tables that the engine keeps for itself. The head row is
// rewritten by every commit, so its page is left nearly empty.
var own = []step{
	{"table store_head", "CREATE TABLE store_head (id smallint PRIMARY KEY CHECK (id = 0), position bigint NOT NULL, turn bigint NOT NULL, holder bytea NOT NULL, version bigint NOT NULL) WITH (fillfactor = 10)"},
	{"row store_head", "INSERT INTO store_head (id, position, turn, holder, version) VALUES (0, 0, 0, '', 0)"},
	{"table store_change", "CREATE TABLE store_change (position bigint NOT NULL, nth bigint NOT NULL, entity bytea NOT NULL, PRIMARY KEY (position, nth))"},
	{"table store_outbox", "CREATE TABLE store_outbox (position bigint NOT NULL, nth bigint NOT NULL, body bytea NOT NULL, PRIMARY KEY (position, nth))"},
	{"table store_op", "CREATE TABLE store_op (op bytea NOT NULL PRIMARY KEY, position bigint NOT NULL)"},
	{"index store_op__position", "CREATE INDEX store_op__position ON store_op (position)"},
	{"table store_meta", "CREATE TABLE store_meta (k bytea NOT NULL PRIMARY KEY, v bytea NOT NULL)"},
}

const (
	createSteps  = "CREATE TABLE IF NOT EXISTS store_step (name bytea NOT NULL PRIMARY KEY, statement bytea NOT NULL)"
	selectSteps  = "SELECT name, statement FROM store_step"
	insertStep   = "INSERT INTO store_step (name, statement) VALUES ($1, $2)"
	selectSchema = "SELECT version FROM store_head WHERE id = 0"
	claim        = "UPDATE store_head SET turn = turn + 1, holder = $1, version = $2 WHERE id = 0"
)

// stateTaken are the states of a name that is there already: of a table, a
// column, an object.
var stateTaken = map[string]bool{"42P07": true, "42701": true, "42710": true}

// Migrate also puts the name of this process into the head row: from then on no
// other one that had the lease before can commit or read.
func (d *database) Migrate(ctx context.Context, version int, schemas []*driver.Schema) error {
	return d.declare(ctx, version, schemas, true)
}

// Adopt puts the name of this process into the head row as Migrate does, and
// changes nothing else.
func (d *database) Adopt(ctx context.Context, version int, schemas []*driver.Schema) error {
	return d.declare(ctx, version, schemas, false)
}

func (d *database) declare(ctx context.Context, version int, schemas []*driver.Schema, create bool) error {
	tables := make(map[string]*table, len(schemas))
	steps := own
	for _, s := range schemas {
		if err := errors.Join(s.Validate(), verifyNames(s)); err != nil {
			return fmt.Errorf("postgres: %w", err)
		}
		if tables[s.Name] != nil {
			return fmt.Errorf("postgres: table %s declared twice", s.Name)
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
		return fmt.Errorf("postgres: schema: %w", err)
	}
	return nil
}

// migrate runs the steps that are not recorded. All of them are one
// transaction: a crash leaves the schema of before.
func (d *database) migrate(version int, steps []step, create bool) error {
	if err := d.writer.exec(beginWriting); err != nil {
		return err
	}
	var after head
	err := d.writer.steps(version, steps, create)
	if err == nil {
		if err = d.writer.exec(claim, d.holder[:], int64(version)); err == nil {
			after, err = d.writer.head()
		}
	}
	if err != nil {
		d.rollback()
		return err
	}
	if tag, err := d.writer.run("COMMIT"); err != nil || tag != "COMMIT" {
		d.writer.close()
		if d.claimed {
			return d.fail(errors.New("a migration ended in doubt"))
		}
		return fmt.Errorf("committing: %w", driver.ErrIndeterminate)
	}
	d.claimed, d.head = true, after
	d.published.Store(after.position)
	return nil
}

func (c *connection) steps(version int, steps []step, create bool) error {
	if err := c.exec(createSteps); err != nil {
		return err
	}
	recorded, err := c.recordedSteps()
	if err != nil {
		return err
	}
	for i, s := range steps {
		if i == len(own) { // the head row is there
			if err := c.verifyVersion(version, create); err != nil {
				return err
			}
		}
		if was, ok := recorded[s.name]; ok && was != s.statement {
			return fmt.Errorf("%s: declared otherwise than it was created: %w", s.name, driver.ErrSchema)
		} else if ok {
			continue
		} else if !create {
			return missing(len(recorded))
		}
		if err := c.step(s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return c.verifyVersion(version, create)
}

// missing says what a database is that lacks a step and has others.
func missing(others int) error {
	if others == 0 {
		return driver.ErrNotFound
	}
	return driver.ErrOlder
}

func (c *connection) recordedSteps() (map[string]string, error) {
	recorded := make(map[string]string)
	err := c.query(selectSteps, nil, func(scan func(...any) error) error {
		var name, statement []byte
		if err := scan(&name, &statement); err != nil {
			return fmt.Errorf("steps: %w", driver.ErrDamaged)
		}
		recorded[string(name)] = string(statement)
		return nil
	})
	return recorded, err
}

func (c *connection) verifyVersion(version int, create bool) error {
	var stored int64
	if err := c.first(selectSchema, nil, &stored); err != nil {
		return err
	}
	if stored > int64(version) {
		return fmt.Errorf("the store has schema version %d, this program knows %d: %w", stored, version, driver.ErrSchema)
	}
	if stored < int64(version) && !create {
		return driver.ErrOlder
	}
	return nil
}

// step runs one step and records it.
func (c *connection) step(s step) error {
	if _, err := c.run(s.statement); stateTaken[state(err)] {
		return fmt.Errorf("another program has something of that name there: %w", driver.ErrSchema)
	} else if err != nil {
		return explain(err)
	}
	return c.exec(insertStep, []byte(s.name), []byte(s.statement))
}
