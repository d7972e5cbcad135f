package sealed

import (
	"encoding/binary"
	"math"
)

// appendField appends a string behind its length, so that neighbours can't be
// mistaken for each other.
func appendField(dst []byte, s string) []byte {
	if len(s) > math.MaxUint16 {
		panic("sealed: name longer than 65535 bytes")
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(s)))
	return append(dst, s...)
}

// cutField is the inverse of appendField.
func cutField(b []byte) (s string, rest []byte, ok bool) {
	if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
		return "", nil, false
	}
	n := 2 + int(binary.BigEndian.Uint16(b))
	return string(b[2:n]), b[n:], true
}
