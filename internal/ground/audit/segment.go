package audit

import (
	"errors"
	"fmt"
	"io"
	"syscall"
)

// A stored segment is one that is being read.
type stored struct {
	header *header
	cipher Cipher
	f      file
	size   int64
}

// openStored opens a segment and checks its header.
func openStored(o *Options, number uint64) (*stored, error) {
	f, err := o.folder.open(segmentName(number))
	if err == errIrregular {
		return nil, &damage{segment: number, what: err.Error()}
	}
	if err != nil {
		return nil, fmt.Errorf("opening segment %d: %w", number, err)
	}
	f = medium{f}
	s, err := readStored(o, number, f)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return s, nil
}

// A medium is a file on a device that may fail: what it does not give back is damaged.
type medium struct{ file }

func (m medium) ReadAt(b []byte, off int64) (int, error) {
	n, err := m.file.ReadAt(b, off)
	if errors.Is(err, syscall.EIO) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return n, err
}

func readStored(o *Options, number uint64, f file) (*stored, error) {
	size, err := f.size()
	if err != nil {
		return nil, fmt.Errorf("reading segment %d: %w", number, err)
	}
	b := make([]byte, headerBytes)
	if n, err := f.ReadAt(b, 0); n < headerBytes {
		if err != io.EOF {
			return nil, fmt.Errorf("reading segment %d: %w", number, err)
		}
		return nil, &damage{segment: number, what: "no segment header"}
	}
	h, err := parseHeader(b, o.Origin, o.Signer.Public())
	if err != nil {
		return nil, &damage{segment: number, what: err.Error()}
	}
	if h.number != number {
		return nil, &damage{segment: number, what: fmt.Sprintf("segment carries the number %d", h.number)}
	}
	return &stored{h, o.Cipher(h.salt[:]), f, size}, nil
}

func (s *stored) Close() error { return s.f.Close() }

// frames reads the segment's frames from an offset (0 for the first) up to limit.
func (s *stored) frames(offset, limit int64) *frameReader {
	return &frameReader{f: s.f, offset: max(offset, headerBytes), limit: limit}
}

// An active segment is the one that is appended to.
type active struct {
	header   header
	cipher   Cipher
	f        file
	capacity int64
	end      int64 // behind the newest durable frame
	attempt  int64 // length of a frame whose write failed: bytes behind end that may hold anything
	unsigned bool  // batches follow the newest checkpoint
}

// slack is kept free in a segment for the recovery records that it may begin with.
const slack = 1024

// usable is the room for batches in an empty segment.
func usable(capacity int64) int64 { return capacity - headerBytes - slack }

// begin makes a segment of the empty file spare. The file gets its name only
// when its header is durable: a crash before leaves a spare, which no one reads.
func begin(o *Options, spare file, h header) (*active, error) {
	capacity, err := spare.size()
	if err == nil {
		err = spare.write(h.encode(o.Signer), 0)
	}
	if err != nil {
		_ = spare.Close()
		return nil, fmt.Errorf("beginning segment %d: %w", h.number, err)
	}
	f, err := o.folder.rename(spare, spareName, segmentName(h.number))
	if err != nil {
		return nil, fmt.Errorf("beginning segment %d: %w", h.number, err)
	}
	return &active{header: h, cipher: o.Cipher(h.salt[:]), f: f, capacity: capacity, end: headerBytes}, nil
}

// append writes a frame behind the newest. After an error nothing may be
// appended any more: what the file holds there is not known.
func (a *active) append(frame []byte) error {
	if err := a.f.write(frame, a.end); err != nil {
		a.attempt = int64(len(frame))
		return fmt.Errorf("appending to segment %d at offset %d: %w", a.header.number, a.end, err)
	}
	a.end += int64(len(frame))
	return nil
}

// trim gives the room behind the frames back, where it holds nothing. It only
// saves room, so an error is of no consequence.
func (a *active) trim() { _ = a.f.truncate(a.end + a.attempt) }
