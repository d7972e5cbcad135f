package mldsamu

import "math/bits"

// The ring of polynomials modulo X^256 + 1 over the integers modulo q (FIPS 204 §2.3).
const (
	n = 256
	q = 8380417
)

// poly is a polynomial, its coefficients from 0 to q−1.
type poly [n]uint32

func add(a, b uint32) uint32 { return (a + b) % q }
func sub(a, b uint32) uint32 { return (a + q - b) % q }
func mul(a, b uint32) uint32 { return uint32(uint64(a) * uint64(b) % q) }

// zetas are the powers of 1753, a 512th root of unity, in bit-reversed order
// (FIPS 204 appendix B).
var zetas = func() (z [n]uint32) {
	power := uint32(1)
	for i := range n {
		z[bits.Reverse8(uint8(i))] = power
		power = mul(power, 1753)
	}
	return z
}()

// ntt is algorithm 41.
func (p *poly) ntt() {
	m := 0
	for length := n / 2; length > 0; length /= 2 {
		for start := 0; start < n; start += 2 * length {
			m++
			for j := start; j < start+length; j++ {
				t := mul(zetas[m], p[j+length])
				p[j+length] = sub(p[j], t)
				p[j] = add(p[j], t)
			}
		}
	}
}

// inverseNTT is algorithm 42.
func (p *poly) inverseNTT() {
	m := n
	for length := 1; length < n; length *= 2 {
		for start := 0; start < n; start += 2 * length {
			m--
			for j := start; j < start+length; j++ {
				t := p[j]
				p[j] = add(t, p[j+length])
				p[j+length] = mul(zetas[m], sub(p[j+length], t))
			}
		}
	}
	for i := range p {
		p[i] = mul(p[i], 8347681) // 256^-1
	}
}

// A reader takes numbers of few bits from bytes, the least significant first.
type reader struct {
	b    []byte
	left uint64
	have int
}

func (r *reader) next(width int) uint32 {
	for ; r.have < width; r.have += 8 {
		r.left |= uint64(r.b[0]) << r.have
		r.b = r.b[1:]
	}
	v := uint32(r.left & (1<<width - 1))
	r.left >>= width
	r.have -= width
	return v
}

// A writer is the inverse of a reader.
type writer struct {
	b    []byte
	left uint32
	have int
}

func (w *writer) add(v uint32, width int) {
	w.left |= v << w.have
	for w.have += width; w.have >= 8; w.have -= 8 {
		w.b = append(w.b, byte(w.left))
		w.left >>= 8
	}
}
