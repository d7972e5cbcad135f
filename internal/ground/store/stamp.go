package store

import (
	"hash/maphash"
	"sync/atomic"
)

// A Stamp says that something was read of an entity at a position. It is
// current until a commit touches the entity. The zero Stamp is always current.
//
// Why that is sound: a snapshot's position is read inside the snapshot, so what
// was read reflects exactly the commits up to it. A later commit that touches
// the entity raises the entity's slot to its own, higher position before its
// Update returns. So once a change has been acknowledged no stamp made from
// older data is current; a stamp that is still current while the change is
// being committed belongs to a use that is concurrent with it. A snapshot that
// already shows the change has its position or a higher one, and its stamps
// stay current when the slot is raised.
type Stamp struct {
	slot     *slot
	position uint64
}

// Stamp returns the stamp of an entity as read by r. Of a Txn it is the stamp of
// its snapshot, which the transaction's own commit ends if it touches the entity.
func (s *Store) Stamp(r Reader, entity string) Stamp {
	return Stamp{slot: s.slots.of(entity), position: r.Position()}
}

// Current reports whether no commit has touched the entity since it was read. It is a few nanoseconds.
func (st Stamp) Current() bool {
	return st.slot == nil || st.slot.last.Load() <= st.position
}

// A slot holds the position of the last commit that touched one of its entities.
// Entities that share a slot end each other's stamps, which costs a look-up and
// harms nothing.
type slot struct{ last atomic.Uint64 }

type slots struct {
	seed maphash.Seed // drawn, so that nobody can aim at another's slot
	list [4096]slot
}

func (s *slots) init() { s.seed = maphash.MakeSeed() }

func (s *slots) of(entity string) *slot {
	return &s.list[maphash.String(s.seed, entity)%uint64(len(s.list))]
}

// raise is called in the order of positions, never concurrently.
func (s *slots) raise(entity string, position uint64) { s.of(entity).last.Store(position) }
