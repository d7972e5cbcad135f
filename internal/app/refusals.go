package app

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"claviger/internal/words/fault"
)

// sampler logs requests whose signature does not verify: a few each minute, and
// how many were left out. Strangers must not be able to fill the disk.
type sampler struct {
	log *slog.Logger

	mu     sync.Mutex
	minute time.Time
	shown  int
	hidden int
}

// shownMax bounds what is logged each minute.
const shownMax = 20

func newSampler(log *slog.Logger) *sampler { return &sampler{log: log} }

func (s *sampler) refused(from netip.Addr, code fault.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now().Truncate(time.Minute); now != s.minute {
		if s.hidden > 0 {
			s.log.Warn("more requests refused at the door", "count", s.hidden, "minute", s.minute)
		}
		s.minute, s.shown, s.hidden = now, 0, 0
	}
	if s.shown >= shownMax {
		s.hidden++
		return
	}
	s.shown++
	s.log.Warn("request refused at the door", "code", string(code), "from", from.String())
}
