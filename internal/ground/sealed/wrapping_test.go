package sealed_test

import (
	"bytes"

	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/kwp"
)

// wrapFor does what a client does with the answer of GetParametersForImport.
func wrapFor(t testing.TB, public []byte, algorithm string, kek, material []byte) []byte {
	t.Helper()
	parsed, err := x509.ParsePKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.New()
	if strings.HasSuffix(algorithm, "_SHA_1") {
		hash = sha1.New()
	}
	input := material
	if strings.HasPrefix(algorithm, "RSA_AES") {
		input = kek
	}
	wrapped, err := rsa.EncryptOAEP(hash, rand.Reader, parsed.(*rsa.PublicKey), input, nil)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(algorithm, "RSA_AES") {
		rest, err := kwp.Wrap(kek, material)
		if err != nil {
			t.Fatal(err)
		}
		wrapped = append(wrapped, rest...)
	}
	return wrapped
}

func TestWrappingKey(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account, other)
	w, err := sealed.NewWrappingKey(t.Context(), "RSA_2048")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := ring.SealWrappingKey(account, []byte("token"), w)
	if err != nil {
		t.Fatal(err)
	}
	if w, err = ring.OpenWrappingKey(account, []byte("token"), kept); err != nil {
		t.Fatal(err)
	}
	material := bytes.Repeat([]byte{7}, 33)
	kek := bytes.Repeat([]byte{9}, 32)
	for _, algorithm := range []string{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"} {
		wrapped := wrapFor(t, w.PublicKey(), algorithm, kek, material)
		got, err := w.Unwrap(t.Context(), algorithm, wrapped)
		if err != nil || shown(got) != string(material) {
			t.Fatalf("%s: %v", algorithm, err)
		}
		altered := func(at int) []byte {
			b := slices.Clone(wrapped)
			b[at] ^= 1
			return b
		}
		for what, wrong := range map[string][]byte{
			"nothing":           nil,
			"no AES key":        wrapped[256:],
			"one byte less":     wrapped[:len(wrapped)-1],
			"one byte more":     append(slices.Clone(wrapped), 0),
			"the AES key alone": wrapped[:255],
			"an altered start":  altered(1),
			"an altered end":    altered(len(wrapped) - 1),
			"another algorithm": wrapFor(t, w.PublicKey(), otherHash(algorithm), kek, material),
			"a short AES key":   wrapFor(t, w.PublicKey(), "RSAES_OAEP_SHA_256", nil, kek[:31]),
		} {
			if _, err := w.Unwrap(t.Context(), algorithm, wrong); err != sealed.ErrCiphertext {
				if what == "a short AES key" && algorithm == "RSAES_OAEP_SHA_256" {
					continue // which is material there
				}
				t.Errorf("%s, %s: %v", algorithm, what, err)
			}
		}
	}
	for _, algorithm := range []string{"", "RSAES_PKCS1_V1_5", "SM2PKE", "RSA_AES_KEY_WRAP_SHA_512"} {
		if _, err := w.Unwrap(t.Context(), algorithm, make([]byte, 300)); err == nil || errors.Is(err, sealed.ErrCiphertext) {
			t.Errorf("unwrapping with %q: %v", algorithm, err)
		}
	}
	for what, err := range map[string]error{
		"bound to something else": second(ring.OpenWrappingKey(account, []byte("Token"), kept)),
		"of another account":      second(ring.OpenWrappingKey(other, []byte("token"), kept)),
		"cut":                     second(ring.OpenWrappingKey(account, []byte("token"), kept[1:])),
		"empty":                   second(ring.OpenWrappingKey(account, []byte("token"), nil)),
	} {
		if !errors.Is(err, sealed.ErrCiphertext) {
			t.Errorf("a wrapping key %s: %v", what, err)
		}
	}
}

func second[A any](_ A, err error) error { return err }

func otherHash(algorithm string) string {
	if name, ok := strings.CutSuffix(algorithm, "_1"); ok {
		return name + "_256"
	}
	return strings.TrimSuffix(algorithm, "_256") + "_1"
}

func TestNewWrappingKeyRefuses(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{"", "RSA_1024", "RSA_", "ECC_NIST_P256", "SYMMETRIC_DEFAULT"} {
		if _, err := sealed.NewWrappingKey(t.Context(), spec); err == nil {
			t.Errorf("drew a wrapping key of the spec %q", spec)
		}
	}
}
