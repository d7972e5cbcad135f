package store

import (
	"fmt"
	"hash/maphash"
	"sync/atomic"

	"claviger/internal/ground/store/driver"
)

// births has the position of the last commit that inserted a row, by a hash of the
// row's name. Rows that share a place have each other's transactions run again, which
// costs a try and harms nothing.
//
// A new row has a revision that its key never had if nobody inserted it since the
// snapshot that its transaction read. That is not seen in the database where it was
// deleted again meanwhile. It is enough to know it of this process: no other one
// writes to the database.
type births struct {
	seed maphash.Seed // drawn, as that of slots
	last []atomic.Uint64
}

func (b *births) init() { b.seed, b.last = maphash.MakeSeed(), make([]atomic.Uint64, 1<<17) }

func (b *births) of(w *driver.Write) *atomic.Uint64 {
	return &b.last[maphash.String(b.seed, rowID(w.Table, w.Row.Key))%uint64(len(b.last))]
}

// note is called in the order of positions, never concurrently.
func (b *births) note(writes []driver.Write, position uint64) {
	for i := range writes {
		if writes[i].Kind == driver.Insert {
			b.of(&writes[i]).Store(position)
		}
	}
}

// confirm refuses rows that were inserted after a snapshot.
func (b *births) confirm(writes []driver.Write, snapshot uint64) error {
	for i := range writes {
		if writes[i].Kind == driver.Insert && b.of(&writes[i]).Load() > snapshot {
			return fmt.Errorf("row of %s: %w", writes[i].Table.Name, ErrConflict)
		}
	}
	return nil
}
