// Package shamir shares a secret among several so that some of them, no fewer,
// give it back (Shamir, "How to share a secret", Communications of the ACM 22,
// 1979), byte by byte over GF(2^8) with the polynomial x^8 + x^4 + x^3 + x + 1 of
// FIPS 197 §4.2.
//
// The arithmetic takes a time that depends on lengths and on the numbers of the
// shares, never on what they hold: no table is indexed by a secret and no branch
// is taken for one.
package shamir

import "io"

// Most is how many shares there can be: their numbers are the elements of the
// field but zero, at which the secret stands.
const Most = 255

// Split returns shares 1 to n of secret, of which any k give it back. Fewer say
// nothing about it. It panics unless 2 <= k <= n <= Most; random must give
// uniform bytes, and its error is returned.
func Split(secret []byte, n, k int, random io.Reader) ([][]byte, error) {
	if k < 2 || n < k || n > Most {
		panic("shamir: a threshold or a number of shares that can't be")
	}
	// The coefficients of x^1 to x^(k-1), one polynomial for each byte.
	coefficients := make([]byte, (k-1)*len(secret))
	defer clear(coefficients)
	if _, err := io.ReadFull(random, coefficients); err != nil {
		return nil, err
	}
	shares := make([][]byte, n)
	for i := range shares {
		x := byte(i + 1)
		shares[i] = make([]byte, len(secret))
		for j, s := range secret {
			y := byte(0)
			for _, c := range coefficients[j*(k-1) : (j+1)*(k-1)] { // Horner, highest first
				y = multiply(y, x) ^ c
			}
			shares[i][j] = multiply(y, x) ^ s
		}
	}
	return shares, nil
}

// Combine returns the secret of shares with the numbers xs. It can't tell whether
// they were enough or belong together: it then returns something else. It panics
// where a number is zero or comes twice, or shares differ in length.
func Combine(xs []byte, shares [][]byte) []byte {
	check(xs, shares)
	secret := make([]byte, len(shares[0]))
	for i, x := range xs {
		// The Lagrange polynomial of x at zero. Numbers are no secret.
		weight := byte(1)
		for _, other := range xs {
			if other != x {
				weight = multiply(weight, multiply(other, inverse(other^x)))
			}
		}
		for j := range secret {
			secret[j] ^= multiply(weight, shares[i][j])
		}
	}
	return secret
}

func check(xs []byte, shares [][]byte) {
	var seen [256]bool
	if len(xs) == 0 || len(xs) != len(shares) {
		panic("shamir: not one number for each share")
	}
	for i, x := range xs {
		if x == 0 || seen[x] || len(shares[i]) != len(shares[0]) {
			panic("shamir: shares that do not belong together")
		}
		seen[x] = true
	}
}

// multiply is the product in the field, by shifting and adding all eight bits.
func multiply(a, b byte) byte {
	product := byte(0)
	for range 8 {
		product ^= a & -(b & 1)
		a = a<<1 ^ 0x1b&-(a>>7)
		b >>= 1
	}
	return product
}

// inverse is a^254, which is 1/a, and 0 for 0.
func inverse(a byte) byte {
	power, result := a, byte(1)
	for range 7 { // 254 = 2 + 4 + … + 128
		power = multiply(power, power)
		result = multiply(result, power)
	}
	return result
}
