package app

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/store/sqlite"
)

// TestVerifyTrailOfThePast: the trail of a store that was put back is verified
// without anybody having to accept that, and nothing is written into it.
func TestVerifyTrailOfThePast(t *testing.T) {
	t.Parallel()
	l := initialised(t)
	old := content(t, sqlite.Path(l.Data))
	s := serverOf(t, l, unchanged)
	if _, err := s.operate(t.Context(), "CreateAccount", func(any) {}); err != nil {
		t.Fatal(err)
	}
	s.mustClose(t)
	if err := os.WriteFile(sqlite.Path(l.Data), old, 0o600); err != nil {
		t.Fatal(err)
	}
	verify := func() (stdout, stderr string, err error) {
		out, errs := new(bytes.Buffer), new(bytes.Buffer)
		err = (&auditVerifyCommand{where: where{location: *l}}).Run(&environment{stdout: out, stderr: errs})
		return out.String(), errs.String(), err
	}
	first, warned, err := verify()
	if err != nil || !strings.Contains(first, "the trail verifies") || !strings.Contains(warned, "the store was rolled back") {
		t.Errorf("%v: %s%s", err, first, warned)
	}
	again, _, err := verify()
	records := func(report string) string { return strings.SplitN(report, " in ", 2)[0] }
	if err != nil || records(again) != records(first) {
		t.Errorf("%v: first %s, then %s", err, records(first), records(again))
	}
	f, err := l.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	quiet(&f)
	if _, err := newServer(context.Background(), f); err == nil || !strings.Contains(err.Error(), goOn) {
		t.Errorf("a server starts: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(l.Data, trailDir, "*.trail"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v: %q", err, files)
	}
	b := content(t, files[0])
	b[len(b)/2] ^= 1
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, err := verify(); err == nil || !strings.Contains(out, "problem: ") {
		t.Errorf("an altered trail: %v, %s", err, out)
	}
}

// TestVerifyDamagedEnd: where nothing can be appended to the trail, all of its damage is
// reported.
func TestVerifyDamagedEnd(t *testing.T) {
	t.Parallel()
	l := initialised(t)
	for range 3 { // of segments
		s := serverOf(t, l, unchanged)
		for range 2 {
			if _, err := s.operate(t.Context(), "CreateAccount", func(any) {}); err != nil {
				t.Fatal(err)
			}
		}
		s.mustClose(t)
	}
	files, err := filepath.Glob(filepath.Join(l.Data, trailDir, "*.trail"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%v: %q", err, files)
	}
	for _, file := range []string{files[len(files)-1], files[len(files)-3]} {
		b := content(t, file)
		b[700] ^= 1 // in the first batch
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, errs := new(bytes.Buffer), new(bytes.Buffer)
	err = (&auditVerifyCommand{where: where{location: *l}}).Run(&environment{stdout: out, stderr: errs})
	if err == nil || strings.Count(out.String(), "problem: segment") != 2 || !strings.Contains(errs.String(), "no server begins here") {
		t.Errorf("%v: %s%s", err, out, errs)
	}
}

// TestReportOfTruncation: where a head was given and is not in the trail, nobody is told
// that none was given.
func TestReportOfTruncation(t *testing.T) {
	t.Parallel()
	for head, told := range map[string]bool{"": true, "head.txt": false} {
		out := new(bytes.Buffer)
		err := (&auditVerifyCommand{Head: head}).report(&environment{stdout: out}, &audit.Report{Problems: []string{"truncated"}})
		if err == nil || !strings.Contains(out.String(), "problem: truncated") || strings.Contains(out.String(), "no head was given") != told {
			t.Errorf("with the head %q: %v, %s", head, err, out)
		}
	}
}
