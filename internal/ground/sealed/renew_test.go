package sealed_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/words/confidential"
)

// TestRenew gives an account its next key: what the one before sealed goes on to
// open, what is sealed from then on does not open without the next master key.
func TestRenew(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	ring, before, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	first := addAccount(t, ring, account)
	addAccount(t, ring, "")
	binding := bound("SYMMETRIC_DEFAULT")
	old := sealAll(t, ring, binding)
	header, adopt, err := ring.Renew(root)
	if err != nil {
		t.Fatal(err)
	}
	if _, stale := ring.Generation(account); stale {
		t.Error("the key is old before the next master key is adopted")
	}
	adopt()
	if n, stale := ring.Generation(account); n != 1 || !stale {
		t.Errorf("%d keys, old %v", n, stale)
	}
	second := addAccount(t, ring, account)
	addAccount(t, ring, "")
	if n, stale := ring.Generation(account); n != 2 || stale {
		t.Errorf("after the next key: %d keys, old %v", n, stale)
	}
	fresh := sealAll(t, ring, binding)
	if !ring.Stale(account, old.row) || ring.Stale(account, fresh.row) || ring.Stale("unknown", old.row) {
		t.Error("what is stale is told wrongly")
	}
	about, err := sealed.Describe(header)
	if err != nil || about.MasterVersion != 2 || about.Installation.String() != ring.Installation() {
		t.Errorf("%+v, %v", about, err)
	}

	again, err := sealed.Open(header, root)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Install(account, second); !errors.Is(err, sealed.ErrCiphertext) {
		t.Errorf("the second key without the first: %v", err)
	}
	for _, wrapped := range [][]byte{first, second, second} {
		if err := again.Install(account, wrapped); err != nil {
			t.Fatal(err)
		}
	}
	if err := again.Install(account, first); !errors.Is(err, sealed.ErrCiphertext) {
		t.Errorf("the first key over the second: %v", err)
	}
	for what, boxes := range map[string]sealedThings{"before": old, "after": fresh} {
		boxes.open(t, what, again, binding, true)
	}
	if a, b := again.Secret("x").Hash(nil), ring.Secret("x").Hash(nil); a != b {
		t.Error("a secret changed with the master key")
	}

	without, err := sealed.Open(before, root)
	if err != nil {
		t.Fatal(err)
	}
	if err := without.Install(account, first); err != nil {
		t.Fatal(err)
	}
	if err := without.Install(account, second); !errors.Is(err, sealed.ErrCiphertext) {
		t.Errorf("the second key without its master key: %v", err)
	}
	old.open(t, "before, with the first master key", without, binding, true)
	fresh.open(t, "after, with the first master key", without, binding, false)
	for i := range 5 {
		b := bytes.Clone(fresh.row)
		b[i] ^= 1
		if _, err := ring.Open(account, nil, b); !errors.Is(err, sealed.ErrCiphertext) {
			t.Errorf("with byte %d altered: %v", i, err)
		}
		if _, err := ring.Open(account, nil, fresh.row[:i]); !errors.Is(err, sealed.ErrCiphertext) {
			t.Errorf("of %d bytes: %v", i, err)
		}
	}
}

// sealedThings are what an account's key seals.
type sealedThings struct{ row, material, private, wrapping []byte }

func sealAll(t *testing.T, ring *sealed.Keyring, b sealed.Binding) (s sealedThings) {
	t.Helper()
	var err error
	if s.row, err = ring.Seal(account, nil, []byte("row")); err != nil {
		t.Fatal(err)
	}
	if _, s.material, err = ring.Import(b, confidential.New(bytes.Repeat([]byte{7}, 32))); err != nil {
		t.Fatal(err)
	}
	if _, s.private, err = ring.Generate(t.Context(), bound("ECC_NIST_P256")); err != nil {
		t.Fatal(err)
	}
	pair, err := sealed.NewWrappingKey(t.Context(), "SM2")
	if err != nil { // not approved in FIPS 140-3 mode
		return s
	}
	if s.wrapping, err = ring.SealWrappingKey(account, nil, pair); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *sealedThings) open(t *testing.T, what string, ring *sealed.Keyring, b sealed.Binding, opens bool) {
	t.Helper()
	_, row := ring.Open(account, nil, s.row)
	_, material := ring.Unwrap(b, s.material)
	_, private := ring.Unwrap(bound("ECC_NIST_P256"), s.private)
	errs := []error{row, material, private}
	if s.wrapping != nil {
		_, err := ring.OpenWrappingKey(account, nil, s.wrapping)
		errs = append(errs, err)
	}
	for i, err := range errs {
		if (err == nil) != opens || err != nil && !errors.Is(err, sealed.ErrCiphertext) {
			t.Errorf("%s, thing %d: %v", what, i, err)
		}
	}
}

// TestMasters holds headers to their number of master keys.
func TestMasters(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	ring, _, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	for n := 2; n <= 255; n++ {
		header, adopt, err := ring.Renew(root)
		if err != nil {
			t.Fatal(err)
		}
		adopt()
		if n > 3 && n < 254 {
			continue
		}
		if again, err := sealed.Open(header, root); err != nil || again.Installation() != ring.Installation() {
			t.Errorf("%d master keys: %v", n, err)
		}
		if len(header) != 169+32*(n-1) {
			t.Errorf("%d master keys in %d bytes", n, len(header))
		}
		if _, err := sealed.Open(header, newRoot(t)); !errors.Is(err, sealed.ErrRootKey) {
			t.Errorf("%d master keys with another root key: %v", n, err)
		}
	}
	if _, _, err := ring.Renew(root); !errors.Is(err, sealed.ErrMasters) {
		t.Errorf("the 256th master key: %v", err)
	}
	if rewrapped := ring.Rewrap(newRoot(t)); len(rewrapped) != 169+32*254 {
		t.Errorf("rewrapped in %d bytes", len(rewrapped))
	}
}

// TestRenewVectors opens what another implementation made of two master keys and an
// account's second key.
func TestRenewVectors(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/renew.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ RootKey, Header, First, Second, Row, Associated, Plaintext string }
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	bin := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	root, err := sealed.NewRootKey(confidential.New(bin(v.RootKey)))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := sealed.Open(bin(v.Header), root)
	if err != nil {
		t.Fatal(err)
	}
	for _, wrapped := range []string{v.First, v.Second} {
		if err := ring.Install(account, bin(wrapped)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := ring.Open(account, bin(v.Associated), bin(v.Row)); err != nil || hex.EncodeToString(got) != v.Plaintext {
		t.Errorf("opened %x, %v", got, err)
	}
}
