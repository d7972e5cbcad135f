package audit

import "time"

// What tests of the format reach for.
const (
	HeaderBytes          = headerBytes
	FrameHeadBytes       = frameHeadBytes
	CheckpointFrameBytes = checkpointFrameBytes
	SegmentBytesMin      = segmentBytesMin
	ReserveEntries       = reserveEntries
)

var (
	SegmentName = segmentName
	MerkleRoot  = merkleRoot
	Leaf        = leaf
)

// A Span is where a frame lies in a segment.
type Span struct {
	Kind       byte
	Start, End int64
}

// Frames returns the valid frames of a segment.
func Frames(d *Disk, name string) []Span {
	f, err := (&diskFolder{d: d, epoch: d.epoch}).open(name)
	if err != nil {
		panic(err)
	}
	size, _ := f.size()
	var spans []Span
	for r := (&frameReader{f: f, offset: headerBytes, limit: size}); ; {
		fr, err := r.next()
		if err != nil {
			return spans
		}
		spans = append(spans, Span{fr.kind, fr.offset, r.offset})
	}
}

// ParseFrame reports whether b is a frame, and writes it again.
func ParseFrame(b []byte) (again []byte, err error) {
	fr, err := parseFrame(b)
	if err != nil {
		return nil, err
	}
	return endFrame(append(beginFrame(nil), fr.body...), fr.kind), nil
}

// FindFrame looks for a frame in what lies behind from.
func FindFrame(f file, from, limit int64) (end, frame int64, err error) {
	t, err := readTail(f, from, limit)
	return t.end, t.frame, err
}

// ParseHeader reads a header and writes it again.
func ParseHeader(b []byte, origin string, s Signer) (again []byte, err error) {
	h, err := parseHeader(b, origin, s.Public())
	if err != nil {
		return nil, err
	}
	return h.encode(s), nil
}

// Header makes a header.
func Header(origin string, number, first uint64, created time.Time, salt [32]byte, s Signer) []byte {
	h := header{origin: origin, number: number, before: tip{last: first - 1, chain: genesis(origin)}, created: created, salt: salt}
	return h.encode(s)
}

// ParseNote reads a signed head and writes it again.
func ParseNote(b []byte, s Signer) (again []byte, err error) {
	h, err := parseNote(b, s.Public())
	if err != nil {
		return nil, err
	}
	return h.note(s), nil
}

// Batch makes the frame of a batch and returns the chain value behind it.
func Batch(last uint64, chain [32]byte, outbox uint64, c Cipher, entries []Entry) (frame []byte, behind [32]byte) {
	b := newBatch()
	b.outbox = outbox
	for i := range entries {
		b.entries = append(b.entries, entries[i])
		b.leaves = append(b.leaves, leaf(&entries[i]))
	}
	frame, t := (&encoder{}).batch(tip{last: last, chain: chain}, b, c)
	return frame, t.chain
}

// Genesis is the chain value before the first batch.
var Genesis = genesis

// Checkpoint makes the frame and the note of a head.
func Checkpoint(origin string, last uint64, chain [32]byte, outbox uint64, now time.Time, s Signer) (frame, note []byte) {
	h := tip{last, chain, outbox}.head(origin, now)
	return h.checkpointFrame(s), h.note(s)
}
