package sealed_test

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	ring, header, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	again, err := sealed.Open(header, root)
	if err != nil {
		t.Fatal(err)
	}
	for size := range 70 {
		plaintext := bytes.Repeat([]byte{'x'}, size)
		token := ring.Secret("marker").Seal([]byte("associated"), plaintext)
		if strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("token %q is not URL-safe Base64 without padding", token)
		}
		got, err := again.Secret("marker").Open([]byte("associated"), token)
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestTokensRefuse(t *testing.T) {
	t.Parallel()
	ring := newRing(t)
	s := ring.Secret("marker")
	refuse := func(what string, s *sealed.Secret, associated, token string) {
		t.Helper()
		if got, err := s.Open([]byte(associated), token); err != sealed.ErrCiphertext || got != nil {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	// All lengths modulo 3, so that the last letter has 0, 2 and 4 spare bits.
	for size := range 3 {
		token := s.Seal([]byte("ListKeys"), make([]byte, size))
		refuse("other association", s, "ListAliases", token)
		refuse("other purpose", ring.Secret("grant-token"), "ListKeys", token)
		refuse("other installation", newRing(t).Secret("marker"), "ListKeys", token)
		refuse("padding", s, "ListKeys", token+"=")
		refuse("end of line", s, "ListKeys", token+"\n")
		refuse("end of line inside", s, "ListKeys", token[:9]+"\r\n"+token[9:])
		refuse("one more", s, "ListKeys", token+"A")
		refuse("nothing", s, "ListKeys", "")
		refuse("no Base64", s, "ListKeys", "a.b")
		const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		for i := range token {
			refuse("cut", s, "ListKeys", token[:i])
			next := letters[(strings.IndexByte(letters, token[i])+1)%64]
			refuse("altered", s, "ListKeys", token[:i]+string(next)+token[i+1:])
		}
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	ring, header, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	again, err := sealed.Open(header, root)
	if err != nil {
		t.Fatal(err)
	}
	hash := ring.Secret("grants").Hash([]byte("pairs"))
	if hash != again.Secret("grants").Hash([]byte("pairs")) {
		t.Error("another process of the installation hashes otherwise")
	}
	for what, differs := range map[string][32]byte{
		"input":        ring.Secret("grants").Hash([]byte("pair")),
		"purpose":      ring.Secret("grant").Hash([]byte("pairs")),
		"installation": newRing(t).Secret("grants").Hash([]byte("pairs")),
	} {
		if hash == differs {
			t.Errorf("the hash does not depend on the %s", what)
		}
	}
}

func TestSigner(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	ring, header, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	again, err := sealed.Open(header, root)
	if err != nil {
		t.Fatal(err)
	}
	s := ring.Signer()
	signature := s.Sign([]byte("checkpoint"))
	public := ed25519.PublicKey(again.Signer().Public())
	if !ed25519.Verify(public, []byte("checkpoint"), signature) {
		t.Error("another process of the installation does not verify the signature")
	}
	if ed25519.Verify(public, []byte("checkpoints"), signature) || ed25519.Verify(newRing(t).Signer().Public(), []byte("checkpoint"), signature) {
		t.Error("the signature is good for something else")
	}
	s.Public()[0] ^= 1
	if !bytes.Equal(s.Public(), public) {
		t.Error("the public key can be changed from outside")
	}
}

func TestSegments(t *testing.T) {
	t.Parallel()
	ring := newRing(t)
	salt := bytes.Repeat([]byte{1}, 32)
	c := ring.Cipher(salt)
	entry := c.Seal([]byte("before"), 7, []byte("segment"), []byte("entry"))
	if string(entry[:6]) != "before" || len(entry) != 6+5+c.Overhead() {
		t.Fatalf("sealed %d bytes", len(entry))
	}
	entry = entry[6:]
	if got, err := ring.Cipher(salt).Open([]byte("x"), 7, []byte("segment"), entry); err != nil || string(got) != "xentry" {
		t.Errorf("%q, %v", got, err)
	}
	refuse := func(what string, c sealed.SegmentCipher, sequence uint64, associated string, b []byte) {
		t.Helper()
		if got, err := c.Open(nil, sequence, []byte(associated), b); err != sealed.ErrCiphertext || got != nil {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	refuse("other number", c, 8, "segment", entry)
	refuse("number shifted", c, 7<<32, "segment", entry)
	refuse("other association", c, 7, "segments", entry)
	refuse("other salt", ring.Cipher(bytes.Repeat([]byte{2}, 32)), 7, "segment", entry)
	refuse("other installation", newRing(t).Cipher(salt), 7, "segment", entry)
	refuse("nothing", c, 7, "segment", nil)
	for i := range entry {
		b := bytes.Clone(entry)
		b[i] ^= 1
		refuse("altered", c, 7, "segment", b)
		refuse("cut", c, 7, "segment", entry[:i])
	}
}

func TestSegmentSaltLength(t *testing.T) {
	t.Parallel()
	ring := newRing(t)
	for _, n := range []int{0, 31, 33} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a salt of %d bytes was taken", n)
				}
			}()
			ring.Cipher(make([]byte, n))
		}()
	}
}

func FuzzToken(f *testing.F) {
	s := newRing(f).Secret("marker")
	token := s.Seal([]byte("a"), []byte("plaintext"))
	f.Add("a", token)
	f.Add("", "AA")
	f.Add("a", token+"\n")
	f.Fuzz(func(t *testing.T, associated, b string) {
		got, err := s.Open([]byte(associated), b)
		if associated == "a" && b == token {
			if err != nil || string(got) != "plaintext" {
				t.Error(err)
			}
		} else if err != sealed.ErrCiphertext {
			t.Errorf("%q opened with %q: %v", b, associated, err)
		}
	})
}

// TestKept: a secret that is kept comes back whole, and only where it was bound to.
func TestKept(t *testing.T) {
	t.Parallel()
	s := newRing(t).Secret("passwords")
	for _, plain := range []string{"", "a password"} {
		kept := s.Keep([]byte("store 1"), confidential.New([]byte(plain)))
		if strings.Contains(kept, "password") {
			t.Errorf("kept in clear: %q", kept)
		}
		got, err := s.Kept([]byte("store 1"), kept)
		if err != nil || string(got.Reveal(reveal.Token{})) != plain {
			t.Errorf("%q came back as %d bytes, %v", plain, got.Len(), err)
		}
		if _, err := s.Kept([]byte("store 2"), kept); err != sealed.ErrCiphertext {
			t.Errorf("opened elsewhere: %v", err)
		}
	}
}
