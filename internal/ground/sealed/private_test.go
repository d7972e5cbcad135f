package sealed_test

import (
	"bytes"
	ctxpkg "context"
	"crypto"
	"crypto/fips140"
	"crypto/mlkem"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/pkcs8"
	"claviger/internal/words/confidential"
)

// An ability is a spec with one algorithm of it.
type ability struct {
	spec, algorithm string
	form            sealed.Form
	size            int // of the signature or ciphertext in bytes; 0 where it varies
}

var signers = []ability{
	{"RSA_2048", "RSASSA_PSS_SHA_256", sealed.Raw, 256},
	{"RSA_2048", "RSASSA_PSS_SHA_384", sealed.Raw, 256},
	{"RSA_2048", "RSASSA_PSS_SHA_512", sealed.Raw, 256},
	{"RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", sealed.Raw, 256},
	{"RSA_2048", "RSASSA_PKCS1_V1_5_SHA_384", sealed.Raw, 256},
	{"RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512", sealed.Raw, 256},
	{"ECC_NIST_P256", "ECDSA_SHA_256", sealed.Raw, 0},
	{"ECC_NIST_P384", "ECDSA_SHA_384", sealed.Raw, 0},
	{"ECC_NIST_P521", "ECDSA_SHA_512", sealed.Raw, 0},
	{"ECC_SECG_P256K1", "ECDSA_SHA_256", sealed.Raw, 0},
	{"ECC_NIST_EDWARDS25519", "ED25519_SHA_512", sealed.Raw, 64},
	{"ECC_NIST_EDWARDS25519", "ED25519_PH_SHA_512", sealed.Digest, 64},
	{"SM2", "SM2DSA", sealed.Raw, 0},
	{"ML_DSA_44", "ML_DSA_SHAKE_256", sealed.Raw, 2420},
	{"ML_DSA_65", "ML_DSA_SHAKE_256", sealed.Raw, 3309},
	{"ML_DSA_87", "ML_DSA_SHAKE_256", sealed.Raw, 4627},
}

// made returns material of the spec: a fixed key where making one takes long.
func made(t testing.TB, ring *sealed.Keyring, spec string) *sealed.Material {
	t.Helper()
	m, _ := wrappedAs(t, ring, spec)
	return m
}

func wrappedAs(t testing.TB, ring *sealed.Keyring, spec string) (*sealed.Material, []byte) {
	t.Helper()
	if !usable(spec) {
		t.Skip("not in FIPS 140-3 mode")
	}
	b := bound(spec)
	var m *sealed.Material
	var wrapped []byte
	var err error
	if strings.HasPrefix(spec, "RSA_") {
		m, wrapped, err = ring.Import(b, confidential.New(fixedKey(t, spec)))
	} else {
		m, wrapped, err = ring.Generate(t.Context(), b)
	}
	if err != nil {
		t.Fatalf("making a key of the spec %s: %v", spec, err)
	}
	return m, wrapped
}

func bound(spec string) sealed.Binding {
	b := binding()
	b.Spec = spec
	return b
}

// digested returns what the form of the message is for the algorithm.
func digested(t testing.TB, m *sealed.Material, algorithm string, form sealed.Form, message []byte) []byte {
	t.Helper()
	if form == sealed.ExternalMu {
		public, err := m.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		key := public[22:] // behind the header of SubjectPublicKeyInfo
		return sha3.SumSHAKE256(append(append(sha3.SumSHAKE256(key, 64), 0, 0), message...), 64)
	}
	var sum []byte
	if algorithm == "SM2DSA" {
		return sm2Digest(t, m, message)
	}
	switch algorithm[len(algorithm)-3:] {
	case "256":
		s := sha256.Sum256(message)
		sum = s[:]
	case "384":
		s := sha512.Sum384(message)
		sum = s[:]
	default:
		s := sha512.Sum512(message)
		sum = s[:]
	}
	return sum
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	message := []byte("a message")
	for _, a := range signers {
		t.Run(a.spec+"/"+a.algorithm, func(t *testing.T) {
			t.Parallel()
			m := made(t, ring, a.spec)
			input := message
			if a.form == sealed.Digest {
				input = digested(t, m, a.algorithm, a.form, message)
			}
			signature, err := m.Sign(t.Context(), a.algorithm, a.form, confidential.New(slices.Clone(input)))
			if err != nil || a.size != 0 && len(signature) != a.size {
				t.Fatalf("a signature of %d bytes, %v", len(signature), err)
			}
			verifies := func(form sealed.Form, message, signature []byte) bool {
				t.Helper()
				ok, err := m.Verify(a.algorithm, form, confidential.New(slices.Clone(message)), signature)
				if err != nil {
					t.Fatal(err)
				}
				return ok
			}
			if !verifies(a.form, input, signature) {
				t.Error("a signature does not verify")
			}
			otherForm := sealed.Digest
			if strings.HasPrefix(a.spec, "ML_DSA") {
				otherForm = sealed.ExternalMu
			}
			if a.form == sealed.Raw && !strings.HasPrefix(a.algorithm, "ED25519") {
				digest := digested(t, m, a.algorithm, otherForm, message)
				if !verifies(otherForm, digest, signature) {
					t.Errorf("the signature of a message is not one of its form %s", otherForm)
				}
				again, err := m.Sign(t.Context(), a.algorithm, otherForm, confidential.New(slices.Clone(digest)))
				if err != nil || !verifies(sealed.Raw, message, again) {
					t.Errorf("the signature of the form %s is not one of the message: %v", otherForm, err)
				}
			}
			changed := slices.Clone(input)
			changed[0] ^= 1
			if verifies(a.form, changed, signature) {
				t.Error("accepted another message")
			}
			for i := range signature {
				if len(signature) > 512 && i%61 != 0 {
					continue
				}
				signature[i] ^= 1
				if verifies(a.form, input, signature) {
					t.Errorf("accepted a signature with byte %d altered", i)
				}
				signature[i] ^= 1
			}
			for _, wrong := range [][]byte{nil, signature[:len(signature)-1], append(slices.Clone(signature), 0)} {
				if verifies(a.form, input, wrong) {
					t.Errorf("accepted a signature of %d bytes", len(wrong))
				}
			}
		})
	}
}

func TestPublicEncryption(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	for _, a := range []struct {
		spec, algorithm string
		most            int // bytes of plaintext
	}{
		{"RSA_2048", "RSAES_OAEP_SHA_1", 214},
		{"RSA_2048", "RSAES_OAEP_SHA_256", 190},
		{"RSA_3072", "RSAES_OAEP_SHA_1", 342},
		{"RSA_3072", "RSAES_OAEP_SHA_256", 318},
		{"RSA_4096", "RSAES_OAEP_SHA_1", 470},
		{"RSA_4096", "RSAES_OAEP_SHA_256", 446},
		{"SM2", "SM2PKE", 1024},
	} {
		t.Run(a.spec+"/"+a.algorithm, func(t *testing.T) {
			t.Parallel()
			m := made(t, ring, a.spec)
			if fips140.Enabled() && !sealed.ApprovedAlgorithm(a.algorithm) {
				if _, err := m.EncryptPublic(a.algorithm, secret("p")); !errors.Is(err, sealed.ErrNotApproved) {
					t.Errorf("encrypted: %v", err)
				}
				return
			}
			for _, n := range []int{0, 1, a.most} {
				if a.spec == "SM2" && n == 0 {
					continue // the API has no empty plaintexts, and neither has SM2
				}
				plaintext := bytes.Repeat([]byte{'p'}, n)
				ciphertext, err := m.EncryptPublic(a.algorithm, confidential.New(slices.Clone(plaintext)))
				if err != nil {
					t.Fatal(err)
				}
				back, err := m.DecryptPrivate(t.Context(), a.algorithm, ciphertext)
				if err != nil || shown(back) != string(plaintext) {
					t.Errorf("%d bytes came back as %d, %v", n, back.Len(), err)
				}
				for _, wrong := range [][]byte{nil, ciphertext[1:], append(slices.Clone(ciphertext), 0), bytes.Repeat([]byte{255}, len(ciphertext))} {
					if _, err := m.DecryptPrivate(t.Context(), a.algorithm, wrong); !errors.Is(err, sealed.ErrCiphertext) {
						t.Errorf("%d bytes of ciphertext: %v", len(wrong), err)
					}
				}
				ciphertext[len(ciphertext)/2] ^= 1
				if _, err := m.DecryptPrivate(t.Context(), a.algorithm, ciphertext); !errors.Is(err, sealed.ErrCiphertext) {
					t.Errorf("an altered ciphertext: %v", err)
				}
			}
			if a.spec == "SM2" {
				return // any length fits; the limit is the API's
			}
			if _, err := m.EncryptPublic(a.algorithm, confidential.New(make([]byte, a.most+1))); err == nil {
				t.Errorf("encrypted %d bytes", a.most+1)
			}
		})
	}
}

func TestEncapsulation(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	for spec, size := range map[string]int{"ML_KEM_512": 768, "ML_KEM_768": 1088, "ML_KEM_1024": 1568} {
		t.Run(spec, func(t *testing.T) {
			m := made(t, ring, spec)
			secret, ciphertext, err := m.Encapsulate()
			if err != nil || secret.Len() != 32 || len(ciphertext) != size {
				t.Fatalf("%s: %d and %d bytes, %v", spec, secret.Len(), len(ciphertext), err)
			}
			same, err := m.Decapsulate(ciphertext)
			if err != nil || shown(same) != shown(secret) {
				t.Errorf("%s: the secrets differ, %v", spec, err)
			}
			for _, wrong := range [][]byte{nil, ciphertext[1:], append(slices.Clone(ciphertext), 0)} {
				if _, err := m.Decapsulate(wrong); !errors.Is(err, sealed.ErrCiphertext) {
					t.Errorf("%s: %d bytes: %v", spec, len(wrong), err)
				}
			}
			// Of an altered one comes a secret that nobody has, and always the same.
			ciphertext[7] ^= 1
			rejected, err := m.Decapsulate(ciphertext)
			if err != nil || rejected.Len() != 32 || shown(rejected) == shown(secret) {
				t.Errorf("%s: an altered ciphertext: %v", spec, err)
			}
			if again, err := m.Decapsulate(ciphertext); err != nil || shown(again) != shown(rejected) {
				t.Errorf("%s: rejected differently the second time, %v", spec, err)
			}
		})
	}
}

// TestPrivateReopens holds that a wrapped key is the same key again, and opens
// under its own binding only.
func TestPrivateReopens(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	for _, spec := range privateSpecs {
		t.Run(spec, func(t *testing.T) {
			m, wrapped := wrappedAs(t, ring, spec)
			again, err := ring.Unwrap(bound(spec), wrapped)
			if err != nil || again.ID() != m.ID() {
				t.Fatalf("%s: %v", spec, err)
			}
			if public, err := m.PublicKey(); err == nil {
				if same, err := again.PublicKey(); err != nil || !bytes.Equal(same, public) {
					t.Errorf("%s: another public key, %v", spec, err)
				}
			} else if !strings.HasPrefix(spec, "HMAC") {
				t.Errorf("%s: %v", spec, err)
			}
			elsewhere := bound(spec)
			elsewhere.Usage += "_NOT"
			if _, err := ring.Unwrap(elsewhere, wrapped); !errors.Is(err, sealed.ErrCiphertext) {
				t.Errorf("%s: opened under another usage: %v", spec, err)
			}
			// Abilities that a key lacks are errors, not panics.
			if _, err := made(t, ring, "HMAC_256").PublicKey(); err == nil {
				t.Error("a MAC key has a public key")
			}
		})
	}
}

var privateSpecs = []string{
	"RSA_2048", "RSA_3072", "RSA_4096",
	"ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519", "SM2",
	"ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024",
	"HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512",
}

func TestNewKeyPair(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{"RSA_2048", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_NIST_EDWARDS25519"} {
		private, public, err := sealed.NewKeyPair(t.Context(), spec)
		if err != nil {
			t.Fatalf("%s: %v", spec, err)
		}
		key, err := x509.ParsePKCS8PrivateKey([]byte(shown(private)))
		if err != nil {
			t.Fatalf("%s: %v", spec, err)
		}
		want, err := x509.MarshalPKIXPublicKey(key.(interface{ Public() crypto.PublicKey }).Public())
		if err != nil || !bytes.Equal(public, want) {
			t.Errorf("%s: the public key is not that of the private key, %v", spec, err)
		}
	}
	// ML-KEM keys are in seed form, of RFC 9935, which crypto/x509 does not read.
	for spec, expand := range map[string]func([]byte) (crypto.Decapsulator, error){
		"ML_KEM_768":  func(seed []byte) (crypto.Decapsulator, error) { return mlkem.NewDecapsulationKey768(seed) },
		"ML_KEM_1024": func(seed []byte) (crypto.Decapsulator, error) { return mlkem.NewDecapsulationKey1024(seed) },
	} {
		private, public, err := sealed.NewKeyPair(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		p, err := pkcs8.Parse([]byte(shown(private)))
		if err != nil || !bytes.HasPrefix(p.Key, []byte{0x80, mlkem.SeedSize}) {
			t.Fatalf("%s: %v", spec, err)
		}
		key, err := expand(p.Key[2:])
		if err != nil {
			t.Fatal(err)
		}
		algorithm, encoded, err := pkcs8.ParsePublic(public)
		if err != nil || !algorithm.Equal(p.Algorithm) || !bytes.Equal(encoded, key.Encapsulator().Bytes()) {
			t.Errorf("%s: the public key is not that of the private key, %v", spec, err)
		}
	}
	for _, spec := range []string{"SYMMETRIC_DEFAULT", "HMAC_256", "ML_DSA_44", "", "RSA_1024"} {
		if _, _, err := sealed.NewKeyPair(t.Context(), spec); err == nil {
			t.Errorf("drew a pair of the spec %q", spec)
		}
	}
}

// TestRSAWaits holds that RSA work ends with its context.
func TestRSAWaits(t *testing.T) {
	t.Parallel()
	ctx, cancel := ctxpkg.WithCancel(t.Context())
	cancel()
	if _, _, err := sealed.NewKeyPair(ctx, "RSA_4096"); !errors.Is(err, ctxpkg.Canceled) {
		t.Errorf("drew a key for nobody: %v", err)
	}
	m := made(t, newRing(t, account), "RSA_2048")
	if _, err := m.Sign(ctx, "RSASSA_PSS_SHA_256", sealed.Raw, secret("m")); !errors.Is(err, ctxpkg.Canceled) {
		t.Errorf("signed for nobody: %v", err)
	}
	if _, err := m.DecryptPrivate(ctx, "RSAES_OAEP_SHA_256", make([]byte, 256)); !errors.Is(err, ctxpkg.Canceled) {
		t.Errorf("decrypted for nobody: %v", err)
	}
}
