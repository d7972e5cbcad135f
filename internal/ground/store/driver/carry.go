package driver

import "context"

// The tables that every engine keeps for itself, as far as what they say
// belongs to the store and not to the engine. A Whole shows them and Load fills
// them as it does with tables of records; their rows have no revision.
var (
	// Changes is the change log. Its rows have no body.
	Changes = &Schema{Name: "store_change", PrimaryKey: []Column{{Name: "position", Int: true}, {Name: "entity"}}}
	// Outbox has the events that were not pruned.
	Outbox = &Schema{Name: "store_outbox", PrimaryKey: []Column{{Name: "position", Int: true}, {Name: "nth", Int: true}}}
	// Operations are the ids of operations that were applied, with their positions. Its rows have no body.
	Operations = &Schema{Name: "store_op", PrimaryKey: []Column{{Name: "op"}}, Indexed: []Column{{Name: "position", Int: true}}}
	// Values are those of the meta table.
	Values = &Schema{Name: "store_meta", PrimaryKey: []Column{{Name: "k"}}}
)

// Own lists the tables of engines, in the order in which they are carried:
// values come last, since they tell that a store is there.
func Own() []*Schema { return []*Schema{Changes, Outbox, Operations, Values} }

// A Whole is a snapshot of everything that a database keeps.
type Whole interface {
	Snapshot
	// Rows calls fn for rows of a table, which may be one of Own, in the order
	// of their primary keys, those behind after (nil for all). fn must not use
	// the Whole.
	Rows(ctx context.Context, table *Schema, after Key, fn func(Row) error) error
	// Entries calls fn for the entries of an index in its order, as the index
	// has them: the whole key in its order (see Order). What the rows say plays no part
	// where the engine can read an index alone.
	Entries(ctx context.Context, table *Schema, index string, fn func(Key) error) error
}

// A Carrier is a driver whose content can be taken elsewhere as it is.
type Carrier interface {
	// Whole opens a snapshot. It is ErrSchema where the database has tables that
	// this program does not know: what was read would not be everything.
	Whole(ctx context.Context) (Whole, error)
	// Load inserts rows as they are and replaces values of the meta table, in
	// one durable transaction that has no position. It is for a store at
	// position 0, and ErrConflict in any other. It fails where a row is there
	// already, and is ErrTooLarge for one that the engine has no room for.
	Load(ctx context.Context, table *Schema, rows []Row, values map[string][]byte) error
	// Advance moves the head forward to a position that no commit has, and
	// replaces values of the meta table (nil removes one), in one durable
	// transaction. It is ErrConflict where the head has passed the position.
	Advance(ctx context.Context, position uint64, values map[string][]byte) error
	// Size tells what the database takes.
	Size(ctx context.Context) (Size, error)
}

// A Size is what a database takes on its disk, in bytes.
type Size struct {
	Disk int64 // of all files or tables, with indexes
	Free int64 // of Disk, what is used again before more is taken; -1 where it is not known
	Log  int64 // of Disk, what a write-ahead log takes; -1 where it is not the database's own
}
