package blob_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"claviger/internal/ground/sealed/blob"
)

const (
	uuid        = "1234abcd-12ab-34cd-56ef-1234567890ab"
	multiRegion = "mrk-1234abcd12ab34cd56ef1234567890ab"
)

func header(keyID string) *blob.Header {
	h := &blob.Header{KeyID: keyID}
	for i := range h.MaterialID {
		h.MaterialID[i] = 0x20 + byte(i)
	}
	for i := range 16 {
		h.Keyspace[i], h.Nonce[i] = 0x50+byte(i), 0x60+byte(i)
	}
	for i := range h.IV {
		h.IV[i] = 0x70 + byte(i)
	}
	return h
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, id := range []string{uuid, multiRegion, "00000000-0000-0000-0000-000000000000", "mrk-ffffffffffffffffffffffffffffffff"} {
		for _, size := range []int{0, 1, blob.MaxPlaintext} {
			encoded := blob.Append([]byte("before"), header(id))
			if len(encoded) != len("before")+blob.HeaderSize {
				t.Fatalf("header of %d bytes", len(encoded)-len("before"))
			}
			b := append(encoded[len("before"):], bytes.Repeat([]byte{0xee}, size+blob.TagSize)...)
			h, raw, ciphertext, err := blob.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			if h != *header(id) {
				t.Errorf("%s: got %+v", id, h)
			}
			if !bytes.Equal(raw, b[:blob.HeaderSize]) || !bytes.Equal(ciphertext, b[blob.HeaderSize:]) {
				t.Errorf("%s: split in the wrong place", id)
			}
			if len(append(raw, 1)) == 0 || b[blob.HeaderSize] != 0xee {
				t.Error("appending to the header writes into the ciphertext")
			}
		}
	}
}

func TestLayout(t *testing.T) {
	t.Parallel()
	const want = "9c434c56" + "01" + "01" + "00" + "02" +
		"1234abcd12ab34cd56ef1234567890ab" +
		"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f" +
		"505152535455565758595a5b5c5d5e5f" +
		"606162636465666768696a6b6c6d6e6f" +
		"707172737475767778797a7b"
	if got := hex.EncodeToString(blob.Append(nil, header(multiRegion))); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestVectors reads the fields of ciphertexts that another implementation made.
func TestVectors(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../testdata/ciphertext.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Blobs []struct{ Name, KeyID, MaterialID, Keyspace, N, IV, Plaintext, Blob string }
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Blobs {
		b, err := hex.DecodeString(v.Blob)
		if err != nil {
			t.Fatal(err)
		}
		h, head, ciphertext, err := blob.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{h.KeyID, hex.EncodeToString(h.MaterialID[:]), hex.EncodeToString(h.Keyspace[:]), hex.EncodeToString(h.Nonce[:]), hex.EncodeToString(h.IV[:])}
		if want := []string{v.KeyID, v.MaterialID, v.Keyspace, v.N, v.IV}; strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: got %s\nwant %s", v.Name, got, want)
		}
		if len(ciphertext) != len(v.Plaintext)/2+blob.TagSize {
			t.Errorf("%s: ciphertext of %d bytes", v.Name, len(ciphertext))
		}
		if !bytes.Equal(blob.Append(nil, &h), head) {
			t.Errorf("%s: another encoding", v.Name)
		}
	}
	if len(file.Blobs) != 5 {
		t.Errorf("%d vectors ran", len(file.Blobs))
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	whole := append(blob.Append(nil, header(uuid)), make([]byte, blob.TagSize)...)
	changed := func(at int, to byte) []byte {
		b := bytes.Clone(whole)
		b[at] = to
		return b
	}
	cases := map[string][]byte{
		"nothing":              nil,
		"header only":          whole[:blob.HeaderSize],
		"a byte of tag short":  whole[:len(whole)-1],
		"a byte too long":      append(bytes.Clone(whole), make([]byte, blob.MaxPlaintext+1)...),
		"magic":                changed(0, 'c'),
		"magic's end":          changed(3, 'v'),
		"version 0":            changed(4, 0),
		"version 2":            changed(4, 2),
		"algorithm 0":          changed(5, 0),
		"algorithm 2":          changed(5, 2),
		"a flag":               changed(6, 1),
		"kind 0":               changed(7, 0),
		"kind 3":               changed(7, 3),
		"Base64":               []byte(strings.Repeat("AQICAHh", 30)),
		"shifted by one byte":  append([]byte{0}, whole...),
		"first byte left away": whole[1:],
	}
	for what, b := range cases {
		h, raw, ciphertext, err := blob.Parse(b)
		if err != blob.ErrFormat || h != (blob.Header{}) || raw != nil || ciphertext != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if len(cases) != 16 {
		t.Errorf("%d cases ran", len(cases))
	}
}

func TestAppendPanics(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "alias/aws/s3", strings.ToUpper(uuid), uuid[:35], "mrk-" + uuid[4:], "mrk-"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("key id %q was encoded", id)
				}
			}()
			blob.Append(nil, header(id))
		}()
	}
}

func FuzzParse(f *testing.F) {
	for _, id := range []string{uuid, multiRegion} {
		f.Add(append(blob.Append(nil, header(id)), make([]byte, 28)...))
	}
	f.Add([]byte("\x9cCLV"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, raw, ciphertext, err := blob.Parse(b)
		if err != nil {
			if err != blob.ErrFormat {
				t.Errorf("another error: %v", err)
			}
			return
		}
		if again := append(blob.Append(nil, &h), ciphertext...); !bytes.Equal(again, b) || !bytes.HasPrefix(b, raw) {
			t.Errorf("%x was read as %+v", b, h)
		}
	})
}
