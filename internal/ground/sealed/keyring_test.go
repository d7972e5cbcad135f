package sealed_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/words/confidential"
)

const (
	account = "111122223333"
	other   = "444455556666"
)

var _ store.Sealer = (*sealed.Keyring)(nil)

func newRoot(t testing.TB) *sealed.RootKey {
	t.Helper()
	root, err := sealed.NewRootKey(sealed.Random(32))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// newRing returns a ring that knows the accounts.
func newRing(t testing.TB, accounts ...string) *sealed.Keyring {
	t.Helper()
	ring, _, err := sealed.Create(newRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range accounts {
		addAccount(t, ring, a)
	}
	return ring
}

func addAccount(t testing.TB, ring *sealed.Keyring, account string) []byte {
	t.Helper()
	wrapped, err := ring.Draw(account)
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Install(account, wrapped); err != nil {
		t.Fatal(err)
	}
	return wrapped
}

func TestRootKeyLength(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 16, 31, 33, 64} {
		if _, err := sealed.NewRootKey(sealed.Random(n)); err == nil {
			t.Errorf("a root key of %d bytes was taken", n)
		}
	}
	if _, err := sealed.NewRootKey(confidential.Bytes{}); err == nil {
		t.Error("an absent root key was taken")
	}
}

func TestReopen(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	ring, header, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	wrapped := addAccount(t, ring, account)
	row, err := ring.Seal(account, []byte("associated"), []byte("body"))
	if err != nil {
		t.Fatal(err)
	}

	again, err := sealed.Open(header, root)
	if err != nil {
		t.Fatal(err)
	}
	if again.Installation() != ring.Installation() || len(again.Installation()) != 32 {
		t.Errorf("installation %s became %s", ring.Installation(), again.Installation())
	}
	if again.Known(account) {
		t.Error("an account is known before its key is installed")
	}
	if _, err := again.Open(account, []byte("associated"), row); err == nil || errors.Is(err, sealed.ErrCiphertext) {
		t.Errorf("opening without a key: %v", err)
	}
	if err := again.Install(account, wrapped); err != nil {
		t.Fatal(err)
	}
	if !again.Known(account) || again.Known(other) || again.Known("") {
		t.Error("the wrong accounts are known")
	}
	body, err := again.Open(account, []byte("associated"), row)
	if err != nil || string(body) != "body" {
		t.Errorf("body %q, %v", body, err)
	}
}

func TestRewrap(t *testing.T) {
	t.Parallel()
	before, after := newRoot(t), newRoot(t)
	ring, _, err := sealed.Create(before)
	if err != nil {
		t.Fatal(err)
	}
	wrapped := addAccount(t, ring, account)
	header := ring.Rewrap(after)
	if _, err := sealed.Open(header, before); !errors.Is(err, sealed.ErrRootKey) {
		t.Errorf("the root key of before: %v", err)
	}
	again, err := sealed.Open(header, after)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Install(account, wrapped); err != nil {
		t.Error(err)
	}
	if again.Installation() != ring.Installation() {
		t.Error("the installation changed")
	}
}

func TestWrongRootKey(t *testing.T) {
	t.Parallel()
	_, header, err := sealed.Create(newRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = sealed.Open(header, newRoot(t))
	if !errors.Is(err, sealed.ErrRootKey) || errors.Is(err, sealed.ErrCiphertext) {
		t.Errorf("got %v", err)
	}
}

func TestDamagedHeader(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	_, header, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	try := func(b []byte) {
		t.Helper()
		if ring, err := sealed.Open(b, root); ring != nil || !errors.Is(err, sealed.ErrCiphertext) || errors.Is(err, sealed.ErrRootKey) {
			t.Errorf("%x: got %v", b, err)
		}
	}
	n := 0
	for i := range header {
		b := bytes.Clone(header)
		b[i] ^= 1
		try(b)
		try(header[:i])
		n += 2
	}
	try(append(bytes.Clone(header), 0))
	if n != 2*169 {
		t.Errorf("%d cases ran", n)
	}
}

// TestAlteredHeader changes each byte and corrects the sum, as somebody would
// who means it.
func TestAlteredHeader(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	_, header, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	resum := func(b []byte) []byte {
		sum := sha256.Sum256(b)
		return append(b, sum[:]...)
	}
	body := header[:len(header)-sha256.Size]
	for i := range body {
		b := bytes.Clone(body)
		b[i] ^= 1
		_, err := sealed.Open(resum(b), root)
		switch {
		case i == 8: // version
			if err == nil || errors.Is(err, sealed.ErrCiphertext) || !strings.Contains(err.Error(), "version 0") {
				t.Errorf("version: %v", err)
			}
		case i >= 9 && i < 25, i >= 29 && i < 61: // installation, root check
			if !errors.Is(err, sealed.ErrRootKey) {
				t.Errorf("byte %d: %v", i, err)
			}
		case !errors.Is(err, sealed.ErrCiphertext):
			t.Errorf("byte %d: %v", i, err)
		}
	}
	if _, err := sealed.Open(resum(append(bytes.Clone(body), 0)), root); !errors.Is(err, sealed.ErrCiphertext) {
		t.Errorf("longer: %v", err)
	}
}

func TestInstallRefuses(t *testing.T) {
	t.Parallel()
	ring := newRing(t)
	wrapped, err := ring.Draw(account)
	if err != nil {
		t.Fatal(err)
	}
	if ring.Known(account) {
		t.Error("Draw installed the key")
	}
	refuse := func(what string, r *sealed.Keyring, account string, b []byte) {
		t.Helper()
		if err := r.Install(account, b); !errors.Is(err, sealed.ErrCiphertext) {
			t.Errorf("%s: %v", what, err)
		}
		if r.Known(account) {
			t.Errorf("%s: installed all the same", what)
		}
	}
	refuse("other account", ring, other, wrapped)
	refuse("no account", ring, "", wrapped)
	refuse("other installation", newRing(t), account, wrapped)
	refuse("nothing", ring, account, nil)
	for i := range wrapped {
		b := bytes.Clone(wrapped)
		b[i] ^= 0x80
		refuse("altered", ring, account, b)
		refuse("cut", ring, account, wrapped[:i])
	}
	refuse("longer", ring, account, append(bytes.Clone(wrapped), 0))
}

// TestInstallReplaces is two writers that draw a key for one account: the one
// whose key was stored wins in both.
func TestInstallReplaces(t *testing.T) {
	t.Parallel()
	ring := newRing(t)
	stored, lost := addAccount(t, ring, account), addAccount(t, ring, account)
	if bytes.Equal(stored, lost) {
		t.Fatal("the same key was drawn twice")
	}
	row, err := ring.Seal(account, nil, []byte("lost"))
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Install(account, stored); err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Open(account, nil, row); !errors.Is(err, sealed.ErrCiphertext) {
		t.Errorf("the replaced key still opens: %v", err)
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account, other, "")
	for _, size := range []int{0, 1, 300, 1 << 17} {
		body := bytes.Repeat([]byte{'x'}, size)
		row, err := ring.Seal(account, []byte("table, key"), body)
		if err != nil {
			t.Fatal(err)
		}
		if size > 16 && bytes.Contains(row, body[:16]) {
			t.Error("the body shows")
		}
		got, err := ring.Open(account, []byte("table, key"), row)
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if _, err := ring.Seal("nobody", nil, nil); err == nil {
		t.Error("sealed under an account without a key")
	}
}

func TestRowsRefuse(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account, other, "")
	row, err := ring.Seal(account, []byte("associated"), []byte("body"))
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(what, account, associated string, b []byte) {
		t.Helper()
		if got, err := ring.Open(account, []byte(associated), b); got != nil || err != sealed.ErrCiphertext {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	refuse("other account", other, "associated", row)
	refuse("the installation", "", "associated", row)
	refuse("other association", account, "associate", row)
	refuse("no association", account, "", row)
	refuse("nothing", account, "associated", nil)
	for i := range row {
		b := bytes.Clone(row)
		b[i] ^= 1
		refuse("altered", account, "associated", b)
		refuse("cut", account, "associated", row[:i])
	}
	refuse("longer", account, "associated", append(bytes.Clone(row), 0))
}

// TestRowsMoved puts a byte from the associated data into the row and back.
func TestRowsMoved(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	first, err := ring.Seal(account, []byte("a"), []byte("body"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := ring.Seal(account, []byte("a"), []byte("body"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first, second) || bytes.Equal(first[1:29], second[1:29]) {
		t.Error("two rows share N and IV")
	}
	swapped := append(bytes.Clone(first[:29]), second[29:]...)
	if _, err := ring.Open(account, []byte("a"), swapped); err != sealed.ErrCiphertext {
		t.Errorf("header of one row, ciphertext of another: %v", err)
	}
}

func TestKeyringConcurrently(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	row, err := ring.Seal(account, nil, []byte("body"))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		mine := strings.Repeat(string(rune('0'+i)), 12)
		wg.Go(func() {
			for range 50 {
				wrapped, err := ring.Draw(mine)
				if err == nil {
					err = ring.Install(mine, wrapped)
				}
				if err != nil {
					t.Error(err)
					return
				}
				own, err := ring.Seal(mine, nil, []byte(mine))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := ring.Open(mine, nil, own); err != nil || string(got) != mine {
					t.Errorf("%q, %v", got, err)
				}
				if got, err := ring.Open(account, nil, row); err != nil || string(got) != "body" {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestInstallationIsHex(t *testing.T) {
	t.Parallel()
	a, b := newRing(t), newRing(t)
	if _, err := hex.DecodeString(a.Installation()); err != nil {
		t.Error(err)
	}
	if a.Installation() == b.Installation() {
		t.Error("two installations have one id")
	}
}

func FuzzOpenHeader(f *testing.F) {
	root := newRoot(f)
	_, header, err := sealed.Create(root)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(header)
	f.Add(header[:100])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range [][]byte{b, func() []byte { s := sha256.Sum256(b); return append(bytes.Clone(b), s[:]...) }()} {
			if ring, err := sealed.Open(b, root); (ring == nil) == (err == nil) || ring != nil && !bytes.Equal(b, header) {
				t.Errorf("opened %x: %v", b, err)
			}
		}
	})
}

func FuzzInstall(f *testing.F) {
	ring := newRing(f)
	wrapped, err := ring.Draw(account)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(account, wrapped)
	f.Add("", []byte{1})
	f.Fuzz(func(t *testing.T, a string, b []byte) {
		err := ring.Install(a, b)
		if right := a == account && bytes.Equal(b, wrapped); right != (err == nil) {
			t.Errorf("%q, %x: %v", a, b, err)
		}
	})
}
