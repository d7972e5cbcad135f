package app

import (
	"sync/atomic"
	"time"
)

// Tasks that the server does by itself.
const (
	taskDelete   = "delete_keys"
	taskExpire   = "expire_material"
	taskRotate   = "rotate_keys"
	taskSweep    = "sweep"
	taskLastUses = "store_last_uses"
	taskConnect  = "connect_key_stores"
	taskDrain    = "drain_outbox"
)

// A task counts its runs.
type task struct {
	done, failed atomic.Uint64
	at           atomic.Int64 // when it was last done, in seconds since 1970; 0 before
}

// ran counts a run, and returns its error.
func (t *task) ran(now time.Time, err error) error {
	if err != nil {
		t.failed.Add(1)
		return err
	}
	t.done.Add(1)
	t.at.Store(now.Unix())
	return nil
}

func newTasks() map[string]*task {
	tasks := make(map[string]*task)
	for _, name := range []string{taskDelete, taskExpire, taskRotate, taskSweep, taskLastUses, taskConnect, taskDrain} {
		tasks[name] = new(task)
	}
	return tasks
}

// ran counts a run of a task, and returns its error.
func (s *server) ran(name string, err error) error { return s.tasks[name].ran(s.now(), err) }
