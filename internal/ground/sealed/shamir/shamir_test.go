package shamir

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// TestField holds the arithmetic against long division by the polynomial, and
// against the examples of FIPS 197 §4.2.
func TestField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, want byte }{{0x57, 0x83, 0xc1}, {0x57, 0x13, 0xfe}, {0x57, 0x02, 0xae}, {0x57, 0x10, 0x07}} {
		if got := multiply(c.a, c.b); got != c.want {
			t.Errorf("%02x·%02x = %02x, want %02x", c.a, c.b, got, c.want)
		}
	}
	for a := range 256 {
		for b := range 256 {
			if got, want := multiply(byte(a), byte(b)), plain(a, b); got != want {
				t.Fatalf("%02x·%02x = %02x, want %02x", a, b, got, want)
			}
		}
		if a > 0 && multiply(byte(a), inverse(byte(a))) != 1 {
			t.Errorf("%02x has the inverse %02x", a, inverse(byte(a)))
		}
	}
	if inverse(0) != 0 {
		t.Error("zero has an inverse")
	}
}

// plain multiplies polynomials and divides by x^8 + x^4 + x^3 + x + 1.
func plain(a, b int) byte {
	product := 0
	for i := range 8 {
		if b>>i&1 == 1 {
			product ^= a << i
		}
	}
	for i := 15; i >= 8; i-- {
		if product>>i&1 == 1 {
			product ^= 0x11b << (i - 8)
		}
	}
	return byte(product)
}

// TestAnyThreshold: any k of n shares give the secret back, in any order, and so
// do more.
func TestAnyThreshold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "secret")
		n := rapid.OneOf(rapid.IntRange(2, 12), rapid.Just(Most)).Draw(t, "n")
		k := rapid.IntRange(2, min(n, 20)).Draw(t, "k")
		shares, err := Split(secret, n, k, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		numbers := rapid.Permutation(numbers(n)).Draw(t, "order")
		taken := rapid.IntRange(k, min(n, 30)).Draw(t, "taken")
		if got := combine(numbers[:taken], shares); !bytes.Equal(got, secret) {
			t.Fatalf("%d of %d shares gave %x, want %x", taken, n, got, secret)
		}
	})
}

func numbers(n int) []byte {
	list := make([]byte, n)
	for i := range list {
		list[i] = byte(i + 1)
	}
	return list
}

func combine(xs []byte, all [][]byte) []byte {
	shares := make([][]byte, len(xs))
	for i, x := range xs {
		shares[i] = all[x-1]
	}
	return Combine(xs, shares)
}

// TestFewerSayNothing walks every choice of the coefficients: for each secret any
// k-1 shares take each value exactly once, so that they have one distribution
// whatever the secret is.
func TestFewerSayNothing(t *testing.T) {
	t.Parallel()
	for secret := range 256 {
		var seen [4][256]int
		for c := range 256 {
			for x, share := range split(t, secret, 4, 2, byte(c)) {
				seen[x][share[0]]++
			}
		}
		for x := range seen {
			for y, times := range seen[x] {
				if times != 1 {
					t.Fatalf("secret %02x, share %d: the value %02x came %d times", secret, x+1, y, times)
				}
			}
		}
	}
	for _, secret := range []int{0, 0x53} {
		pairs := [][2]int{{0, 1}, {0, 2}, {1, 2}}
		seen := make([][1 << 16]bool, len(pairs))
		for c := range 1 << 16 {
			shares := split(t, secret, 3, 3, byte(c), byte(c>>8))
			for n, pair := range pairs {
				y := int(shares[pair[0]][0])<<8 | int(shares[pair[1]][0])
				if seen[n][y] {
					t.Fatalf("secret %02x, shares %v: the values %04x came twice", secret, pair, y)
				}
				seen[n][y] = true
			}
		}
	}
}

func split(t *testing.T, secret, n, k int, coefficients ...byte) [][]byte {
	shares, err := Split([]byte{byte(secret)}, n, k, bytes.NewReader(coefficients))
	if err != nil {
		t.Fatal(err)
	}
	return shares
}

// TestVector is a sharing by hand: 42 + 0a·x + 03·x² at 1, 2 and 3.
func TestVector(t *testing.T) {
	t.Parallel()
	shares := split(t, 0x42, 3, 3, 0x03, 0x0a)
	for i, want := range []byte{0x42 ^ 0x0a ^ 0x03, 0x42 ^ 0x14 ^ 0x0c, 0x42 ^ 0x1e ^ 0x0f} {
		if shares[i][0] != want {
			t.Errorf("share %d is %02x, want %02x", i+1, shares[i][0], want)
		}
	}
}

func TestNoRandomness(t *testing.T) {
	t.Parallel()
	if _, err := Split(make([]byte, 32), 3, 2, bytes.NewReader(make([]byte, 31))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("with one random byte too few: %v", err)
	}
}

func TestImpossible(t *testing.T) {
	t.Parallel()
	panics := func(what string, fn func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s was done", what)
			}
		}()
		fn()
	}
	for _, c := range [][2]int{{1, 1}, {2, 1}, {2, 3}, {256, 2}} {
		panics("an impossible split", func() { _, _ = Split([]byte{1}, c[0], c[1], rand.Reader) })
	}
	panics("share zero", func() { Combine([]byte{0, 1}, [][]byte{{1}, {2}}) })
	panics("a share twice", func() { Combine([]byte{1, 1}, [][]byte{{1}, {2}}) })
	panics("other lengths", func() { Combine([]byte{1, 2}, [][]byte{{1}, {2, 3}}) })
	panics("no shares", func() { Combine(nil, nil) })
}
