package mldsamu_test

import (
	"crypto/sha3"
	"testing"

	"claviger/internal/ground/sealed/mldsamu"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"
)

var sets = []struct {
	name  string
	set   mldsamu.Set
	other mldsa.Parameters
}{
	{"ML-DSA-44", mldsamu.MLDSA44, mldsa.MLDSA44()},
	{"ML-DSA-65", mldsamu.MLDSA65, mldsa.MLDSA65()},
	{"ML-DSA-87", mldsamu.MLDSA87, mldsa.MLDSA87()},
}

// representative is µ of a message with an empty context (FIPS 204 algorithm 7, step 6).
func representative(public, message []byte) []byte {
	tr := sha3.SumSHAKE256(public, 64)
	return sha3.SumSHAKE256(append(append(tr, 0, 0), message...), mldsamu.MuSize)
}

// TestAgreesWithMessages holds Verify against a library that knows messages only.
func TestAgreesWithMessages(t *testing.T) {
	t.Parallel()
	for _, s := range sets {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for i := range byte(5) {
				seed := make([]byte, mldsa.PrivateKeySize)
				seed[0] = i
				key, err := mldsa.NewPrivateKey(s.other, seed)
				if err != nil {
					t.Fatal(err)
				}
				public, message := key.PublicKey().Bytes(), []byte{i, 'm'}
				mu := representative(public, message)
				overMessage, err := key.SignDeterministic(message, nil)
				if err != nil {
					t.Fatal(err)
				}
				overMu, err := key.SignDeterministic(mu, mldsacrypto.MLDSAMu)
				if err != nil {
					t.Fatal(err)
				}
				for _, signature := range [][]byte{overMessage, overMu} {
					if !mldsamu.Verify(s.set, public, mu, signature) {
						t.Fatalf("seed %d: a signature was refused", i)
					}
				}
				// Wherever a bit differs, both refuse.
				for _, at := range []int{0, 40, 100, len(overMu) / 2, len(overMu) - 1, len(overMu) - 4, len(overMu) - 60} {
					overMu[at] ^= 4
					theirs := mldsa.Verify(key.PublicKey(), message, overMu, nil) == nil
					if ours := mldsamu.Verify(s.set, public, mu, overMu); ours || theirs {
						t.Errorf("seed %d, byte %d altered: accepted here %t, there %t", i, at, ours, theirs)
					}
					overMu[at] ^= 4
				}
				mu[63] ^= 1
				if mldsamu.Verify(s.set, public, mu, overMu) {
					t.Errorf("seed %d: accepted another µ", i)
				}
			}
		})
	}
}

func TestLengths(t *testing.T) {
	t.Parallel()
	for _, s := range sets {
		key, err := mldsa.GenerateKey(s.other)
		if err != nil {
			t.Fatal(err)
		}
		public, mu := key.PublicKey().Bytes(), make([]byte, mldsamu.MuSize)
		signature, err := key.Sign(nil, mu, mldsacrypto.MLDSAMu)
		if err != nil {
			t.Fatal(err)
		}
		verify := func(public, mu, signature []byte) bool { return mldsamu.Verify(s.set, public, mu, signature) }
		longer := func(b []byte) []byte { return append(b[:len(b):len(b)], 0) }
		shorter := func(b []byte) []byte { return b[:len(b)-1] }
		if !verify(public, mu, signature) {
			t.Errorf("%s: refused", s.name)
		}
		for _, other := range []func([]byte) []byte{longer, shorter} {
			if verify(other(public), mu, signature) || verify(public, other(mu), signature) || verify(public, mu, other(signature)) {
				t.Errorf("%s: accepted a wrong length", s.name)
			}
		}
		if verify(nil, nil, nil) {
			t.Errorf("%s: accepted nothing", s.name)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte{1}, []byte{2}, []byte{3})
	f.Fuzz(func(t *testing.T, public, mu, signature []byte) {
		for _, s := range sets {
			key, err := mldsa.NewPublicKey(s.other, public)
			if ours := mldsamu.Verify(s.set, public, mu, signature); ours && (err != nil || len(mu) != mldsamu.MuSize || len(signature) != s.other.SignatureSize()) {
				t.Errorf("%s: accepted what is no signature (%v)", s.name, key)
			}
		}
	})
}
