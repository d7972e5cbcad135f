package audit_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"claviger/internal/ground/audit"
)

// written returns a disk with two segments: one of frames b b b c, and one of b b c.
func written(t testing.TB) *audit.Disk {
	t.Helper()
	for range undisturbed {
		d, _ := wrote(t, "a", "b", "c")
		if len(wroteSegment(t, d, 2, "d", "e")) == 3 {
			return d
		}
	}
	t.Fatal("frames are never those of the names and a checkpoint")
	return nil
}

func TestEveryBitFlipIsFound(t *testing.T) {
	t.Parallel()
	d, _ := wrote(t, "a")
	l := open(t, options().On(d))
	add(t, l, "b")
	closed(t, l)
	clean(t, options().On(d), nil)
	cases := 0
	for _, file := range d.Names() {
		whole := d.Bytes(file)
		for at := 0; at < len(whole); at += step {
			b := slices.Clone(whole)
			b[at] ^= 1 << (at % 8)
			c := d.Copy()
			c.Put(file, b)
			if r := verify(t, options().On(c), nil); len(r.Problems) == 0 || r.Head != nil {
				t.Errorf("%s: flip at %d is not found", file, at)
			}
			cases++
		}
	}
	if cases < 1500/step {
		t.Errorf("only %d cases", cases)
	}
}

// What is behind the frames of a preallocated segment is zero.
func TestTailIsZero(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 8, 1001} {
		d := written(t)
		for _, file := range d.Names() {
			whole := d.Bytes(file)
			c := d.Copy()
			c.Put(file, append(whole, make([]byte, n)...))
			clean(t, options().On(c), nil)
			b := append(whole, make([]byte, n)...)
			b[len(b)-1] = 1
			c.Put(file, b)
			if r := verify(t, options().On(c), nil); len(r.Problems) == 0 {
				t.Errorf("%s: a byte behind the end is not found", file)
			}
		}
	}
}

// edit changes the frames of a segment: their order, and which there are.
func edit(d *audit.Disk, number uint64, order ...int) {
	file := audit.SegmentName(number)
	whole := d.Bytes(file)
	frames := audit.Frames(d, file)
	b := slices.Clone(whole[:audit.HeaderBytes])
	for _, i := range order {
		b = append(b, whole[frames[i].Start:frames[i].End]...)
	}
	d.Put(file, b)
}

func TestMovedFramesAreFound(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]struct {
		segment uint64
		order   []int // of frames b b b c in segment 1, b b c in segment 2
		want    string
	}{
		"delete the first":     {1, []int{1, 2, 3}, "segment 1, offset 512, sequence 2: batch begins at 2 where 1 is due"},
		"delete in the middle": {1, []int{0, 2, 3}, "sequence 3: batch begins at 3 where 2 is due"},
		"delete the last":      {1, []int{0, 1, 2}, "segment should end at offset"},
		"swap":                 {1, []int{1, 0, 2, 3}, "sequence 2: batch begins at 2 where 1 is due"},
		"duplicate":            {1, []int{0, 1, 1, 2, 3}, "sequence 2: batch begins at 2 where 3 is due"},
		"append again":         {1, []int{0, 1, 2, 3, 2}, "bytes behind the end of the segment"},
		"checkpoint early":     {1, []int{0, 1, 3, 2}, "checkpoint at 3 does not match the chain at 2"},
		"newest, delete first": {2, []int{1, 2}, "segment 2, offset 512, sequence 5: batch begins at 5 where 4 is due"},
		"newest, duplicate":    {2, []int{0, 1, 1, 2}, "sequence 5: batch begins at 5 where 6 is due"},
		"newest, swap":         {2, []int{1, 0, 2}, "sequence 5: batch begins at 5 where 4 is due"},
	} {
		d := written(t)
		edit(d, change.segment, change.order...)
		r := verify(t, options().On(d), nil)
		if !slices.ContainsFunc(r.Problems, func(p string) bool { return strings.Contains(p, change.want) }) {
			t.Errorf("%s: problems are %q, want %q", name, r.Problems, change.want)
		}
	}
}

func TestMovedSegmentsAreFound(t *testing.T) {
	t.Parallel()
	three := func() *audit.Disk {
		d := written(t)
		l := open(t, options().On(d))
		add(t, l, "f")
		closed(t, l)
		return d
	}
	get := func(d *audit.Disk, n uint64) []byte { return d.Bytes(audit.SegmentName(n)) }
	for name, c := range map[string]struct {
		change func(d *audit.Disk)
		want   string
	}{
		"delete the first":  {func(d *audit.Disk) { d.Remove(audit.SegmentName(1)) }, "segment 1, offset 0: segments before 2 are missing"},
		"delete the second": {func(d *audit.Disk) { d.Remove(audit.SegmentName(2)) }, "segment 2, offset 0: segment is missing"},
		"swap": {func(d *audit.Disk) {
			one, two := get(d, 1), get(d, 2)
			d.Put(audit.SegmentName(1), two)
			d.Put(audit.SegmentName(2), one)
		}, "segment 1, offset 0: segment carries the number 2"},
		"duplicate": {func(d *audit.Disk) { d.Put(audit.SegmentName(4), get(d, 3)) }, "segment 4, offset 0: segment carries the number 3"},
		"empty":     {func(d *audit.Disk) { d.Put(audit.SegmentName(2), nil) }, "segment 2, offset 0: no segment header"},
		"short":     {func(d *audit.Disk) { d.Put(audit.SegmentName(2), get(d, 2)[:audit.HeaderBytes+9]) }, "segment should end at offset"},
	} {
		d := three()
		c.change(d)
		r := verify(t, options().On(d), nil)
		if len(r.Problems) == 0 || !slices.ContainsFunc(r.Problems, func(p string) bool { return strings.Contains(p, c.want) }) {
			t.Errorf("%s: problems are %q, want %q", name, r.Problems, c.want)
		}
	}
}

// Behind damage that is reported once, what is whole verifies again.
func TestDamageIsReportedOnce(t *testing.T) {
	t.Parallel()
	d := written(t)
	file := audit.SegmentName(1)
	b := d.Bytes(file)
	b[audit.Frames(d, file)[1].Start+70] ^= 1
	d.Put(file, b)
	r := verify(t, options().On(d), nil)
	if len(r.Problems) != 1 || !strings.HasPrefix(r.Problems[0], "segment 1, offset ") || !strings.HasSuffix(r.Problems[0], "sequence 2: no valid frame") {
		t.Errorf("problems are %q", r.Problems)
	}
	if r.Records != 4 || r.Last != 5 {
		t.Errorf("report is %+v", r)
	}
}

func TestOpenRefusesDamage(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(d *audit.Disk, file string, frames []audit.Span){
		"frame before a valid one": func(d *audit.Disk, file string, frames []audit.Span) {
			b := d.Bytes(file)
			b[frames[0].Start+20] ^= 1
			d.Put(file, b)
		},
		"magic of the first frame": func(d *audit.Disk, file string, frames []audit.Span) {
			b := d.Bytes(file)
			clear(b[frames[0].Start : frames[0].Start+16])
			d.Put(file, b)
		},
		"header": func(d *audit.Disk, file string, _ []audit.Span) {
			b := d.Bytes(file)
			b[64] ^= 1
			d.Put(file, b)
		},
		"no header":    func(d *audit.Disk, file string, _ []audit.Span) { d.Put(file, d.Bytes(file)[:100]) },
		"deleted":      func(d *audit.Disk, file string, _ []audit.Span) { edit(d, 1, 1, 2, 3) },
		"a gap":        func(d *audit.Disk, file string, _ []audit.Span) { d.Put(audit.SegmentName(3), d.Bytes(file)) },
		"another copy": func(d *audit.Disk, file string, _ []audit.Span) { d.Put(audit.SegmentName(2), d.Bytes(file)) },
	} {
		d, frames := wrote(t, "a", "b", "c")
		change(d, audit.SegmentName(1), frames)
		l, err := audit.Open(options().On(d))
		if !errors.Is(err, audit.ErrDamaged) || !strings.Contains(err.Error(), "segment ") {
			t.Errorf("%s: opened %v, %v", name, l, err)
		}
	}
}

// Another installation's trail is not opened, and says nothing of this one's.
func TestOtherInstallation(t *testing.T) {
	t.Parallel()
	d := written(t)
	o := options().On(d)
	o.Origin = "another"
	if _, err := audit.Open(o); !errors.Is(err, audit.ErrDamaged) {
		t.Errorf("opened under another origin: %v", err)
	}
	o = options().On(d)
	o.Signer = otherRing(t).Signer()
	if _, err := audit.Open(o); !errors.Is(err, audit.ErrDamaged) {
		t.Errorf("opened under another key: %v", err)
	}
	o = options().On(d)
	other := otherRing(t)
	o.Cipher = func(salt []byte) audit.Cipher { return other.Cipher(salt) }
	if r := verify(t, o, nil); len(r.Problems) == 0 || !strings.Contains(r.Problems[0], "seal of an entry does not open") {
		t.Errorf("under another segment key: %v", r.Problems)
	}
}

func TestTruncation(t *testing.T) {
	t.Parallel()
	d := written(t)
	head := clean(t, options().On(d), nil).Head
	clean(t, options().On(d), head)

	last := audit.Frames(d, audit.SegmentName(2))
	cut := d.Copy()
	cut.Put(audit.SegmentName(2), d.Bytes(audit.SegmentName(2))[:last[1].Start])
	gone := d.Copy()
	gone.Remove(audit.SegmentName(2))
	all := &audit.Disk{}
	for name, c := range map[string]*audit.Disk{"frame": cut, "segment": gone, "all": all} {
		if r := clean(t, options().On(c), nil); r.Anchored {
			t.Errorf("%s: anchored without a head", name)
		}
		r := verify(t, options().On(c), head)
		if len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "before sequence 5 of the head: it was truncated") || r.Anchored || r.Head != nil {
			t.Errorf("%s: with a head: %+v", name, r)
		}
		// It is found after the trail has grown again, too.
		l := open(t, options().On(c))
		add(t, l, "x", "y", "z", "z", "z")
		closed(t, l)
		r = verify(t, options().On(c), head)
		if len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "forked") || r.Anchored {
			t.Errorf("%s: grown again: %+v", name, r)
		}
	}
}

// A fork whose batches end elsewhere than the head is found as well.
func TestForkBetweenBatches(t *testing.T) {
	t.Parallel()
	head := clean(t, options().On(written(t)), nil).Head
	d := &audit.Disk{}
	l := open(t, options().On(d))
	if _, err := l.Append(entries(count("n", 7)...), nil); err != nil {
		t.Fatal(err)
	}
	closed(t, l)
	r := verify(t, options().On(d), head)
	if len(r.Problems) != 1 || r.Problems[0] != "sequence 5: no batch ends here as the head says: history was forked" {
		t.Errorf("problems are %q", r.Problems)
	}
}

func TestHeadsStayAnchored(t *testing.T) {
	t.Parallel()
	d := &audit.Disk{}
	var heads [][]byte
	for i := range 4 {
		l := open(t, options().On(d))
		heads = append(heads, l.Head())
		add(t, l, count("n", i*20)...)
		heads = append(heads, l.Head())
		closed(t, l)
		heads = append(heads, clean(t, options().On(d), nil).Head)
	}
	for _, head := range heads {
		clean(t, options().On(d), head)
	}
}

func TestHeadIsRefused(t *testing.T) {
	t.Parallel()
	d := written(t)
	head := clean(t, options().On(d), nil).Head
	foreign := options()
	foreign.Origin = "another"
	other := open(t, foreign.On(&audit.Disk{})).Head()
	unsigned := options()
	unsigned.Signer = otherRing(t).Signer()
	forged := open(t, unsigned.On(&audit.Disk{})).Head()
	cases := 2
	for _, bad := range [][]byte{other, forged} {
		if r, err := audit.Verify(t.Context(), options().On(d), bad); err == nil {
			t.Errorf("accepted %q: %+v", bad, r)
		}
	}
	for i := 0; i < len(head); i += step {
		bad := slices.Clone(head)
		bad[i] ^= 1
		for _, b := range [][]byte{bad, head[:i]} {
			cases++
			if r, err := audit.Verify(t.Context(), options().On(d), b); err == nil {
				t.Errorf("accepted %q: %+v", b, r)
			}
		}
	}
	if cases < 400/step {
		t.Errorf("only %d cases", cases)
	}
}

// Verify may run beside a Log: it never sees a problem, and each of its heads
// stays in the chain.
func TestVerifyBesideLog(t *testing.T) {
	t.Parallel()
	d := &audit.Disk{}
	l := open(t, options().On(d))
	done := beside(func() error {
		for _, n := range count("n", 200) {
			ticket, err := l.Append(entries(n, n, n), nil)
			if err == nil {
				err = ticket.Wait(context.Background())
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	var heads [][]byte
	for running := true; running; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		default:
		}
		heads = append(heads, clean(t, options().On(d), nil).Head)
	}
	closed(t, l)
	for _, head := range heads[:min(len(heads), 20)] {
		clean(t, options().On(d), head)
	}
}

// A segment that the Log begins when Verify has found none to follow is not in
// the report, and no problem: it continues frames that Verify did not read.
func TestVerifyBesideNewSegment(t *testing.T) {
	t.Parallel()
	for _, begun := range []int{1, 2} { // when Verify looks for the second segment for the nth time
		d := &audit.Disk{}
		l := on(t, d)
		add(t, l, "a", "b")
		looks := 0
		d.Missed = func(name string) {
			if name != audit.SegmentName(2) {
				return
			}
			for looks++; looks == begun && !slices.Contains(d.Names(), name); {
				add(t, l, "c", "d", "e")
			}
		}
		head := l.Head()
		r := clean(t, options().On(d), head)
		if !r.Anchored || looks < begun || begun == 1 && r.Segments != 2 || begun == 2 && (r.Segments != 1 || r.Records != 2) {
			t.Errorf("begun at look %d of %d: report is %+v", begun, looks, r)
		}
		d.Missed = nil
		if later := clean(t, options().On(d), r.Head); !later.Anchored || later.Segments != 2 {
			t.Errorf("later: %+v", later)
		}
	}
}

// A segment that is listed and can't be found is missing: one time, and the
// verification ends.
func TestVerifyNamesWithoutFile(t *testing.T) {
	t.Parallel()
	o := options()
	o.Dir = t.TempDir()
	closed(t, open(t, o))
	closed(t, open(t, o))
	for _, number := range []uint64{3, 5} {
		if err := os.Symlink("nowhere", filepath.Join(o.Dir, audit.SegmentName(number))); err != nil {
			t.Skip(err)
		}
	}
	r := verify(t, o, nil)
	if len(r.Problems) != 3 || r.Segments != 2 {
		t.Errorf("report is %+v", r)
	}
}

// A write under way is no problem while the Log runs, and one when it doesn't.
func TestVerifyUnfinishedWrite(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) { // the Log writes no checkpoint there meanwhile
		d := &audit.Disk{}
		l := on(t, d)
		add(t, l, "a", "b")
		file := audit.SegmentName(1)
		end := audit.Frames(d, file)[1].End
		copy(d.Seen(file)[end:], "CLVF\x01\x00\x00\x00half of a frame")
		r := clean(t, options().On(d), nil)
		if r.Records != 2 {
			t.Errorf("report is %+v", r)
		}
		r = verify(t, options().On(d.Copy()), nil)
		if len(r.Problems) != 1 || !strings.HasSuffix(r.Problems[0], "sequence 3: torn tail of 23 bytes, not closed by a recovery") {
			t.Errorf("problems are %q", r.Problems)
		}
	})
}

func TestVerifyEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := audit.Verify(ctx, options().On(written(t)), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("report %v, error %v", r, err)
	}
	o := options()
	o.Dir = t.TempDir() + "/none"
	if r, err := audit.Verify(t.Context(), o, nil); err == nil {
		t.Errorf("verified no directory: %v", r)
	}
	o.Dir = t.TempDir()
	if r := clean(t, o, nil); r.Segments != 0 || r.First != 0 || r.Last != 0 {
		t.Errorf("empty directory: %+v", r)
	}
}

func TestHeadOfAnEmptyTrail(t *testing.T) {
	t.Parallel()
	d := &audit.Disk{}
	closed(t, open(t, options().On(d)))
	head := clean(t, options().On(d), nil).Head
	l := open(t, options().On(d))
	add(t, l, "a")
	closed(t, l)
	clean(t, options().On(d), head)
	if !strings.Contains(string(head), "\nsequence 0\n") || !strings.Contains(string(head), "\ntime "+began.Format(time.RFC3339)[:19]+".000000Z\n") {
		t.Errorf("head is %s", head)
	}
}

// A frame that the Log gives up while Verify reads is not in the report.
func TestVerifyWhileFrameIsGivenUp(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		d := &audit.Disk{}
		l := open(t, options().On(d))
		add(t, l, "a", "b")
		synctest.Wait()
		d.Fail(nth("write", 1, audit.LoseSync))
		if err := try(l, "lost"); !errors.Is(err, audit.ErrUnavailable) {
			t.Fatalf("error is %v", err)
		}
		if r := clean(t, options().On(d), nil); r.Records != 3 || !strings.Contains(string(r.Head), "\nsequence 2\n") {
			t.Errorf("before: %+v", r)
		}
		d.Looked = func() {
			d.Looked = nil
			time.Sleep(time.Second) // of the bubble: the Log goes on in another segment
			add(t, l, "c")
		}
		head := l.Head()
		r := clean(t, options().On(d), head)
		if d.Looked != nil || r.Records != 4 || r.Last != 4 || len(r.Recoveries) != 1 { // a, b, the recovery, c
			t.Errorf("report is %+v", r)
		}
		closed(t, l)
	})
}

// What has a segment's name and is no file is damage of that segment alone, and the
// last number there is has no end behind which to look.
func TestVerifyNamesOfNoSegment(t *testing.T) {
	t.Parallel()
	o := options()
	o.Dir = t.TempDir()
	closed(t, open(t, o))
	closed(t, open(t, o))
	if err := os.Mkdir(filepath.Join(o.Dir, audit.SegmentName(3)), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, name := range []string{audit.SegmentName(math.MaxUint64), audit.SegmentName(3) + ".bak", "spare"} {
		if err := os.WriteFile(filepath.Join(o.Dir, name), []byte("something"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := audit.Verify(ctx, o, nil)
	if err != nil || len(r.Problems) != 1 || r.Problems[0] != "segment 3, offset 0: no regular file" {
		t.Errorf("report is %+v, %v", r, err)
	}
	if _, err := audit.Open(o); !errors.Is(err, audit.ErrDamaged) {
		t.Errorf("opened: %v", err)
	}
}

// Damage of one segment's header hides what is in it, and nothing behind it.
func TestReadBehindDamagedHeader(t *testing.T) {
	t.Parallel()
	const segments = 7
	for damaged := 1; damaged < segments; damaged++ {
		d := &audit.Disk{}
		var names []string
		for _, n := range count("n", segments-1) {
			l := open(t, options().On(d))
			add(t, l, n)
			names = append(names, n)
			closed(t, l)
		}
		file := audit.SegmentName(uint64(damaged))
		b := d.Bytes(file)
		b[100] ^= 1
		d.Put(file, b)
		if damaged == segments-1 {
			if _, err := audit.Open(options().On(d)); !errors.Is(err, audit.ErrDamaged) {
				t.Errorf("opened with segment %d damaged: %v", damaged, err)
			}
			continue
		}
		l := on(t, d)
		equal(t, read(t, l, uint64(damaged+1)), names[damaged:]...)
		err := l.Read(t.Context(), uint64(damaged), func(uint64, audit.Entry) error { return nil })
		if !errors.Is(err, audit.ErrDamaged) {
			t.Errorf("entry %d was read with its segment damaged: %v", damaged, err)
		}
	}
}

// What is behind the frames may be long, and is read no longer than wanted.
func TestVerifyEndsBehindFrames(t *testing.T) {
	t.Parallel()
	d, _ := wrote(t, "a")
	file := audit.SegmentName(1)
	d.Put(file, append(d.Bytes(file), make([]byte, 1<<20)...))
	ctx, cancel := context.WithCancel(t.Context())
	d.Looked = cancel
	if r, err := audit.Verify(ctx, options().On(d), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("report %+v, error %v", r, err)
	}
}
