package app

import (
	"context"
	"errors"
	"time"

	"claviger/internal/ground/audit"
	"claviger/internal/kernel/record"
)

// lastUsePause is how much of the trail a start reads again at most for the last
// uses of keys, access keys and roles, as time in which it was written.
const lastUsePause = time.Minute

// recorded passes on what the trail got.
func (s *server) recorded(first uint64, entries []audit.Entry) {
	for i := range entries {
		b, _ := entries[i].Note.(*record.Brief) // nil where no caller of an account did it
		s.keys.Recorded(first+uint64(i), entries[i].Account, entries[i].Time, b)
		s.iam.Recorded(first+uint64(i), entries[i].Account, entries[i].Time, b)
	}
}

// readTrail reads the trail for the services that want to know last uses. That it
// is damaged keeps no server from serving: the damage does not go away by itself.
func (s *server) readTrail(ctx context.Context, from uint64, fn func(sequence uint64, account string, at time.Time, b *record.Brief) error) error {
	err := s.trail.Read(ctx, from, func(sequence uint64, e audit.Entry) error {
		b, err := record.ReadBrief(e.Record)
		if err != nil {
			return err
		}
		return fn(sequence, e.Account, e.Time, b)
	})
	if errors.Is(err, audit.ErrDamaged) {
		s.log.Error("reading the trail for last uses, which are known from now on only; see claviger audit verify", "cause", err)
	}
	return err
}

// storeLastUses stores last uses from time to time, until ctx ends, and for the first
// time at once where much is to be stored.
func (s *server) storeLastUses(ctx context.Context, much bool) {
	if much {
		s.keepLastUses(ctx)
	}
	tick := time.NewTicker(lastUsePause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.keepLastUses(ctx)
	}
}

// keepLastUses stores the last uses of keys, access keys and roles. Where it fails nothing is lost: the
// trail has them, and they are tried again.
func (s *server) keepLastUses(ctx context.Context) {
	if err := s.ran(taskLastUses, errors.Join(s.keys.StoreLastUses(ctx), s.iam.StoreLastUses(ctx))); err != nil && ctx.Err() == nil {
		s.log.Error("storing last uses of keys", "cause", err)
	}
}
