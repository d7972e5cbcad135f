package audit_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"claviger/internal/ground/audit"
)

// TestWork: what became durable is counted, and nothing else.
func TestWork(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		d := &audit.Disk{}
		l := open(t, options().On(d))
		w := l.Work()
		add(t, l, "a", "b", "c")
		if n := w.Records.Load(); n != 3 {
			t.Errorf("%d records counted, want 3", n)
		}
		batches, syncs := w.Batch.Read(), w.Sync.Read()
		if batches.Sum != 3 || batches.Count == 0 || syncs.Count != batches.Count || w.Bytes.Load() == 0 {
			t.Errorf("batches %d of %v records, %d syncs, %d bytes", batches.Count, batches.Sum, syncs.Count, w.Bytes.Load())
		}
		synctest.Wait()
		d.Fail(nth("write", 1, audit.Refuse))
		if err := try(l, "lost"); !errors.Is(err, audit.ErrUnavailable) {
			t.Errorf("error is %v", err)
		}
		if records, failures := w.Records.Load(), w.Failures.Load(); records != 3 || failures != 1 {
			t.Errorf("after a failure %d records and %d failures are counted", records, failures)
		}
		if n := l.Pending(); n != 0 {
			t.Errorf("%d records are pending", n)
		}
		time.Sleep(time.Second)
		closed(t, l)
	})
}

// TestCheck: what keeps the trail from taking records is told while it lasts,
// and not after; that the next segment can't be made, already before records
// are refused.
func TestCheck(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		d := &audit.Disk{}
		l := open(t, options().On(d))
		synctest.Wait()
		if err := l.Check(); err != nil {
			t.Fatalf("a trail that was just opened: %v", err)
		}
		d.Fail(func(op, _ string) audit.Fault { return audit.Refuse })
		if err := try(l, "lost"); err == nil {
			t.Fatal("a record was taken by a disk that takes nothing")
		}
		if err := l.Check(); !errors.Is(err, audit.ErrUnavailable) || !errors.Is(err, audit.ErrDisk) {
			t.Errorf("the disk fails: %v", err)
		}
		d.Fail(nil)
		time.Sleep(10 * time.Second)
		if err := l.Check(); err != nil {
			t.Errorf("the disk is well again: %v", err)
		}
		closed(t, l)
		if err := l.Check(); !errors.Is(err, audit.ErrUnavailable) {
			t.Errorf("a closed trail: %v", err)
		}
	})
	bubble(t, func(t *testing.T) {
		d := &audit.Disk{}
		l := open(t, options().On(d))
		synctest.Wait()
		closed(t, l)
		used := int64(0)
		for _, name := range d.Names() {
			used += int64(len(d.Bytes(name)))
		}
		o := options()
		d.SetSpace(used + o.SegmentBytes + o.SegmentBytes/2)
		l = open(t, o.On(d))
		synctest.Wait()
		if err := try(l, "still taken"); err != nil {
			t.Errorf("with room in the segment: %v", err)
		}
		if err := l.Check(); !errors.Is(err, audit.ErrDiskFull) {
			t.Errorf("there is no room for the next segment: %v", err)
		}
		d.SetSpace(0)
		time.Sleep(10 * time.Second)
		if err := l.Check(); err != nil {
			t.Errorf("there is room again: %v", err)
		}
		closed(t, l)
	})
}

// TestPending: what is being written waits to become durable, too.
func TestPending(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		d, g := stuckDisk(t)
		l := open(t, options().On(d))
		synctest.Wait()
		g.arm()
		for n, names := range [][]string{{"a", "b"}, {"c"}} {
			if _, err := l.Append(entries(names...), nil); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // the first is being written
			if got := l.Pending(); got != 2+n {
				t.Errorf("%d records are pending, want %d", got, 2+n)
			}
		}
		g.release()
		synctest.Wait()
		if n := l.Pending(); n != 0 {
			t.Errorf("%d records are pending in the end", n)
		}
		closed(t, l)
	})
}
