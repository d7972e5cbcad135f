package storetest

import (
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

// A thing is a record with every kind of column.
type thing struct {
	Owner string // the account
	ID    []byte
	Name  []byte // unique to the owner
	Size  int64
	Note  string
}

var things = store.Table[thing]{
	Schema: driver.Schema{
		Name:       "test_thing",
		PrimaryKey: []driver.Column{{Name: "owner"}, {Name: "id"}},
		Indexed:    []driver.Column{{Name: "name"}, {Name: "size", Int: true}},
		Indexes: []driver.IndexSchema{
			{Name: "by_name", Columns: []string{"owner", "name"}, Unique: true},
			{Name: "by_size", Columns: []string{"size"}},
			{Name: "by_owner_size", Columns: []string{"owner", "size"}},
		},
	},
	Version: 1,
	Key:     func(r *thing) store.Key { return store.Key{store.S(r.Owner), store.S(string(r.ID))} },
	Indexed: func(r *thing) store.Key { return store.Key{store.S(string(r.Name)), store.N(r.Size)} },
	Account: func(r *thing) string { return r.Owner },
}

// A counter belongs to the installation and is keyed by a number.
type counter struct {
	N     int64
	Value int64
}

var counters = store.Table[counter]{
	Schema:  driver.Schema{Name: "test_counter", PrimaryKey: []driver.Column{{Name: "n", Int: true}}},
	Version: 1,
	Key:     func(r *counter) store.Key { return store.Key{store.N(r.N)} },
}

func tables() []store.AnyTable { return []store.AnyTable{&things, &counters} }

func schemas() []*driver.Schema { return []*driver.Schema{&things.Schema, &counters.Schema} }

// newThing has its name from its id.
func newThing(owner, id string, size int64) *thing {
	return &thing{Owner: owner, ID: []byte(id), Name: []byte("n" + id), Size: size, Note: "note of " + owner}
}

func thingKey(owner, id string) store.Key { return store.Key{store.S(owner), store.S(id)} }

// row is a thing for a driver that is tested alone.
func row(owner, id, name string, size, rev int64) driver.Row {
	return driver.Row{
		Key:     thingKey(owner, id),
		Indexed: store.Key{store.S(name), store.N(size)},
		Rev:     rev,
		Version: 1,
		Body:    []byte("body of " + id),
	}
}

func insert(r driver.Row) driver.Write {
	return driver.Write{Kind: driver.Insert, Table: &things.Schema, Row: r}
}

func put(r driver.Row, old int64) driver.Write {
	return driver.Write{Kind: driver.Put, Table: &things.Schema, Row: r, Old: old}
}

func remove(owner, id string, old int64) driver.Write {
	return driver.Write{Kind: driver.Delete, Table: &things.Schema, Row: driver.Row{Key: thingKey(owner, id)}, Old: old}
}

func batch(writes ...driver.Write) *driver.Batch { return &driver.Batch{Writes: writes} }
