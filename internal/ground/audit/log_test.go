package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"claviger/internal/ground/audit"
)

var (
	_ audit.Trail = (*audit.Log)(nil)
	_ audit.Trail = (*audit.Ring)(nil)
)

func TestDirectory(t *testing.T) {
	t.Parallel()
	o := options()
	o.Dir = filepath.Join(t.TempDir(), "trail")
	l := open(t, o)
	add(t, l, "a", "b")
	if _, err := audit.Open(o); !errors.Is(err, audit.ErrLocked) {
		t.Errorf("a second Open: %v", err)
	}
	clean(t, o, l.Head())
	closed(t, l)
	closed(t, l) // a second time is no error
	head := clean(t, o, nil).Head

	l = open(t, o)
	equal(t, read(t, l, 1), "a", "b")
	add(t, l, "c")
	equal(t, read(t, l, 2), "b", "c")
	closed(t, l)
	r := clean(t, o, head)
	if r.Segments != 2 || r.Batches != 3 || r.Records != 3 || r.First != 1 || r.Last != 3 || len(r.Recoveries) != 0 {
		t.Errorf("report %+v", r)
	}
	checkModes(t, o.Dir)
}

func checkModes(t *testing.T, dir string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f.Name(), info.Mode())
		}
		names = append(names, f.Name())
	}
	equal(t, names, "000000000001.trail", "000000000002.trail", "lock")
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory has mode %v, %v", info.Mode(), err)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*audit.Options){
		"directory": func(o *audit.Options) { o.Dir = "" },
		"no origin": func(o *audit.Options) { o.Origin = "" },
		"origin":    func(o *audit.Options) { o.Origin = "a b" },
		"plus":      func(o *audit.Options) { o.Origin = "a+b" },
		"long":      func(o *audit.Options) { o.Origin = strings.Repeat("a", 256) },
		"cipher":    func(o *audit.Options) { o.Cipher = nil },
		"signer":    func(o *audit.Options) { o.Signer = nil },
		"time":      func(o *audit.Options) { o.Now = nil },
		"size":      func(o *audit.Options) { o.SegmentBytes = audit.SegmentBytesMin - 1 },
	} {
		o := options()
		o.Dir = t.TempDir()
		change(&o)
		if l, err := audit.Open(o); err == nil {
			t.Errorf("%s: opened %v", name, l)
		}
		if _, err := audit.Verify(context.Background(), o, nil); err == nil {
			t.Errorf("%s: verified", name)
		}
	}
}

func TestEntriesComeBack(t *testing.T) {
	t.Parallel()
	d := &audit.Disk{}
	l := on(t, d)
	want := []audit.Entry{
		{Account: "111122223333", Time: began.Add(123456789), Record: []byte(`{"a":1}`), Side: []byte("why")},
		{Account: "", Time: time.Unix(-5, 7).UTC(), Record: []byte(`{}`)},
		{Account: "444455556666", Time: time.Time{}, Record: bytes.Repeat([]byte("x"), 3000)},
	}
	ticket, err := l.Append(want, func() bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	if err := ticket.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []audit.Entry
	if err := l.Read(t.Context(), 0, func(_ uint64, e audit.Entry) error { got = append(got, e); return nil }); err != nil {
		t.Fatal(err)
	}
	same := slices.EqualFunc(got, want, func(a, b audit.Entry) bool {
		return a.Account == b.Account && a.Time.Equal(b.Time) && bytes.Equal(a.Record, b.Record) && bytes.Equal(a.Side, b.Side)
	})
	if !same {
		t.Errorf("entries are %v, want %v", got, want)
	}
}

func TestStoredBytesAreSealed(t *testing.T) {
	t.Parallel()
	d := &audit.Disk{}
	l := on(t, d)
	e := audit.Entry{Account: "111122223333", Time: began, Record: []byte("canary-record"), Side: []byte("canary-side")}
	ticket, err := l.Append([]audit.Entry{e}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := ticket.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range d.Names() {
		for _, canary := range []string{"canary", "111122223333"} {
			if bytes.Contains(d.Bytes(name), []byte(canary)) {
				t.Errorf("%s holds %q in the clear", name, canary)
			}
		}
	}
}

func TestStale(t *testing.T) {
	t.Parallel()
	for _, l := range []audit.Trail{on(t, &audit.Disk{}), audit.NewRing(10)} {
		add(t, l, "a")
		if _, err := l.Append(entries("never"), func() bool { return false }); !errors.Is(err, audit.ErrStale) {
			t.Errorf("error is %v, want ErrStale", err)
		}
		if _, err := l.Append(nil, func() bool { return false }); !errors.Is(err, audit.ErrStale) {
			t.Errorf("error without entries is %v, want ErrStale", err)
		}
		add(t, l, "b")
		equal(t, read(t, l, 1), "a", "b")
	}
}

func TestManyWriters(t *testing.T) {
	t.Parallel()
	const writers, each = 64, 40
	d := &audit.Disk{}
	l := on(t, d)
	var stale int
	var mu sync.Mutex
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				valid := func() bool { return i%8 != 7 }
				ticket, err := l.Append(entries(fmt.Sprintf("%d.%d.0", w, i), fmt.Sprintf("%d.%d.1", w, i)), valid)
				if errors.Is(err, audit.ErrStale) {
					mu.Lock()
					stale++
					mu.Unlock()
					continue
				}
				if err == nil {
					err = ticket.Wait(t.Context())
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if stale != writers*each/8 {
		t.Errorf("%d stale appends, want %d", stale, writers*each/8)
	}
	names := read(t, l, 1)
	if len(names) != 2*(writers*each-stale) {
		t.Fatalf("%d entries, want %d", len(names), 2*(writers*each-stale))
	}
	newest := make(map[int]int) // by writer
	for i := 0; i < len(names); i += 2 {
		var w, n int
		if _, err := fmt.Sscanf(names[i], "%d.%d.0", &w, &n); err != nil || names[i+1] != fmt.Sprintf("%d.%d.1", w, n) {
			t.Fatalf("entry %s is followed by %s, %v", names[i], names[i+1], err)
		}
		if last, ok := newest[w]; ok && n <= last {
			t.Fatalf("writer %d: %d follows %d", w, n, last)
		}
		newest[w] = n
	}
	closed(t, l)
	r := clean(t, options().On(d), nil)
	if r.Records != uint64(len(names)) || r.Segments < 10 {
		t.Errorf("%d segments, %d records", r.Segments, r.Records)
	}
}

func TestSegmentsFollow(t *testing.T) {
	t.Parallel()
	d := &audit.Disk{}
	l := on(t, d)
	names := count("n", 100)
	add(t, l, names...)
	for _, from := range []uint64{1, 2, 17, 50, 99, 100} {
		equal(t, read(t, l, from), names[from-1:]...)
	}
	equal(t, read(t, l, 101))
	closed(t, l)
	l = on(t, d) // which knows nothing of the old segments yet
	for _, from := range []uint64{100, 33, 1} {
		equal(t, read(t, l, from), names[from-1:]...)
	}
	closed(t, l)
	if r := clean(t, options().On(d), nil); r.Segments < 3 {
		t.Errorf("%d segments", r.Segments)
	}
	if len(slices.DeleteFunc(d.Names(), func(n string) bool { return !strings.HasSuffix(n, ".trail") })) != len(d.Names()) {
		t.Errorf("files left: %v", d.Names())
	}
}

func TestReadStops(t *testing.T) {
	t.Parallel()
	l := on(t, &audit.Disk{})
	add(t, l, "a", "b", "c")
	stop := errors.New("enough")
	calls := 0
	if err := l.Read(t.Context(), 1, func(uint64, audit.Entry) error { calls++; return stop }); err != stop || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Read(ctx, 1, func(uint64, audit.Entry) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("error of an ended context: %v", err)
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func() audit.Trail{
		"log":  func() audit.Trail { return open(t, options().On(&audit.Disk{})) },
		"ring": func() audit.Trail { return audit.NewRing(10) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				l := begin()
				waited := func(ctx context.Context, from uint64) chan error {
					c := beside(func() error { return l.Wait(ctx, from) })
					synctest.Wait()
					return c
				}
				ctx, cancel := context.WithCancel(t.Context())
				second, third, given := waited(t.Context(), 2), waited(t.Context(), 3), waited(ctx, 2)
				add(t, l, "a")
				cancel()
				if err := <-given; !errors.Is(err, context.Canceled) {
					t.Errorf("ended context: %v", err)
				}
				if len(second)+len(third) > 0 {
					t.Error("woken too early")
				}
				add(t, l, "b")
				if err := <-second; err != nil {
					t.Error(err)
				}
				if err := l.Wait(t.Context(), 1); err != nil {
					t.Error(err)
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				if err := <-third; !errors.Is(err, audit.ErrUnavailable) {
					t.Errorf("closed: %v", err)
				}
			})
		})
	}
}

// beside runs fn beside the test and delivers its result.
func beside(fn func() error) chan error {
	c := make(chan error, 1)
	go func() { c <- fn() }()
	return c
}

func TestClosed(t *testing.T) {
	t.Parallel()
	for _, l := range []audit.Trail{on(t, &audit.Disk{}), audit.NewRing(1)} {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(entries("a"), nil); !errors.Is(err, audit.ErrUnavailable) {
			t.Errorf("%T.Append: %v", l, err)
		}
		if _, err := l.AppendOutbox(1, entries("a")); !errors.Is(err, audit.ErrUnavailable) {
			t.Errorf("%T.AppendOutbox: %v", l, err)
		}
		if _, err := l.Reserve(1); !errors.Is(err, audit.ErrUnavailable) {
			t.Errorf("%T.Reserve: %v", l, err)
		}
	}
}

// Close must make durable what was appended before, and wake who waits for it.
func TestCloseCommits(t *testing.T) {
	t.Parallel()
	d := &audit.Disk{}
	l := on(t, d)
	var tickets []audit.Ticket
	for _, n := range count("n", 50) {
		ticket, err := l.Append(entries(n), nil)
		if err != nil {
			t.Fatal(err)
		}
		tickets = append(tickets, ticket)
	}
	closed(t, l)
	for _, ticket := range tickets {
		if err := ticket.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, read(t, on(t, d), 1), count("n", 50)...)
}

func TestTicketGivesUp(t *testing.T) {
	t.Parallel()
	d, g := stuckDisk(t)
	l := on(t, d)
	g.arm()
	ticket, err := l.Append(entries("a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ticket.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	g.release()
	if err := ticket.Wait(t.Context()); err != nil {
		t.Errorf("later: %v", err)
	}
	if err := ticket.Wait(ctx); err != nil {
		t.Errorf("a kept promise, with an ended context: %v", err)
	}
}

// A gate holds writes up.
type gate struct {
	mu    sync.Mutex
	armed bool
	open  chan struct{}
}

func (g *gate) arm()     { g.mu.Lock(); defer g.mu.Unlock(); g.armed = true }
func (g *gate) release() { close(g.open) }

func (g *gate) pass() {
	g.mu.Lock()
	armed := g.armed
	g.mu.Unlock()
	if armed {
		<-g.open
	}
}

// stuckDisk returns a disk whose writes wait for its gate once that is armed.
func stuckDisk(t *testing.T) (*audit.Disk, *gate) {
	g := &gate{open: make(chan struct{})}
	d := &audit.Disk{Before: func(op string) {
		if op == "write" {
			g.pass()
		}
	}}
	return d, g
}

// While one batch is being made durable, all others gather in the next.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	d, g := stuckDisk(t)
	l := on(t, d)
	g.arm()
	var tickets []audit.Ticket
	for _, n := range count("n", 20) {
		ticket, err := l.Append(entries(n), nil)
		if err != nil {
			t.Fatal(err)
		}
		tickets = append(tickets, ticket)
	}
	g.release()
	for _, ticket := range tickets {
		if err := ticket.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, l)
	if r := clean(t, options().On(d), nil); r.Batches > 2 || r.Records != 20 {
		t.Errorf("%d batches of %d records", r.Batches, r.Records)
	}
}

func TestCheckpoints(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		d := &audit.Disk{}
		o := options().On(d)
		o.Now = time.Now // the bubble's
		l := open(t, o)
		file := audit.SegmentName(1)
		kinds := func() (s string) {
			for _, f := range audit.Frames(d, file) {
				s += string("?bc"[f.Kind])
			}
			return s
		}
		for i, step := range []struct {
			add  int
			wait time.Duration
			want string
		}{
			{add: 2, wait: 999 * time.Millisecond, want: "bb"},
			{wait: 2 * time.Millisecond, want: "bbc"},
			{wait: time.Hour, want: "bbc"}, // nothing new to sign
			{add: 1, want: "bbcb"},
			{wait: time.Second, want: "bbcbc"},
			{add: 1, want: "bbcbcb"},
		} {
			add(t, l, count("n", step.add)...)
			time.Sleep(step.wait)
			synctest.Wait()
			if got := kinds(); got != step.want {
				t.Errorf("step %d: frames are %s, want %s", i, got, step.want)
			}
		}
		closed(t, l)
		if got := kinds(); got != "bbcbcbc" {
			t.Errorf("frames after Close are %s", got)
		}
		clean(t, o, nil)
	})
}

// Reading begins near what is asked for, also in a large segment.
func TestReadInLargeSegment(t *testing.T) {
	t.Parallel()
	d := &audit.Disk{}
	o := options().On(d)
	o.SegmentBytes = 4 << 20
	l := open(t, o)
	names := count(strings.Repeat("n", 8000), 200)
	add(t, l, names...)
	for from := 1; from <= len(names); from += 13 {
		equal(t, read(t, l, uint64(from)), names[from-1:]...)
	}
	closed(t, l)
	if r := clean(t, o, nil); r.Segments != 1 {
		t.Errorf("%d segments", r.Segments)
	}
}

// A batch is bounded: who would make it larger waits until it is taken.
func TestBatchIsBounded(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		d, g := stuckDisk(t)
		o := options().On(d)
		o.SegmentBytes = 16 << 20
		l := open(t, o)
		synctest.Wait()
		g.arm()
		if _, err := l.Append(entries("first"), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // it is being written
		var joined atomic.Int64
		var group sync.WaitGroup
		for _, n := range count(strings.Repeat("n", 100<<10), 50) {
			group.Go(func() {
				ticket, err := l.Append(entries(n), nil)
				joined.Add(1)
				if err == nil {
					err = ticket.Wait(t.Context())
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if n := joined.Load(); n < 39 || n > 45 {
			t.Errorf("%d appends of 100 KiB have joined", n)
		}
		g.release()
		group.Wait()
		closed(t, l)
		if r := clean(t, o, nil); r.Records != 51 {
			t.Errorf("report is %+v", r)
		}
	})
}
