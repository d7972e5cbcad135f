//lint:file-ignore SA1019 The plain formulas are what the curve is held against.

package sealed_test

import (
	"bytes"
	"crypto/rand"
	"math/big"
	"slices"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/words/confidential"

	"github.com/emmansun/gmsm/sm2/sm2ec"
	"github.com/emmansun/gmsm/sm3"
)

// sm2Digest is what a caller computes for MessageType DIGEST: SM3 of Z and the
// message (GB/T 32918.2 §5.5).
func sm2Digest(t testing.TB, m *sealed.Material, message []byte) []byte {
	t.Helper()
	public, err := m.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	c := sm2ec.P256().Params()
	fixed := func(n *big.Int) []byte { return n.FillBytes(make([]byte, 32)) }
	h := sm3.New()
	for _, part := range [][]byte{
		{0, 128}, []byte("1234567812345678"),
		fixed(new(big.Int).Sub(c.P, big.NewInt(3))), fixed(c.B), fixed(c.Gx), fixed(c.Gy),
		public[len(public)-64:],
	} {
		h.Write(part)
	}
	z := h.Sum(nil)
	h.Reset()
	h.Write(z)
	h.Write(message)
	return h.Sum(nil)
}

// TestSM2Curve holds the curve's assembly against the plain formulas of crypto/elliptic.
func TestSM2Curve(t *testing.T) {
	t.Parallel()
	fast := sm2ec.P256()
	plain := *fast.Params()
	n := plain.N
	scalars := []*big.Int{big.NewInt(1), big.NewInt(2), big.NewInt(3), new(big.Int).Sub(n, big.NewInt(1)), new(big.Int).Sub(n, big.NewInt(2)), new(big.Int).Rsh(n, 1), new(big.Int).Lsh(big.NewInt(1), 255)}
	for range 20 {
		k, err := rand.Int(rand.Reader, n)
		if err != nil {
			t.Fatal(err)
		}
		scalars = append(scalars, k)
	}
	x, y := plain.Gx, plain.Gy
	for _, k := range scalars {
		scalar := k.FillBytes(make([]byte, 32))
		x1, y1 := fast.ScalarMult(x, y, scalar)
		x2, y2 := plain.ScalarMult(x, y, scalar)
		x3, y3 := fast.ScalarBaseMult(scalar)
		x4, y4 := plain.ScalarBaseMult(scalar)
		if x1.Cmp(x2) != 0 || y1.Cmp(y2) != 0 || x3.Cmp(x4) != 0 || y3.Cmp(y4) != 0 {
			t.Fatalf("%x times a point: the curves differ", scalar)
		}
		x, y = x2, y2
	}
}

// TestSM2ShortPlaintexts meets masks that equal the plaintext: one in 256.
func TestSM2ShortPlaintexts(t *testing.T) {
	t.Parallel()
	m := made(t, newRing(t, account), "SM2")
	for i := range 600 {
		plaintext := []byte{byte(i)}
		ciphertext, err := m.EncryptPublic("SM2PKE", confidential.New(slices.Clone(plaintext)))
		if err != nil {
			t.Fatal(err)
		}
		back, err := m.DecryptPrivate(t.Context(), "SM2PKE", ciphertext)
		if err != nil || !bytes.Equal([]byte(shown(back)), plaintext) {
			t.Fatalf("%x came back as %q, %v", plaintext, shown(back), err)
		}
	}
}
