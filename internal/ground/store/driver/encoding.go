package driver

import (
	"encoding/binary"
	"errors"
	"math"
)

// ErrEncoding means that bytes are no row of a table.
var ErrEncoding = errors.New("driver: malformed row")

// Kinds of columns in an encoded row.
const (
	kindBytes  = 'b'
	kindNumber = 'i'
)

// AppendRow appends a row as it is carried and summed up, see
// docs/formats/store.md. No two rows of a table have the same encoding, and
// none begins another's.
func AppendRow(dst []byte, r *Row) []byte {
	dst = AppendKey(dst, r.Key)
	dst = AppendKey(dst, r.Indexed)
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.Rev))
	dst = binary.BigEndian.AppendUint16(dst, uint16(r.Version))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(r.Body)))
	return append(dst, r.Body...)
}

// AppendKey appends a key as AppendRow does.
func AppendKey(dst []byte, key Key) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(key)))
	for _, v := range key {
		if v.IsInt {
			dst = binary.BigEndian.AppendUint64(append(dst, kindNumber), uint64(v.N))
			continue
		}
		dst = binary.BigEndian.AppendUint32(append(dst, kindBytes), uint32(len(v.S)))
		dst = append(dst, v.S...)
	}
	return dst
}

// CutRow splits a row of a table off b. The error is ErrEncoding.
func CutRow(b []byte, table *Schema) (r Row, rest []byte, err error) {
	if r.Key, b, err = CutKey(b, table.PrimaryKey); err != nil {
		return r, nil, err
	}
	if r.Indexed, b, err = CutKey(b, table.Indexed); err != nil {
		return r, nil, err
	}
	if len(b) < 8+2+4 {
		return r, nil, ErrEncoding
	}
	r.Rev = int64(binary.BigEndian.Uint64(b))
	r.Version = int16(binary.BigEndian.Uint16(b[8:]))
	n := uint64(binary.BigEndian.Uint32(b[10:]))
	if b = b[14:]; n > uint64(len(b)) {
		return r, nil, ErrEncoding
	}
	r.Body = append([]byte{}, b[:n]...)
	return r, b[n:], nil
}

// CutKey splits a key of these columns, all of them, off b. The error is ErrEncoding.
func CutKey(b []byte, columns []Column) (key Key, rest []byte, err error) {
	if len(columns) > math.MaxUint16 || len(b) < 2 || int(binary.BigEndian.Uint16(b)) != len(columns) {
		return nil, nil, ErrEncoding
	}
	b = b[2:]
	key = make(Key, len(columns))
	for i, c := range columns {
		switch {
		case c.Int && len(b) >= 9 && b[0] == kindNumber:
			key[i] = Value{N: int64(binary.BigEndian.Uint64(b[1:])), IsInt: true}
			b = b[9:]
		case !c.Int && len(b) >= 5 && b[0] == kindBytes:
			n := uint64(binary.BigEndian.Uint32(b[1:]))
			if b = b[5:]; n > uint64(len(b)) {
				return nil, nil, ErrEncoding
			}
			key[i] = Value{S: string(b[:n])}
			b = b[n:]
		default:
			return nil, nil, ErrEncoding
		}
	}
	return key, b, nil
}
