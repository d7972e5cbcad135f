// Package tally counts without locks what whoever watches a server wants to know.
//
// Counting costs a few atomic additions and allocates nothing. What the numbers
// are called, and how they are shown, is not its business.
package tally

import "sync/atomic"

// A Cache counts how often what was looked for was at hand.
type Cache struct{ hits, misses atomic.Uint64 }

// Look counts one look, and returns whether it was a hit.
func (c *Cache) Look(hit bool) bool {
	if hit {
		c.hits.Add(1)
	} else {
		c.misses.Add(1)
	}
	return hit
}

// Looks are the hits and misses so far.
func (c *Cache) Looks() (hits, misses uint64) { return c.hits.Load(), c.misses.Load() }
