package audit_test

import (
	"bytes"
	"context"
	"crypto/fips140"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/sealed"
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// ring is the keyring of all tests: making one is not what they are about.
var ring = sync.OnceValue(func() *sealed.Keyring {
	root, err := sealed.NewRootKey(sealed.Random(32))
	if err != nil {
		panic(err)
	}
	k, _, err := sealed.Create(root)
	if err != nil {
		panic(err)
	}
	return k
})

// options are those of a small trail; give it a directory or a disk.
func options() audit.Options {
	return audit.Options{
		Origin:       ring().Installation(),
		Cipher:       func(salt []byte) audit.Cipher { return ring().Cipher(salt) },
		Signer:       ring().Signer(),
		Now:          func() time.Time { return began },
		SegmentBytes: audit.SegmentBytesMin,
	}
}

func open(t testing.TB, o audit.Options) *audit.Log {
	t.Helper()
	l, err := audit.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// on opens a trail on a disk, and closes it at the end of the test at the latest.
func on(t testing.TB, d *audit.Disk) *audit.Log {
	t.Helper()
	l := open(t, options().On(d))
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func closed(t testing.TB, l *audit.Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func entry(name string) audit.Entry {
	return audit.Entry{Account: "111122223333", Time: began, Record: []byte(`{"eventID":"` + name + `"}`)}
}

func entries(names ...string) []audit.Entry {
	var all []audit.Entry
	for _, n := range names {
		all = append(all, entry(n))
	}
	return all
}

// name is what entry was called with, or TrailRecovered.
func name(e audit.Entry) string {
	if bytes.Contains(e.Record, []byte(`"TrailRecovered"`)) {
		return "TrailRecovered"
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(e.Record), `{"eventID":"`), `"}`)
}

// add appends one entry per name, each durable before the next.
func add(t testing.TB, l audit.Trail, names ...string) {
	t.Helper()
	for _, n := range names {
		ticket, err := l.Append(entries(n), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := ticket.Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

// read returns the names of the entries numbered from and higher, and checks
// that the numbers have no gap.
func read(t testing.TB, l audit.Trail, from uint64) []string {
	t.Helper()
	var names []string
	next := from
	err := l.Read(context.Background(), from, func(sequence uint64, e audit.Entry) error {
		if sequence != next {
			return fmt.Errorf("sequence %d, want %d", sequence, next)
		}
		next++
		names = append(names, name(e))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func verify(t testing.TB, o audit.Options, head []byte) *audit.Report {
	t.Helper()
	r, err := audit.Verify(context.Background(), o, head)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// clean verifies, and fails if there are problems.
func clean(t testing.TB, o audit.Options, head []byte) *audit.Report {
	t.Helper()
	r := verify(t, o, head)
	if len(r.Problems) > 0 {
		t.Fatalf("problems: %s", strings.Join(r.Problems, "; "))
	}
	if head != nil && !r.Anchored {
		t.Fatal("the head is not anchored, but there is no problem")
	}
	return r
}

func equal(t testing.TB, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Fatalf("entries are %v, want %v", got, want)
	}
}

func count(prefix string, n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("%s%d", prefix, i))
	}
	return names
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestMain also is the program that subprocess tests kill.
func TestMain(m *testing.M) {
	if act := os.Getenv("AUDIT_TEST_ACT"); act != "" {
		os.Exit(acts[act]())
	}
	os.Exit(m.Run())
}

// acts are what a subprocess of the tests does.
var acts = map[string]func() int{}

// otherRing is another installation's.
func otherRing(t testing.TB) *sealed.Keyring {
	t.Helper()
	root, err := sealed.NewRootKey(sealed.Random(32))
	if err != nil {
		t.Fatal(err)
	}
	k, _, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// bubble is synctest.Test. The clock in it stands still while something runs, and
// the module of FIPS 140-3 mode draws randomness from how time passes.
func bubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	if fips140.Enabled() {
		t.Skip("there is no randomness in FIPS 140-3 mode where time stands still")
	}
	synctest.Test(t, test)
}
