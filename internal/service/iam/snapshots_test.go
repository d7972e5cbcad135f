package iam

import (
	"strconv"
	"testing"
	"time"

	"claviger/internal/kernel/authz"
)

func (s *snapshots) count() int {
	n := 0
	for i := range s.shards {
		if kept := s.shards[i].kept.Load(); kept != nil {
			n += len(*kept)
		}
	}
	return n
}

func TestSnapshotsAreBounded(t *testing.T) {
	t.Parallel()
	s := newSnapshots(time.Now)
	kept := 0
	for i := 0; kept < 2*shardMax; i++ {
		c := &authz.Credential{AccessKeyID: strconv.Itoa(i), Caller: &authz.Caller{}}
		if s.shard(c.AccessKeyID) != &s.shards[0] {
			continue
		}
		if s.keep(c) != c {
			t.Fatalf("credential %d was replaced", i)
		}
		if s.get(c.AccessKeyID) != c {
			t.Fatalf("credential %d is not kept", i)
		}
		kept++
	}
	if n := s.count(); n != shardMax {
		t.Errorf("a shard keeps %d credentials, want %d", n, shardMax)
	}
}

func TestSnapshotsKeepTheFirst(t *testing.T) {
	t.Parallel()
	s := newSnapshots(time.Now)
	first := &authz.Credential{AccessKeyID: "a", Caller: &authz.Caller{}}
	second := &authz.Credential{AccessKeyID: "a", Caller: &authz.Caller{}}
	if s.get("a") != nil {
		t.Error("a credential that was never kept is there")
	}
	s.keep(first)
	if s.keep(second) != first || s.get("a") != first {
		t.Error("a second reader's credential replaced the first one's")
	}
	s.forget("a")
	if s.get("a") != first {
		t.Error("a current credential was forgotten")
	}
	s.forget("b")
	other := &authz.Credential{AccessKeyID: "a", Token: "t", Caller: &authz.Caller{}}
	if s.keep(other) != other {
		t.Error("who has another token was lent the first one's credential")
	}
}

// What expires is nobody's from that moment on, without any change in the store.
func TestSnapshotsExpire(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	s := newSnapshots(func() time.Time { return now })
	first := &authz.Credential{AccessKeyID: "a", Caller: &authz.Caller{Expires: now.Add(time.Second)}}
	if s.keep(first) != first || s.get("a") != first {
		t.Error("a credential that has not expired is not kept")
	}
	now = now.Add(time.Second)
	if s.get("a") != nil {
		t.Error("an expired credential is lent")
	}
	s.forget("a")
	if s.count() != 0 {
		t.Error("an expired credential is kept")
	}
}

// It counts allocations, so it runs alone.
func TestSnapshotsAllocateNothingToRead(t *testing.T) {
	s := newSnapshots(time.Now)
	s.keep(&authz.Credential{AccessKeyID: "AKIAEXAMPLEEXAMPLEEX", Caller: &authz.Caller{}})
	if n := testing.AllocsPerRun(100, func() { s.get("AKIAEXAMPLEEXAMPLEEX") }); n != 0 {
		t.Errorf("a look-up allocates %v times", n)
	}
}
