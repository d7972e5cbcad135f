package postgres

import (
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"claviger/internal/ground/store/driver"
)

const (
	beginWriting = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
	selectHead   = "SELECT position, turn, holder FROM store_head WHERE id = 0"
	lockHead     = selectHead + " FOR UPDATE"
	updateHead   = "UPDATE store_head SET position = $1, turn = $2 WHERE id = 0 AND holder = $3"
	selectOp     = "SELECT position FROM store_op WHERE op = $1"
	insertOp     = "INSERT INTO store_op (op, position) VALUES ($1, $2) ON CONFLICT (op) DO UPDATE SET position = excluded.position"
	forgetOps    = "DELETE FROM store_op WHERE position > $1 AND position <= $2"
	insertChange = "INSERT INTO store_change (position, nth, entity) VALUES ($1, $2, $3)"
	forgetChange = "DELETE FROM store_change WHERE position > $1 AND position <= $2"
	insertEvent  = "INSERT INTO store_outbox (position, nth, body) VALUES ($1, $2, $3)"
	forgetEvents = "DELETE FROM store_outbox WHERE position > $1 AND position <= $2"
	selectMeta   = "SELECT v FROM store_meta WHERE k = $1"
	insertMeta   = "INSERT INTO store_meta (k, v) VALUES ($1, $2)"
	replaceMeta  = "INSERT INTO store_meta (k, v) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = excluded.v"
)

// errForeign is what a write meets that changed under the lock of the head row.
var errForeign = errors.New("a row was changed by another program")

// A group is the transaction that several jobs share: what was loaded for them,
// with the effects of those that were decided laid over it.
type group struct {
	database  *database
	head      head
	ops       map[[16]byte]uint64
	metas     map[string]bool
	revs      map[string]int64      // by row; those that are missing have none
	holders   map[string]driver.Key // by claim; those that nobody makes have none
	claims    map[string][]string   // by row, those that are in holders
	writes    pgx.Batch             // what is to be done
	loaded    map[string]bool       // what was asked for, so that each is asked once
	digest    []byte                // as it was loaded; nil where there is none
	roll      driver.Roll           // of what was applied
	pruned    uint64                // as in database
	forgotten uint64
	changed   bool // whether there is anything to do
}

// load begins the transaction, locks the head row, and under that lock loads
// all that verification of the jobs may ask for.
func (d *database) load(jobs []*job) (*group, error) {
	g := &group{
		database: d, pruned: d.pruned, forgotten: d.forgotten,
		ops: make(map[[16]byte]uint64), metas: make(map[string]bool), revs: make(map[string]int64),
		holders: make(map[string]driver.Key), claims: make(map[string][]string), loaded: make(map[string]bool),
	}
	var b pgx.Batch
	b.Queue(beginWriting)
	g.head.read(b.Queue(lockHead))
	g.askDigest(&b)
	for _, j := range jobs {
		if j.batch != nil {
			g.ask(&b, j.batch)
		}
	}
	if err := d.writer.send(&b); err != nil {
		return nil, err
	}
	if g.head != d.head {
		return nil, d.fail(d.strange(g.head))
	}
	return g, nil
}

// ask queues the questions that verification of a batch has.
func (g *group) ask(q *pgx.Batch, b *driver.Batch) {
	if b.OpID != [16]byte{} {
		g.askOp(q, b.OpID)
	}
	for i := range b.Requires {
		g.askRev(q, b.Requires[i].Table, b.Requires[i].Key)
	}
	for key := range b.Meta {
		g.askMeta(q, key)
	}
	for i := range b.Writes {
		w := &b.Writes[i]
		g.askRev(q, w.Table, w.Row.Key)
		for _, e := range g.database.uniqueEntries(w) {
			g.askHolder(q, e)
		}
	}
}

// once reports whether something is asked for the first time.
func (g *group) once(what string) bool {
	asked := g.loaded[what]
	g.loaded[what] = true
	return !asked
}

func (g *group) askOp(q *pgx.Batch, op [16]byte) {
	q.Queue(selectOp, op[:]).QueryRow(func(row pgx.Row) error {
		var at uint64
		some, err := found(row.Scan(&at))
		if some {
			g.ops[op] = at
		}
		return err
	})
}

func (g *group) askDigest(q *pgx.Batch) {
	q.Queue(selectMeta, []byte(driver.DigestKey)).QueryRow(func(row pgx.Row) error {
		_, err := found(row.Scan(&g.digest))
		return err
	})
}

func (g *group) askMeta(q *pgx.Batch, key string) {
	q.Queue(selectMeta, []byte(key)).QueryRow(func(row pgx.Row) error {
		var value []byte
		some, err := found(row.Scan(&value))
		g.metas[key] = some
		return err
	})
}

func (g *group) askRev(q *pgx.Batch, s *driver.Schema, key driver.Key) {
	id := rowID(s, key)
	if !g.once("row " + id) {
		return
	}
	q.Queue(g.database.table(s).rev, arguments(nil, key)...).QueryRow(func(row pgx.Row) error {
		var rev int64
		some, err := found(row.Scan(&rev))
		if some {
			g.revs[id] = rev
		}
		return err
	})
}

func (g *group) askHolder(q *pgx.Batch, e uniqueEntry) {
	if !g.once("claim " + e.id) {
		return
	}
	q.Queue(e.order.holder, arguments(nil, e.values)...).QueryRow(func(row pgx.Row) error {
		cells := newCells(e.table.PrimaryKey)
		some, err := found(row.Scan(cells.dest()...))
		if some {
			g.hold(e.id, e.table, cells.key())
		}
		return err
	})
}

// found tells a row that is not there from a failure.
func found(err error) (bool, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// A uniqueEntry is what a write makes in a unique index.
type uniqueEntry struct {
	table  *driver.Schema
	order  *order
	values driver.Key
	id     string
}

func (d *database) uniqueEntries(w *driver.Write) (list []uniqueEntry) {
	if w.Kind == driver.Delete {
		return nil
	}
	t := d.table(w.Table)
	for i := range w.Table.Indexes {
		x := t.order(w.Table.Indexes[i].Name)
		if x.Unique {
			values := x.Key(w.Row.Key, w.Row.Indexed)[:x.Own]
			list = append(list, uniqueEntry{w.Table, x, values, claimID(w.Table, x.Index, values)})
		}
	}
	return list
}

func claimID(s *driver.Schema, index string, values driver.Key) string {
	return string(values.AppendOrdered([]byte(s.Name + "/" + index + "/")))
}

// rowID names a row among all tables.
func rowID(s *driver.Schema, key driver.Key) string {
	return string(key.AppendOrdered([]byte(s.Name + "/")))
}

func (g *group) hold(claim string, s *driver.Schema, key driver.Key) {
	g.holders[claim] = key
	id := rowID(s, key)
	g.claims[id] = append(g.claims[id], claim)
}

// Rev, Holder and HasMeta are those of driver.Verifier.

func (g *group) Rev(s *driver.Schema, key driver.Key) (int64, error) {
	rev, ok := g.revs[rowID(s, key)]
	if !ok {
		return 0, driver.ErrNotFound
	}
	return rev, nil
}

func (g *group) Holder(s *driver.Schema, index string, values driver.Key) (driver.Key, error) {
	key, ok := g.holders[claimID(s, index, values)]
	if !ok {
		return nil, driver.ErrNotFound
	}
	return key, nil
}

func (g *group) HasMeta(key string) (bool, error) { return g.metas[key], nil }

// decide verifies jobs in order and queues what those that pass will write. A
// job that does not pass has its error and changes nothing. An error is that of
// all of them.
func (g *group) decide(jobs []*job) error {
	from := g.head.position
	for _, j := range jobs {
		if j.batch == nil {
			g.putMeta(j)
			continue
		}
		j.applied, j.err = g.apply(j)
	}
	g.changed = slices.ContainsFunc(jobs, func(j *job) bool { return j.applied })
	if !g.changed {
		return nil
	}
	if g.head.position > g.database.retained {
		oldest := g.head.position - g.database.retained
		g.writes.Queue(forgetOps, position(g.forgotten), position(oldest))
		g.writes.Queue(forgetChange, position(g.forgotten), position(oldest))
		g.forgotten = oldest
	}
	g.head.turn++
	g.one(updateHead, position(g.head.position), g.head.turn, g.head.holder[:])
	if g.roll.Next == nil {
		return nil
	}
	digest, err := g.roll.Next(from, g.head.position, g.digest, g.roll.Delta)
	g.writes.Queue(replaceMeta, []byte(driver.DigestKey), notNull(digest))
	return err
}

func (g *group) putMeta(j *job) {
	for key, value := range j.meta {
		g.writes.Queue(replaceMeta, []byte(key), notNull(value))
		g.metas[key] = true
		j.applied = true
	}
	g.roll = g.roll.Join(j.roll)
}

func (g *group) apply(j *job) (bool, error) {
	b := j.batch
	if at, ok := g.ops[b.OpID]; ok && at+g.database.retained > g.head.position {
		j.at = at
		return false, nil
	}
	if err := driver.Verify(b, g); err != nil {
		return false, err
	}
	at := g.head.position + 1
	events, err := b.Outbox(at)
	if err != nil {
		return false, fmt.Errorf("postgres: sealing events: %w", err)
	}
	g.head.position, j.at = at, at
	g.roll = g.roll.Join(b.Roll)
	g.writeRows(b)
	g.writeLog(at, b, events)
	return true, nil
}

// writeRows queues what was verified. The server compares unique keys row by
// row, and rows may trade them: one that has a key which another row of the
// batch will have goes before anything comes.
func (g *group) writeRows(b *driver.Batch) {
	yields := g.yielding(b)
	for i := range b.Writes {
		w := &b.Writes[i]
		if w.Kind == driver.Delete || yields[rowID(w.Table, w.Row.Key)] {
			g.one(g.database.table(w.Table).remove, append(arguments(nil, w.Row.Key), w.Old)...)
		}
	}
	for i := range b.Writes {
		w, r := &b.Writes[i], &b.Writes[i].Row
		t := g.database.table(w.Table)
		switch {
		case w.Kind == driver.Delete:
		case w.Kind == driver.Put && !yields[rowID(w.Table, r.Key)]:
			args := append(arguments(nil, r.Indexed), r.Rev, r.Version, notNull(r.Body))
			g.one(t.update, append(arguments(args, r.Key), w.Old)...)
		default:
			args := arguments(arguments(nil, r.Key), r.Indexed)
			g.one(t.insert, append(args, r.Rev, r.Version, notNull(r.Body))...)
		}
	}
	g.overlay(b)
}

// yielding returns the rows that have a unique key which another row of the
// batch claims.
func (g *group) yielding(b *driver.Batch) map[string]bool {
	yields := make(map[string]bool)
	for i := range b.Writes {
		w := &b.Writes[i]
		for _, e := range g.database.uniqueEntries(w) {
			if key, ok := g.holders[e.id]; ok && !key.Equal(w.Row.Key) {
				yields[rowID(e.table, key)] = true
			}
		}
	}
	return yields
}

// overlay has later batches of the group see what this one writes.
func (g *group) overlay(b *driver.Batch) {
	for i := range b.Writes {
		id := rowID(b.Writes[i].Table, b.Writes[i].Row.Key)
		for _, claim := range g.claims[id] {
			delete(g.holders, claim)
		}
		delete(g.claims, id)
		delete(g.revs, id)
	}
	for i := range b.Writes {
		w := &b.Writes[i]
		if w.Kind == driver.Delete {
			continue
		}
		g.revs[rowID(w.Table, w.Row.Key)] = w.Row.Rev
		for _, e := range g.database.uniqueEntries(w) {
			g.hold(e.id, e.table, w.Row.Key)
		}
	}
}

// writeLog queues what a batch leaves beside rows.
func (g *group) writeLog(at uint64, b *driver.Batch, events [][]byte) {
	if b.OpID != [16]byte{} {
		g.writes.Queue(insertOp, b.OpID[:], position(at))
		g.ops[b.OpID] = at
	}
	for key, value := range b.Meta {
		g.writes.Queue(insertMeta, []byte(key), notNull(value))
		g.metas[key] = true
	}
	if prune := min(b.Prune, at-1); prune > g.pruned {
		g.writes.Queue(forgetEvents, position(g.pruned), position(prune))
		g.pruned = prune
	}
	for i, entity := range slices.Compact(slices.Sorted(slices.Values(b.Touches))) {
		g.writes.Queue(insertChange, position(at), i, []byte(entity))
	}
	for i, body := range events {
		g.writes.Queue(insertEvent, position(at), i, notNull(body))
	}
}

// one queues a statement that must write one row.
func (g *group) one(text string, args ...any) {
	g.writes.Queue(text, args...).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() != 1 {
			return fmt.Errorf("%w: %w", driver.ErrUnavailable, errForeign)
		}
		return nil
	})
}

// notNull keeps nil from becoming NULL.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// position is a position as the server holds it. No head comes near its limit.
func position(p uint64) int64 { return int64(min(p, 1<<63-1)) }
