package pipeline_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/store"
	"claviger/internal/words/ident"
)

// spoil makes writing to the open file fail whose name ends with suffix.
func spoil(t *testing.T, dir, suffix string) {
	t.Helper()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	spoilt := 0
	for _, entry := range open {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		name, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err != nil || !strings.HasPrefix(name, dir) || !strings.HasSuffix(name, suffix) {
			continue
		}
		if err := unix.Dup3(int(null.Fd()), fd, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		spoilt++
	}
	if spoilt == 0 {
		t.Fatal("no open file ends with " + suffix)
	}
}

// TestRecordGivenUp: the trail gives the record of a commit up after it has
// taken it, and nobody waits for that record. It is noticed all the same, and
// the record is there in the end, once, before those of later commits.
func TestRecordGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w.openLog(dir)
	if _, err := w.do(w.add(), "a"); err != nil {
		t.Fatal(err)
	}
	spoil(t, dir, ".trail")
	if _, err := w.store.Update(t.Context(), ident.Bytes(), func(tx store.Txn) error {
		tx.Emit(audit.EncodeEntries([]audit.Entry{{Account: account, Time: time.Now(), Record: []byte(`{"eventName":"Orphan"}`)}}))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); !w.pipeline.Lagging(); {
		if time.Now().After(end) {
			t.Fatal("the trail has given up the record of a commit, and the pipeline does not say so")
		}
	}
	for end := time.Now().Add(10 * time.Second); w.pipeline.Drain(t.Context()) != nil; {
		if time.Now().After(end) {
			t.Fatal("the trail did not catch up")
		}
	}
	if _, err := w.do(w.add(), "a"); err != nil {
		t.Fatal(err)
	}
	var calls []string
	for _, r := range w.records() {
		if r == "Add" || r == "Orphan" { // not what the trail says of its own recovery
			calls = append(calls, r)
		}
	}
	if got := strings.Join(calls, ", "); got != "Add, Orphan, Add" {
		t.Errorf("the trail has %s", got)
	}
}
