package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"claviger/internal/ground/store/postgres/postgrestest"
)

// diagnose runs the doctor and returns what it found and its exit code.
func diagnose(t *testing.T, args ...string) (findings map[string][]string, code int) {
	t.Helper()
	out, errs, code := command(t, append([]string{"doctor", "--json"}, args...))
	var said struct {
		Problems int
		Findings []struct{ Check, Status, Message, Remedy string }
	}
	if err := json.Unmarshal([]byte(out), &said); err != nil {
		t.Fatalf("%v: %s%s", err, out, errs)
	}
	if (code == 1) != (said.Problems > 0) {
		t.Errorf("ended with %d for %d problems", code, said.Problems)
	}
	findings = make(map[string][]string)
	for _, f := range said.Findings {
		if f.Message == "" || (f.Status == "problem" || f.Status == "warning") != (f.Remedy != "") {
			t.Errorf("%+v", f)
		}
		findings[f.Check] = append(findings[f.Check], f.Status+": "+f.Message)
	}
	return findings, code
}

func found(t *testing.T, findings map[string][]string, check, text string) {
	t.Helper()
	if !strings.Contains(strings.Join(findings[check], "\n"), text) {
		t.Errorf("of %s it says %q, want %q", check, findings[check], text)
	}
}

// TestDoctor examines a server before it is there, while it runs, when it has
// stopped, and with one thing after another that is wrong.
func TestDoctor(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	at := []string{"--data", dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}
	findings, code := diagnose(t, at...)
	if found(t, findings, "keyring", "warning: nothing is initialised"); code != 0 {
		t.Errorf("before init: %d, %v", code, findings)
	}
	p := serve(t, dir)
	findings, code = diagnose(t, "--data", dir, "--listen", p.endpoint[len("http://"):], "--admin-listen", p.watched)
	found(t, findings, "server", "ok: one is running")
	if found(t, findings, "trail", "ok: its "); code != 0 {
		t.Errorf("a running server: %d, %v", code, findings)
	}
	if code := p.stop(); code != 0 {
		t.Fatalf("ended with %d", code)
	}
	findings, code = diagnose(t, at...)
	found(t, findings, "keyring", "ok: the root key opens it")
	found(t, findings, "trail", "ok: its ")
	found(t, findings, "files", "warning: "+filepath.Join(dir, "root-credentials")+" still holds")
	if found(t, findings, "root key", "lies beside what it protects"); code != 0 {
		t.Errorf("a stopped server: %d, %v", code, findings)
	}
	for _, wrong := range []struct {
		check, text string
		make        func() (undo func() error, err error)
		args        []string
	}{
		{"files", "problem: others may use ", func() (func() error, error) {
			credentials := filepath.Join(dir, "root-credentials")
			return func() error { return os.Chmod(credentials, 0o600) }, os.Chmod(credentials, 0o644)
		}, nil},
		{"keyring", "problem: ", func() (func() error, error) {
			key := filepath.Join(dir, "root.key")
			return func() error { return os.Rename(key+".away", key) }, os.Rename(key, key+".away")
		}, nil},
		{"certificate", "problem: ", nil, []string{"--tls-cert", filepath.Join(dir, "none.pem"), "--tls-key", filepath.Join(dir, "none.key")}},
		{"settings", "problem: ", nil, []string{"--tls-cert", filepath.Join(dir, "none.pem")}},
		{"proxies", "problem: 0.0.0.0/0 takes the word", nil, []string{"--trusted-proxies", "0.0.0.0/0"}},
		{"address", "problem: 0.0.0.0:4566 would be reached", nil, []string{"--listen", "0.0.0.0:4566"}},
		{"trail", "problem: it does not verify", func() (func() error, error) {
			segments, err := filepath.Glob(filepath.Join(dir, "trail", "*.trail"))
			if err != nil || len(segments) == 0 {
				t.Fatalf("no segments: %v", err)
			}
			whole, err := os.ReadFile(segments[0])
			if err != nil {
				return nil, err
			}
			damaged := append([]byte(nil), whole...)
			damaged[len(damaged)/2] ^= 1
			return func() error { return os.WriteFile(segments[0], whole, 0o600) }, os.WriteFile(segments[0], damaged, 0o600)
		}, nil},
	} {
		undo := func() error { return nil }
		if wrong.make != nil {
			var err error
			if undo, err = wrong.make(); err != nil {
				t.Fatal(err)
			}
		}
		findings, code := diagnose(t, append(append([]string{}, at...), wrong.args...)...)
		if found(t, findings, wrong.check, wrong.text); code != 1 {
			t.Errorf("with a problem of %s it ended with %d: %v", wrong.check, code, findings)
		}
		if err := undo(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDoctorOfDatabase examines one that is well, one that loses commits, and one
// that is away, also while a server has the lease.
func TestDoctorOfDatabase(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	at := []string{"--data", dir, "--listen", "127.0.0.1:0", "--admin-listen", ""}
	url := postgrestest.URL(t)
	serve(t, dir, "--store", url)
	findings, code := diagnose(t, append(at, "--store", url)...)
	found(t, findings, "server", "ok: one is running")
	if len(findings["database"]) == 0 || strings.Contains(findings["database"][0], "problem") || code != 0 {
		t.Errorf("a database that is well: %d, %v", code, findings)
	}
	careless := postgrestest.Start(t, "fsync=off")
	findings, code = diagnose(t, append(at, "--store", careless.URL(t))...)
	if found(t, findings, "database", "problem: postgres: connecting"); code != 1 || !strings.Contains(findings["database"][0], "fsync") {
		t.Errorf("a careless database: %d, %v", code, findings)
	}
	findings, code = diagnose(t, append(at, "--store", "postgres://postgres@127.0.0.1:1/none")...)
	if found(t, findings, "database", "problem: "); code != 1 {
		t.Errorf("a database that is away: %d, %v", code, findings)
	}
}
