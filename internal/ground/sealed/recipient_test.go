package sealed_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"claviger/internal/ground/attestation/attestationtest"
	"claviger/internal/ground/sealed"
	"claviger/internal/words/confidential"
)

func spki(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func envelop(t *testing.T, r *sealed.Recipient, plaintext []byte) []byte {
	t.Helper()
	message, err := r.Envelop(confidential.New(bytes.Clone(plaintext)))
	if err != nil {
		t.Fatal(err)
	}
	return message
}

func environment(t *testing.T) *sealed.Recipient {
	t.Helper()
	r, err := sealed.NewRecipient(attestationtest.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEnvelop(t *testing.T) {
	t.Parallel()
	r := environment(t)
	long := bytes.Repeat([]byte("0123456789abcdef"), 256)
	for _, n := range []int{0, 1, 15, 16, 17, 32, 111, 112, 127, 128, 239, 240, 256, 4095, 4096} {
		message := envelop(t, r, long[:n])
		plaintext, err := attestationtest.Open(message)
		if err != nil || !bytes.Equal(plaintext, long[:n]) {
			t.Errorf("%d bytes: %v, %d bytes", n, err, len(plaintext))
		}
		if len(message) > 6144 {
			t.Errorf("%d bytes become %d", n, len(message))
		}
	}
	if bytes.Equal(envelop(t, r, nil), envelop(t, r, nil)) {
		t.Error("two messages are equal")
	}
}

// observed is what AWS answered for a data key of 32 bytes, as the tests of the
// AWS Nitro Enclaves SDK for C have it: the bytes that are the same for all keys
// and messages, and how many lie between them.
var observed = regexp.MustCompile(`^308006092a864886f70d010703a08030800201023182016b30820167020102` + // one recipient,
	`8020([0-9a-f]{64})` + // by the id of its key,
	`303c06092a864886f70d010107302fa00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500` +
	`04820100[0-9a-f]{512}` + // and the key of the content for it;
	`308006092a864886f70d010701301d060960864801650304012a0410[0-9a-f]{32}` + // the content,
	`a0800430[0-9a-f]{96}` + // in one piece,
	`00000000000000000000$`) // and five marks

func TestFormOfEnvelope(t *testing.T) {
	t.Parallel()
	id := sha256.Sum256(attestationtest.PublicKey())
	match := observed.FindStringSubmatch(hex.EncodeToString(envelop(t, environment(t), make([]byte, 32))))
	if match == nil || match[1] != hex.EncodeToString(id[:]) {
		t.Errorf("the form is another one: %q", match)
	}
}

// TestEnvelopeOpenSSL: another reader opens what we send.
func TestEnvelopeOpenSSL(t *testing.T) {
	t.Parallel()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	dir := t.TempDir()
	key := filepath.Join(dir, "key.pem")
	if err := os.WriteFile(key, attestationtest.KeyFile, 0o600); err != nil {
		t.Fatal(err)
	}
	r := environment(t)
	for _, n := range []int{1, 32, 4096} {
		plaintext := bytes.Repeat([]byte{'x'}, n)
		file := filepath.Join(dir, "message")
		if err := os.WriteFile(file, envelop(t, r, plaintext), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(openssl, "cms", "-decrypt", "-binary", "-inform", "DER", "-in", file, "-inkey", key).Output()
		if err != nil || !bytes.Equal(out, plaintext) {
			t.Errorf("%d bytes: %v, %d bytes", n, err, len(out))
		}
	}
}

func TestRecipientKeys(t *testing.T) {
	t.Parallel()
	modulus := func(bits int) *big.Int { // odd, of so many bits; nobody will decrypt
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		return n.Add(n, big.NewInt(1<<20+1))
	}
	for _, bits := range []int{2048, 3072, 4096} {
		r, err := sealed.NewRecipient(spki(t, &rsa.PublicKey{N: modulus(bits), E: 65537}))
		if err != nil {
			t.Errorf("%d bits: %v", bits, err)
			continue
		}
		if size := len(envelop(t, r, make([]byte, 4096))); size > 6144 {
			t.Errorf("%d bits: the longest answer has %d bytes", bits, size)
		}
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	whole := attestationtest.PublicKey()
	for name, der := range map[string][]byte{
		"2047 bits":     spki(t, &rsa.PublicKey{N: modulus(2047), E: 65537}),
		"4097 bits":     spki(t, &rsa.PublicKey{N: modulus(4097), E: 65537}),
		"exponent 3":    spki(t, &rsa.PublicKey{N: modulus(2048), E: 3}),
		"exponent even": spki(t, &rsa.PublicKey{N: modulus(2048), E: 65538}),
		"modulus even":  spki(t, &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537}),
		"P-384":         spki(t, &p384.PublicKey),
		"empty":         nil,
		"PKCS #1":       x509.MarshalPKCS1PublicKey(&attestationtest.Key().PublicKey),
		"trailing byte": append(bytes.Clone(whole), 0),
		"missing byte":  whole[:len(whole)-1],
	} {
		if _, err := sealed.NewRecipient(der); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// Whatever key is taken, the longest answer can be encrypted to it.
func FuzzRecipient(f *testing.F) {
	f.Add(attestationtest.PublicKey())
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := sealed.NewRecipient(der)
		if err != nil {
			return
		}
		if size := len(envelop(t, r, make([]byte, 4096))); size > 6144 {
			t.Errorf("%d bytes", size)
		}
	})
}
