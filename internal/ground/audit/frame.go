package audit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// Frames follow a segment's header. Each was written by one write and synced
// before the next was begun; so at most the last one can be torn, and a valid
// frame behind an invalid one means damage.
const (
	frameMagic     = "CLVF"
	frameHeadBytes = 16
	frameAlign     = 8

	kindBatch      = 1
	kindCheckpoint = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errNoFrame means that the bytes are no whole frame.
var errNoFrame = errors.New("no valid frame")

func padded[T int | int64](n T) T { return (n + frameAlign - 1) &^ (frameAlign - 1) }

// beginFrame makes room for the head of a frame; the body is appended next.
func beginFrame(b []byte) []byte { return append(b, make([]byte, frameHeadBytes)...) }

// endFrame fills in the head of the frame that begins at b[0] and pads it.
func endFrame(b []byte, kind byte) []byte {
	copy(b, frameMagic)
	b[4], b[5], b[6], b[7] = kind, 0, 0, 0
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-frameHeadBytes))
	binary.BigEndian.PutUint32(b[12:], frameSum(b))
	for len(b)%frameAlign != 0 {
		b = append(b, 0)
	}
	return b
}

// frameSum is the checksum of an unpadded frame: all of it but the checksum itself.
func frameSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:12], castagnoli), castagnoli, b[frameHeadBytes:])
}

// A frame as it was read. Its body lies in the reader's buffer.
type frame struct {
	kind   byte
	offset int64
	body   []byte
}

// frameLength reads the head of a frame: its length with head and padding.
func frameLength(head []byte) (kind byte, body, whole int64, err error) {
	kind = head[4]
	if string(head[:4]) != frameMagic || kind != kindBatch && kind != kindCheckpoint || head[5]|head[6]|head[7] != 0 {
		return 0, 0, 0, errNoFrame
	}
	body = int64(binary.BigEndian.Uint32(head[8:]))
	return kind, body, padded(frameHeadBytes + body), nil
}

// parseFrame reads the frame that b is, with its padding.
func parseFrame(b []byte) (frame, error) {
	if len(b) < frameHeadBytes {
		return frame{}, errNoFrame
	}
	kind, body, whole, err := frameLength(b)
	if err != nil || whole != int64(len(b)) {
		return frame{}, errNoFrame
	}
	end := frameHeadBytes + body
	if frameSum(b[:end]) != binary.BigEndian.Uint32(b[12:]) || !isZero(b[end:]) {
		return frame{}, errNoFrame
	}
	return frame{kind: kind, body: b[frameHeadBytes:end]}, nil
}

// readAhead is how much a frameReader asks the file for at once.
const readAhead = 256 << 10

// A frameReader reads the frames of a segment one after the other.
type frameReader struct {
	f      io.ReaderAt
	offset int64 // of the next frame
	limit  int64 // frames end here at the latest

	buf  []byte // bytes of f from base on
	base int64
}

// next returns the frame at r.offset and moves behind it. It returns io.EOF at
// the limit and errNoFrame, without moving, where no valid frame begins.
func (r *frameReader) next() (frame, error) {
	head, err := r.head()
	if err != nil {
		return frame{}, err
	}
	_, _, whole, err := frameLength(head)
	if err != nil {
		return frame{}, err
	}
	b, err := r.peek(whole)
	if err != nil {
		return frame{}, err
	}
	fr, err := parseFrame(b)
	if err != nil {
		return frame{}, err
	}
	fr.offset = r.offset
	r.offset += whole
	return fr, nil
}

// head returns the next frame's head without moving.
func (r *frameReader) head() ([]byte, error) {
	if r.offset == r.limit {
		return nil, io.EOF
	}
	return r.peek(frameHeadBytes)
}

// peek returns n bytes at r.offset, or errNoFrame if there are fewer.
func (r *frameReader) peek(n int64) ([]byte, error) {
	if n > r.limit-r.offset {
		return nil, errNoFrame
	}
	if at := r.offset - r.base; at >= 0 && at+n <= int64(len(r.buf)) {
		return r.buf[at : at+n], nil
	}
	want := min(max(n, readAhead), r.limit-r.offset)
	if int64(cap(r.buf)) < want {
		r.buf = make([]byte, want)
	}
	got, err := r.f.ReadAt(r.buf[:want], r.offset)
	r.buf, r.base = r.buf[:got], r.offset
	if int64(got) >= n {
		return r.buf[:n], nil
	}
	if err == io.EOF {
		return nil, errNoFrame
	}
	return nil, err
}

// A tail is what lies behind the last good frame of a segment.
type tail struct {
	end   int64 // behind the last byte that isn't zero, or where the tail begins
	frame int64 // offset of the first valid frame in it, or -1
}

// readTail looks at the bytes of f from offset from, which frames are aligned
// to, up to limit.
func readTail(f io.ReaderAt, from, limit int64) (tail, error) {
	t := tail{end: from, frame: -1}
	buf := make([]byte, readAhead)
	for base := from; base < limit; {
		n, err := f.ReadAt(buf[:min(readAhead, limit-base)], base)
		if n == 0 {
			if err == io.EOF {
				break
			}
			return t, err
		}
		chunk := buf[:n]
		if !bytes.Equal(chunk, zeros[:n]) {
			t.end = base + int64(lastNonZero(chunk)) + 1
			if t.frame < 0 {
				if t.frame, err = findFrame(f, chunk, base, limit); err != nil {
					return t, err
				}
			}
		}
		base += int64(n) &^ (frameAlign - 1)
		if n < frameAlign {
			break
		}
	}
	return t, nil
}

// findFrame returns the offset of the first valid frame that begins in chunk,
// the bytes of f at base, or -1.
func findFrame(f io.ReaderAt, chunk []byte, base, limit int64) (int64, error) {
	for i := 0; i+len(frameMagic) <= len(chunk); i += frameAlign {
		if string(chunk[i:i+len(frameMagic)]) != frameMagic {
			continue
		}
		r := frameReader{f: f, offset: base + int64(i), limit: limit}
		switch _, err := r.next(); err {
		case nil:
			return base + int64(i), nil
		case errNoFrame:
		default:
			return -1, err
		}
	}
	return -1, nil
}

// zeros is what a preallocated segment holds behind its frames.
var zeros [readAhead]byte

func lastNonZero(b []byte) int {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0 {
			return i
		}
	}
	return -1
}

func isZero(b []byte) bool { return lastNonZero(b) < 0 }
