package store

import (
	"errors"
	"sync/atomic"
	"time"

	"claviger/internal/ground/tally"
)

// Work is what a store has done so far.
type Work struct {
	Commits   atomic.Uint64    // that were applied
	Overtaken atomic.Uint64    // tries that another transaction came before, and that were made again or given up
	Failed    atomic.Uint64    // commits that were certainly not applied, for another reason
	Unknown   atomic.Uint64    // commits whose outcome is not known
	Took      *tally.Histogram // time from handing a commit to the database to its being durable
}

func newWork() Work { return Work{Took: tally.Seconds()} }

// Work counts what the store does.
func (s *Store) Work() *Work { return &s.work }

// begin is when a commit begins, where time is counted.
func (s *Store) begin() time.Time {
	if s.now == nil {
		return time.Time{}
	}
	return s.now()
}

// ended counts a commit that was handed to the driver.
func (s *Store) ended(began time.Time, err error) {
	switch {
	case err == nil:
		s.work.Commits.Add(1)
		if s.now != nil {
			s.work.Took.Observe(int64(s.now().Sub(began)))
		}
	case errors.Is(err, ErrConflict), errors.Is(err, ErrExists):
		// counted with its try
	case errors.Is(err, ErrIndeterminate):
		s.work.Unknown.Add(1)
	default:
		s.work.Failed.Add(1)
	}
}
