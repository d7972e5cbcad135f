// Package mldsamu verifies signatures of ML-DSA (FIPS 204) over a message
// representative µ that was computed elsewhere, which no library of ours offers:
// filippo.io/mldsa signs a µ and verifies messages only.
//
// All that is computed here is public, so it takes the plain way, not that of
// constant time. Its tests hold it against NIST's vectors, and against
// filippo.io/mldsa for messages whose µ is known.
package mldsamu

import (
	"bytes"
	"crypto/sha3"
)

// A Set is one of the three parameter sets (FIPS 204 table 1).
type Set struct {
	k, l       int
	gamma1Bits int    // γ1 = 2^gamma1Bits
	gamma2     uint32 // low-order rounding range
	tau        int    // ±1's in the polynomial c
	beta       uint32 // τ·η
	omega      int    // 1's in the hint, at most
	challenge  int    // λ/4, the length of c̃
	w1Bits     int    // of a coefficient of w1
}

// The parameter sets.
var (
	MLDSA44 = Set{4, 4, 17, (q - 1) / 88, 39, 39 * 2, 80, 32, 6}
	MLDSA65 = Set{6, 5, 19, (q - 1) / 32, 49, 49 * 4, 55, 48, 4}
	MLDSA87 = Set{8, 7, 19, (q - 1) / 32, 60, 60 * 2, 75, 64, 4}
)

// MuSize is the length of µ in bytes.
const MuSize = 64

// Sizes of encodings in bytes (FIPS 204 table 2).
const (
	rhoSize = 32
	t1Bits  = 10
	t1Size  = n * t1Bits / 8
)

func (s *Set) publicSize() int    { return rhoSize + s.k*t1Size }
func (s *Set) zBits() int         { return s.gamma1Bits + 1 }
func (s *Set) zSize() int         { return n * s.zBits() / 8 }
func (s *Set) signatureSize() int { return s.challenge + s.l*s.zSize() + s.omega + s.k }

// Verify reports whether signature is one over µ by the owner of the public key
// (FIPS 204 algorithm 8, from step 8 on).
func Verify(s Set, public, mu, signature []byte) bool {
	if len(public) != s.publicSize() || len(mu) != MuSize || len(signature) != s.signatureSize() {
		return false
	}
	challenge, rest := signature[:s.challenge], signature[s.challenge:]
	z, rest, ok := s.decodeZ(rest)
	if !ok {
		return false
	}
	hints, ok := s.decodeHints(rest)
	if !ok {
		return false
	}
	c := s.sampleInBall(challenge)
	c.ntt()
	for i := range z {
		z[i].ntt()
	}
	h := sha3.NewSHAKE256()
	_, _ = h.Write(mu)
	rho, t1 := public[:rhoSize], public[rhoSize:]
	for row := range s.k {
		w := s.approximate(rho, row, &c, z, t1[row*t1Size:][:t1Size])
		_, _ = h.Write(s.useHints(w, &hints[row]))
	}
	again := make([]byte, s.challenge)
	_, _ = h.Read(again)
	return bytes.Equal(challenge, again)
}

// approximate returns one row of w = Az − c·t1·2^d (step 9); z and c are in the
// domain of the NTT.
func (s *Set) approximate(rho []byte, row int, c *poly, z []poly, t1 []byte) *poly {
	var t poly
	bits := reader{b: t1}
	for i := range t {
		t[i] = bits.next(t1Bits) << 13
	}
	t.ntt()
	var w poly
	for i := range w {
		w[i] = sub(0, mul(c[i], t[i]))
	}
	for column := range s.l {
		a := sampleA(rho, row, column)
		for i := range w {
			w[i] = add(w[i], mul(a[i], z[column][i]))
		}
	}
	w.inverseNTT()
	return &w
}

// useHints corrects the high bits of w (algorithm 40) and encodes them
// (algorithm 28).
func (s *Set) useHints(w *poly, hints *[n]bool) []byte {
	m := (q - 1) / (2 * s.gamma2)
	var out writer
	for i, r := range w {
		high, positive := s.decompose(r)
		switch {
		case hints[i] && positive:
			high = (high + 1) % m
		case hints[i]:
			high = (high + m - 1) % m
		}
		out.add(high, s.w1Bits)
	}
	return out.b
}

// decompose returns the high bits of r, and whether the low ones are positive
// (algorithm 36).
func (s *Set) decompose(r uint32) (high uint32, positive bool) {
	low := r % (2 * s.gamma2)
	positive = low > 0 && low <= s.gamma2
	if low > s.gamma2 { // r0 = low − 2·γ2, so that r − r0 is the next multiple
		r += 2 * s.gamma2
	}
	if r-low == q-1 {
		return 0, false // r0 − 1, which is not positive
	}
	return (r - low) / (2 * s.gamma2), positive
}

// decodeZ reads z, whose coefficients must lie within γ1 − β of zero (step 13).
func (s *Set) decodeZ(b []byte) (z []poly, rest []byte, ok bool) {
	gamma1 := uint32(1) << s.gamma1Bits
	z = make([]poly, s.l)
	for i := range z {
		bits := reader{b: b[:s.zSize()]}
		for j := range z[i] {
			v := bits.next(s.zBits()) // γ1 − coefficient
			if v <= s.beta || v >= 2*gamma1-s.beta {
				return nil, nil, false
			}
			z[i][j] = sub(gamma1, v)
		}
		b = b[s.zSize():]
	}
	return z, b, true
}

// decodeHints refuses all but the one encoding of a hint (algorithm 21).
func (s *Set) decodeHints(b []byte) ([][n]bool, bool) {
	hints := make([][n]bool, s.k)
	positions, ends := b[:s.omega], b[s.omega:]
	at := 0
	for row := range hints {
		end := int(ends[row])
		if end < at || end > s.omega {
			return nil, false
		}
		for first := at; at < end; at++ {
			if at > first && positions[at-1] >= positions[at] {
				return nil, false
			}
			hints[row][positions[at]] = true
		}
	}
	return hints, !bytes.ContainsFunc(positions[at:], func(r rune) bool { return r != 0 })
}

// sampleInBall makes the polynomial c, of τ coefficients ±1 (algorithm 29).
func (s *Set) sampleInBall(seed []byte) (c poly) {
	h := sha3.NewSHAKE256()
	_, _ = h.Write(seed)
	var signs [8]byte
	_, _ = h.Read(signs[:])
	for i := n - s.tau; i < n; i++ {
		j := [1]byte{255}
		for _, _ = h.Read(j[:]); int(j[0]) > i; _, _ = h.Read(j[:]) {
		}
		c[i] = c[j[0]]
		bit := i + s.tau - n
		c[j[0]] = 1
		if signs[bit/8]>>(bit%8)&1 == 1 {
			c[j[0]] = q - 1
		}
	}
	return c
}

// sampleA makes a polynomial of the matrix A, in the domain of the NTT
// (algorithms 30 and 32).
func sampleA(rho []byte, row, column int) (a poly) {
	h := sha3.NewSHAKE128()
	_, _ = h.Write(rho)
	_, _ = h.Write([]byte{byte(column), byte(row)})
	var b [168]byte // one block, a multiple of three
	at := len(b)
	for i := 0; i < n; at += 3 {
		if at == len(b) {
			_, _ = h.Read(b[:])
			at = 0
		}
		v := uint32(b[at]) | uint32(b[at+1])<<8 | uint32(b[at+2]&0x7f)<<16
		if v < q {
			a[i] = v
			i++
		}
	}
	return a
}
