package audit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"claviger/internal/ground/audit"
)

// try appends one entry and waits for it.
func try(l audit.Trail, name string) error {
	ticket, err := l.Append(entries(name), nil)
	if err != nil {
		return err
	}
	return ticket.Wait(context.Background())
}

// patient tries until the trail takes the entry, under names of its own each
// time, and returns the one that it was taken under.
func patient(t *testing.T, l audit.Trail, name string) string {
	t.Helper()
	for i := range 3000 {
		n := fmt.Sprintf("%s.%d", name, i)
		err := try(l, n)
		if err == nil {
			return n
		}
		if !errors.Is(err, audit.ErrUnavailable) {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // of the bubble
	}
	t.Fatal("the trail does not recover")
	return ""
}

// After an error the trail takes no entries, until it goes on by itself in a
// new segment; the failed entry is not in it.
func TestWriteError(t *testing.T) {
	t.Parallel()
	for fault, recoveries := range map[audit.Fault]int{audit.Refuse: 1, audit.LoseSync: 1} {
		bubble(t, func(t *testing.T) {
			d := &audit.Disk{}
			l := open(t, options().On(d))
			add(t, l, "a")
			synctest.Wait() // for the spare
			d.Fail(nth("write", 1, fault))
			if err := try(l, "lost"); !errors.Is(err, audit.ErrUnavailable) || !errors.Is(err, audit.ErrDisk) {
				t.Errorf("error is %v", err)
			}
			if err := try(l, "refused"); !errors.Is(err, audit.ErrUnavailable) {
				t.Errorf("error is %v", err)
			}
			if _, err := l.Reserve(1); !errors.Is(err, audit.ErrUnavailable) {
				t.Errorf("Reserve: %v", err)
			}
			time.Sleep(time.Second)
			add(t, l, "b", "c")
			equal(t, read(t, l, 1), "a", "TrailRecovered", "b", "c")
			head := clean(t, options().On(d), nil).Head
			d.LosePower()
			_ = l.Close()
			r := clean(t, options().On(d), head)
			if len(r.Recoveries) != recoveries {
				t.Errorf("recoveries are %q", r.Recoveries)
			}
			l = open(t, options().On(d))
			equal(t, read(t, l, 1), "a", "TrailRecovered", "b", "c")
			closed(t, l)
		})
	}
}

// All who wait for a batch, and those in the next, learn that it failed.
func TestErrorReachesAll(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		d, g := stuckDisk(t)
		l := open(t, options().On(d))
		synctest.Wait()
		g.arm()
		var tickets []audit.Ticket
		for i, n := range count("n", 6) {
			ticket, err := l.Append(entries(n), nil)
			if err != nil {
				t.Fatal(err)
			}
			if tickets = append(tickets, ticket); i == 2 {
				synctest.Wait() // the first three are being written
			}
		}
		d.Fail(nth("write", 1, audit.LoseSync))
		g.release()
		for i, ticket := range tickets {
			if err := ticket.Wait(t.Context()); !errors.Is(err, audit.ErrUnavailable) {
				t.Errorf("ticket %d: %v", i, err)
			}
		}
		time.Sleep(time.Second)
		add(t, l, "z")
		equal(t, read(t, l, 1), "TrailRecovered", "z")
		closed(t, l)
		clean(t, options().On(d), nil)
	})
}

// One error at any operation, of any kind: whatever is acknowledged is in the
// trail, whatever failed is not.
func TestErrorAnywhere(t *testing.T) {
	t.Parallel()
	cases := 0
	for _, op := range []string{"write", "create", "rename", "remove", "truncate"} {
		for n := 1; n <= 25; n += 1 + step/3 {
			for _, f := range []audit.Fault{audit.Refuse, audit.LoseSync} {
				cases++
				bubble(t, func(t *testing.T) {
					d := &audit.Disk{}
					l := open(t, options().On(d))
					d.Fail(nth(op, n, f))
					var want []string
					for i := range 30 {
						want = append(want, patient(t, l, fmt.Sprintf("%d%0300d", i, 0)))
					}
					got := slices.DeleteFunc(read(t, l, 1), func(n string) bool { return n == "TrailRecovered" })
					equal(t, got, want...)
					closed(t, l)
					d.LosePower()
					clean(t, options().On(d), nil)
				})
			}
		}
	}
	if cases < 80 {
		t.Errorf("only %d cases", cases)
	}
}

// Errors at random, for a long time.
func TestErrorsAgainAndAgain(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		d := &audit.Disk{}
		l := open(t, options().On(d))
		d.Fail(func(string, string) audit.Fault {
			return []audit.Fault{audit.NoFault, audit.NoFault, audit.NoFault, audit.NoFault, audit.Refuse, audit.LoseSync}[rand.IntN(6)]
		})
		var want []string
		for i := range 40 {
			want = append(want, patient(t, l, fmt.Sprint(i)))
		}
		d.Fail(nil)
		got := slices.DeleteFunc(read(t, l, 1), func(n string) bool { return n == "TrailRecovered" })
		equal(t, got, want...)
		_ = l.Close() // the last checkpoint may have failed
		d.LosePower()
		clean(t, options().On(d), nil)
	})
}

// If acknowledged entries can't be read back after an error, the trail stays unavailable.
func TestNoRecoveryFromDamage(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		d := &audit.Disk{}
		l := open(t, options().On(d))
		add(t, l, "a", "b")
		synctest.Wait()
		d.Fail(nth("write", 1, audit.Refuse))
		d.Seen(audit.SegmentName(1))[audit.HeaderBytes+100] ^= 1
		for range 5 {
			if err := try(l, "x"); !errors.Is(err, audit.ErrUnavailable) {
				t.Errorf("error is %v", err)
			}
			time.Sleep(5 * time.Second)
		}
		if err := l.Close(); !errors.Is(err, audit.ErrDamaged) {
			t.Errorf("Close: %v", err)
		}
	})
}

func TestOutbox(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(d *audit.Disk) audit.Trail{
		"log":  func(d *audit.Disk) audit.Trail { return open(t, options().On(d)) },
		"ring": func(*audit.Disk) audit.Trail { return audit.NewRing(100) },
	} {
		d := &audit.Disk{}
		l := begin(d)
		put := func(position uint64, names ...string) {
			t.Helper()
			ticket, err := l.AppendOutbox(position, entries(names...))
			if err == nil {
				err = ticket.Wait(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		put(3, "a", "b")
		put(3, "a", "b")
		put(2, "never")
		add(t, l, "c")
		put(7, "d")
		put(3, "never")
		put(9) // a change without entries
		if got := l.Outbox(); got != 9 {
			t.Errorf("%s: outbox is at %d", name, got)
		}
		equal(t, read(t, l, 1), "a", "b", "c", "d")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Outbox is exact after any crash: what it says is in the trail, and nothing above is.
func TestOutboxAfterCrash(t *testing.T) {
	t.Parallel()
	const rounds = 40
	d := &audit.Disk{}
	var next uint64 = 1
	crashes := 0
	for range rounds {
		d.Fail(nth("write", 3+rand.IntN(10), audit.TearWrite))
		l, err := audit.Open(options().On(d))
		if err != nil {
			d.LosePower()
			continue
		}
		// The store's appender presents again what the trail does not have.
		next = l.Outbox() + 1
		for ; next < l.Outbox()+10; next++ {
			add := func() error {
				ticket, err := l.AppendOutbox(next, entries(fmt.Sprintf("o%d", next), fmt.Sprintf("p%d", next)))
				if err == nil {
					err = ticket.Wait(t.Context())
				}
				return err
			}
			if add() != nil {
				crashes++
				break
			}
		}
		d.LosePower()
		_ = l.Close()
	}
	l := on(t, d)
	var want []string
	for n := range l.Outbox() {
		want = append(want, fmt.Sprintf("o%d", n+1), fmt.Sprintf("p%d", n+1))
	}
	got := slices.DeleteFunc(read(t, l, 1), func(n string) bool { return n == "TrailRecovered" })
	equal(t, got, want...)
	clean(t, options().On(d), nil)
	if crashes < rounds/4 || len(want) < rounds {
		t.Errorf("%d crashes, %d entries", crashes, len(want))
	}
}

// A position that was given up may come again, and one that is on its way is waited for.
func TestOutboxAfterError(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		d, g := stuckDisk(t)
		l := open(t, options().On(d))
		synctest.Wait()
		g.arm()
		first, err := l.AppendOutbox(1, entries("a"))
		if err != nil {
			t.Fatal(err)
		}
		again, err := l.AppendOutbox(1, entries("a"))
		if err != nil {
			t.Fatal(err)
		}
		done := beside(func() error { return again.Wait(t.Context()) })
		synctest.Wait()
		if len(done) > 0 || l.Outbox() != 0 {
			t.Errorf("the position counts before it is durable: outbox at %d", l.Outbox())
		}
		d.Fail(nth("write", 1, audit.LoseSync))
		g.release()
		for _, err := range []error{first.Wait(t.Context()), <-done} {
			if !errors.Is(err, audit.ErrUnavailable) {
				t.Errorf("error is %v", err)
			}
		}
		time.Sleep(time.Second)
		// A later position must not pass the one that was lost.
		if _, err := l.AppendOutbox(2, entries("b")); !errors.Is(err, audit.ErrUnavailable) {
			t.Errorf("position 2 after position 1 was lost: %v", err)
		}
		if from := l.Outbox(); from != 0 {
			t.Errorf("outbox at %d, want 0", from)
		}
		third, err := l.AppendOutbox(1, entries("a"))
		if err == nil {
			err = third.Wait(t.Context())
		}
		if err != nil || l.Outbox() != 1 {
			t.Errorf("outbox at %d, %v", l.Outbox(), err)
		}
		equal(t, read(t, l, 1), "TrailRecovered", "a")
		closed(t, l)
	})
}

// fill appends until the trail takes no more, and returns the names.
func fill(t *testing.T, l *audit.Log) []string {
	t.Helper()
	var names []string
	for i := range 1000 {
		n := fmt.Sprintf("f%d%0100d", i, 0)
		if err := try(l, n); err != nil {
			if !errors.Is(err, audit.ErrUnavailable) {
				t.Fatal(err)
			}
			return names
		}
		names = append(names, n)
	}
	t.Fatal("the disk does not fill up")
	return nil
}

// What is reserved can be appended on a full disk, and only that.
func TestReserve(t *testing.T) {
	t.Parallel()
	for held := 0; held < 8000; held += 700 {
		bubble(t, func(t *testing.T) {
			const segment = 64 << 10
			d := &audit.Disk{Space: 3 * segment} // the active segment, one full one, and a spare
			o := options().On(d)
			o.SegmentBytes = segment
			l := open(t, o)
			var want []string
			var reserved []func()
			sum := 0
			for sum < held {
				release, err := l.Reserve(300)
				if err != nil {
					break
				}
				sum += 300
				reserved = append(reserved, release)
				if len(reserved)%3 == 0 {
					want = append(want, patient(t, l, fmt.Sprint("r", sum)))
				}
			}
			want = append(want, fill(t, l)...)
			if len(reserved) < held/300 {
				t.Errorf("%d reservations, want %d", len(reserved), held/300)
			}
			if _, err := l.Reserve(5000); !errors.Is(err, audit.ErrUnavailable) {
				t.Errorf("reserved on a full disk: %v", err)
			}
			for i, release := range reserved {
				n := fmt.Sprintf("o%d%0280d", i, 0)
				ticket, err := l.AppendOutbox(uint64(i+1), entries(n))
				if err == nil {
					err = ticket.Wait(t.Context())
				}
				if err != nil {
					t.Fatalf("%d bytes held: reserved append %d of %d: %v", held, i, len(reserved), err)
				}
				want = append(want, n)
				release()
				release() // a second time changes nothing
			}
			equal(t, read(t, l, 1), want...)

			d.SetSpace(0) // somebody has cleared the disk
			time.Sleep(5 * time.Second)
			want = append(want, patient(t, l, "z"))
			equal(t, read(t, l, 1), want...)
			closed(t, l)
			clean(t, options().On(d), nil)
		})
	}
}

func TestReserveLimits(t *testing.T) {
	t.Parallel()
	l := on(t, &audit.Disk{})
	if _, err := l.Reserve(audit.SegmentBytesMin); !errors.Is(err, audit.ErrUnavailable) {
		t.Errorf("reserved more than a segment: %v", err)
	}
	if _, err := l.Append(entries(strings.Repeat("x", audit.SegmentBytesMin)), nil); !errors.Is(err, audit.ErrUnavailable) {
		t.Errorf("appended more than a segment: %v", err)
	}
	release, err := l.Reserve(2000)
	if err != nil {
		t.Fatal(err)
	}
	release()
	for _, l := range []audit.Trail{l, audit.NewRing(1)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%T: a negative reservation does not panic", l)
				}
			}()
			_, _ = l.Reserve(-1)
		}()
	}
	add(t, l, "a")
}

// A reservation as large as 16 entries need on top of their bytes.
func TestReserveCountsEntries(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		d := &audit.Disk{Space: 2 * audit.SegmentBytesMin}
		l := open(t, options().On(d))
		many := entries(count("e", audit.ReserveEntries)...)
		n := 0
		for _, e := range many {
			n += len(e.Record) + len(e.Side)
		}
		if _, err := l.Reserve(n); err != nil {
			t.Fatal(err)
		}
		fill(t, l)
		ticket, err := l.AppendOutbox(1, many)
		if err == nil {
			err = ticket.Wait(t.Context())
		}
		if err != nil {
			t.Error(err)
		}
		closed(t, l)
		clean(t, options().On(d), nil)
	})
}

// A Log that was killed on a disk too full for the next segment can be opened there: what
// was kept free for it in its own has room for another.
func TestOpenOnFullDisk(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		d := &audit.Disk{Space: audit.SegmentBytesMin * 3 / 2}
		var want []string
		for _, n := range []string{"a", "b", "c"} {
			l, err := audit.Open(options().On(d))
			if err != nil {
				t.Fatalf("before %s: %v", n, err)
			}
			synctest.Wait()
			if err := l.Check(); !errors.Is(err, audit.ErrDiskFull) {
				t.Errorf("there is room for the next segment: %v", err)
			}
			add(t, l, n)
			want = append(want, n)
			equal(t, read(t, l, 1), want...)
			d.Kill()
			_ = l.Close()
		}
		clean(t, options().On(d), nil)
	})
}

// What a device does not give back is damage there, and hides nothing elsewhere.
func TestSickDevice(t *testing.T) {
	t.Parallel()
	for name, from := range map[string]int64{"header": 0, "frames": audit.HeaderBytes} {
		d := &audit.Disk{}
		for i, n := range []string{"a", "b", "c"} {
			l := open(t, options().On(d))
			ticket, err := l.AppendOutbox(uint64(i+1), entries(n))
			if err == nil {
				err = ticket.Wait(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			closed(t, l)
		}
		l := on(t, d)
		d.Sick = func(file string, off int64) bool { return file == audit.SegmentName(2) && off >= from }
		r := verify(t, options().On(d), nil)
		if len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "segment 2: ") || !strings.Contains(r.Problems[0], "input/output error") || r.Records != 2 || r.Segments != 4 {
			t.Errorf("%s: report is %+v", name, r)
		}
		equal(t, read(t, l, 3), "c")
		if err := l.Read(t.Context(), 1, func(uint64, audit.Entry) error { return nil }); !errors.Is(err, audit.ErrDamaged) {
			t.Errorf("%s: read %v", name, err)
		}
		var names []string
		err := l.ReadChanges(t.Context(), 0, func(_, _ uint64, e audit.Entry) error {
			names = append(names, string(e.Record))
			return nil
		})
		if len(names) != 2 || !errors.Is(err, audit.ErrDamaged) {
			t.Errorf("%s: changes are %q, %v", name, names, err)
		}
	}
}
