package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

const (
	batchHeadBytes = 8 + 4 + 8 + sha256.Size
	sealedHead     = 4 // length of a sealed entry
)

// A batchHead begins the body of a batch frame. Its bytes are the associated
// data of every entry in the batch, so that a batch is whole or does not open.
type batchHead struct {
	first  uint64 // sequence number of the first entry
	count  uint32
	outbox uint64 // highest outbox position in the trail with this batch
	root   digest
}

func (h batchHead) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, h.first)
	b = binary.BigEndian.AppendUint32(b, h.count)
	b = binary.BigEndian.AppendUint64(b, h.outbox)
	return append(b, h.root[:]...)
}

var errBatch = errors.New("malformed batch")

func parseBatchHead(b []byte) (batchHead, error) {
	if len(b) < batchHeadBytes {
		return batchHead{}, errBatch
	}
	h := batchHead{
		first:  binary.BigEndian.Uint64(b),
		count:  binary.BigEndian.Uint32(b[8:]),
		outbox: binary.BigEndian.Uint64(b[12:]),
		root:   digest(b[20:batchHeadBytes]),
	}
	if h.first == 0 || h.count == 0 || h.first+uint64(h.count) < h.first {
		return batchHead{}, errBatch
	}
	return h, nil
}

// nextSealed splits the first sealed entry off b.
func nextSealed(b []byte) (sealed, rest []byte, err error) {
	if len(b) < sealedHead {
		return nil, nil, errBatch
	}
	n := uint64(binary.BigEndian.Uint32(b))
	if b = b[sealedHead:]; n > uint64(len(b)) {
		return nil, nil, errBatch
	}
	return b[:n], b[n:], nil
}

// A batch gathers entries until it is committed.
type batch struct {
	entries []Entry
	leaves  []digest
	bytes   int64  // that the entries take in a frame
	need    int64  // the sum of what they would need each on its own: never less than the frame takes
	outbox  uint64 // highest outbox position joined, or 0
	promise *promise
}

func newBatch() *batch { return &batch{promise: newPromise()} }

// frameBytes is the length of b's frame.
func (b *batch) frameBytes() int64 { return padded(frameHeadBytes + batchHeadBytes + b.bytes) }

// reset empties b for other entries, and keeps its memory.
func (b *batch) reset() {
	clear(b.entries) // so that the records can be collected
	*b = batch{entries: b.entries[:0], leaves: b.leaves[:0], promise: newPromise()}
}

// An encoder turns batches into frames. Its buffers are used again.
type encoder struct {
	frame, plain []byte
}

// batch returns the frame of a batch behind t, sealed by c, and the tip behind
// it. It spends b's leaves; the frame is valid until the next call.
func (e *encoder) batch(t tip, b *batch, c Cipher) ([]byte, tip) {
	h := batchHead{first: t.last + 1, count: uint32(len(b.entries)), outbox: max(t.outbox, b.outbox), root: merkleRoot(b.leaves)}
	f := h.append(beginFrame(e.frame[:0]))
	for i := range b.entries {
		e.plain = b.entries[i].append(e.plain[:0])
		at := len(f)
		f = append(f, make([]byte, sealedHead)...)
		// The head may move when f grows, so it is sliced anew for each entry.
		associated := f[frameHeadBytes : frameHeadBytes+batchHeadBytes : frameHeadBytes+batchHeadBytes]
		f = c.Seal(f, h.first+uint64(i), associated, e.plain)
		binary.BigEndian.PutUint32(f[at:], uint32(len(f)-at-sealedHead))
	}
	e.frame = endFrame(f, kindBatch)
	return e.frame, t.after(h)
}

// sealedSize is the room that an entry takes in its batch.
func sealedSize(e *Entry, overhead int) int64 { return int64(sealedHead + e.size() + overhead) }

// batchOverhead is the room that a batch takes beside its entries, with the
// checkpoint that may follow it.
const batchOverhead = frameHeadBytes + batchHeadBytes + frameAlign + checkpointFrameBytes
