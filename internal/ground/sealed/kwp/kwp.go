// Package kwp is AES key wrap with padding (RFC 5649; KWP of NIST SP 800-38F §6.3).
package kwp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// ErrWrapped means that wrapped material does not open: with this key, or at all.
var ErrWrapped = errors.New("kwp: wrapped material does not open")

// prefix is the first half of the alternative initial value (RFC 5649 §3); the
// length of the material follows.
const prefix = 0xA65959A6

const (
	half      = 8 // bytes of a semiblock
	maxLength = 1 << 16
)

// Wrap wraps 1 to 65,536 bytes with an AES key.
func Wrap(key, material []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if len(material) == 0 || len(material) > maxLength {
		return nil, errors.New("kwp: material of a length that is not wrapped")
	}
	b := make([]byte, half, 2*half+len(material))
	binary.BigEndian.PutUint32(b, prefix)
	binary.BigEndian.PutUint32(b[4:], uint32(len(material)))
	b = append(b, material...)
	b = append(b, make([]byte, (half-len(material)%half)%half)...)
	if len(b) == aes.BlockSize {
		block.Encrypt(b, b)
		return b, nil
	}
	wrap(block, b)
	return b, nil
}

// Unwrap opens what Wrap wrapped. The time it takes depends on the length of
// wrapped only; every failure is ErrWrapped.
func Unwrap(key, wrapped []byte) ([]byte, error) {
	n := len(wrapped)
	if n < 2*half || n%half != 0 || n > maxLength+2*half {
		return nil, ErrWrapped
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, ErrWrapped
	}
	b := append([]byte(nil), wrapped...)
	if n == aes.BlockSize {
		block.Decrypt(b, b)
	} else {
		unwrap(block, b)
	}
	length := binary.BigEndian.Uint32(b[4:])
	padded := n - half
	good := subtle.ConstantTimeEq(int32(binary.BigEndian.Uint32(b)>>16), prefix>>16) &
		subtle.ConstantTimeEq(int32(binary.BigEndian.Uint32(b)&0xffff), prefix&0xffff)
	// The padding is of 0 to 7 zeros (RFC 5649 §3).
	padding := uint32(padded) - length
	good &= subtle.ConstantTimeEq(int32(padding&^7), 0)
	var set byte
	for i := range half {
		inside := subtle.ConstantTimeLessOrEq(i+1, int(padding&7))
		set |= b[n-1-i] * byte(inside)
	}
	good &= subtle.ConstantTimeByteEq(set, 0)
	if good != 1 {
		clear(b)
		return nil, ErrWrapped
	}
	return b[half:][:length], nil
}

// wrap is W of SP 800-38F §6.1 on the spot: the first semiblock is A.
func wrap(block cipher.Block, b []byte) {
	var x [aes.BlockSize]byte
	defer clear(x[:])
	copy(x[:half], b)
	t := uint64(0)
	for range 6 {
		for i := half; i < len(b); i += half {
			copy(x[half:], b[i:])
			block.Encrypt(x[:], x[:])
			t++
			count(&x, t)
			copy(b[i:i+half], x[half:])
		}
	}
	copy(b, x[:half])
}

// unwrap is the inverse of wrap.
func unwrap(block cipher.Block, b []byte) {
	var x [aes.BlockSize]byte
	defer clear(x[:])
	copy(x[:half], b)
	t := uint64(6 * (len(b)/half - 1))
	for range 6 {
		for i := len(b) - half; i >= half; i -= half {
			count(&x, t)
			t--
			copy(x[half:], b[i:])
			block.Decrypt(x[:], x[:])
			copy(b[i:i+half], x[half:])
		}
	}
	copy(b, x[:half])
}

// count mixes the step's number into A.
func count(x *[aes.BlockSize]byte, t uint64) {
	binary.BigEndian.PutUint64(x[:], binary.BigEndian.Uint64(x[:])^t)
}
