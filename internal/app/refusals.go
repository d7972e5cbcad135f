package app

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"claviger/internal/words/fault"
)

// sampler logs what others bring about, such as requests whose signature does not
// verify: a few each minute, and how many were left out. Strangers must not be
// able to fill the disk.
type sampler struct {
	log  *slog.Logger
	more string // what is said of those that were left out

	mu     sync.Mutex
	minute time.Time
	shown  int
	hidden int
}

// shownMax bounds what is logged each minute.
const shownMax = 20

func newSampler(log *slog.Logger, more string) *sampler { return &sampler{log: log, more: more} }

// refused logs a request that was refused at the door.
func (s *sampler) refused(from netip.Addr, code fault.Code) {
	s.warn("request refused at the door", "code", string(code), "from", from.String())
}

func (s *sampler) warn(message string, attributes ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now().Truncate(time.Minute); now != s.minute {
		if s.hidden > 0 {
			s.log.Warn(s.more, "count", s.hidden, "minute", s.minute)
		}
		s.minute, s.shown, s.hidden = now, 0, 0
	}
	if s.shown >= shownMax {
		s.hidden++
		return
	}
	s.shown++
	s.log.Warn(message, attributes...)
}
