package xks

import "sync"

// snapshots keeps what was read of rows while it is current. Only what exists is
// kept, and only the operator makes it, so that strangers can't fill the memory.
type snapshots[K comparable, V interface{ current() bool }] struct {
	kept sync.Map // K → V
}

func (s *snapshots[K, V]) get(name K) (V, bool) {
	if v, ok := s.kept.Load(name); ok && v.(V).current() {
		return v.(V), true
	}
	var none V
	return none, false
}

// keep keeps v in place of what has ended, and returns the one that counts: of
// several readers at the same time all get the first one's.
func (s *snapshots[K, V]) keep(name K, v V) V {
	for {
		other, held := s.kept.LoadOrStore(name, v)
		switch {
		case !held || other.(V).current():
			return other.(V)
		case s.kept.CompareAndSwap(name, other, v):
			return v
		}
	}
}

// sweep drops what is no longer current.
func (s *snapshots[K, V]) sweep() {
	s.kept.Range(func(name, v any) bool {
		if !v.(V).current() {
			s.kept.CompareAndDelete(name, v)
		}
		return true
	})
}
