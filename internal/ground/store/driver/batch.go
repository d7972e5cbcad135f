package driver

// Limits of one batch, which every engine honours.
const (
	MaxWrites = 500
	MaxBytes  = 1 << 20 // of keys, columns, bodies, entities, events (before SealEvent) and meta values
)

// A WriteKind says what a Write does.
type WriteKind uint8

// The kinds of writes.
const (
	Insert WriteKind = iota // ErrExists if the key is there
	Put                     // replaces the row whose revision is Old; else ErrConflict
	Delete                  // deletes the row whose revision is Old; else ErrConflict
)

// A Write changes one row.
type Write struct {
	Kind  WriteKind
	Table *Schema
	Row   Row // for Delete only Key counts
	Old   int64
}

// A Require demands that a row still has a revision at commit, or, where Rev is
// zero, that there is still no such row.
type Require struct {
	Table *Schema
	Key   Key
	Rev   int64
}

// A Batch is verified and applied as one transaction: first every Require and
// every Old is compared, then everything is written; the head moves last.
type Batch struct {
	// OpID makes the batch idempotent: if it was applied within the last
	// Retained commits, Commit answers its earlier position and does nothing.
	// A zero OpID is not remembered.
	OpID     [16]byte
	Writes   []Write // at most one for each row
	Requires []Require
	Touches  []string          // entities, one change-log row each
	Events   [][]byte          // of the outbox, in order
	Meta     map[string][]byte // inserted into the meta table; ErrConflict where a key exists
	Prune    uint64            // outbox rows of earlier commits at or below this position are deleted
	Roll     Roll              // of the digest

	// Confirm is called once all else of the batch is verified. Every commit whose
	// transaction came before was told of by then. An error refuses the batch, as
	// one of verification does; it must not use the engine. It may be nil.
	Confirm func() error

	// SealEvent returns the body of the outbox row of an event, of which only
	// the engine knows the position. It is called once the batch is verified
	// and before any of it is written, and must not use the engine. An error
	// ends the commit, of which nothing is applied. Where it is nil, events are kept as they are.
	SealEvent func(position uint64, index int, event []byte) ([]byte, error)
}

// Outbox returns the bodies of the outbox rows that b leaves at a position.
func (b *Batch) Outbox(position uint64) ([][]byte, error) {
	if b.SealEvent == nil {
		return b.Events, nil
	}
	bodies := make([][]byte, len(b.Events))
	for i, event := range b.Events {
		var err error
		if bodies[i], err = b.SealEvent(position, i, event); err != nil {
			return nil, err
		}
	}
	return bodies, nil
}

// Validate returns ErrTooLarge for a batch beyond the limits. It panics if a
// row does not fit its table, or is written twice.
func (b *Batch) Validate() error {
	size := 0
	seen := make(map[string]bool, len(b.Writes))
	for i := range b.Writes {
		w := &b.Writes[i]
		size += w.size()
		id := rowID(w.Table, w.Row.Key)
		if seen[id] {
			panic("driver: a row of table " + w.Table.Name + " written twice in one batch")
		}
		seen[id] = true
	}
	for i := range b.Requires {
		mustFit(b.Requires[i].Table, b.Requires[i].Key)
	}
	for _, e := range b.Touches {
		size += len(e)
	}
	for _, e := range b.Events {
		size += len(e)
	}
	for k, v := range b.Meta {
		size += len(k) + len(v)
	}
	if len(b.Writes) > MaxWrites || size > MaxBytes {
		return ErrTooLarge
	}
	return nil
}

func (w *Write) size() int {
	mustFit(w.Table, w.Row.Key)
	if w.Kind == Delete {
		return w.Row.Key.size()
	}
	if len(w.Row.Indexed) != len(w.Table.Indexed) || !Admits(w.Table.Indexed, w.Row.Indexed) {
		panic("driver: indexed values do not fit table " + w.Table.Name)
	}
	return w.Row.Key.size() + w.Row.Indexed.size() + len(w.Row.Body)
}

func mustFit(table *Schema, key Key) {
	if len(key) != len(table.PrimaryKey) || !Admits(table.PrimaryKey, key) {
		panic("driver: key does not fit table " + table.Name)
	}
}

func (k Key) size() int {
	n := 0
	for _, v := range k {
		n += 8 + len(v.S)
	}
	return n
}

// rowID names a row among all tables.
func rowID(table *Schema, key Key) string {
	return string(key.AppendOrdered([]byte(table.Name + "/")))
}
