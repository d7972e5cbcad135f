package pipeline_test

import (
	"crypto/fips140"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/store/memory"
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
	w.openLog(dir, time.Now) // the record is the first: no checkpoint of others comes before it and fails in its stead
	spoil(t, dir, ".trail")
	position, err := w.orphan("Orphan")
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); !w.pipeline.Lagging(); {
		if time.Now().After(end) {
			t.Fatal("the trail has given up the record of a commit, and the pipeline does not say so")
		}
	}
	for end := time.Now().Add(time.Minute); w.pipeline.Drain(t.Context()) != nil; {
		if time.Now().After(end) {
			t.Fatal("the trail did not catch up")
		}
	}
	// Who learns only now that the record was given up is told so, and nobody else suffers.
	if err := w.pipeline.AwaitRecord(t.Context(), position); !errors.Is(err, audit.ErrUnavailable) || w.pipeline.Lagging() {
		t.Errorf("the record was given up: %v; the trail lacks it still: %v", err, w.pipeline.Lagging())
	}
	if _, err := w.do(w.add(), "a"); err != nil {
		t.Fatal(err)
	}
	w.wantOfStore("Orphan", "Add")
}

// wantOfStore is want without what the trail says of its own recovery.
func (w *world) wantOfStore(records ...string) {
	w.t.Helper()
	got := slices.DeleteFunc(w.records(), func(r string) bool { return r == "TrailRecovered" })
	if !slices.Equal(got, records) {
		w.t.Errorf("the trail has %q, want %q", got, records)
	}
}

// doomed runs a test where time stands still, and the record of a commit, First, is
// being written when fail lets that fail.
func doomed(t *testing.T, test func(t *testing.T, w *world, fail func())) {
	t.Helper()
	if fips140.Enabled() {
		t.Skip("there is no randomness in FIPS 140-3 mode where time stands still")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOn(t, memory.New())
		var slow atomic.Bool
		write := make(chan struct{})
		w.openLog(dir, func() time.Time {
			if slow.Load() {
				<-write
			}
			return time.Now()
		})
		if _, err := w.orphan("Zeroth"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		spoil(t, dir, ".trail")
		slow.Store(true)
		if _, err := w.orphan("First"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // it is being written
		test(t, w, func() {
			slow.Store(false)
			close(write)
		})
	})
}

// TestRecordOnItsWay: a commit that found the trail well, and was held up on its way
// there until the record before had been given up and the trail had recovered, does
// not come before that record, which the trail would believe to have then.
func TestRecordOnItsWay(t *testing.T) {
	t.Parallel()
	doomed(t, func(t *testing.T, w *world, fail func()) {
		goOn, over := make(chan struct{}), make(chan error)
		resume := sync.OnceFunc(func() { close(goOn) })
		w.trail.before = sync.OnceFunc(func() { <-goOn })
		go func() {
			_, err := w.orphan("Second")
			over <- err
		}()
		synctest.Wait() // it is on its way
		fail()
		time.Sleep(200 * time.Millisecond)
		if !w.pipeline.Lagging() {
			t.Error("the trail has given up the record of a commit, and the pipeline does not say so")
		}
		second := make(chan struct{})
		w.trail.asked = func() { // whoever is held up may go on here at the latest
			resume()
			<-second
		}
		drained := make(chan error)
		go func() { drained <- w.pipeline.Drain(t.Context()) }()
		synctest.Wait()
		resume()
		if err := <-over; err != nil {
			t.Error(err)
		}
		close(second)
		if err := <-drained; err != nil {
			t.Error(err)
		}
		w.wantOfStore("Zeroth", "First", "Second")
	})
}

// TestDrained: once Drain has recorded what was given up, nobody is told again that it
// was. Here the pipeline learns of it from the append that the trail refuses next.
func TestDrained(t *testing.T) {
	t.Parallel()
	doomed(t, func(t *testing.T, w *world, fail func()) {
		w.trail.before = sync.OnceFunc(func() {
			fail()
			time.Sleep(time.Millisecond)
		})
		if _, err := w.orphan("Second"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := w.pipeline.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.do(w.add(), "a"); err != nil {
			t.Error(err)
		}
		if w.pipeline.Lagging() {
			t.Error("the trail is said to lack the record of a commit")
		}
		w.wantOfStore("Zeroth", "First", "Second", "Add")
	})
}
