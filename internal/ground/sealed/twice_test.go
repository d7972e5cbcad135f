package sealed

import (
	"bytes"
	"strings"
	"testing"

	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/pairs"
)

// Vectors of two layers, computed by another implementation on other libraries;
// docs/formats/ciphertext.md has them.
const (
	twiceInner = "87eb00cd58b21d1453f8844a7d3386719f72257cedecbd6c9adb5e5e"
	twiceBound = "0002000a6177733a6562733a69640015766f6c2d3039383736353433323167666564636261000d6177733a7264733a64622d6964000764622d31323334" +
		"002431323334616263642d313261622d333463642d353665662d313233343536373839306162"
	twiceBlob = "9c434c56010200011234abcd12ab34cd56ef1234567890ab0734ea629edcb986a507a21d4fd87ba8f1483f4edfb1d5e9b472b0103f07e2d4bff29c24882d9783a298d73c44b8a284" +
		"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf101112131415161718191a1b0cb0b1b2b3b4b5b6b7b8b9babb77416a688ef0b5acd4d9e1e1423136890d6b65795f76657273696f6e3d31" +
		"1ebe5a66b47fa64b140013e8b06e0eb31b4e6caef8c23259c415dcaf"
	twiceKey = "1234abcd-12ab-34cd-56ef-1234567890ab"
)

var twiceContext = pairs.Of(map[string]string{"aws:rds:db-id": "db-1234", "aws:ebs:id": "vol-0987654321gfedcba"})

func twiceMaterial(t *testing.T, keyID string) *Material {
	t.Helper()
	m, err := newMaterial(&Binding{Partition: "aws", Account: "111122223333", KeyID: keyID}, keyOf(unhex(t, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTwoLayersVector(t *testing.T) {
	t.Parallel()
	m := twiceMaterial(t, twiceKey)
	var v variates
	copy(v[:], unhex(t, "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf101112131415161718191a1b"))
	s := getScratch()
	defer s.release()
	blob := unhex(t, twiceBlob)
	same(t, "header and inner layer", m.sealInner(s, v, []byte("Hello World!"), twiceContext), append(bytes.Clone(blob[:100]), unhex(t, twiceInner)...))
	bound, err := OuterContext(twiceContext, twiceKey)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "what the outer layer is bound to", bound, unhex(t, twiceBound))
	inner, outer, err := SplitOuter(blob)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "whole ciphertext", inner.Blob(outer), blob)
	if string(outer.Metadata) != "key_version=1" || len(outer.IV) != 12 || len(outer.Tag) != 16 || len(outer.Ciphertext) != 28 {
		t.Errorf("the outer layer is %+v", outer)
	}
	if id, _, err := Named(blob); id != twiceKey || err != nil {
		t.Errorf("names key %s, %v", id, err)
	}
	opened, err := m.DecryptInner(inner, unhex(t, twiceInner), twiceContext)
	if err != nil || string(opened.Reveal(reveal.Token{})) != "Hello World!" {
		t.Errorf("opened %d bytes, %v", opened.Len(), err)
	}
}

// TestOuterContextIsHashed above 8192 bytes, which is all that an external key
// store must take.
func TestOuterContextIsHashed(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{8192 - 38 - 7: 8192, 8192 - 38 - 6: 32, 8185: 32} {
		b, err := OuterContext(pairs.Map{{Key: "n", Value: strings.Repeat("v", n)}}, twiceKey)
		if err != nil || len(b) != want {
			t.Errorf("%d bytes: %d, %v", n, len(b), err)
		}
		if n == 8185 {
			same(t, "hash", b, unhex(t, "e13b92b3f18bd97ac54d1c740328d25d0bfd29dbc429b459c6db3a8797d8a99a"))
		}
	}
}

// TestInnerLayerStandsAlone: nothing but the very message opens, whatever is done
// to the layer around it.
func TestInnerLayerStandsAlone(t *testing.T) {
	t.Parallel()
	m := twiceMaterial(t, twiceKey)
	plaintext := func(n int) confidential.Bytes { return confidential.New(bytes.Repeat([]byte{7}, n)) }
	if _, err := m.EncryptInner(plaintext(4097), nil); err == nil {
		t.Error("4097 bytes were sealed")
	}
	for _, n := range []int{0, 1, 4096} {
		i, err := m.EncryptInner(plaintext(n), twiceContext)
		if err != nil {
			t.Fatal(err)
		}
		whole := i.Blob(&Outer{IV: make([]byte, 12), Tag: make([]byte, 16), Ciphertext: i.Body()})
		split, outer, err := SplitOuter(whole)
		if err != nil {
			t.Fatal(err)
		}
		refused := func(what string, m *Material, i *Inner, body []byte, context pairs.Map) {
			t.Helper()
			if _, err := m.DecryptInner(i, body, context); err != ErrCiphertext {
				t.Errorf("%s: %v", what, err)
			}
		}
		if opened, err := m.DecryptInner(split, outer.Ciphertext, twiceContext); err != nil || opened.Len() != n {
			t.Errorf("%d bytes came back as %d, %v", n, opened.Len(), err)
		}
		flipped := bytes.Clone(outer.Ciphertext)
		flipped[len(flipped)-1] ^= 1
		refused("another tag", m, split, flipped, twiceContext)
		refused("a shorter body", m, split, outer.Ciphertext[:15], twiceContext)
		refused("a longer body", m, split, append(bytes.Clone(outer.Ciphertext), make([]byte, 4096)...), twiceContext)
		refused("another context", m, split, outer.Ciphertext, nil)
		refused("another key", twiceMaterial(t, "1234abcd-12ab-34cd-56ef-1234567890ac"), split, outer.Ciphertext, twiceContext)
		again, err := m.EncryptInner(plaintext(n), twiceContext)
		if err != nil {
			t.Fatal(err)
		}
		refused("another message's header", m, again, outer.Ciphertext, twiceContext)
		// A message of one layer is none of two, even with the same bytes.
		if _, err := m.Decrypt(append(bytes.Clone(whole[:100]), i.Body()...), twiceContext); err != ErrCiphertext {
			t.Errorf("opened as one layer: %v", err)
		}
	}
}
