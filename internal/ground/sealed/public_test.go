package sealed

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/fips140"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"slices"
	"testing"

	"claviger/internal/ground/sealed/kwp"
	"claviger/internal/ground/sealed/mldsamu"
	"claviger/internal/ground/sealed/pkcs8"

	"filippo.io/mldsa"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// The vectors of testdata/public are chosen from published ones; each file names
// its sources.

// accepted counts vectors that are to be accepted and those that are not, so that
// a test that saw none of a kind fails.
type accepted map[bool]int

func (a accepted) both(t *testing.T) {
	t.Helper()
	if a[true] == 0 || a[false] == 0 {
		t.Errorf("vectors: %v", a)
	}
}

func TestPublicKeyWrap(t *testing.T) {
	t.Parallel()
	var file struct {
		Sources []string
		Tests   []struct {
			Key, Material, Wrapped octets
			Valid                  bool
		}
	}
	readVectors(t, "testdata/public/kwp.json", &file)
	seen := accepted{}
	for i, v := range file.Tests {
		seen[v.Valid]++
		got, err := kwp.Unwrap(v.Key, v.Wrapped)
		if v.Valid && (err != nil || !bytes.Equal(got, v.Material)) || !v.Valid && err == nil {
			t.Errorf("test %d: %x, %v", i, got, err)
		}
		if !v.Valid {
			continue
		}
		if got, err := kwp.Wrap(v.Key, v.Material); err != nil || !bytes.Equal(got, v.Wrapped) {
			t.Errorf("test %d: wrapped as %x, %v", i, got, err)
		}
	}
	seen.both(t)
}

func TestPublicRSA(t *testing.T) {
	t.Parallel()
	var file struct {
		Sources    []string
		Encryption []struct {
			Key   octets
			Tests []struct {
				Algorithm             string
				Plaintext, Ciphertext octets
				Valid                 bool
			}
		}
		Signatures []struct {
			Public octets
			Tests  []struct {
				Algorithm          string
				Message, Signature octets
				Valid              bool
			}
		}
	}
	readVectors(t, "testdata/public/rsa.json", &file)
	seen := accepted{}
	for _, group := range file.Encryption {
		k, err := takeRSA(group.Key, 2048)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range group.Tests {
			seen[v.Valid]++
			got, err := k.(opener).open(t.Context(), v.Algorithm, v.Ciphertext)
			if v.Valid && (err != nil || !bytes.Equal(got, v.Plaintext)) || !v.Valid && err != ErrCiphertext {
				t.Errorf("%s, test %d: %x, %v", v.Algorithm, i, got, err)
			}
		}
	}
	seen.both(t)
	seen = accepted{}
	for _, group := range file.Signatures {
		parsed, err := x509.ParsePKIXPublicKey(group.Public)
		if err != nil {
			t.Fatal(err)
		}
		k := &rsaKey{&rsa.PrivateKey{PublicKey: *parsed.(*rsa.PublicKey)}}
		for i, v := range group.Tests {
			seen[v.Valid]++
			if got := k.verify(v.Algorithm, Raw, v.Message, v.Signature); got != v.Valid {
				t.Errorf("%s, test %d: verified %t", v.Algorithm, i, got)
			}
		}
	}
	seen.both(t)
}

// publicOnly makes a key that verifies of a public key.
func publicOnly(t *testing.T, spec string, spki []byte) signer {
	t.Helper()
	algorithm, key, err := pkcs8.ParsePublic(spki)
	if err != nil {
		t.Fatal(err)
	}
	switch spec {
	case "ECC_SECG_P256K1":
		public, err := secp256k1.ParsePubKey(key)
		if err != nil || !algorithm.Equal(pkcs8.EC(koblitzCurve)) {
			t.Fatal(algorithm, err)
		}
		return &koblitzKey{public: public}
	case "ECC_NIST_EDWARDS25519":
		return &edwardsKey{append(make(ed25519.PrivateKey, ed25519.SeedSize), key...)}
	}
	parsed, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		t.Fatal(err)
	}
	k := &nistKey{key: &ecdsa.PrivateKey{PublicKey: *parsed.(*ecdsa.PublicKey)}}
	switch spec {
	case "ECC_NIST_P256":
		k.hash = sha256.New
	case "ECC_NIST_P384":
		k.hash = sha512.New384
	default:
		k.hash = sha512.New
	}
	return k
}

func TestPublicCurves(t *testing.T) {
	t.Parallel()
	var file struct {
		Sources    []string
		Signatures []struct {
			Spec, Algorithm            string
			Public, Message, Signature octets
			Valid                      bool
		}
		Agreement []struct {
			Spec, Comment           string
			Private, Public, Shared octets
			Valid                   bool
		}
	}
	readVectors(t, "testdata/public/curves.json", &file)
	seen := map[string]accepted{}
	for i, v := range file.Signatures {
		if seen[v.Spec] == nil {
			seen[v.Spec] = accepted{}
		}
		seen[v.Spec][v.Valid]++
		if got := publicOnly(t, v.Spec, v.Public).verify(v.Algorithm, Raw, v.Message, v.Signature); got != v.Valid {
			t.Errorf("%s, test %d: verified %t", v.Spec, i, got)
		}
	}
	for _, a := range seen {
		a.both(t)
	}
	agreed := accepted{}
	for i, v := range file.Agreement {
		agreed[v.Valid]++
		s, err := specNamed(v.Spec)
		if err != nil {
			t.Fatal(err)
		}
		number, err := asn1.Marshal(struct {
			Version int
			Scalar  []byte
		}{1, v.Private})
		if err != nil {
			t.Fatal(err)
		}
		oid := map[string]asn1.ObjectIdentifier{
			"ECC_NIST_P256": {1, 2, 840, 10045, 3, 1, 7}, "ECC_NIST_P384": {1, 3, 132, 0, 34}, "ECC_NIST_P521": {1, 3, 132, 0, 35},
		}[v.Spec]
		k, err := s.take(pkcs8.Marshal(pkcs8.EC(oid), number))
		if err != nil {
			t.Fatal(err)
		}
		got, err := k.(agreer).agree(v.Public)
		if v.Valid && (err != nil || !bytes.Equal(got, v.Shared)) || !v.Valid && !errors.Is(err, ErrPublicKey) {
			t.Errorf("%s, test %d (%s): %x, %v", v.Spec, i, v.Comment, got, err)
		}
	}
	agreed.both(t)
}

func TestPublicLattices(t *testing.T) {
	t.Parallel()
	if fips140.Enabled() {
		t.Skip("not in FIPS 140-3 mode")
	}
	var file struct {
		Sources []string
		Keys    []struct {
			Set                string
			Seed, PublicSHA256 octets
		}
		Internal []struct {
			Set                               string
			Public, Representative, Signature octets
			Valid                             bool
		}
		Messages []struct {
			Set                        string
			Public, Message, Signature octets
			Valid                      bool
		}
	}
	readVectors(t, "testdata/public/mldsa.json", &file)
	if len(file.Keys) == 0 {
		t.Error("no keys")
	}
	for i, v := range file.Keys {
		k := expanded(t, v.Set, v.Seed)
		_, public, err := pkcs8.ParsePublic(k.(hasPublic).spki())
		if sum := sha256.Sum256(public); err != nil || !bytes.Equal(sum[:], v.PublicSHA256) {
			t.Errorf("%s, key %d: another public key, %v", v.Set, i, err)
		}
		if !bytes.Equal(k.encode(), v.Seed) {
			t.Errorf("%s, key %d: another seed", v.Set, i)
		}
	}
	sets := map[string]mldsamu.Set{"ML-DSA-44": mldsamu.MLDSA44, "ML-DSA-65": mldsamu.MLDSA65, "ML-DSA-87": mldsamu.MLDSA87}
	others := map[string]mldsa.Parameters{"ML-DSA-44": mldsa.MLDSA44(), "ML-DSA-65": mldsa.MLDSA65(), "ML-DSA-87": mldsa.MLDSA87()}
	mu := func(public []byte, representative ...byte) []byte {
		return sha3.SumSHAKE256(append(sha3.SumSHAKE256(public, 64), representative...), mldsamu.MuSize)
	}
	seen := accepted{}
	for i, v := range file.Internal {
		seen[v.Valid]++
		if got := mldsamu.Verify(sets[v.Set], v.Public, mu(v.Public, v.Representative...), v.Signature); got != v.Valid {
			t.Errorf("%s, representative %d: verified %t", v.Set, i, got)
		}
	}
	seen.both(t)
	seen = accepted{}
	for i, v := range file.Messages {
		seen[v.Valid]++
		representative := append([]byte{0, 0}, v.Message...)
		if got := mldsamu.Verify(sets[v.Set], v.Public, mu(v.Public, representative...), v.Signature); got != v.Valid {
			t.Errorf("%s, message %d: verified %t by µ", v.Set, i, got)
		}
		public, err := mldsa.NewPublicKey(others[v.Set], v.Public)
		if err != nil {
			t.Fatal(err)
		}
		if got := mldsa.Verify(public, v.Message, v.Signature, nil) == nil; got != v.Valid {
			t.Errorf("%s, message %d: verified %t", v.Set, i, got)
		}
	}
	seen.both(t)
}

// expanded makes a key of a seed, of the parameter set's own name.
func expanded(t *testing.T, set string, seed []byte) private {
	t.Helper()
	i := slices.IndexFunc(specs, func(s spec) bool { return s.name == string(bytes.ReplaceAll([]byte(set), []byte("-"), []byte("_"))) })
	if i < 0 {
		t.Fatalf("no spec of the set %s", set)
	}
	k, err := specs[i].read(seed)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestPublicEncapsulation(t *testing.T) {
	t.Parallel()
	var file struct {
		Sources []string
		Keys    []struct {
			Set                string
			Seed, PublicSHA256 octets
		}
		Decapsulation []struct {
			Set                                    string
			Seed, PublicSHA256, Ciphertext, Secret octets
			Valid                                  bool
		}
	}
	readVectors(t, "testdata/public/mlkem.json", &file)
	check := func(k private, seed, sum []byte) {
		t.Helper()
		_, public, err := pkcs8.ParsePublic(k.(hasPublic).spki())
		if got := sha256.Sum256(public); err != nil || !bytes.Equal(got[:], sum) || !bytes.Equal(k.encode(), seed) {
			t.Errorf("another key, %v", err)
		}
	}
	if len(file.Keys) == 0 {
		t.Error("no keys")
	}
	for _, v := range file.Keys {
		check(expanded(t, v.Set, v.Seed), v.Seed, v.PublicSHA256)
	}
	seen := accepted{}
	for i, v := range file.Decapsulation {
		seen[v.Valid]++
		k := expanded(t, v.Set, v.Seed)
		if len(v.PublicSHA256) > 0 {
			check(k, v.Seed, v.PublicSHA256)
		}
		got, err := k.(encapsulator).decapsulate(v.Ciphertext)
		if v.Valid && (err != nil || !bytes.Equal(got, v.Secret)) || !v.Valid && err != ErrCiphertext {
			t.Errorf("%s, test %d: %x, %v", v.Set, i, got, err)
		}
	}
	seen.both(t)
}
