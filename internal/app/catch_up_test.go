package app

import (
	"strings"
	"testing"

	"claviger/internal/service/kms"
)

// TestCatchingUpIsTold: that the trail is behind the store is logged when it begins and
// when it has ended, however often it is tried meanwhile.
func TestCatchingUpIsTold(t *testing.T) {
	t.Parallel()
	trail := new(behind)
	w := newDurableWorldWith(t, t.TempDir(), func(f *foundations) { f.openTrail = trail.open })
	w.server.stop()
	w.server.background.Wait() // it is the test that tries
	for range 2 {
		trail.refuse.Store(true)
		if _, err := w.call(w.caller(owner), "kms:CreateKey", &kms.CreateKeyInput{}); err == nil {
			t.Fatal("answered without a record")
		}
		failed := false
		for range 5 {
			failed = w.server.catchUp(t.Context(), failed)
		}
		trail.refuse.Store(false)
		if failed = w.server.catchUp(t.Context(), failed); failed || w.server.catchUp(t.Context(), failed) {
			t.Error("it does not catch up")
		}
	}
	log := w.log.String()
	begun, ended := strings.Count(log, "the trail is behind the store"), strings.Count(log, "the trail has caught up")
	if begun != 2 || ended != 2 {
		t.Errorf("told %d times that it is behind, and %d times that it has caught up:\n%s", begun, ended, log)
	}
}
