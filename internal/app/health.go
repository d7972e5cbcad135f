package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"claviger/internal/ground/host"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

const (
	healthPause = time.Second
	// healthPatience is how long the database may take to answer before it counts
	// as away.
	healthPatience = 3 * time.Second
	// diskMin is how much room a disk must have. It is less than the trail takes
	// at a time, so that what is left is of no use to it.
	diskMin = 16 << 20
)

// Parts that a server needs to answer calls.
const (
	partStore = "store"
	partTrail = "trail"
	partDisk  = "disk"
)

// health is what keeps a server from answering all calls, by part.
type health struct {
	mu    sync.Mutex
	wrong map[string]error
}

// set says what is wrong with a part, nil if nothing is, and reports whether that
// has begun or ended with this.
func (h *health) set(part string, err error) (changed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, was := h.wrong[part]
	if err == nil {
		delete(h.wrong, part)
		return was
	}
	if h.wrong == nil {
		h.wrong = make(map[string]error)
	}
	h.wrong[part] = err
	return !was
}

// of returns what is wrong with a part, nil if nothing is.
func (h *health) of(part string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.wrong[part]
}

// reasons say what is wrong, a line for each part.
func (h *health) reasons() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var lines []string
	for _, part := range slices.Sorted(maps.Keys(h.wrong)) {
		lines = append(lines, part+": "+h.wrong[part].Error())
	}
	return lines
}

// watchHealth looks after the parts until ctx ends.
func (s *server) watchHealth(ctx context.Context) {
	tick := time.NewTicker(healthPause)
	defer tick.Stop()
	var answers chan error // of the question that is under way; nil where none is
	asked := time.Time{}
	for {
		s.noteHealth(partTrail, s.trailHealth())
		s.noteHealth(partDisk, s.diskHealth())
		if d, ok := s.driver.(driver.Reporter); ok {
			s.noteHealth(partStore, d.Writable())
		}
		if s.lost != nil { // the database is another process, which may be away
			if answers == nil {
				answers, asked = make(chan error, 1), s.now()
				go func() { answers <- s.askStore(ctx) }()
			}
			if s.now().Sub(asked) > healthPatience {
				s.noteHealth(partStore, fmt.Errorf("the database has not answered for %s", healthPatience))
			}
		}
		select {
		case <-ctx.Done():
			return
		case err := <-answers:
			answers = nil
			if ctx.Err() != nil {
				return
			}
			s.noteHealth(partStore, err)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		case <-tick.C:
		}
	}
}

// askStore reads from the store.
func (s *server) askStore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	return s.store.View(ctx, func(store.Reader) error { return nil })
}

// trailHealth asks the trail whether it takes records. One in memory always does.
func (s *server) trailHealth() error {
	if s.pipeline.Lagging() {
		return errors.New("a change is not recorded yet")
	}
	if t, ok := s.trail.(interface{ Check() error }); ok {
		return t.Check()
	}
	return nil
}

// diskHealth looks for room where the server keeps its files.
func (s *server) diskHealth() error {
	if s.dir == "" {
		return nil
	}
	d, err := host.DiskOf(s.dir)
	switch {
	case errors.Is(err, host.ErrUnknown):
		return nil
	case err != nil:
		return fmt.Errorf("looking at the data directory: %w", err)
	case d.ReadOnly:
		return errors.New("the file system of the data directory is for reading only")
	case d.Free < diskMin:
		return fmt.Errorf("the disk of the data directory is full: less than %d MiB are left", diskMin>>20)
	}
	return nil
}

// noteHealth keeps what is wrong with a part, and logs where that begins and ends.
func (s *server) noteHealth(part string, err error) {
	if !s.health.set(part, err) {
		return
	}
	if err != nil {
		s.log.Error("not ready", "part", part, "cause", err)
		return
	}
	s.log.Info("ready again", "part", part)
}
