package iam

import (
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"claviger/internal/kernel/authz"
)

// Bounds of the credentials kept in memory: at most shards*shardMax.
const (
	shards   = 256
	shardMax = 64
)

// snapshots keeps credentials by access key id while their stamps are current
// and they have not expired. Only what exists is kept: an unknown access key
// leaves nothing behind, and neither does a session that has ended.
//
// Readers take no lock and allocate nothing: each shard is a small map that is
// replaced, never changed.
type snapshots struct {
	now    func() time.Time
	seed   maphash.Seed
	shards [shards]shard
}

type shard struct {
	mu   sync.Mutex // held by who replaces kept
	kept atomic.Pointer[map[string]*authz.Credential]
}

func newSnapshots(now func() time.Time) *snapshots {
	return &snapshots{now: now, seed: maphash.MakeSeed()}
}

func (s *snapshots) shard(id string) *shard {
	return &s.shards[maphash.String(s.seed, id)%shards]
}

// get returns the credential kept for id, or nil.
func (s *snapshots) get(id string) *authz.Credential {
	kept := s.shard(id).kept.Load()
	if kept == nil {
		return nil
	}
	c := (*kept)[id]
	if c == nil || !s.current(c) {
		return nil
	}
	return c
}

// keep keeps a credential that was just read, and returns the one that counts:
// of several readers at the same time all get the first one's.
func (s *snapshots) keep(fresh *authz.Credential) *authz.Credential {
	sh := s.shard(fresh.AccessKeyID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	next := make(map[string]*authz.Credential)
	if kept := sh.kept.Load(); kept != nil {
		if c := (*kept)[fresh.AccessKeyID]; c != nil && c.Token == fresh.Token && s.current(c) {
			return c
		}
		next = maps.Clone(*kept)
		maps.DeleteFunc(next, func(_ string, c *authz.Credential) bool { return !s.current(c) })
	}
	if len(next) >= shardMax {
		for id := range next { // one at random, as the order of a map is
			delete(next, id)
			break
		}
	}
	next[fresh.AccessKeyID] = fresh
	sh.kept.Store(&next)
	return fresh
}

// forget drops the credential kept for id if it is no longer current, so that
// its secret does not outlive it.
func (s *snapshots) forget(id string) {
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	kept := sh.kept.Load()
	if kept == nil {
		return
	}
	if c := (*kept)[id]; c == nil || s.current(c) {
		return
	}
	next := maps.Clone(*kept)
	delete(next, id)
	sh.kept.Store(&next)
}

// current reports whether c is still true. The clock is asked only about what expires.
func (s *snapshots) current(c *authz.Credential) bool {
	if expires := c.Caller.Expires; !expires.IsZero() && !s.now().Before(expires) {
		return false
	}
	for i := range c.Caller.Stamps {
		if !c.Caller.Stamps[i].Current() {
			return false
		}
	}
	return true
}
