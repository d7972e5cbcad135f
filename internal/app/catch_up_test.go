package app

import (
	"strings"
	"sync/atomic"
	"testing"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/store/drivertest"
	"claviger/internal/service/kms"
)

// full is a trail that takes no records of changes while its disk is full.
type full struct {
	audit.Trail
	disk atomic.Bool
}

func (f *full) AppendOutbox(position uint64, entries []audit.Entry) (audit.Ticket, error) {
	if f.disk.Load() {
		return audit.Ticket{}, audit.ErrUnavailable
	}
	return f.Trail.AppendOutbox(position, entries)
}

// TestCatchingUpIsTold: that the trail is behind the store is logged when it begins and
// when it has ended, however often it is tried meanwhile.
func TestCatchingUpIsTold(t *testing.T) {
	t.Parallel()
	trail := &full{Trail: audit.NewRing(100)}
	w := newWorldWith(t, drivertest.Open(t), "", func(f *foundations) {
		f.openTrail = func(audit.Options) (audit.Trail, error) { return trail, nil }
	})
	w.server.stop()
	w.server.background.Wait() // it is the test that tries
	for range 2 {
		trail.disk.Store(true)
		if _, err := w.call(w.caller(owner), "kms:CreateKey", &kms.CreateKeyInput{}); err == nil {
			t.Fatal("answered without a record")
		}
		behind := false
		for range 5 {
			behind = w.server.catchUp(t.Context(), behind)
		}
		trail.disk.Store(false)
		if behind = w.server.catchUp(t.Context(), behind); behind || w.server.catchUp(t.Context(), behind) {
			t.Error("it does not catch up")
		}
	}
	log := w.log.String()
	begun, ended := strings.Count(log, "the trail is behind the store"), strings.Count(log, "the trail has caught up")
	if begun != 2 || ended != 2 {
		t.Errorf("told %d times that it is behind, and %d times that it has caught up:\n%s", begun, ended, log)
	}
}
