package sealed

import (
	"bytes"
	"crypto/fips140"
	"encoding/hex"
	"errors"
	"os"
	"testing"

	"claviger/internal/ground/sealed/pkcs8"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestHashedEdwards is the example of RFC 8032 §7.3. What the caller gives for a
// digest is the message there: the service hashes it (once more).
func TestHashedEdwards(t *testing.T) {
	t.Parallel()
	seed := unhex(t, "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42")
	k, err := takeEdwards(pkcs8.Marshal(edwardsAlgorithm, append([]byte{4, 32}, seed...)))
	if err != nil {
		t.Fatal(err)
	}
	want := unhex(t, "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406")
	got, err := k.(signer).sign(t.Context(), "ED25519_PH_SHA_512", Digest, []byte("abc"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, %v", got, err)
	}
}

// TestStandardSM2 has the examples of GB/T 32918.5 annexes A and C.
func TestStandardSM2(t *testing.T) {
	t.Parallel()
	if fips140.Enabled() {
		t.Skip("not in FIPS 140-3 mode")
	}
	scalar := unhex(t, "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
	public := unhex(t, "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13")
	k, err := takeSM2(pkcs8.MarshalEC(sm2Curve, scalar, public))
	if err != nil {
		t.Fatal(err)
	}
	signature := unhex(t, "3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa")
	if !k.(signer).verify("SM2DSA", Raw, []byte("message digest"), signature) {
		t.Error("the signature does not verify")
	}
	ciphertext := unhex(t, "307c022004ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73022100e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"+
		"042059983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766041321886ca989ca9c7d58087307ca93092d651efa")
	got, err := k.(opener).open(t.Context(), "SM2PKE", ciphertext)
	if err != nil || string(got) != "encryption standard" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestPrivateVectors holds the wrapped forms of private keys against what an
// independent implementation computed.
func TestPrivateVectors(t *testing.T) {
	t.Parallel()
	var file struct {
		Materials []struct {
			AccountKey, Installation            octets
			Binding                             Binding
			N, IV, Encoded, MaterialID, Wrapped octets
		}
		WrappingKeys []struct {
			AccountKey, Associated, N, IV octets
			Spec                          string
			Encoded, Sealed               octets
		}
	}
	readVectors(t, "testdata/private.json", &file)
	counted(t, "materials", len(file.Materials), 17)
	for _, v := range file.Materials {
		if approve(Approved(v.Binding.Spec)) != nil {
			continue
		}
		ring := &Keyring{installation: [16]byte(v.Installation)}
		account := keyOf(v.AccountKey)
		ring.accounts.Store(v.Binding.Account, &generations{keys: []*key{account}})
		m, err := ring.Unwrap(v.Binding, v.Wrapped)
		if err != nil {
			t.Fatalf("%s: %v", v.Binding.Spec, err)
		}
		same(t, v.Binding.Spec, m.private.get().encode(), v.Encoded)
		same(t, v.Binding.Spec, account.box(labelMaterial, nil, privatePrefix, variatesOf(v.N, v.IV), ring.materialBinding(&v.Binding), v.Encoded), v.Wrapped)
		if m.ID() != hex.EncodeToString(v.MaterialID) {
			t.Errorf("%s: material id %s, not %x", v.Binding.Spec, m.ID(), v.MaterialID)
		}
	}
	counted(t, "wrapping keys", len(file.WrappingKeys), 1)
	for _, v := range file.WrappingKeys {
		ring := &Keyring{}
		ring.accounts.Store("a", &generations{keys: []*key{keyOf(v.AccountKey)}})
		w, err := ring.OpenWrappingKey("a", v.Associated, v.Sealed)
		if err != nil || w.spec != v.Spec {
			t.Fatalf("%s: %v", v.Spec, err)
		}
		same(t, v.Spec, w.private.get().encode(), v.Encoded)
	}
}

func TestSM2Wrapping(t *testing.T) {
	t.Parallel()
	if fips140.Enabled() {
		t.Skip("not in FIPS 140-3 mode")
	}
	w, err := NewWrappingKey(t.Context(), "SM2")
	if err != nil {
		t.Fatal(err)
	}
	ring := &Keyring{}
	ring.accounts.Store("a", &generations{keys: []*key{drawKey()}})
	kept, err := ring.SealWrappingKey("a", nil, w)
	if err != nil {
		t.Fatal(err)
	}
	public := w.PublicKey()
	if w, err = ring.OpenWrappingKey("a", nil, kept); err != nil || !bytes.Equal(w.PublicKey(), public) {
		t.Fatalf("another key, %v", err)
	}
	wrapped, err := w.private.get().(opener).seal("SM2PKE", []byte("material"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.unwrap(t.Context(), "SM2PKE", wrapped); err != nil || string(got) != "material" {
		t.Errorf("%q, %v", got, err)
	}
	for i := range wrapped {
		wrapped[i] ^= 1
		if _, err := w.unwrap(t.Context(), "SM2PKE", wrapped); err != ErrCiphertext {
			t.Errorf("byte %d altered: %v", i, err)
		}
		wrapped[i] ^= 1
	}
	for _, algorithm := range []string{"", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_256"} {
		if _, err := w.unwrap(t.Context(), algorithm, wrapped); err == nil || errors.Is(err, ErrCiphertext) {
			t.Errorf("unwrapped with %q: %v", algorithm, err)
		}
	}
}

// FuzzUnwrapImport throws bytes at a wrapping key: what comes is material or the
// one error.
func FuzzUnwrapImport(f *testing.F) {
	der, err := os.ReadFile("testdata/keys/rsa_2048.der")
	if err != nil {
		f.Fatal(err)
	}
	k, err := readRSA(der, 2048)
	if err != nil {
		f.Fatal(err)
	}
	w := &WrappingKey{"RSA_2048", hide(k)}
	under, err := k.seal("RSAES_OAEP_SHA_256", make([]byte, 32))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(under, make([]byte, 24)...))
	f.Add(under)
	f.Fuzz(func(t *testing.T, wrapped []byte) {
		for _, algorithm := range []string{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"} {
			if _, err := w.Unwrap(t.Context(), algorithm, wrapped); err != nil && err != ErrCiphertext {
				t.Errorf("%s: %v", algorithm, err)
			}
		}
	})
}

// FuzzForeign throws bytes at the keys that read something of others: public
// keys, ciphertexts and signatures.
func FuzzForeign(f *testing.F) {
	var keys []private
	for _, name := range []string{"SM2", "ECC_NIST_P256", "ECC_SECG_P256K1", "ML_DSA_44", "ML_KEM_512"} {
		s, err := specNamed(name)
		if err != nil {
			f.Skip(err)
		}
		k, err := s.draw(f.Context())
		if err != nil {
			f.Fatal(err)
		}
		keys = append(keys, k)
		f.Add(k.(hasPublic).spki())
	}
	ciphertext, err := keys[0].(opener).seal("SM2PKE", []byte("p"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ciphertext)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, k := range keys {
			if k, ok := k.(agreer); ok {
				if secret, err := k.agree(b); err == nil && len(secret) != 32 || err != nil && !errors.Is(err, ErrPublicKey) {
					t.Errorf("agreed on %x, %v", secret, err)
				}
			}
			if k, ok := k.(opener); ok {
				if _, err := k.open(t.Context(), "SM2PKE", b); err != nil && err != ErrCiphertext {
					t.Errorf("opened: %v", err)
				}
			}
			if k, ok := k.(encapsulator); ok {
				if secret, err := k.decapsulate(b); err == nil && len(secret) != 32 || err != nil && err != ErrCiphertext {
					t.Errorf("decapsulated %x, %v", secret, err)
				}
			}
			if k, ok := k.(signer); ok {
				digest := make([]byte, 32)
				if k.verify("", Digest, digest, b) {
					t.Errorf("accepted the signature %x", b)
				}
			}
		}
	})
}
