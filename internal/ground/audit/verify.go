package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// Report is the outcome of Verify.
type Report struct {
	Segments    int
	Batches     int
	Records     uint64
	First, Last uint64 // sequence numbers
	Head        []byte // signed head: keep it elsewhere and pass it to the next Verify; nil if there are problems
	Anchored    bool   // a head was given and is in the chain
	Recoveries  []string
	Problems    []string // empty means that everything verifies
	Outbox      uint64   `json:"-"` // up to which position of the store the trail got
	Torn        bool     `json:"-"` // one of the problems is a torn tail, which the next Open closes
}

// problemsMax bounds a report.
const problemsMax = 100

// Verify reads all segments of o.Dir and checks seals, Merkle roots, chain,
// signatures and sequence. With head (a Report's Head of an earlier time) it
// also detects truncation behind that head; without, it can't, and Anchored
// says so. A head that is malformed, of another origin or not signed is ErrHead.
//
// It may run beside a Log that is being written: bytes behind the last whole
// frame are then taken for a write under way. Without a running Log they are a
// problem until Open closes them by a recovery.
func Verify(ctx context.Context, o Options, head []byte) (*Report, error) {
	o, err := o.checked()
	if err != nil {
		return nil, err
	}
	v := &verification{ctx: ctx, o: &o, report: &Report{}, known: true, chained: true}
	v.checker = checker{o: &o, tip: tip{chain: genesis(o.Origin)}}
	if head != nil {
		if v.head, err = parseNote(head, o.Signer.Public()); err != nil {
			return nil, err
		}
		if v.head.origin != o.Origin {
			return nil, fmt.Errorf("%w: it is of origin %q, not %q", ErrHead, v.head.origin, o.Origin)
		}
	}
	if err := v.segments(); err != nil {
		return nil, err
	}
	v.conclude()
	return v.report, nil
}

// A verification is one run of Verify. Where it finds damage it goes on at the
// next frame or header that stands by itself, taking the tip from there.
type verification struct {
	ctx    context.Context
	o      *Options
	head   *head // to be found in the chain, or nil
	report *Report
	checker

	known   bool  // the tip's numbers are those behind what was read last
	chained bool  // so is its chain value
	forked  bool  // the chain passed the head with another value
	before  state // as it was before the newest frame
	live    bool  // a Log is running, and the newest frame may not be durable yet
}

// A state is what a frame changes, so that it can be taken back.
type state struct {
	tip      tip
	batches  int
	records  uint64
	anchored bool
	offset   int64 // where the frame begins
}

func (v *verification) state(offset int64) state {
	return state{v.tip, v.report.Batches, v.report.Records, v.report.Anchored, offset}
}

func (v *verification) takeBack() {
	s := v.before
	v.tip, v.report.Batches, v.report.Records, v.report.Anchored = s.tip, s.batches, s.records, s.anchored
}

// lose says that what was read last is no basis for what comes next.
func (v *verification) lose() { v.known, v.chained = false, false }

func (v *verification) problem(d error) {
	switch n := len(v.report.Problems); {
	case n < problemsMax:
		v.report.Problems = append(v.report.Problems, d.Error())
	case n == problemsMax:
		v.report.Problems = append(v.report.Problems, "further problems are not listed")
	}
}

// segments reads the segments in order, those too that a running Log adds meanwhile.
func (v *verification) segments() error {
	numbers, err := segmentNumbers(v.o.folder)
	if err != nil || len(numbers) == 0 {
		return err
	}
	if numbers[0] != 1 {
		v.problem(&damage{segment: 1, what: fmt.Sprintf("segments before %d are missing", numbers[0])})
		v.lose()
	}
	for number := numbers[0]; ; number++ {
		due := number
		switch err := v.segment(number); {
		case err == nil:
			continue
		case err == errNewest:
			due++
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		at, gone := slices.BinarySearch(numbers, due)
		if at == len(numbers) {
			return nil
		}
		v.problem(&damage{segment: due, what: "segment is missing"})
		v.lose()
		number = due
		if !gone {
			number = numbers[at] - 1
		}
	}
}

// errNewest means that a segment was read behind which there was none.
var errNewest = errors.New("no segment follows")

// segment reads one segment; the error is fs.ErrNotExist where there is none,
// and errNewest where none follows it.
func (v *verification) segment(number uint64) error {
	s, err := openStored(v.o, number)
	if errors.Is(err, ErrDamaged) {
		v.report.Segments++
		v.problem(err)
		v.lose() // without its header, no seal of it can be opened
		return nil
	}
	if err != nil {
		return err
	}
	defer s.Close()
	s.f = &heeding{s.f, v.ctx}
	v.report.Segments++
	v.enter(s)
	err = v.frames(s)
	if errors.Is(err, ErrDamaged) { // the rest of it can't be read
		v.problem(fmt.Errorf("segment %d: %w", number, err))
		v.lose()
		return nil
	}
	return err
}

// A heeding file is read until a context ends: what lies behind the frames of a
// segment may be long.
type heeding struct {
	file
	ctx context.Context
}

func (f *heeding) ReadAt(b []byte, off int64) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, err
	}
	return f.file.ReadAt(b, off)
}

// enter checks that a segment continues what was read.
func (v *verification) enter(s *stored) {
	h := s.header
	if h.number == 1 && (h.ended != 0 || h.dropped != 0) {
		v.problem(&damage{segment: 1, what: "the first segment ends another"})
	}
	switch {
	case !v.known:
	case h.before.last != v.tip.last:
		v.problem(&damage{h.number, 0, h.before.last + 1, fmt.Sprintf("segment begins at %d where %d is due", h.before.last+1, v.tip.last+1)})
	case v.chained && h.before.chain != v.tip.chain:
		v.problem(&damage{h.number, 0, h.before.last + 1, "segment continues another chain"})
	case h.before.outbox < v.tip.outbox:
		v.problem(&damage{h.number, 0, h.before.last + 1, fmt.Sprintf("outbox position falls from %d to %d", v.tip.outbox, h.before.outbox)})
	}
	v.tip, v.known, v.chained = h.before, true, true // it is signed
	v.before = v.state(headerBytes)
	v.anchor(h.number, 0)
	if v.report.First == 0 {
		v.report.First = h.before.last + 1
	}
	if h.dropped > 0 {
		v.report.Recoveries = append(v.report.Recoveries, fmt.Sprintf("segment %d, offset %d: %d bytes were dropped after sequence %d",
			h.number-1, h.ended, h.dropped, h.before.last))
	}
}

// frames reads the frames of a segment up to where the next one's header says
// that it ends, or up to the last one.
func (v *verification) frames(s *stored) error {
	next, err := v.next(s.header.number)
	if err != nil && err != errNewest {
		return err
	}
	r := s.frames(0, s.size)
	if next == nil {
		if err := v.newest(s, r); err != nil {
			return err
		}
		// A running Log may have begun another segment meanwhile. One that it
		// begins from now on may continue frames that were not read.
		if next, err = v.next(s.header.number); next == nil {
			return err
		}
	}
	return v.ended(s, r, next)
}

// next returns the header of the segment behind number, nil if it can't be read,
// and errNewest if there is none.
func (v *verification) next(number uint64) (*header, error) {
	s, err := openStored(v.o, number+1)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errNewest
	case errors.Is(err, ErrDamaged):
		return nil, nil
	case err != nil:
		return nil, err
	}
	defer s.Close()
	return s.header, nil
}

// ended reads the frames of a segment that another one continues, and checks
// that nothing but what was dropped follows them.
func (v *verification) ended(s *stored, r *frameReader, next *header) error {
	if v.before.offset == next.ended && r.offset > next.ended {
		// The Log failed to make the newest frame durable, and gave it up while we read.
		v.takeBack()
		r.offset = next.ended
	}
	r.buf = r.buf[:0] // which may be older than the header
	r.limit = min(next.ended, s.size)
	if r.offset > r.limit {
		v.misses(s, r.offset, next)
		return nil
	}
	for {
		switch err := v.frame(s, r); err {
		case nil:
		case io.EOF:
			if r.offset != next.ended {
				v.misses(s, r.offset, next)
			}
			return v.behind(s, next)
		case errNoFrame:
			if err := v.resume(s, r); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// misses says that a segment doesn't end where the next one says.
func (v *verification) misses(s *stored, offset int64, next *header) {
	v.problem(&damage{s.header.number, offset, v.tip.last + 1, fmt.Sprintf("segment should end at offset %d", next.ended)})
	v.lose()
}

// behind checks what lies behind the end of a segment.
func (v *verification) behind(s *stored, next *header) error {
	from := next.ended + next.dropped
	t, err := readTail(s.f, from, s.size)
	if err != nil {
		return fmt.Errorf("reading segment %d: %w", s.header.number, err)
	}
	if t.end > from {
		v.problem(&damage{s.header.number, from, 0, fmt.Sprintf("%d bytes behind the end of the segment", t.end-from)})
	}
	return nil
}

// resume goes on at the next valid frame before the limit, after one that isn't.
func (v *verification) resume(s *stored, r *frameReader) error {
	t, err := readTail(s.f, r.offset, r.limit)
	if err != nil {
		return fmt.Errorf("reading segment %d: %w", s.header.number, err)
	}
	v.problem(&damage{s.header.number, r.offset, v.tip.last + 1, "no valid frame"})
	v.lose()
	r.offset = r.limit
	if t.frame >= 0 {
		r.offset = t.frame
	}
	return nil
}

// newest reads the frames of a segment that none continues.
func (v *verification) newest(s *stored, r *frameReader) error {
	for {
		switch err := v.frame(s, r); err {
		case nil:
		case io.EOF:
			return v.look()
		case errNoFrame:
			if more, err := v.tail(s, r); err != nil || !more {
				return err
			}
		default:
			return err
		}
	}
}

// look finds out whether a Log is running.
func (v *verification) look() (err error) {
	v.live, err = v.o.folder.locked()
	return err
}

// tail judges what lies behind the last valid frame of the newest segment, and
// reports whether to read on at r.
func (v *verification) tail(s *stored, r *frameReader) (more bool, err error) {
	if err := v.look(); err != nil {
		return false, err
	}
	t, err := readTail(s.f, r.offset, r.limit)
	if err != nil {
		return false, fmt.Errorf("reading segment %d: %w", s.header.number, err)
	}
	switch {
	case t.end == r.offset, t.frame < 0 && v.live:
		return false, nil
	case t.frame < 0:
		v.report.Torn = true
		v.problem(&damage{s.header.number, r.offset, v.tip.last + 1, fmt.Sprintf("torn tail of %d bytes, not closed by a recovery", t.end-r.offset)})
		return false, nil
	}
	// A valid frame follows. A running Log may have written both just now; then
	// the first is whole when it is read again.
	r.buf = r.buf[:0]
	if _, err := (&frameReader{f: s.f, offset: r.offset, limit: r.limit}).next(); err == nil {
		return true, nil
	}
	return true, v.resume(s, r)
}

// frame reads and checks one frame.
func (v *verification) frame(s *stored, r *frameReader) error {
	if err := v.ctx.Err(); err != nil {
		return err
	}
	fr, err := r.next()
	if err != nil {
		return err
	}
	v.adopt(fr)
	v.before = v.state(fr.offset)
	before := v.tip
	if err := v.checker.frame(s, fr); err != nil {
		v.problem(err)
		v.skip(before, fr)
		return nil
	}
	if fr.kind == kindBatch {
		v.report.Batches++
		v.report.Records += v.tip.last - before.last
		v.anchor(s.header.number, fr.offset)
	}
	return nil
}

// adopt takes from a frame what is not known from before it.
func (v *verification) adopt(fr frame) {
	switch fr.kind {
	case kindBatch:
		if h, err := parseBatchHead(fr.body); err == nil && !v.known {
			v.tip.last, v.tip.outbox, v.known = h.first-1, h.outbox, true
		}
	case kindCheckpoint:
		h, err := parseCheckpoint(fr.body, v.o.Origin, v.o.Signer.Public())
		if err == nil && !v.chained && (!v.known || h.sequence == v.tip.last) {
			v.tip, v.known, v.chained = tip{h.sequence, h.chain, h.outbox}, true, true
		}
	}
}

// skip goes on behind a frame that did not verify.
func (v *verification) skip(before tip, fr frame) {
	h, err := parseBatchHead(fr.body)
	switch {
	case fr.kind != kindBatch:
	case err != nil:
		v.lose()
	default:
		v.chained = v.chained && h.first == before.last+1
		before.last = h.first - 1
		v.tip = before.after(h)
	}
}

// anchor looks for the head at the end of a batch or before the first.
func (v *verification) anchor(segment uint64, offset int64) {
	if v.head == nil || !v.chained || v.tip.last != v.head.sequence {
		return
	}
	if v.tip.chain == v.head.chain {
		v.report.Anchored = true
	} else if !v.forked {
		v.forked = true
		v.problem(&damage{segment, offset, v.tip.last, "the chain is not that of the head: history was forked"})
	}
}

// conclude judges the whole and signs the head.
func (v *verification) conclude() {
	r := v.report
	r.Last, r.Outbox = v.tip.last, v.tip.outbox
	if r.Segments == 0 {
		v.anchor(0, 0)
	}
	if v.head != nil && !r.Anchored && !v.forked {
		if v.head.sequence > v.tip.last {
			v.problem(fmt.Errorf("sequence %d: the trail ends here, before sequence %d of the head: it was truncated", v.tip.last, v.head.sequence))
		} else {
			v.problem(fmt.Errorf("sequence %d: no batch ends here as the head says: history was forked", v.head.sequence))
		}
	}
	if r.Records == 0 {
		r.First, r.Last = 0, 0
	}
	if len(r.Problems) > 0 {
		return
	}
	t := v.tip
	if v.live {
		t = v.before.tip // which is durable, since the newest frame was begun
	}
	h := t.head(v.o.Origin, v.o.Now())
	r.Head = h.note(v.o.Signer)
}
