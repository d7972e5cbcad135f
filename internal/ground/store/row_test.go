package store

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"claviger/internal/ground/store/driver"
)

// TestAssociated holds the format of docs/formats/store.md against vectors.
func TestAssociated(t *testing.T) {
	t.Parallel()
	table := &driver.Schema{Name: "kms_key"}
	e := &entry{
		key:     Key{S("eu-1"), S("\x00\xff")},
		indexed: Key{N(-2), S("")},
		account: "111122223333",
		rev:     258,
		version: 3,
	}
	got := map[string][]byte{
		"row":   associated(table, e),
		"empty": associated(&driver.Schema{Name: "t"}, &entry{rev: 1, version: 1}),
		"event": eventAssociated(513, 7),

		"digest":       digestAssociated(513),
		"digest-row":   appendRowName(nil, table, e.key, e.rev),
		"digest-value": appendValueName(nil, "root-key", []byte("{}")),
		"digest-table": binary.BigEndian.AppendUint32(nil, tableID("kms_key")),
	}
	want := vectors(t, "testdata/associated.txt")
	if len(want) != len(got) {
		t.Fatalf("%d vectors", len(want))
	}
	for name, w := range want {
		if !bytes.Equal(got[name], w) {
			t.Errorf("%s:\n got %x\nwant %x", name, got[name], w)
		}
	}
}

// vectors reads lines of a name and hexadecimal digits, which may go on over
// lines that begin with a space.
func vectors(t *testing.T, path string) map[string][]byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text := make(map[string]string)
	name := ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if !strings.HasPrefix(line, " ") {
			name, line, _ = strings.Cut(line, " ")
		}
		if name != "" {
			text[name] += strings.ReplaceAll(line, " ", "")
		}
	}
	list := make(map[string][]byte)
	for name, digits := range text {
		if list[name], err = hex.DecodeString(digits); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return list
}

// TestAssociatedDiffers: rows that differ in anything are bound to different bytes.
func TestAssociatedDiffers(t *testing.T) {
	t.Parallel()
	type row struct {
		table        string
		key, indexed Key
		account      string
		rev          Rev
		version      int16
	}
	rows := []row{
		{"t", Key{S("a")}, Key{S("b")}, "c", 1, 1},
		{"u", Key{S("a")}, Key{S("b")}, "c", 1, 1},
		{"t", Key{S("a"), S("b")}, nil, "c", 1, 1},
		{"t", nil, Key{S("a"), S("b")}, "c", 1, 1},
		{"t", Key{S("ab")}, Key{S("")}, "c", 1, 1},
		{"t", Key{S("")}, Key{S("ab")}, "c", 1, 1},
		{"t", Key{S("a")}, Key{S("bc")}, "", 1, 1},
		{"t", Key{S("a")}, Key{S("b")}, "d", 1, 1},
		{"t", Key{S("a")}, Key{S("b")}, "c", 2, 1},
		{"t", Key{S("a")}, Key{S("b")}, "c", 1, 2},
		{"t", Key{N(97)}, Key{S("b")}, "c", 1, 1},
		{"t", Key{S("\x00\x00\x00\x00\x00\x00\x00\x61")}, Key{S("b")}, "c", 1, 1},
		{"ta", Key{S("")}, Key{S("b")}, "c", 1, 1},
	}
	seen := make(map[string]int)
	for i, r := range rows {
		e := &entry{key: r.key, indexed: r.indexed, account: r.account, rev: r.rev, version: r.version}
		a := string(associated(&driver.Schema{Name: r.table}, e))
		if j, ok := seen[a]; ok {
			t.Errorf("rows %d and %d are bound to the same", i, j)
		}
		seen[a] = i
	}
}

func FuzzSplitBody(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 0})
	f.Add([]byte{1, 1, 'a', 9, 9})
	f.Add([]byte{1, 255, 'a'})
	f.Add([]byte{2, 1, 'a', 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		account, sealed, ok := splitBody(b)
		if !ok {
			return
		}
		again := append([]byte{bodyFormat, byte(len(account))}, account...)
		if again = append(again, sealed...); !bytes.Equal(again, b) {
			t.Errorf("%x was read as %x", b, again)
		}
	})
}
