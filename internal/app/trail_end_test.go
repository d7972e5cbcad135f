package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/store/sqlite"
)

// TestTrailCutOff: a server does not begin on a trail that ends before a record of
// which its store knows, until somebody accepts that.
func TestTrailCutOff(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(trail, before string) error{
		"put back": func(trail, before string) error { return os.CopyFS(trail, os.DirFS(before)) },
		"removed":  func(string, string) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, before := t.TempDir(), t.TempDir()
			w := newDurableWorld(t, dir)
			w.key()
			trail := filepath.Join(dir, filepath.Base(w.foundations(nil, dir).trailDir))
			if err := os.CopyFS(before, os.DirFS(trail)); err != nil {
				t.Fatal(err)
			}
			w.blob(w.key()) // a use, which the store keeps as the server stops
			if err := w.server.close(); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(trail); err != nil {
				t.Fatal(err)
			}
			if err := lose(trail, before); err != nil {
				t.Fatal(err)
			}
			begin := func() (*server, error) {
				d, err := sqlite.Open(context.Background(), dir)
				if err != nil {
					t.Fatal(err)
				}
				return newServer(context.Background(), w.foundations(d, dir))
			}
			for range 2 { // the first try leaves nothing that the second would go by
				if _, err := begin(); err == nil || !strings.Contains(err.Error(), "cut off or put back") || !strings.Contains(err.Error(), goOn+" --trail-lost") {
					t.Fatalf("it begins: %v", err)
				}
			}
			p := &past{world: w, dir: dir}
			p.assembled(dir, func(s *server) {
				v, err := s.verifyStore(t.Context())
				if err != nil || len(v.Problems) != 1 || !strings.Contains(v.Problems[0].String(), "cut off or put back") {
					t.Errorf("store verify says %v, %v", v, err)
				}
				if out, _ := ask(t, s, "/audit/verify", verifyRequest{}); !strings.Contains(out, "cut off or put back") {
					t.Errorf("audit verify says %s", out)
				}
			})
			if _, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true}); err == nil || !strings.Contains(err.Error(), "--trail-lost") {
				t.Errorf("accepted without being told: %v", err)
			}
			if r, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true, TrailLost: true, By: "the operator"}); err != nil || !r.Accepted || !r.Unknown {
				t.Fatalf("%+v, %v", r, err)
			}
			s, err := begin()
			if err != nil {
				t.Fatal(err)
			}
			sound(t, s)
			if err := s.close(); err != nil {
				t.Error(err)
			}
			if s, err = begin(); err != nil { // also once the new trail is followed
				t.Fatal(err)
			}
			if err := s.close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTrailCutOffBeneath: a server that runs knows what it has written, and a
// verification misses it in files that are cut off, overwritten or gone, however well
// the rest verifies.
func TestTrailCutOffBeneath(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(newest string, last, size int64) error{
		"cut off": func(newest string, last, _ int64) error { return os.Truncate(newest, last) },
		"overwritten": func(newest string, last, size int64) error {
			return errors.Join(os.Truncate(newest, last), os.Truncate(newest, size))
		},
		"gone": func(newest string, _, _ int64) error { return os.Remove(newest) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			w := newDurableWorld(t, dir)
			w.key()
			verify := func() (r audit.Report) {
				out, status := ask(t, w.server, "/audit/verify", verifyRequest{})
				if err := json.Unmarshal([]byte(out), &r); err != nil || status != http.StatusOK {
					t.Fatalf("%d: %s", status, out)
				}
				return r
			}
			if r := verify(); len(r.Problems) > 0 || r.Head == nil { // leaves the last record
				t.Fatalf("report is %+v", r)
			}
			newest := filepath.Join(dir, trailDir, "000000000001.trail")
			b := content(t, newest)
			if err := lose(newest, int64(bytes.LastIndex(b, []byte("CLVF\x01"))), int64(len(b))); err != nil {
				t.Fatal(err)
			}
			if r := verify(); len(r.Problems) == 0 || r.Head != nil {
				t.Errorf("report is %+v", r)
			}
		})
	}
}

// TestVerifyAgainstNoHead: what is no head of this server's is the operator's mistake,
// and is told.
func TestVerifyAgainstNoHead(t *testing.T) {
	t.Parallel()
	w := newDurableWorld(t, t.TempDir())
	out, status := ask(t, w.server, "/audit/verify", verifyRequest{Head: []byte("no head")})
	if status != http.StatusUnprocessableEntity || !strings.Contains(out, "unusable head") {
		t.Errorf("%d: %s", status, out)
	}
	if log := w.log.String(); strings.Contains(log, "internal failure") {
		t.Errorf("it is logged as a failure of the server's own: %s", log)
	}
}

// A busy is a trail that gets further whenever it was asked how far it is.
type busy struct {
	*audit.Log
	more func()
}

func (b *busy) Reached() (last, outbox uint64) {
	defer func() {
		if b.more != nil {
			b.more()
		}
	}()
	return b.Log.Reached()
}

// TestTrailGoesOn: a trail is not cut off because the store learns of records while
// the two are compared.
func TestTrailGoesOn(t *testing.T) {
	t.Parallel()
	trail := new(busy)
	w := newDurableWorldWith(t, t.TempDir(), func(f *foundations) {
		open := f.openTrail
		f.openTrail = func(o audit.Options) (audit.Trail, error) {
			opened, err := open(o)
			if err == nil {
				trail.Log = opened.(*audit.Log)
			}
			return trail, err
		}
	})
	key, times := w.key(), 0
	trail.more = func() {
		times++
		w.blob(key)
		w.server.keepLastUses(t.Context())
	}
	if report, err := w.server.verifyWholeTrail(t.Context(), nil); err != nil || len(report.Problems) > 0 {
		t.Errorf("the trail: %v, %v", report.Problems, err)
	}
	sound(t, w.server)
	if trail.more = nil; times < 4 {
		t.Errorf("the trail went on %d times", times)
	}
}
