package sealed_test

import (
	"bytes"
	"crypto/fips140"
	"crypto/rand"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/words/confidential"
)

// An openssl runs the command of that name in a folder of its own.
type openssl struct {
	t   *testing.T
	dir string
}

func newOpenSSL(t *testing.T) openssl {
	t.Helper()
	if fips140.Enabled() {
		t.Skip("once is enough")
	}
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed")
	}
	return openssl{t, t.TempDir()}
}

// try runs a command whose words are separated by blanks.
func (o openssl) try(command string) error {
	o.t.Helper()
	cmd := exec.Command("openssl", strings.Fields(command)...)
	cmd.Dir = o.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		o.t.Logf("openssl %s: %v\n%s", command, err, out)
	}
	return err
}

func (o openssl) run(command string) {
	o.t.Helper()
	if o.try(command) != nil {
		o.t.FailNow()
	}
}

func (o openssl) write(name string, b []byte) {
	o.t.Helper()
	if err := os.WriteFile(filepath.Join(o.dir, name), b, 0o600); err != nil {
		o.t.Fatal(err)
	}
}

func (o openssl) read(name string) []byte {
	o.t.Helper()
	b, err := os.ReadFile(filepath.Join(o.dir, name))
	if err != nil {
		o.t.Fatal(err)
	}
	return b
}

// key makes a key with OpenSSL as "key", its public key as "public", and imports
// it. It skips the test where OpenSSL does not know such keys.
func (o openssl) key(ring *sealed.Keyring, spec, generate string) *sealed.Material {
	o.t.Helper()
	if strings.HasPrefix(spec, "RSA_") {
		o.write("key", fixedKey(o.t, spec))
	} else {
		if o.try("genpkey "+generate+" -out key.pem") != nil {
			o.t.Skip("this OpenSSL does not make such keys")
		}
		o.run("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key")
	}
	o.run("pkey -inform DER -in key -pubout -outform DER -out public")
	m, err := importKey(ring, spec, o.read("key"))
	if err != nil {
		o.t.Fatal(err)
	}
	if public, err := m.PublicKey(); err != nil || !bytes.Equal(public, o.read("public")) {
		o.t.Errorf("%s: the public keys differ, %v", spec, err)
	}
	return m
}

// opensslKeys are the words by which OpenSSL makes keys.
var opensslKeys = map[string]string{
	"RSA_2048": "", "RSA_3072": "",
	"ECC_NIST_P256":         "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
	"ECC_NIST_P384":         "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
	"ECC_NIST_P521":         "-algorithm EC -pkeyopt ec_paramgen_curve:P-521",
	"ECC_SECG_P256K1":       "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
	"ECC_NIST_EDWARDS25519": "-algorithm ED25519",
	"SM2":                   "-algorithm SM2",
}

// TestOpenSSLSignatures has each side verify what the other signed.
func TestOpenSSLSignatures(t *testing.T) {
	t.Parallel()
	pss := func(bits string) string {
		return "dgst -sha" + bits + " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sigopt rsa_mgf1_md:sha" + bits
	}
	ring := newRing(t, account)
	for _, v := range []struct{ spec, algorithm, command string }{
		{"RSA_2048", "RSASSA_PSS_SHA_256", pss("256")},
		{"RSA_2048", "RSASSA_PSS_SHA_384", pss("384")},
		{"RSA_3072", "RSASSA_PSS_SHA_512", pss("512")},
		{"RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", "dgst -sha256"},
		{"RSA_2048", "RSASSA_PKCS1_V1_5_SHA_384", "dgst -sha384"},
		{"RSA_3072", "RSASSA_PKCS1_V1_5_SHA_512", "dgst -sha512"},
		{"ECC_NIST_P256", "ECDSA_SHA_256", "dgst -sha256"},
		{"ECC_NIST_P384", "ECDSA_SHA_384", "dgst -sha384"},
		{"ECC_NIST_P521", "ECDSA_SHA_512", "dgst -sha512"},
		{"ECC_SECG_P256K1", "ECDSA_SHA_256", "dgst -sha256"},
		{"ECC_NIST_EDWARDS25519", "ED25519_SHA_512", "pkeyutl -rawin"},
		{"SM2", "SM2DSA", "pkeyutl -rawin -digest sm3 -pkeyopt distid:1234567812345678"},
	} {
		t.Run(v.spec+"/"+v.algorithm, func(t *testing.T) {
			t.Parallel()
			o := newOpenSSL(t)
			m := o.key(ring, v.spec, opensslKeys[v.spec])
			sign := v.command + " -keyform DER -sign key -out signature message"
			verify := v.command + " -keyform DER -verify public -signature signature message"
			if strings.HasPrefix(v.command, "pkeyutl") {
				sign = v.command + " -sign -keyform DER -inkey key -in message -out signature"
				verify = v.command + " -verify -keyform DER -pubin -inkey public -in message -sigfile signature"
			}
			for i := range 8 { // both values of s, and short numbers
				message := append([]byte("message "), byte(i))
				o.write("message", message)
				o.run(sign)
				if ok, err := m.Verify(v.algorithm, sealed.Raw, confidential.New(slices.Clone(message)), o.read("signature")); !ok || err != nil {
					t.Errorf("OpenSSL's signature does not verify, %v", err)
				}
				if strings.HasPrefix(v.spec, "RSA") && i > 0 {
					break
				}
			}
			message := o.read("message")
			signature, err := m.Sign(t.Context(), v.algorithm, sealed.Raw, confidential.New(slices.Clone(message)))
			if err != nil {
				t.Fatal(err)
			}
			o.write("signature", signature)
			o.run(verify)
			o.write("message", append(message, 'x'))
			if o.try(verify) == nil {
				t.Error("OpenSSL accepts another message")
			}
		})
	}
}

// TestOpenSSLEncryption has each side decrypt what the other encrypted.
func TestOpenSSLEncryption(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	for _, v := range []struct{ spec, algorithm, options string }{
		{"RSA_2048", "RSAES_OAEP_SHA_1", "-pkeyopt rsa_padding_mode:oaep"},
		{"RSA_3072", "RSAES_OAEP_SHA_256", "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256"},
		{"SM2", "SM2PKE", "-pkeyopt digest:sm3"},
	} {
		t.Run(v.algorithm, func(t *testing.T) {
			t.Parallel()
			o := newOpenSSL(t)
			m := o.key(ring, v.spec, opensslKeys[v.spec])
			o.write("plaintext", []byte("plaintext"))
			o.run("pkeyutl -encrypt " + v.options + " -keyform DER -pubin -inkey public -in plaintext -out ciphertext")
			if back, err := m.DecryptPrivate(t.Context(), v.algorithm, o.read("ciphertext")); err != nil || shown(back) != "plaintext" {
				t.Errorf("OpenSSL's ciphertext: %v", err)
			}
			ciphertext, err := m.EncryptPublic(v.algorithm, secret("plaintext"))
			if err != nil {
				t.Fatal(err)
			}
			o.write("ciphertext", ciphertext)
			o.run("pkeyutl -decrypt " + v.options + " -keyform DER -inkey key -in ciphertext -out back")
			if back := o.read("back"); string(back) != "plaintext" {
				t.Errorf("OpenSSL decrypts %q", back)
			}
		})
	}
}

func TestOpenSSLAgreement(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	for _, spec := range []string{"ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"} {
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			o := newOpenSSL(t)
			m := o.key(ring, spec, opensslKeys[spec])
			_, peer, err := sealed.NewKeyPair(t.Context(), spec)
			if err != nil {
				t.Fatal(err)
			}
			o.write("peer", peer)
			o.run("pkeyutl -derive -keyform DER -inkey key -peerform DER -peerkey peer -out secret")
			if got, err := m.Agree(peer); err != nil || shown(got) != string(o.read("secret")) {
				t.Errorf("other secrets, %v", err)
			}
		})
	}
}

// TestOpenSSLPairs has OpenSSL read the private keys of pairs.
func TestOpenSSLPairs(t *testing.T) {
	t.Parallel()
	for spec := range opensslKeys {
		if spec == "RSA_3072" {
			continue
		}
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			o := newOpenSSL(t)
			private, public, err := sealed.NewKeyPair(t.Context(), spec)
			if err != nil {
				t.Fatal(err)
			}
			o.write("key", []byte(shown(private)))
			o.run("pkey -inform DER -in key -check -noout")
			o.run("pkey -inform DER -in key -pubout -outform DER -out public")
			if !bytes.Equal(o.read("public"), public) {
				t.Error("OpenSSL finds another public key")
			}
		})
	}
}

// TestOpenSSLWrapping imports an RSA key as the public documentation of
// ImportKeyMaterial shows it, with OpenSSL.
func TestOpenSSLWrapping(t *testing.T) {
	t.Parallel()
	o := newOpenSSL(t)
	w, err := sealed.NewWrappingKey(t.Context(), "RSA_2048")
	if err != nil {
		t.Fatal(err)
	}
	o.write("public", w.PublicKey())
	o.write("material", fixedKey(t, "RSA_3072"))
	kek := make([]byte, 32)
	_, _ = rand.Read(kek)
	o.write("kek", kek)
	o.run("pkeyutl -encrypt -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256 -keyform DER -pubin -inkey public -in kek -out first")
	if o.try("enc -id-aes256-wrap-pad -K "+hex.EncodeToString(kek)+" -iv A65959A6 -in material -out second") != nil {
		t.Skip("this OpenSSL does not wrap on the command line")
	}
	got, err := w.Unwrap(t.Context(), "RSA_AES_KEY_WRAP_SHA_256", append(o.read("first"), o.read("second")...))
	if err != nil || !bytes.Equal([]byte(shown(got)), fixedKey(t, "RSA_3072")) {
		t.Errorf("OpenSSL's wrapped key: %v", err)
	}
}
