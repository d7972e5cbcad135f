package driver

import (
	"cmp"
	"encoding/binary"
	"strings"
)

// A Value is one column value: bytes (held in a string) or a 64-bit integer.
// Bytes compare as unsigned bytes, integers as numbers, on every engine.
type Value struct {
	S     string
	N     int64
	IsInt bool
}

// A Key is a tuple of column values: a primary key, an index key or a prefix of one.
type Key []Value

// Compare orders values of one column as every engine does.
func (v Value) Compare(w Value) int {
	switch {
	case v.IsInt != w.IsInt:
		panic("driver: values of different columns compared")
	case v.IsInt:
		return cmp.Compare(v.N, w.N)
	}
	return strings.Compare(v.S, w.S)
}

// Compare orders keys column by column. A key comes before those that it begins.
func (k Key) Compare(other Key) int {
	for i := range min(len(k), len(other)) {
		if c := k[i].Compare(other[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(k), len(other))
}

// Equal reports whether k and other are the same tuple.
func (k Key) Equal(other Key) bool {
	if len(k) != len(other) {
		return false
	}
	for i := range k {
		if k[i] != other[i] {
			return false
		}
	}
	return true
}

// HasPrefix reports whether k begins with prefix.
func (k Key) HasPrefix(prefix Key) bool {
	return len(k) >= len(prefix) && k[:len(prefix)].Equal(prefix)
}

// AppendOrdered appends an encoding whose bytes compare as keys of the same
// columns do, and of which that of a prefix is a prefix. An integer is eight
// bytes, most significant first, its sign inverted. Bytes end with 00 01, and a
// 00 in them is written 00 ff, so that no value's encoding begins another's.
func (k Key) AppendOrdered(dst []byte) []byte {
	for _, v := range k {
		if v.IsInt {
			dst = binary.BigEndian.AppendUint64(dst, uint64(v.N)^1<<63)
			continue
		}
		for i := range len(v.S) {
			dst = append(dst, v.S[i])
			if v.S[i] == 0 {
				dst = append(dst, 0xff)
			}
		}
		dst = append(dst, 0x00, 0x01)
	}
	return dst
}

// Above simplifies the bounds of a scan: rows that begin with prefix and are
// greater than after. The key returned begins with prefix, or is nil where
// after excludes none of these rows. Above returns false where it excludes all.
func Above(prefix, after Key) (Key, bool) {
	n := min(len(prefix), len(after))
	switch c := after[:n].Compare(prefix[:n]); {
	case c > 0:
		return nil, false
	case c < 0 || len(after) < len(prefix):
		return nil, true
	}
	return after, true
}
