package kms

import (
	"sync"

	"claviger/internal/ground/tally"
)

// A snapshot knows whether what it was read from has changed since.
type snapshot interface {
	comparable
	current() bool
}

// cache keeps a bounded number of snapshots. A snapshot that is no longer
// current is never returned.
type cache[K comparable, V snapshot] struct {
	mu      sync.RWMutex
	entries map[K]V
	max     int
	looks   tally.Cache
}

func newCache[K comparable, V snapshot](max int) *cache[K, V] {
	return &cache[K, V]{entries: make(map[K]V), max: max}
}

func (c *cache[K, V]) get(name K) (V, bool) {
	c.mu.RLock()
	v, ok := c.entries[name]
	c.mu.RUnlock()
	if c.looks.Look(ok && v.current()) || !ok {
		return v, ok
	}
	c.drop(name, v)
	var none V
	return none, false
}

// Caches counts, by what they hold, how often what was looked for was in memory.
// A key is kept with its policy.
func (s *Service) Caches() map[string]*tally.Cache {
	return map[string]*tally.Cache{
		"keys": &s.keys.looks, "aliases": &s.aliases.looks, "grantees": &s.grantees.looks, "grants": &s.entries.looks,
	}
}

// drop removes v unless another snapshot has taken its place meanwhile.
func (c *cache[K, V]) drop(name K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[name] == v {
		delete(c.entries, name)
	}
}

// put keeps v, unless it is no longer current: whoever ends a snapshot and then
// asks for it may rely on its being gone for good. A full cache gives up an entry at random, as the order of a map
// is: unlike the least recently used one, it costs the readers no bookkeeping.
func (c *cache[K, V]) put(name K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !v.current() {
		return
	}
	if _, held := c.entries[name]; !held && len(c.entries) >= c.max {
		for other := range c.entries {
			delete(c.entries, other)
			break
		}
	}
	c.entries[name] = v
}
