package app

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"claviger/internal/edge/message"
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

// refused logs a request that was refused at the door, or that failed there for
// a reason of the server's own: the store does not answer, perhaps.
func (s *sampler) refused(r *message.Request, id string, err error) {
	if known := (*fault.Fault)(nil); !errors.As(err, &known) {
		s.warn("request failed at the door", "request_id", id, "from", r.Remote.String(), "cause", err)
		return
	}
	s.warn("request refused at the door", "request_id", id, "code", string(fault.From(err).Code), "from", r.Remote.String())
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
