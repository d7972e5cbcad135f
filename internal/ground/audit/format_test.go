package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/sealed"
	"claviger/internal/words/confidential"
)

// Roots of the RFC 6962 reference implementation for its eight leaves.
func TestMerkleRoot(t *testing.T) {
	t.Parallel()
	inputs := []string{
		"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
	}
	roots := []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	for n, want := range roots {
		var leaves [][32]byte
		for _, in := range inputs[:n] {
			leaves = append(leaves, sha256.Sum256(append([]byte{0}, unhex(t, in)...)))
		}
		if got := audit.MerkleRoot(leaves); hex.EncodeToString(got[:]) != want {
			t.Errorf("root of %d leaves is %x, want %s", n, got, want)
		}
	}
}

// The tree is that of the definition: split at the largest power of two.
func TestMerkleRootDefinition(t *testing.T) {
	t.Parallel()
	var define func(leaves [][32]byte) [32]byte
	define = func(leaves [][32]byte) [32]byte {
		if len(leaves) == 1 {
			return leaves[0]
		}
		k := 1
		for k*2 < len(leaves) {
			k *= 2
		}
		left, right := define(leaves[:k]), define(leaves[k:])
		return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
	}
	for n := 1; n < 200; n++ {
		leaves := make([][32]byte, n)
		for i := range leaves {
			leaves[i] = sha256.Sum256([]byte{byte(n), byte(i)})
		}
		if want, got := define(leaves), audit.MerkleRoot(leaves); got != want {
			t.Errorf("root of %d leaves is %x, want %x", n, got, want)
		}
	}
}

// vectors are what docs/formats/trail.md prints. Their keyring is fixed: the
// root key and the header below.
type vectors struct {
	ring   *sealed.Keyring
	salt   [32]byte
	now    time.Time
	origin string
}

func newVectors(t *testing.T) vectors {
	t.Helper()
	root, err := sealed.NewRootKey(confidential.New(bytes.Repeat([]byte{0x11}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := sealed.Open(fixture(t, "keyring.hex", func() []byte {
		_, header, err := sealed.Create(root)
		if err != nil {
			t.Fatal(err)
		}
		return header
	}), root)
	if err != nil {
		t.Fatal(err)
	}
	v := vectors{ring: ring, now: began, origin: "vectors.example"}
	for i := range v.salt {
		v.salt[i] = byte(i)
	}
	return v
}

// fixture returns the bytes of a file of hex digits in testdata. With
// AUDIT_TEST_UPDATE it writes the file first, but keeps the keyring.
func fixture(t *testing.T, name string, made func() []byte) []byte {
	t.Helper()
	path := filepath.Join("testdata", name)
	_, missing := os.Stat(path)
	if os.Getenv("AUDIT_TEST_UPDATE") != "" && (missing != nil || name != "keyring.hex") {
		if err := os.WriteFile(path, []byte(dump(made())), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return unhex(t, string(text))
}

// dump writes hex digits, 32 bytes to a line.
func dump(b []byte) string {
	var s strings.Builder
	for len(b) > 0 {
		n := min(len(b), 32)
		s.WriteString(hex.EncodeToString(b[:n]) + "\n")
		b = b[n:]
	}
	return s.String()
}

func (v vectors) entries() []audit.Entry {
	return []audit.Entry{
		{Account: "111122223333", Time: v.now.Add(5 * time.Microsecond), Record: []byte(`{"eventName":"Encrypt"}`)},
		{Account: "444455556666", Time: v.now.Add(6 * time.Microsecond), Record: []byte(`{"eventName":"Decrypt"}`), Side: []byte("side")},
		{Account: "", Time: v.now.Add(7 * time.Microsecond), Record: []byte(`{}`)},
	}
}

func (v vectors) options(d *audit.Disk) audit.Options {
	return audit.Options{
		Origin: v.origin,
		Cipher: func(salt []byte) audit.Cipher { return v.ring.Cipher(salt) },
		Signer: v.ring.Signer(),
		Now:    func() time.Time { return v.now },
	}.On(d)
}

// TestVectors checks that a segment is written as it always was, byte for byte,
// and that Verify accepts those bytes.
func TestVectors(t *testing.T) {
	t.Parallel()
	v := newVectors(t)
	header := audit.Header(v.origin, 1, 1, v.now, v.salt, v.ring.Signer())
	batch, chain := audit.Batch(0, audit.Genesis(v.origin), 42, v.ring.Cipher(v.salt[:]), v.entries())
	checkpoint, note := audit.Checkpoint(v.origin, 3, chain, 42, v.now, v.ring.Signer())
	written := append(append(header, batch...), checkpoint...)

	segment := fixture(t, "segment.hex", func() []byte { return written })
	if !bytes.Equal(written, segment) {
		t.Errorf("segment is written as\n%swant\n%s", dump(written), dump(segment))
	}
	if want := fixture(t, "head.hex", func() []byte { return note }); !bytes.Equal(note, want) {
		t.Errorf("head is\n%swant\n%s", note, want)
	}
	encoded := audit.EncodeEntries(v.entries())
	if want := fixture(t, "entries.hex", func() []byte { return encoded }); !bytes.Equal(encoded, want) {
		t.Errorf("entries are\n%swant\n%s", dump(encoded), dump(want))
	}

	d := &audit.Disk{}
	d.Put(audit.SegmentName(1), segment)
	r := clean(t, v.options(d), note)
	if r.Batches != 1 || r.Records != 3 || !bytes.Equal(r.Head, note) {
		t.Errorf("report is %+v", r)
	}
	page, err := os.ReadFile("../../../docs/formats/trail.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range v.entries() {
		sum := audit.Leaf(&e)
		if !strings.Contains(string(page), hex.EncodeToString(sum[:])) {
			t.Errorf("docs/formats/trail.md does not print the leaf %x", sum)
		}
	}
	for what, part := range map[string]string{
		"genesis":     hex.EncodeToString(func() []byte { g := audit.Genesis(v.origin); return g[:] }()),
		"chain value": hex.EncodeToString(chain[:]),
		"header":      strings.TrimSpace(dump(header[:160])),
		"batch":       strings.TrimSpace(dump(batch)),
		"checkpoint":  strings.TrimSpace(dump(checkpoint)),
		"head":        string(note),
		"entries":     strings.TrimSpace(dump(encoded)),
	} {
		if !strings.Contains(string(page), part) {
			t.Errorf("docs/formats/trail.md does not print the %s:\n%s", what, part)
		}
	}
}

func TestLeafCommits(t *testing.T) {
	t.Parallel()
	base := func() audit.Entry {
		return audit.Entry{Account: "1", Time: began, Record: []byte("record"), Side: []byte("side")}
	}
	e := base()
	seen := map[[32]byte]string{audit.Leaf(&e): "base"}
	for what, change := range map[string]func(e *audit.Entry){
		"account": func(e *audit.Entry) { e.Account = "2" },
		"time":    func(e *audit.Entry) { e.Time = e.Time.Add(1) },
		"record":  func(e *audit.Entry) { e.Record = []byte("recorb") },
		"side":    func(e *audit.Entry) { e.Side = nil },
		"moved":   func(e *audit.Entry) { e.Record, e.Side = []byte("records"), []byte("ide") },
		"swapped": func(e *audit.Entry) { e.Record, e.Side = e.Side, e.Record },
	} {
		e := base()
		change(&e)
		sum := audit.Leaf(&e)
		if other, ok := seen[sum]; ok {
			t.Errorf("%s and %s have one leaf", what, other)
		}
		seen[sum] = what
	}
	e = base()
	e.Side = []byte{}
	empty := audit.Leaf(&e)
	e.Side = nil
	if audit.Leaf(&e) != empty {
		t.Error("an empty side field differs from none")
	}
}

func TestEntriesRefused(t *testing.T) {
	t.Parallel()
	good := audit.EncodeEntries(newVectors(t).entries())
	if got, err := audit.DecodeEntries(good); err != nil || len(got) != 3 {
		t.Fatalf("%d entries, %v", len(got), err)
	}
	whole := map[int]bool{len(good): true, 1: true}
	for n, at := 0, 1; n < 2; n++ { // an end between two entries is one of fewer entries
		at += len(audit.EncodeEntries(newVectors(t).entries()[n:n+1])) - 1
		whole[at] = true
	}
	for n := range good {
		if _, err := audit.DecodeEntries(good[:n]); (err == nil) != whole[n] {
			t.Errorf("%d of %d bytes: %v", n, len(good), err)
		}
	}
	for at, b := range map[int]byte{0: 2, 9: 0xff, 13: 0xff, 17: 0xff, 21: 0xff} {
		bad := bytes.Clone(good)
		bad[at] = b
		if got, err := audit.DecodeEntries(bad); err == nil {
			t.Errorf("byte %d: decoded %v", at, got)
		}
	}
}

func FuzzEntries(f *testing.F) {
	f.Add([]byte{1})
	f.Add(audit.EncodeEntries(entries("a", "b")))
	f.Add(audit.EncodeEntries([]audit.Entry{{Side: []byte("s")}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := audit.DecodeEntries(b)
		if err != nil {
			return
		}
		if again := audit.EncodeEntries(got); !bytes.Equal(again, b) {
			t.Errorf("%x is written again as %x", b, again)
		}
	})
}

func FuzzFrame(f *testing.F) {
	d, frames := wrote(f, "a", "b")
	for _, s := range frames {
		f.Add(d.Bytes(audit.SegmentName(1))[s.Start:s.End])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		again, err := audit.ParseFrame(b)
		if err == nil && !bytes.Equal(again, b) {
			t.Errorf("%x is written again as %x", b, again)
		}
	})
}

// FuzzSegment lets Verify and Open read any bytes behind a good header.
func FuzzSegment(f *testing.F) {
	d, _ := wrote(f, "a", "b")
	whole := d.Bytes(audit.SegmentName(1))
	f.Add(whole[audit.HeaderBytes:])
	f.Add(whole[audit.HeaderBytes : len(whole)-9])
	f.Add(append(whole[audit.HeaderBytes:], "CLVF\x01\x00\x00\x00\x00\x00\x00\x00"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &audit.Disk{}
		d.Put(audit.SegmentName(1), append(bytes.Clone(whole[:audit.HeaderBytes]), b...))
		r := verify(t, options().On(d), nil)
		l, err := audit.Open(options().On(d))
		if err != nil {
			if len(r.Problems) == 0 {
				t.Errorf("Open fails where Verify finds nothing: %v", err)
			}
			return
		}
		closed(t, l)
		clean(t, options().On(d), nil)
	})
}

func FuzzHeader(f *testing.F) {
	o := options()
	f.Add(audit.Header(o.Origin, 1, 1, began, [32]byte{1}, o.Signer))
	f.Add(make([]byte, audit.HeaderBytes))
	f.Fuzz(func(t *testing.T, b []byte) {
		again, err := audit.ParseHeader(b, o.Origin, o.Signer)
		if err == nil && !bytes.Equal(again, b) {
			t.Errorf("%x is written again as %x", b, again)
		}
	})
}

func FuzzHead(f *testing.F) {
	o := options()
	head := string(on(f, &audit.Disk{}).Head())
	f.Add([]byte(head))
	f.Add([]byte(strings.Replace(head, "sequence 0", "sequence 00", 1)))
	f.Add([]byte(strings.TrimSuffix(head, "\n")))
	f.Fuzz(func(t *testing.T, b []byte) {
		again, err := audit.ParseNote(b, o.Signer)
		if err == nil && !bytes.Equal(again, b) {
			t.Errorf("%q is written again as %q", b, again)
		}
	})
}
