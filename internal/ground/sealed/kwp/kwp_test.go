package kwp_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"claviger/internal/ground/sealed/kwp"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestVectors has the examples of RFC 5649 §6.
func TestVectors(t *testing.T) {
	t.Parallel()
	const key = "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"
	for _, v := range []struct{ key, material, wrapped string }{
		{key, "c37b7e6492584340bed12207808941155068f738", "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"},
		{key, "466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"},
	} {
		got, err := kwp.Wrap(unhex(t, v.key), unhex(t, v.material))
		if err != nil || hex.EncodeToString(got) != v.wrapped {
			t.Errorf("wrapped %s as %x, %v", v.material, got, err)
		}
		back, err := kwp.Unwrap(unhex(t, v.key), unhex(t, v.wrapped))
		if err != nil || hex.EncodeToString(back) != v.material {
			t.Errorf("unwrapped %s as %x, %v", v.wrapped, back, err)
		}
	}
}

func TestLengths(t *testing.T) {
	t.Parallel()
	key := make([]byte, 32)
	for n := 1; n <= 70; n++ {
		material := bytes.Repeat([]byte{byte(n)}, n)
		wrapped, err := kwp.Wrap(key, material)
		if err != nil || len(wrapped) != (n+7)/8*8+8 {
			t.Fatalf("%d bytes were wrapped as %d, %v", n, len(wrapped), err)
		}
		back, err := kwp.Unwrap(key, wrapped)
		if err != nil || !bytes.Equal(back, material) {
			t.Fatalf("%d bytes came back as %x, %v", n, back, err)
		}
		for i := range wrapped {
			wrapped[i] ^= 1
			if _, err := kwp.Unwrap(key, wrapped); !errors.Is(err, kwp.ErrWrapped) {
				t.Errorf("%d bytes, byte %d altered: %v", n, i, err)
			}
			wrapped[i] ^= 1
		}
		if _, err := kwp.Unwrap(make([]byte, 16), wrapped); !errors.Is(err, kwp.ErrWrapped) {
			t.Errorf("opened with another key: %v", err)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	key := make([]byte, 32)
	for _, n := range []int{0, 1, 8, 15, 17, 23, 1<<16 + 24} {
		if _, err := kwp.Unwrap(key, make([]byte, n)); !errors.Is(err, kwp.ErrWrapped) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := kwp.Unwrap(make([]byte, 31), make([]byte, 16)); !errors.Is(err, kwp.ErrWrapped) {
		t.Errorf("a key of 31 bytes: %v", err)
	}
	for _, n := range []int{0, 1<<16 + 1} {
		if _, err := kwp.Wrap(key, make([]byte, n)); err == nil {
			t.Errorf("wrapped %d bytes", n)
		}
	}
}

func FuzzUnwrap(f *testing.F) {
	f.Add(make([]byte, 32), []byte("material"))
	f.Add(make([]byte, 16), make([]byte, 24))
	f.Fuzz(func(t *testing.T, key, b []byte) {
		if material, err := kwp.Unwrap(key, b); err == nil {
			again, err := kwp.Wrap(key, material)
			if err != nil || !bytes.Equal(again, b) {
				t.Errorf("%x opened to %x, which wraps as %x, %v", b, material, again, err)
			}
		}
	})
}
