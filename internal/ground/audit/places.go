package audit

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"sort"
)

// places is what a Log knows of where entries are. l.mu guards it.
type places struct {
	oldest uint64            // number of the oldest segment
	newest uint64            // number of the active one
	end    int64             // of its durable frames
	marks  []mark            // some batches in it, in order
	firsts map[uint64]uint64 // first sequence number by segment, as far as known
}

// A mark is where a batch begins.
type mark struct {
	sequence uint64
	offset   int64
}

// markEvery is how far marks are apart.
const markEvery = 256 << 10

// moveTo makes a the newest segment. l.mu is held.
func (l *Log) moveTo(a *active) {
	l.newest, l.end, l.marks = a.header.number, a.end, l.marks[:0:0]
	l.firsts[l.newest] = a.header.before.last + 1
}

// mark notes a batch, if the last mark is far enough away. l.mu is held.
func (l *Log) mark(sequence uint64, offset int64) {
	if n := len(l.marks); n == 0 || offset >= l.marks[n-1].offset+markEvery {
		l.marks = append(l.marks, mark{sequence, offset})
	}
}

// A view is what was durable at one moment.
type view struct {
	places
	tip
}

func (l *Log) view() view {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := view{places: l.places, tip: l.durable}
	v.firsts = nil // not a copy: read it through l.first
	return v
}

// Read implements Trail: what was durable when it was called. The entries'
// memory is the caller's. Damage is reported as ErrDamaged.
func (l *Log) Read(ctx context.Context, from uint64, fn func(sequence uint64, e Entry) error) error {
	v := l.view()
	if from > v.last {
		return ctx.Err()
	}
	number, err := l.find(v, from)
	for ; err == nil && number <= v.newest; number++ {
		err = l.readSegment(ctx, v, number, from, fn)
	}
	return missing(err, number)
}

// missing says of a segment that was there and is not any more that it is damaged.
func missing(err error, number uint64) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &damage{segment: number, what: "segment is missing"}
	}
	return err
}

// find returns the segment that holds the entry numbered sequence, or the
// oldest if that entry is older.
func (l *Log) find(v view, sequence uint64) (uint64, error) {
	var err error
	behind := sort.Search(int(v.newest-v.oldest), func(i int) bool {
		first, e := l.first(v.oldest + 1 + uint64(i))
		if e != nil && err == nil {
			err = e
		}
		return first > sequence
	})
	if err = missing(err, 0); errors.Is(err, ErrDamaged) {
		return l.findBack(v, sequence)
	}
	return v.oldest + uint64(behind), err
}

// findBack is find where some headers can't be read: nobody misses those of other
// segments than the one that is looked for.
func (l *Log) findBack(v view, sequence uint64) (uint64, error) {
	for number := v.newest; number > v.oldest; number-- {
		first, err := l.first(number)
		switch err = missing(err, number); {
		case err == nil && first <= sequence:
			return number, nil
		case err != nil && !errors.Is(err, ErrDamaged):
			return 0, err
		}
	}
	return v.oldest, nil
}

// first returns the first sequence number of a segment.
func (l *Log) first(number uint64) (uint64, error) {
	l.mu.Lock()
	first, known := l.firsts[number]
	l.mu.Unlock()
	if known {
		return first, nil
	}
	s, err := openStored(&l.o, number)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	first = s.header.before.last + 1
	l.mu.Lock()
	defer l.mu.Unlock()
	l.firsts[number] = first
	return first, nil
}

func (l *Log) readSegment(ctx context.Context, v view, number, from uint64, fn func(uint64, Entry) error) error {
	s, err := openStored(&l.o, number)
	if err != nil {
		return err
	}
	defer s.Close()
	offset, limit := v.nearest(from), v.end
	if number < v.newest {
		next, err := openStored(&l.o, number+1)
		if err != nil {
			return err
		}
		offset, limit = 0, next.header.ended
		_ = next.Close()
	}
	for r := s.frames(offset, limit); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch err := readBatch(s, r, from, fn); err {
		case nil:
		case io.EOF:
			return nil
		case errNoFrame, errBatch:
			return &damage{segment: number, offset: r.offset, what: err.Error()}
		default:
			return err
		}
	}
}

// ReadChanges calls fn for the entries that stand in batches with which the trail
// got beyond an outbox position: with each, the highest position that the trail
// had with its batch. The entries of a change at that position or before stand
// in them at the earliest where its batch has others too.
//
// It goes on behind what is damaged, and returns ErrDamaged in the end. That
// nothing was taken out, or altered and passed over, is for Verify to say.
func (l *Log) ReadChanges(ctx context.Context, beyond uint64, fn func(sequence, position uint64, e Entry) error) error {
	v := l.view()
	var damaged error
	for number := v.oldest; number <= v.newest; number++ {
		err := missing(l.readChanges(ctx, &v, number, beyond, fn), number)
		switch {
		case errors.Is(err, ErrDamaged):
			damaged = cmp.Or(damaged, err)
		case err != nil:
			return err
		}
	}
	return damaged
}

func (l *Log) readChanges(ctx context.Context, v *view, number, beyond uint64, fn func(sequence, position uint64, e Entry) error) error {
	s, err := openStored(&l.o, number)
	if err != nil {
		return err
	}
	defer s.Close()
	limit := v.end
	if number < v.newest {
		limit = s.size // where the header that says more can't be read
		if next, err := openStored(&l.o, number+1); err == nil {
			limit = min(limit, next.header.ended)
			past := next.header.before.outbox <= beyond
			_ = next.Close()
			if past {
				return nil
			}
		}
	}
	var damaged error
	for r := s.frames(0, limit); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		before := r.offset
		switch err := readChangesOf(s, r, beyond, fn); {
		case err == io.EOF:
			return damaged
		case errors.Is(err, ErrDamaged) && r.offset == before: // the rest of it can't be read
			return cmp.Or(damaged, err)
		case err == errNoFrame:
			damaged = cmp.Or(damaged, error(&damage{segment: number, offset: r.offset, what: err.Error()}))
			t, err := readTail(s.f, r.offset, limit)
			if err != nil || t.frame < 0 {
				return cmp.Or(err, damaged)
			}
			r.offset = t.frame
		case errors.Is(err, ErrDamaged):
			damaged = cmp.Or(damaged, err)
		case err != nil:
			return err
		}
	}
}

// readChangesOf passes over one frame for ReadChanges.
func readChangesOf(s *stored, r *frameReader, beyond uint64, fn func(sequence, position uint64, e Entry) error) error {
	fr, err := r.next()
	if err != nil || fr.kind != kindBatch {
		return err
	}
	h, err := parseBatchHead(fr.body)
	if err != nil {
		return &damage{segment: s.header.number, offset: fr.offset, what: err.Error()}
	}
	if h.outbox <= beyond {
		return nil
	}
	var failed error // of fn, which is passed on as it is
	err = openBatch(s.cipher, h, fr.body, nil, func(sequence uint64, e Entry) error {
		failed = fn(sequence, h.outbox, e)
		return failed
	})
	if err != nil && failed == nil {
		return &damage{s.header.number, fr.offset, h.first, err.Error()}
	}
	return err
}

// Copy calls fn for each segment, in their order, with its name and its bytes up
// to the end of what was durable when Copy was called, and returns a signed head
// of that and the number of its last entry. What it gives is a trail of its own. The Log goes on meanwhile.
func (l *Log) Copy(ctx context.Context, fn func(name string, size int64, content io.Reader) error) (head []byte, last uint64, err error) {
	v := l.view()
	for number := v.oldest; number <= v.newest; number++ {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		if err := l.copySegment(v, number, fn); err != nil {
			return nil, 0, err
		}
	}
	h := v.tip.head(l.o.Origin, l.o.Now())
	return h.note(l.o.Signer), v.last, nil
}

func (l *Log) copySegment(v view, number uint64, fn func(name string, size int64, content io.Reader) error) error {
	s, err := openStored(&l.o, number)
	if err != nil {
		return err
	}
	defer s.Close()
	size := v.end
	if number < v.newest {
		next, err := openStored(&l.o, number+1)
		if err != nil {
			return err
		}
		size = min(s.size, next.header.ended+next.header.dropped)
		_ = next.Close()
	}
	return fn(segmentName(number), size, io.NewSectionReader(s.f, 0, size))
}

// nearest returns the offset of the last mark not behind sequence, or 0.
func (v view) nearest(sequence uint64) int64 {
	behind := sort.Search(len(v.marks), func(i int) bool { return v.marks[i].sequence > sequence })
	if behind == 0 {
		return 0
	}
	return v.marks[behind-1].offset
}

// readBatch passes over one frame and calls fn for the entries in it that are
// numbered from or higher.
func readBatch(s *stored, r *frameReader, from uint64, fn func(uint64, Entry) error) error {
	skipped, err := skipBatch(r, from)
	if err != nil || skipped {
		return err
	}
	fr, err := r.next()
	if err != nil || fr.kind != kindBatch {
		return err
	}
	h, err := parseBatchHead(fr.body)
	if err != nil {
		return err
	}
	var failed error // of fn, which is passed on as it is
	err = openBatch(s.cipher, h, fr.body, nil, func(sequence uint64, e Entry) error {
		if sequence >= from {
			failed = fn(sequence, e)
		}
		return failed
	})
	if err != nil && failed == nil {
		return &damage{s.header.number, fr.offset, h.first, err.Error()}
	}
	return err
}

// skipBatch passes over a batch that ends before from, by its head alone.
func skipBatch(r *frameReader, from uint64) (bool, error) {
	head, err := r.head()
	if err != nil {
		return false, err
	}
	kind, body, whole, err := frameLength(head)
	if err != nil || kind != kindBatch || body < batchHeadBytes || whole > r.limit-r.offset {
		return false, err
	}
	b, err := r.peek(frameHeadBytes + batchHeadBytes)
	if err != nil {
		return false, err
	}
	h, err := parseBatchHead(b[frameHeadBytes:])
	if err != nil || h.first+uint64(h.count) > from {
		return false, err
	}
	r.offset += whole
	return true, nil
}
