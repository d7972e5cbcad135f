package app

import (
	"context"
	"errors"
	"time"
)

// duePause is how long what is due of a key may wait while the server runs.
const duePause = time.Minute

// keepDates does what is due of keys and sweeps up behind what was destroyed,
// until ctx ends. What fails is tried again.
func (s *server) keepDates(ctx context.Context) {
	tick := time.NewTicker(duePause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.doDue(ctx)
		if err := s.ran(taskSweep, errors.Join(s.keys.SweepDeleted(ctx), s.keys.ShredRemoved(ctx), s.proxy.Settle(ctx, false))); err != nil && ctx.Err() == nil {
			s.log.Error("sweeping up after destroyed keys and material", "cause", err)
		}
	}
}

// doDue does to keys what their time has come for.
func (s *server) doDue(ctx context.Context) {
	for _, task := range []struct {
		name, failed, done string
		do                 func(context.Context, time.Time) (int, error)
	}{
		{taskDelete, "destroying keys that are due", "keys were destroyed on their deletion date", s.keys.DeleteDue},
		{taskExpire, "removing imported material that has expired", "imported material has expired", s.keys.ExpireDue},
		{taskRotate, "rotating keys that are due", "keys were rotated", s.keys.RotateDue},
	} {
		n, err := task.do(ctx, s.now())
		if s.ran(task.name, err) != nil && ctx.Err() == nil {
			s.log.Error(task.failed, "cause", err)
		}
		if n > 0 {
			s.log.Info(task.done, "keys", n)
		}
	}
}
