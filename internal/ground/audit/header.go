package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

const (
	headerMagic   = "CLVTRAIL"
	headerVersion = 1
	headerBytes   = 512
	headerSigned  = headerBytes - ed25519.SignatureSize
	headerOrigin  = 160 // where the origin begins
	saltBytes     = 32

	// headerContext keeps a header's signature from passing for one of a head.
	headerContext = "claviger trail segment v1\n"
)

// A header begins a segment. It is signed, and says where the trail stood: so
// the end of a segment is fixed by the header of the next.
type header struct {
	origin  string
	number  uint64 // of the segment, from 1 on
	before  tip    // what the segment continues
	ended   int64  // where the frames of the previous segment end, 0 in the first
	dropped int64  // how many bytes behind that end may hold what was given up
	created time.Time
	salt    [saltBytes]byte // makes the segment's key; never the same twice
}

// draw gives h a new salt.
func (h *header) draw() { _, _ = rand.Read(h.salt[:]) } // never fails: crypto/rand ends the program instead

func (h *header) encode(s Signer) []byte {
	b := make([]byte, 0, headerBytes)
	b = append(b, headerMagic...)
	b = binary.BigEndian.AppendUint32(b, headerVersion)
	b = binary.BigEndian.AppendUint32(b, uint32(len(h.origin)))
	b = binary.BigEndian.AppendUint64(b, h.number)
	b = binary.BigEndian.AppendUint64(b, h.before.last+1)
	b = append(b, h.before.chain[:]...)
	b = binary.BigEndian.AppendUint64(b, h.before.outbox)
	b = binary.BigEndian.AppendUint64(b, uint64(h.ended))
	b = binary.BigEndian.AppendUint64(b, uint64(h.dropped))
	b = binary.BigEndian.AppendUint64(b, uint64(h.created.UnixMicro()))
	b = append(b, h.salt[:]...)
	b = append(b, s.Public()...)
	b = append(b, h.origin...)
	b = b[:headerSigned]
	return append(b, s.Sign(append([]byte(headerContext), b...))...)
}

// parseHeader reads a header of this installation: its signature must verify
// under public, and its origin be the one given.
func parseHeader(b []byte, origin string, public []byte) (*header, error) {
	if len(b) != headerBytes || string(b[:8]) != headerMagic {
		return nil, errors.New("no segment header")
	}
	if v := binary.BigEndian.Uint32(b[8:]); v != headerVersion {
		return nil, fmt.Errorf("segment format %d is not known", v)
	}
	if !bytes.Equal(b[128:headerOrigin], public) {
		return nil, errors.New("segment is signed by another key")
	}
	if !ed25519.Verify(public, append([]byte(headerContext), b[:headerSigned]...), b[headerSigned:]) {
		return nil, errors.New("signature of the segment header does not verify")
	}
	n := binary.BigEndian.Uint32(b[12:])
	if n > originBytesMax || string(b[headerOrigin:headerOrigin+n]) != origin {
		return nil, errors.New("segment is of another origin")
	}
	h := &header{
		origin:  origin,
		number:  binary.BigEndian.Uint64(b[16:]),
		before:  tip{last: binary.BigEndian.Uint64(b[24:]) - 1, chain: digest(b[32:64]), outbox: binary.BigEndian.Uint64(b[64:])},
		ended:   int64(binary.BigEndian.Uint64(b[72:])),
		dropped: int64(binary.BigEndian.Uint64(b[80:])),
		created: time.UnixMicro(int64(binary.BigEndian.Uint64(b[88:]))).UTC(),
		salt:    [saltBytes]byte(b[96:128]),
	}
	if h.number == 0 || h.before.last+1 == 0 || h.ended < 0 || h.dropped < 0 || h.ended%frameAlign != 0 || !isZero(b[headerOrigin+n:headerSigned]) {
		return nil, errors.New("malformed segment header")
	}
	return h, nil
}
