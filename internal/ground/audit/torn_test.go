package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/audit"
)

// wrote returns a disk with a trail of the names, and where the frames of its one
// segment lie: one of each name, and a checkpoint.
func wrote(t testing.TB, names ...string) (*audit.Disk, []audit.Span) {
	t.Helper()
	for range undisturbed {
		d := &audit.Disk{}
		if frames := wroteSegment(t, d, 1, names...); len(frames) == len(names)+1 {
			return d, frames
		}
	}
	t.Fatal("frames are never those of the names and a checkpoint")
	return nil, nil
}

// undisturbed is how often a segment is written anew in which there is another checkpoint
// between two frames, because the machine was busy for a second there.
const undisturbed = 20

// wroteSegment adds a segment to a trail, and returns where its frames lie.
func wroteSegment(t testing.TB, d *audit.Disk, number uint64, names ...string) []audit.Span {
	t.Helper()
	l := open(t, options().On(d))
	add(t, l, names...)
	closed(t, l)
	return audit.Frames(d, audit.SegmentName(number))
}

// A crash may leave the last frame torn anywhere. What was durable before stays;
// what was torn is declared.
func TestTornTailAtEveryByte(t *testing.T) {
	t.Parallel()
	d, frames := wrote(t, "a", "b", "c")
	file := audit.SegmentName(1)
	whole := d.Bytes(file)
	cases := 0
	for i, f := range frames[2:] { // a batch and the checkpoint
		i += 2
		for cut := f.Start; cut < f.End; cut += step {
			torn := append([]byte(nil), whole[:cut]...)
			if cases%2 == 0 {
				torn = append(torn, make([]byte, 5000)...) // still preallocated
			}
			c := d.Copy()
			c.Put(file, torn)
			if bytes.HasPrefix(torn, whole[:f.End]) {
				checkTorn(t, c, i+1, 0) // only padding was cut, and is zero all the same
			} else {
				checkTorn(t, c, i, cut-f.Start)
			}
			cases++
		}
	}
	if want := int(frames[3].End-frames[2].Start) / step; cases < want || len(frames) != 4 {
		t.Errorf("%d cases, want %d", cases, want)
	}
}

// checkTorn opens a trail that ends behind n frames and some bytes of another.
func checkTorn(t *testing.T, d *audit.Disk, n int, torn int64) {
	t.Helper()
	if r := verify(t, options().On(d), nil); (len(r.Problems) > 0) != (torn > 0) {
		t.Fatalf("%d bytes of frame %d, before recovery: problems %v", torn, n, r.Problems)
	}
	l := open(t, options().On(d))
	add(t, l, "z")
	want := append([]string(nil), "a", "b", "c")[:min(n, 3)]
	if torn > 0 {
		want = append(want, "TrailRecovered")
	}
	equal(t, read(t, l, 1), append(want, "z")...)
	closed(t, l)
	r := clean(t, options().On(d), nil)
	if (len(r.Recoveries) == 1) != (torn > 0) {
		t.Fatalf("%d bytes of frame %d: recoveries %v", torn, n, r.Recoveries)
	}
}

func TestRecoveryRecord(t *testing.T) {
	t.Parallel()
	d, frames := wrote(t, "a", "b")
	file := audit.SegmentName(1)
	last := frames[1]
	d.Put(file, d.Bytes(file)[:last.Start+40])
	l := on(t, d)
	var record string
	if err := l.Read(t.Context(), 2, func(_ uint64, e audit.Entry) error {
		record = e.Account + "|" + string(e.Record)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`|{"eventVersion":"1.11",`, `"eventSource":"claviger"`, `"eventName":"TrailRecovered"`, `"eventTime":"2026-03-01T12:00:00Z"`,
		fmt.Sprintf(`"serviceEventDetails":{"file":"000000000001.trail","offset":%d,"length":40}`, last.Start),
	} {
		if !strings.Contains(record, part) {
			t.Errorf("record %s has no %s", record, part)
		}
	}
	want := fmt.Sprintf("segment 1, offset %d: 40 bytes were dropped after sequence 1", last.Start)
	if r := clean(t, options().On(d), nil); len(r.Recoveries) != 1 || r.Recoveries[0] != want {
		t.Errorf("recoveries are %q, want %q", r.Recoveries, want)
	}
}

// Sectors of a torn write reach the disk in any order.
func TestTornSectors(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) { // no checkpoint is due between two lines
		const rounds = 60
		var recovered int
		for range rounds {
			d := &audit.Disk{}
			l := open(t, options().On(d))
			add(t, l, "a", "b")
			d.Fail(nth("write", 1, audit.TearWrite))
			ticket, err := l.Append(entries(strings.Repeat("c", 300)), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := ticket.Wait(t.Context()); !errors.Is(err, audit.ErrUnavailable) {
				t.Fatalf("error is %v", err)
			}
			_ = l.Close()
			l = open(t, options().On(d))
			names := read(t, l, 1)
			closed(t, l)
			equal(t, names[:2], "a", "b")
			recovered += len(clean(t, options().On(d), nil).Recoveries)
		}
		if recovered < rounds/2 {
			t.Errorf("only %d of %d writes were torn", recovered, rounds)
		}
	})
}

// nth returns a fault of the n-th operation of a kind from now on.
func nth(op string, n int, f audit.Fault) func(string, string) audit.Fault {
	return func(got, _ string) audit.Fault {
		if got == op {
			n--
			if n == 0 {
				return f
			}
		}
		return audit.NoFault
	}
}

// A crash between the header that declares a recovery and its record leaves the
// record to the next Open, however often that happens.
func TestRecoveryIsOwed(t *testing.T) {
	t.Parallel()
	d, frames := wrote(t, "a", "b")
	sectors := 0
	d.Lasts = func() bool { sectors++; return sectors%2 == 1 } // a record that is whole is owed no more
	file := audit.SegmentName(1)
	d.Put(file, d.Bytes(file)[:frames[1].Start+40])
	for _, f := range []audit.Fault{audit.Refuse, audit.TearWrite, audit.LoseSync, audit.Refuse} {
		// Writes of Open: the last frame again, the header, the record.
		writes := 3
		if len(d.Names()) > 1 {
			writes = 2 // the newest segment has no frame
		}
		d.Fail(nth("write", writes, f))
		if l, err := audit.Open(options().On(d)); err == nil {
			closed(t, l)
			t.Fatal("opened in spite of the fault")
		}
		d.LosePower()
	}
	l := on(t, d)
	names := read(t, l, 1)
	if names[0] != "a" || names[1] != "TrailRecovered" {
		t.Errorf("entries are %v", names)
	}
	// That of before, one of each try, and that of now.
	if r := clean(t, options().On(d), nil); r.Segments != 6 {
		t.Errorf("%d segments", r.Segments)
	}
}

// The system may show a frame that is not durable. Open makes it so before it
// builds on it.
func TestUnsyncedFrameIsMadeDurable(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) { // the Log is killed before it goes on in another segment
		d := &audit.Disk{}
		l := open(t, options().On(d))
		add(t, l, "a")
		d.Fail(nth("write", 1, audit.LoseSync))
		ticket, err := l.Append(entries("b"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := ticket.Wait(t.Context()); !errors.Is(err, audit.ErrUnavailable) {
			t.Fatalf("error is %v", err)
		}
		d.Kill()
		_ = l.Close()

		l = open(t, options().On(d))
		equal(t, read(t, l, 1), "a", "b") // b's outcome was unknown
		add(t, l, "c")
		d.LosePower()
		_ = l.Close()
		clean(t, options().On(d), nil)
		equal(t, read(t, on(t, d), 1), "a", "b", "c")
	})
}

// The power fails at any write, again and again; what was acknowledged stays,
// once and in order.
func TestCrashes(t *testing.T) {
	t.Parallel()
	const rounds = 60
	d := &audit.Disk{}
	var acknowledged, known []string
	for round := range rounds {
		d.Fail(nth("write", 1+rand.IntN(12), audit.TearWrite))
		if round%3 == 1 {
			d.Fail(nth([]string{"create", "rename", "remove", "truncate"}[rand.IntN(4)], 1+rand.IntN(3), audit.TearWrite))
		}
		l, err := audit.Open(options().On(d))
		if err != nil {
			d.LosePower()
			continue
		}
		for i := range 8 {
			n := fmt.Sprintf("%d.%d", round, i)
			ticket, err := l.Append(entries(n), nil)
			if err == nil {
				known = append(known, n)
				err = ticket.Wait(t.Context())
			}
			if err != nil {
				break
			}
			acknowledged = append(acknowledged, n)
		}
		d.LosePower()
		_ = l.Close()
	}
	l := on(t, d)
	checkAcknowledged(t, read(t, l, 1), acknowledged, known)
	clean(t, options().On(d), nil)
	if len(acknowledged) < rounds || len(acknowledged) == len(known) {
		t.Errorf("%d of %d entries were acknowledged", len(acknowledged), len(known))
	}
}

// checkAcknowledged checks that the entries are those acknowledged, in order,
// and besides only such as have been appended, each once.
func checkAcknowledged(t *testing.T, got, acknowledged, known []string) {
	t.Helper()
	next, at := 0, -1
	places := make(map[string]int)
	for i, n := range known {
		places[n] = i
	}
	for _, n := range got {
		if n == "TrailRecovered" {
			continue
		}
		place, ok := places[n]
		if !ok || place <= at {
			t.Fatalf("entry %s is unknown or not in order", n)
		}
		at = place
		if next < len(acknowledged) && acknowledged[next] == n {
			next++
		}
	}
	if next < len(acknowledged) {
		t.Fatalf("acknowledged entry %s is missing or not in order", acknowledged[next])
	}
}

// Whoever copies the files of a running trail gets a trail.
func TestCopyWhileRunning(t *testing.T) {
	t.Parallel()
	d := &audit.Disk{}
	l := on(t, d)
	for i, n := range count("n", 30+30/step) {
		add(t, l, n)
		c := d.Copy()
		copied := open(t, options().On(c))
		equal(t, read(t, copied, 1), count("n", i+1)...)
		closed(t, copied)
		clean(t, options().On(c), nil)
	}
}

func TestEpochsOfTime(t *testing.T) {
	t.Parallel()
	d := &audit.Disk{}
	o := options().On(d)
	o.Now = func() time.Time { return time.Unix(1<<33, 999) }
	l := open(t, o)
	add(t, l, "a")
	closed(t, l)
	clean(t, o, clean(t, o, nil).Head)
}
