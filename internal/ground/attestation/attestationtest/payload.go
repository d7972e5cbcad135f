package attestationtest

import (
	"encoding/binary"
	"slices"
)

// A Payload is the members of a document in their order.
type Payload []Member

// A Member has its value in CBOR.
type Member struct {
	Name  string
	Value []byte
}

// With returns p with another value of a member, which is added if p has none.
func (p Payload) With(name string, value []byte) Payload {
	for i := range p {
		if p[i].Name == name {
			p = slices.Clone(p)
			p[i].Value = value
			return p
		}
	}
	return append(slices.Clip(p), Member{name, value})
}

// Without returns p without a member.
func (p Payload) Without(name string) Payload {
	return slices.DeleteFunc(slices.Clone(p), func(m Member) bool { return m.Name == name })
}

// Renamed returns p with another name of a member.
func (p Payload) Renamed(from, to string) Payload {
	p = slices.Clone(p)
	for i := range p {
		if p[i].Name == from {
			p[i].Name = to
		}
	}
	return p
}

// Encode is p as a map in CBOR; of at most 23 members.
func (p Payload) Encode() []byte { return append([]byte{0xa0 | byte(len(p))}, p.pairs()...) }

// EncodeOpen is p as a map that ends with a mark.
func (p Payload) EncodeOpen() []byte { return append(append([]byte{0xbf}, p.pairs()...), 0xff) }

func (p Payload) pairs() (b []byte) {
	for _, m := range p {
		b = append(append(b, Text(m.Name)...), m.Value...)
	}
	return b
}

// Uint is an unsigned integer in CBOR.
func Uint(n uint64) []byte { return head(0, n) }

// Bytes is a byte string in CBOR.
func Bytes(b []byte) []byte { return append(head(2, uint64(len(b))), b...) }

// Text is a text string in CBOR.
func Text(s string) []byte { return append(head(3, uint64(len(s))), s...) }

// head is the head of an item in its shortest form.
func head(major byte, n uint64) []byte {
	switch first := major << 5; {
	case n < 24:
		return []byte{first | byte(n)}
	case n < 1<<8:
		return []byte{first | 24, byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{first | 25}, uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32([]byte{first | 26}, uint32(n))
	default:
		return binary.BigEndian.AppendUint64([]byte{first | 27}, n)
	}
}
