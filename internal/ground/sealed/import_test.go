package sealed_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/pkcs8"
	"claviger/internal/words/confidential"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/emmansun/gmsm/sm2/sm2ec"
)

var curves = map[string]struct {
	oid   asn1.ObjectIdentifier
	order *big.Int
	size  int
}{
	"ECC_NIST_P256":   {asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, elliptic.P256().Params().N, 32},
	"ECC_NIST_P384":   {asn1.ObjectIdentifier{1, 3, 132, 0, 34}, elliptic.P384().Params().N, 48},
	"ECC_NIST_P521":   {asn1.ObjectIdentifier{1, 3, 132, 0, 35}, elliptic.P521().Params().N, 66},
	"ECC_SECG_P256K1": {asn1.ObjectIdentifier{1, 3, 132, 0, 10}, secp256k1.Params().N, 32},
	"SM2":             {asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 301}, sm2ec.P256().Params().N, 32},
}

// ber writes DER anew in the loosest form that BER allows: indefinite lengths,
// and strings in pieces of one byte.
func ber(t testing.TB, der []byte) []byte {
	t.Helper()
	var out []byte
	for len(der) > 0 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil {
			t.Fatal(err)
		}
		tag := v.FullBytes[0]
		switch {
		case v.IsCompound:
			out = append(append(append(out, tag, 0x80), ber(t, v.Bytes)...), 0, 0)
		case tag == asn1.TagOctetString:
			out = append(out, tag|0x20, 0x80)
			for _, b := range v.Bytes {
				out = append(out, tag, 1, b)
			}
			out = append(out, 0, 0)
		default:
			out = append(append(out, tag, 0x84, 0, 0, byte(len(v.Bytes)>>8), byte(len(v.Bytes))), v.Bytes...)
		}
		der = rest
	}
	return out
}

func importKey(ring *sealed.Keyring, spec string, material []byte) (*sealed.Material, error) {
	m, _, err := ring.Import(bound(spec), confidential.New(slices.Clone(material)))
	return m, err
}

// same demands that material imports as the key whose public key is given.
func same(t *testing.T, ring *sealed.Keyring, spec, what string, material, public []byte) {
	t.Helper()
	m, err := importKey(ring, spec, material)
	if err != nil {
		t.Errorf("%s, %s: %v", spec, what, err)
		return
	}
	if got, err := m.PublicKey(); err != nil || !bytes.Equal(got, public) {
		t.Errorf("%s, %s: another key, %v", spec, what, err)
	}
}

// usable reports whether keys of the spec can be used in the mode of the process.
func usable(spec string) bool { return !fips140.Enabled() || sealed.Approved(spec) }

func notImported(t *testing.T, ring *sealed.Keyring, spec, what string, material []byte) {
	t.Helper()
	if _, err := importKey(ring, spec, material); !errors.Is(err, sealed.ErrMaterial) && usable(spec) {
		t.Errorf("%s, %s: %v", spec, what, err)
	}
}

func TestImportCurves(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	for spec, curve := range curves {
		if !usable(spec) {
			continue
		}
		private, public, err := sealed.NewKeyPair(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		der := []byte(shown(private))
		scalar, point, err := pkcs8.ParseEC(der, curve.oid, curve.size)
		if err != nil {
			t.Fatal(err)
		}
		x, odd := point[1:1+curve.size], point[len(point)-1]&1
		with := func(scalar, point []byte) []byte { return pkcs8.MarshalEC(curve.oid, scalar, point) }
		within := func(inner []byte) []byte { return pkcs8.Marshal(pkcs8.EC(curve.oid), inner) }
		octets := func(b []byte) []byte {
			out, err := asn1.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		bare := append([]byte{2, 1, 1}, octets(scalar)...)
		bare = append([]byte{0x30, byte(len(bare))}, bare...)

		same(t, ring, spec, "as DER", der, public)
		same(t, ring, spec, "as BER", ber(t, der), public)
		same(t, ring, spec, "with BER inside", within(ber(t, bare)), public)
		same(t, ring, spec, "without its point", within(bare), public)
		same(t, ring, spec, "with a compressed point", with(scalar, append([]byte{2 + odd}, x...)), public)
		same(t, ring, spec, "with a hybrid point", with(scalar, append([]byte{6 + odd}, point[1:]...)), public)
		same(t, ring, spec, "with zeros before the scalar", with(append([]byte{0, 0}, scalar...), point), public)

		order := curve.order
		fixed := func(n *big.Int) []byte { return n.FillBytes(make([]byte, curve.size)) }
		noPoint := func(scalar []byte) []byte {
			b := append([]byte{2, 1, 1}, octets(scalar)...)
			return within(append([]byte{0x30, byte(len(b))}, b...))
		}
		top := new(big.Int).Sub(order, big.NewInt(1))
		if spec == "SM2" {
			notImported(t, ring, spec, "n−1", noPoint(fixed(top)))
			top.Sub(top, big.NewInt(1))
		}
		for what, good := range map[string][]byte{"one": fixed(big.NewInt(1)), "the greatest": fixed(top)} {
			if _, err := importKey(ring, spec, noPoint(good)); err != nil {
				t.Errorf("%s, a scalar that is %s: %v", spec, what, err)
			}
		}
		notImported(t, ring, spec, "zero", noPoint(fixed(new(big.Int))))
		notImported(t, ring, spec, "the order", noPoint(fixed(order)))
		notImported(t, ring, spec, "above the order", noPoint(fixed(new(big.Int).Add(order, big.NewInt(1)))))
		notImported(t, ring, spec, "a scalar that is too long", with(append([]byte{1}, scalar...), point))
		notImported(t, ring, spec, "another point", with(scalar, append([]byte{2 + 1 - odd}, x...)))
		notImported(t, ring, spec, "the point at infinity", with(scalar, []byte{0}))
		notImported(t, ring, spec, "SEC 1 without PKCS#8", bare)
		notImported(t, ring, spec, "its scalar alone", scalar)
		for elsewhere := range curves {
			if elsewhere != spec {
				notImported(t, ring, elsewhere, "a key of "+spec, der)
			}
		}
	}
}

func TestImportEdwards(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	const spec = "ECC_NIST_EDWARDS25519"
	private, public, err := sealed.NewKeyPair(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	der := []byte(shown(private))
	same(t, ring, spec, "as DER", der, public)
	same(t, ring, spec, "as BER", ber(t, der), public)
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	seed := key.(ed25519.PrivateKey).Seed()
	edwards := pkcs8.Algorithm{OID: asn1.ObjectIdentifier{1, 3, 101, 112}}
	withPublic := func(b []byte) []byte { // version 1 of RFC 5958
		out := slices.Clone(der)
		out[1], out[4] = out[1]+byte(3+len(b)), 1
		return append(append(out, 0x81, byte(1+len(b)), 0), b...)
	}
	same(t, ring, spec, "with its public key", withPublic(public[12:]), public)
	notImported(t, ring, spec, "with another public key", withPublic(make([]byte, 32)))
	notImported(t, ring, spec, "a seed without its string", pkcs8.Marshal(edwards, seed))
	notImported(t, ring, spec, "a short seed", pkcs8.Marshal(edwards, append([]byte{4, 31}, seed[1:]...)))
	notImported(t, ring, spec, "a long seed", pkcs8.Marshal(edwards, append([]byte{4, 33, 0}, seed...)))
	notImported(t, ring, spec, "X25519", pkcs8.Marshal(pkcs8.Algorithm{OID: asn1.ObjectIdentifier{1, 3, 101, 110}}, append([]byte{4, 32}, seed...)))
	notImported(t, ring, spec, "its seed alone", seed)
}

func TestImportRSA(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	der := fixedKey(t, "RSA_2048")
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	key := parsed.(*rsa.PrivateKey)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey := pkcs8.Algorithm{OID: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}}
	pkcs1 := x509.MarshalPKCS1PrivateKey(key)
	same(t, ring, "RSA_2048", "as DER", der, public)
	same(t, ring, "RSA_2048", "as BER", ber(t, der), public)
	same(t, ring, "RSA_2048", "with BER inside", pkcs8.Marshal(rsaKey, ber(t, pkcs1)), public)
	same(t, ring, "RSA_2048", "without NULL", pkcs8.Marshal(rsaKey, pkcs1), public)
	notImported(t, ring, "RSA_2048", "PKCS#1 without PKCS#8", pkcs1)
	notImported(t, ring, "RSA_2048", "the public key", public)
	notImported(t, ring, "RSA_2048", "a key for PSS only", pkcs8.Marshal(pkcs8.Algorithm{OID: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}}, pkcs1))
	notImported(t, ring, "RSA_2048", "something after it", append(slices.Clone(der), 0))
	notImported(t, ring, "RSA_2048", "something after the key inside", pkcs8.Marshal(rsaKey, append(slices.Clone(pkcs1), 5, 0)))
	for _, spec := range []string{"RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_EDWARDS25519", "SM2"} {
		notImported(t, ring, spec, "a key of RSA_2048", der)
	}
	// The numbers must belong together.
	type numbers struct {
		Version       int
		N, E, D, P, Q *big.Int
		DP, DQ, QInv  *big.Int
		More          []struct{ P, D, T *big.Int } `asn1:"optional,omitempty"`
	}
	for what, alter := range map[string]func(*numbers){
		"another modulus":           func(n *numbers) { n.N.Add(n.N, big.NewInt(2)) },
		"an even exponent":          func(n *numbers) { n.E.SetInt64(65536) },
		"an exponent of one":        func(n *numbers) { n.E.SetInt64(1); n.D.SetInt64(1) },
		"another private exponent":  func(n *numbers) { n.D.Add(n.D, big.NewInt(2)) },
		"another prime":             func(n *numbers) { n.P.Add(n.P, big.NewInt(2)) },
		"a negative prime":          func(n *numbers) { n.P.Neg(n.P); n.Q.Neg(n.Q) },
		"one for a prime":           func(n *numbers) { n.P.Set(n.N); n.Q.SetInt64(1) },
		"an unknown version":        func(n *numbers) { n.Version = 2 },
		"an exponent beyond bounds": func(n *numbers) { n.E.Lsh(big.NewInt(1), 64) },
	} {
		var n numbers
		if _, err := asn1.Unmarshal(pkcs1, &n); err != nil {
			t.Fatal(err)
		}
		alter(&n)
		b, err := asn1.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		notImported(t, ring, "RSA_2048", what, pkcs8.Marshal(rsaKey, b))
	}
	for _, bits := range []int{2047, 2049} {
		odd, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		notImported(t, ring, "RSA_2048", "of a bit more or less", pkcs8.Marshal(rsaKey, x509.MarshalPKCS1PrivateKey(odd)))
	}
}

// rsaNumbers is an RSA private key of two primes (RFC 8017 §A.1.2).
type rsaNumbers struct {
	Version                     int
	N, E, D, P, Q, DP, DQ, QInv *big.Int
}

// rsaOf writes the key of two numbers, which need not be primes; nil where it has
// no private exponent modulo (p−1)(q−1).
func rsaOf(t *testing.T, p, q *big.Int) []byte {
	t.Helper()
	one, e := big.NewInt(1), big.NewInt(65537)
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	d := new(big.Int).ModInverse(e, new(big.Int).Mul(p1, q1))
	if d == nil {
		return nil
	}
	b, err := asn1.Marshal(rsaNumbers{
		N: new(big.Int).Mul(p, q), E: e, D: d, P: p, Q: q,
		DP: new(big.Int).Mod(d, p1), DQ: new(big.Int).Mod(d, q1), QInv: new(big.Int).ModInverse(q, p),
	})
	if err != nil {
		t.Fatal(err)
	}
	return pkcs8.Marshal(pkcs8.Algorithm{OID: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}}, b)
}

// TestImportRSAAgain: a key is the same however its numbers are written.
func TestImportRSAAgain(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	der := fixedKey(t, "RSA_2048")
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	p, q := parsed.(*rsa.PrivateKey).Primes[0], parsed.(*rsa.PrivateKey).Primes[1]
	first, err := importKey(ring, "RSA_2048", der)
	if err != nil {
		t.Fatal(err)
	}
	for _, again := range [][]byte{rsaOf(t, p, q), rsaOf(t, q, p)} {
		m, err := importKey(ring, "RSA_2048", again)
		if err != nil || m.ID() != first.ID() {
			t.Errorf("another material, or none: %v", err)
		}
	}
}

// TestImportWeakRSA: a modulus of the right length does not make a key.
func TestImportWeakRSA(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	tried := 0
	short, err := rand.Prime(rand.Reader, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*big.Int{big.NewInt(3), big.NewInt(91), short} {
		q, err := rand.Prime(rand.Reader, 2048-p.BitLen()) // its two highest bits are set
		if err != nil {
			t.Fatal(err)
		}
		if der := rsaOf(t, p, q); der != nil && new(big.Int).Mul(p, q).BitLen() == 2048 {
			notImported(t, ring, "RSA_2048", "a factor that is small, or no prime", der)
			tried++
		}
	}
	if tried != 3 {
		t.Errorf("%d keys", tried)
	}
}

func TestImportThreePrimes(t *testing.T) {
	t.Parallel()
	der, err := x509.MarshalPKCS8PrivateKey(threePrimes(t))
	if err != nil {
		t.Fatal(err)
	}
	notImported(t, newRing(t, account), "RSA_2048", "three primes", der)
}

// threePrimes makes a key of three primes, which Go no longer offers to make.
func threePrimes(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	one := big.NewInt(1)
	for {
		n, totient := big.NewInt(1), big.NewInt(1)
		var primes []*big.Int
		for _, bits := range []int{683, 683, 682} {
			p, err := rand.Prime(rand.Reader, bits)
			if err != nil {
				t.Fatal(err)
			}
			primes = append(primes, p)
			n.Mul(n, p)
			totient.Mul(totient, new(big.Int).Sub(p, one))
		}
		d := new(big.Int).ModInverse(big.NewInt(65537), totient)
		if n.BitLen() != 2048 || d == nil {
			continue
		}
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: 65537}, D: d, Primes: primes}
		key.Precompute()
		return key
	}
}

func TestImportSecrets(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	for spec, least := range map[string]int{"HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64} {
		for n, good := range map[int]bool{0: false, least - 1: false, least: true, 128: true, 129: false} {
			if _, err := importKey(ring, spec, make([]byte, n)); good && err != nil || !good && !errors.Is(err, sealed.ErrMaterial) {
				t.Errorf("%s of %d bytes: %v", spec, n, err)
			}
		}
	}
	for n, good := range map[int]bool{0: false, 16: false, 31: false, 32: true, 33: false} {
		if _, err := importKey(ring, "SYMMETRIC_DEFAULT", make([]byte, n)); good && err != nil || !good && !errors.Is(err, sealed.ErrMaterial) {
			t.Errorf("a symmetric key of %d bytes: %v", n, err)
		}
	}
	for _, spec := range []string{"ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"} {
		for _, n := range []int{32, 64} {
			notImported(t, ring, spec, "a seed", make([]byte, n))
		}
	}
}

func TestImportWipesPrivateKeys(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	for _, material := range [][]byte{fixedKey(t, "RSA_2048"), []byte("no key")} {
		_, _, _ = ring.Import(bound("RSA_2048"), confidential.New(material))
		if !bytes.Equal(material, make([]byte, len(material))) {
			t.Error("imported bytes are still there")
		}
	}
}

// FuzzImport throws bytes at every spec: what is taken works, and is the same
// after it was wrapped.
func FuzzImport(f *testing.F) {
	ring := newRing(f, account)
	f.Add(fixedKey(f, "RSA_2048"))
	f.Add(ber(f, fixedKey(f, "RSA_2048")))
	for _, spec := range []string{"ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519", "SM2"} {
		if !usable(spec) {
			continue
		}
		private, _, err := sealed.NewKeyPair(f.Context(), spec)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(shown(private)))
		f.Add(ber(f, []byte(shown(private))))
	}
	f.Fuzz(func(t *testing.T, material []byte) {
		for _, spec := range privateSpecs {
			m, wrapped, err := ring.Import(bound(spec), confidential.New(slices.Clone(material)))
			if err != nil {
				if !errors.Is(err, sealed.ErrMaterial) && usable(spec) {
					t.Errorf("%s: %v", spec, err)
				}
				continue
			}
			again, err := ring.Unwrap(bound(spec), wrapped)
			if err != nil || again.ID() != m.ID() {
				t.Errorf("%s: does not open again: %v", spec, err)
			}
		}
	})
}
