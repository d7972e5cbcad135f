package attestation

import (
	"encoding/binary"
	"unicode/utf8"
)

// Major types of CBOR (RFC 8949 §3.1).
const (
	majorUint  = 0
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
)

// Items of one byte.
const (
	cborNull  = 0xf6
	cborBreak = 0xff
	cborSign1 = 0xd2 // tag 18, COSE_Sign1
)

// A cursor reads CBOR, as much of it as an attestation document is made of:
// unsigned integers, byte and text strings of a known length, null, and arrays
// and maps with or without one, as Nitro hypervisors write both. The reader asks
// for what must come next, so that nothing nests deeper than the document does,
// and what is returned lies in the input. After the first item that is not what
// was asked for, bad is set and everything read is zero.
type cursor struct {
	rest []byte
	bad  bool
}

func (c *cursor) fail() { c.rest, c.bad = nil, true }

// take returns the next n bytes.
func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.rest)) {
		c.fail()
		return nil
	}
	taken := c.rest[:n:n]
	c.rest = c.rest[n:]
	return taken
}

// skip takes the next byte if it is b.
func (c *cursor) skip(b byte) bool {
	if len(c.rest) == 0 || c.rest[0] != b {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

// head reads the head of an item of the major type: its argument, or that its
// length is not known.
func (c *cursor) head(major byte) (n uint64, indefinite bool) {
	first := c.take(1)
	if first == nil {
		return 0, false
	}
	if first[0]>>5 != major {
		c.fail()
		return 0, false
	}
	switch info := first[0] & 0x1f; {
	case info < 24:
		return uint64(info), false
	case info <= 27:
		var wide [8]byte
		argument := c.take(1 << (info - 24))
		copy(wide[8-len(argument):], argument)
		return binary.BigEndian.Uint64(wide[:]), false
	case info == 31 && (major == majorArray || major == majorMap):
		return 0, true
	}
	c.fail()
	return 0, false
}

func (c *cursor) uint() uint64 {
	n, _ := c.head(majorUint)
	return n
}

func (c *cursor) bytes() []byte {
	n, _ := c.head(majorBytes)
	return c.take(n)
}

func (c *cursor) text() string {
	n, _ := c.head(majorText)
	b := c.take(n)
	if !utf8.Valid(b) {
		c.fail()
		return ""
	}
	return string(b)
}

// optional reads a byte string, or null for none.
func (c *cursor) optional() []byte {
	if c.skip(cborNull) {
		return nil
	}
	return c.bytes()
}

// each calls item for every element of an array, or for every pair of a map.
// item must read exactly that.
func (c *cursor) each(major byte, item func()) {
	n, indefinite := c.head(major)
	for i := uint64(0); !c.bad && (indefinite || i < n); i++ {
		if indefinite && c.skip(cborBreak) {
			return
		}
		item()
	}
}
