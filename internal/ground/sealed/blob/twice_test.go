package blob_test

import (
	"bytes"
	"testing"

	"claviger/internal/ground/sealed/blob"
)

// twice is a ciphertext of two layers with fields of these lengths.
func twice(iv, metadata, inner int) []byte {
	b := blob.Append(nil, header(uuid))
	blob.MarkTwice(b)
	b = append(append(b, byte(iv)), bytes.Repeat([]byte{1}, iv)...)
	b = append(b, bytes.Repeat([]byte{2}, blob.TagSize)...)
	b = append(append(b, byte(metadata)), bytes.Repeat([]byte{3}, metadata)...)
	return append(b, bytes.Repeat([]byte{4}, inner)...)
}

// TestTwice has each field below, on and above its limits.
func TestTwice(t *testing.T) {
	t.Parallel()
	cases := 0
	for _, iv := range []int{0, 1, 12, 16, 17, 255} {
		for _, metadata := range []int{0, 1, 20, 21, 255} {
			for _, inner := range []int{15, 16, 17, 4112, 4113} {
				b := twice(iv, metadata, inner)
				want := iv >= 1 && iv <= 16 && metadata <= 20 && inner >= 16 && inner <= 4112
				head, o, err := blob.SplitTwice(b)
				if (err == nil) != want {
					t.Errorf("%d, %d, %d: %v", iv, metadata, inner, err)
				}
				if err == nil && !bytes.Equal(blob.AppendOuter(bytes.Clone(head), &o), b) {
					t.Errorf("%d, %d, %d is encoded otherwise", iv, metadata, inner)
				}
				if h, err := blob.Peek(b); (err == nil) != want || want && h != *header(uuid) {
					t.Errorf("%d, %d, %d: the header is %+v, %v", iv, metadata, inner, h, err)
				}
				if _, _, err := blob.Split(b); err == nil {
					t.Error("two layers were taken for one")
				}
				cases++
			}
		}
	}
	if cases != 6*5*5 {
		t.Errorf("%d cases", cases)
	}
	if _, _, err := blob.SplitTwice(append(blob.Append(nil, header(uuid)), make([]byte, 100)...)); err == nil {
		t.Error("one layer was taken for two")
	}
	defer func() {
		if recover() == nil {
			t.Error("a layer without room was encoded")
		}
	}()
	blob.AppendOuter(nil, &blob.Outer{IV: make([]byte, 17), Tag: make([]byte, 16), Ciphertext: make([]byte, 16)})
}

func FuzzSplitTwice(f *testing.F) {
	f.Add(twice(12, 20, 40))
	f.Add(twice(16, 0, 16))
	f.Add([]byte("\x9cCLV\x01\x02"))
	f.Fuzz(func(t *testing.T, b []byte) {
		head, o, err := blob.SplitTwice(b)
		if err != nil {
			if err != blob.ErrFormat {
				t.Errorf("another error: %v", err)
			}
			return
		}
		if again := blob.AppendOuter(bytes.Clone(head), &o); !bytes.Equal(again, b) {
			t.Errorf("%x was read as %+v", b, o)
		}
	})
}
