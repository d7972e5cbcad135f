package sealed

import "sync"

// Keys live in an arena of slots that the garbage collector neither moves nor
// copies, and that core dumps, swap and forked children don't receive where the
// system allows that to be asked for (arena_linux.go). Memory once taken from
// the system is kept for further keys.
const (
	slotSize  = 256
	chunkSize = 64 << 10
)

// A slot is the memory of one key.
type slot [slotSize]byte

type slots struct {
	mu     sync.Mutex
	free   []*slot
	total  int
	failed bool // some chunk could not be locked
}

var arena slots

// take returns a slot of zeros.
func (a *slots) take() *slot {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.free) == 0 {
		a.grow()
	}
	s := a.free[len(a.free)-1]
	a.free = a.free[:len(a.free)-1]
	return s
}

// grow adds a chunk. The caller holds the lock.
func (a *slots) grow() {
	chunk, locked := mapChunk(chunkSize)
	if !locked {
		a.failed = true
	}
	for ; len(chunk) >= slotSize; chunk = chunk[slotSize:] {
		a.free = append(a.free, (*slot)(chunk))
		a.total++
	}
}

// wipe clears s and gives it back. Nobody may use s afterwards.
func (a *slots) wipe(s *slot) {
	clear(s[:])
	a.mu.Lock()
	a.free = append(a.free, s)
	a.mu.Unlock()
}

// Locked reports whether all key memory in use is locked, so that the system
// never writes it to swap. It is false where the system can't lock memory or
// where the process's limit (RLIMIT_MEMLOCK) is used up; keys work all the same.
func Locked() bool {
	arena.mu.Lock()
	defer arena.mu.Unlock()
	if arena.total == 0 {
		arena.grow()
	}
	return !arena.failed
}
