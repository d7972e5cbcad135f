package backup_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/backup"
	"claviger/internal/ground/store/driver"
)

var notes = &driver.Schema{
	Name:       "test_note",
	PrimaryKey: []driver.Column{{Name: "id", Int: true}},
	Indexed:    []driver.Column{{Name: "name"}},
}

func tables() []*driver.Schema { return append([]*driver.Schema{notes}, driver.Own()...) }

// sign stands for a signature: nobody else has the key.
func sign(key string) func([]byte) []byte {
	return func(message []byte) []byte {
		sum := sha256.Sum256(append([]byte(key), message...))
		return append(sum[:], sum[:]...)
	}
}

func by(key string) func(message, signature []byte) (bool, error) {
	return func(message, signature []byte) (bool, error) { return bytes.Equal(sign(key)(message), signature), nil }
}

func note(i int) driver.Row {
	return driver.Row{
		Key: driver.Key{{N: int64(i), IsInt: true}}, Indexed: driver.Key{{S: fmt.Sprint("n", i)}},
		Rev: int64(i + 1), Version: 1, Body: []byte(strings.Repeat("x", i%7)),
	}
}

// segments are of every kind of length.
var segments = map[string]string{
	"000000000001.trail": strings.Repeat("first", 500_000),
	"000000000002.trail": "",
	"000000000003.trail": "third",
}

func write(t testing.TB, rows int, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := backup.NewWriter(&b, backup.Header{Installation: "i", Created: time.Unix(1, 0).UTC(), Engine: "test", Schema: 1, Position: 7})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables() {
		if err := w.Table(table); err != nil {
			t.Fatal(err)
		}
		for i := 0; table == notes && i < rows; i++ {
			r := note(i)
			if err := w.Row(&r); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"000000000001.trail", "000000000002.trail", "000000000003.trail"} {
		if content, ok := parts[name]; ok {
			if err := w.Segment(name, strings.NewReader(content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close([]byte("head"), 9, sign("key")); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	const rows = 60_000 // of several chunks
	b := write(t, rows, segments)
	n, found := 0, make(map[string]string)
	var name string
	s, err := backup.Read(bytes.NewReader(b), tables(), &backup.Visitor{
		Row: func(table int, r *driver.Row) error {
			if want := note(n); table != 0 || !bytes.Equal(driver.AppendRow(nil, r), driver.AppendRow(nil, &want)) {
				return fmt.Errorf("row %d of table %d: %+v", n, table, r)
			}
			n++
			return nil
		},
		Segment: func(s string) error {
			name = s
			found[s] = ""
			return nil
		},
		Data: func(b []byte) error {
			found[name] += string(b)
			return nil
		},
		Verify: by("key"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if n != rows || len(found) != len(segments) {
		t.Errorf("%d rows, %d segments", n, len(found))
	}
	for name, want := range segments {
		if found[name] != want {
			t.Errorf("segment %s has %d bytes, want %d", name, len(found[name]), len(want))
		}
	}
	if s.Position != 7 || s.Last != 9 || string(s.Head) != "head" || len(s.Tables) != len(tables()) || len(s.Name()) != 64 {
		t.Errorf("%+v", s)
	}
	if len(b) > rows*60+len(segments["000000000001.trail"])+10_000 {
		t.Errorf("%d bytes", len(b))
	}
}

// TestRefused: nothing that is not whole and signed is read as if it were.
func TestRefused(t *testing.T) {
	t.Parallel()
	good := write(t, 20, map[string]string{"000000000001.trail": "first"})
	read := func(b []byte, v *backup.Visitor) error {
		_, err := backup.Read(bytes.NewReader(b), tables(), v)
		return err
	}
	if err := read(good, &backup.Visitor{Verify: by("key")}); err != nil {
		t.Fatal(err)
	}
	if err := read(good, &backup.Visitor{Verify: by("another")}); !errors.Is(err, backup.ErrForeign) {
		t.Errorf("signed by another: %v", err)
	}
	refusal := func(err error) bool {
		return errors.Is(err, backup.ErrDamaged) || errors.Is(err, backup.ErrFormat)
	}
	for n := range good {
		if err := read(good[:n], new(backup.Visitor)); !refusal(err) {
			t.Fatalf("cut off at %d of %d: %v", n, len(good), err)
		}
	}
	for i := range good {
		b := slices.Clone(good)
		b[i] ^= 1
		err := read(b, &backup.Visitor{Verify: by("key")})
		if !refusal(err) && !errors.Is(err, backup.ErrForeign) {
			t.Fatalf("altered at %d: %v", i, err)
		}
	}
	if err := read(append(slices.Clone(good), 0), new(backup.Visitor)); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("with a byte more: %v", err)
	}
	if err := read([]byte("SQLite format 3\x00"), new(backup.Visitor)); !errors.Is(err, backup.ErrFormat) {
		t.Errorf("something else: %v", err)
	}
	newer := slices.Clone(good)
	newer[7]++
	if err := read(newer, new(backup.Visitor)); !errors.Is(err, backup.ErrFormat) || !strings.Contains(err.Error(), "newer") {
		t.Errorf("a newer format: %v", err)
	}
	if _, err := backup.Read(bytes.NewReader(good), driver.Own(), new(backup.Visitor)); !errors.Is(err, backup.ErrFormat) {
		t.Errorf("of more tables: %v", err)
	}
	older := append(tables(), &driver.Schema{Name: "test_new", PrimaryKey: notes.PrimaryKey})
	if _, err := backup.Read(bytes.NewReader(good), older, new(backup.Visitor)); err != nil {
		t.Errorf("of fewer tables: %v", err)
	}
	stop := errors.New("stop")
	if err := read(good, &backup.Visitor{Row: func(int, *driver.Row) error { return stop }}); err != stop {
		t.Errorf("a visitor's error: %v", err)
	}
	broken := io.MultiReader(bytes.NewReader(good[:100]), failing{})
	if _, err := backup.Read(broken, tables(), new(backup.Visitor)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a disk that fails: %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// FuzzRead holds that nothing but what was signed is read without an error, and
// that no segment has a name that leads elsewhere.
func FuzzRead(f *testing.F) {
	good := write(f, 3, map[string]string{"000000000001.trail": "first"})
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte("CLVBKUP\x01H\x00\x00\x00\x02{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := backup.Read(bytes.NewReader(b), tables(), &backup.Visitor{
			Segment: func(name string) error {
				if strings.ContainsAny(name, "/\\") || strings.Contains(name, "..") {
					t.Errorf("a segment is called %q", name)
				}
				return nil
			},
			Verify: by("key"),
		})
		if err == nil && !bytes.Equal(b, good) {
			// Only who has the key can write another.
			t.Errorf("%d bytes are a backup", len(b))
		}
	})
}
