package sealed

import (
	"encoding/binary"
	"errors"
	"math"

	"claviger/internal/words/pairs"
)

// MaxContext is the greatest ContextSize that a service should accept: the
// associated data that external key stores are guaranteed to take.
const MaxContext = 8192

// errContext is returned for a context that has no canonical form.
var errContext = errors.New("sealed: encryption context with more than 65535 pairs or a name or value longer than 65535 bytes")

// ContextSize is the length in bytes of the canonical form of context, which is
// a part of the associated data.
func ContextSize(context pairs.Map) int {
	n := 2
	for _, p := range context {
		n += 4 + len(p.Key) + len(p.Value)
	}
	return n
}

// appendContext appends the canonical form: be16(pairs), then for each pair in
// the order of the bytes of its name be16(length) name be16(length) value.
func appendContext(dst []byte, context pairs.Map) ([]byte, error) {
	if len(context) > math.MaxUint16 {
		return nil, errContext
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(context)))
	for i, p := range context {
		if i > 0 && p.Key <= context[i-1].Key {
			panic("sealed: encryption context is not sorted")
		}
		if len(p.Key) > math.MaxUint16 || len(p.Value) > math.MaxUint16 {
			return nil, errContext
		}
		dst = appendField(dst, p.Key)
		dst = appendField(dst, p.Value)
	}
	return dst, nil
}
