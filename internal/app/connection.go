package app

import (
	"context"
	"time"
)

// How long a custom key store waits for its connection to be begun, and to be
// begun again where that failed for a reason of the server's own.
const (
	connectionPause = 50 * time.Millisecond
	connectionRetry = 5 * time.Second
)

// connectStores connects the custom key stores that wait for it, until ctx ends.
// Those that a process before this one has left are among the first.
func (s *server) connectStores(ctx context.Context) {
	for pause := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = connectionPause
		if err := s.ran(taskConnect, s.keys.ConnectDue(ctx)); err != nil && ctx.Err() == nil {
			s.log.Error("connecting custom key stores", "cause", err)
			pause = connectionRetry
		}
	}
}
