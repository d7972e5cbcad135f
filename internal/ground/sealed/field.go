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
