package app

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/ground/store/drivertest"
)

// TestRolledBackStore: a store that lacks changes which the trail has is not served.
func TestRolledBackStore(t *testing.T) {
	t.Parallel()
	key, err := root.Random()
	if err != nil {
		t.Fatal(err)
	}
	keyring, _, err := sealed.Create(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), trailDir)
	open := func(o audit.Options) (audit.Trail, error) {
		o.SegmentBytes = 1 << 20
		log, err := audit.Open(o)
		if err != nil {
			return nil, err
		}
		ticket, err := log.AppendOutbox(1000, []audit.Entry{{Time: time.Now(), Record: []byte(`{}`)}})
		if err == nil {
			err = ticket.Wait(t.Context())
		}
		return log, err
	}
	_, err = newServer(t.Context(), foundations{
		driver: drivertest.Open(t), keyring: keyring, trailDir: dir, openTrail: open, log: slog.New(slog.DiscardHandler),
	})
	if err == nil || !strings.Contains(err.Error(), "the store was rolled back: it ends at change 0, the trail has change 1000") {
		t.Errorf("a rolled-back store is served: %v", err)
	}
}
