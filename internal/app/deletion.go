package app

import (
	"context"
	"time"
)

// deletionPause is how long a key may outlive its deletion date while the server runs.
const deletionPause = time.Minute

// deleteKeys destroys keys whose time has come and sweeps up behind them, until
// ctx ends. What fails is tried again.
func (s *server) deleteKeys(ctx context.Context) {
	tick := time.NewTicker(deletionPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.deleteDue(ctx)
		if err := s.keys.SweepDeleted(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("sweeping up after destroyed keys", "cause", err)
		}
	}
}

// deleteDue destroys keys whose time has come.
func (s *server) deleteDue(ctx context.Context) {
	n, err := s.keys.DeleteDue(ctx, s.now())
	if err != nil && ctx.Err() == nil {
		s.log.Error("destroying keys that are due", "cause", err)
	}
	if n > 0 {
		s.log.Info("keys were destroyed on their deletion date", "keys", n)
	}
}
