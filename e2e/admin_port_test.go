package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"claviger/internal/ground/store/postgres/postgrestest"
)

// look asks the admin port.
func (p *process) look(path string) (status int, body string) {
	p.t.Helper()
	answer, err := http.Get("http://" + p.watched + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// turns waits until readiness has a status and a reason.
func (p *process) turns(status int, reason string) {
	p.t.Helper()
	deadline := time.After(30 * time.Second)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		got, body := p.look("/readyz")
		if got == status && strings.Contains(body, reason) {
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			p.t.Fatalf("/readyz answers %d %q after half a minute, want %d %q\n%s", got, body, status, reason, p.output())
		}
	}
}

// TestAdminPort: what is asked for is answered, and pages of browsers get nothing.
func TestAdminPort(t *testing.T) {
	t.Parallel()
	p := serve(t, filepath.Join(t.TempDir(), "data"))
	if _, err := p.root().kms.CreateKey(t.Context(), &kms.CreateKeyInput{}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/healthz":                       "ok\n",
		"/readyz":                        "ready\n",
		"/metrics":                       `claviger_calls_total{operation="CreateKey",outcome="success",service="kms"} 1`,
		"/debug/pprof/goroutine?debug=1": "goroutine profile: total",
		"/debug/pprof/heap?debug=1":      "heap profile:",
		"/debug/pprof/profile?seconds=1": "",
	} {
		if status, body := p.look(path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s answers %d: %.200s", path, status, body)
		}
	}
	if status, body := p.look("/debug/pprof/cmdline"); status != 404 {
		t.Errorf("the command line is shown: %d %s", status, body)
	}
	for name, value := range map[string]string{"Origin": "https://example.org", "Sec-Fetch-Site": "cross-site", "Host": "rebound.example.org"} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+p.watched+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Header.Set(name, value); name == "Host" {
			r.Host = value
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("with %s: %s it answers %s", name, value, answer.Status)
		}
	}
	if code := p.stop(); code != 0 {
		t.Errorf("ended with %d", code)
	}
	for _, line := range []string{`"msg":"ready"`, `"msg":"stopping"`, `"msg":"stopped"`} {
		if !strings.Contains(p.output(), line) {
			t.Errorf("the log lacks %s:\n%s", line, p.output())
		}
	}
}

// TestAdminPortAddresses: beyond this machine it needs TLS, the usual port may be
// taken, another one may not, and dev has none unless asked.
func TestAdminPortAddresses(t *testing.T) {
	t.Parallel()
	if _, errs, code := command(t, []string{"dev", "--listen", "127.0.0.1:0", "--admin-listen", "0.0.0.0:0"}); code != 2 {
		t.Errorf("in the clear beyond this machine: ended with %d: %s", code, errs)
	}
	p := dev(t)
	if p.watched != "" {
		t.Errorf("dev has an admin port at %s", p.watched)
	}
	taken := dev(t, "--admin-listen", "127.0.0.1:0").watched
	if _, errs, code := command(t, []string{"dev", "--listen", "127.0.0.1:0", "--admin-listen", taken}); code != 1 || !strings.Contains(errs, taken) {
		t.Errorf("a port that is taken: ended with %d: %s", code, errs)
	}
	dir := t.TempDir()
	for range 2 { // one of them at most gets the usual port, the other says so
		name := filepath.Join(dir, fmt.Sprint(time.Now().UnixNano()))
		q := start(t, []string{"serve", "--init", "--listen", "127.0.0.1:0", "--data", name}, rootEnv...)
		if (q.watched == "") != strings.Contains(q.output(), "the usual address is taken") || q.watched != "" && q.watched != "127.0.0.1:4567" {
			t.Errorf("the admin port is %q:\n%s", q.watched, q.output())
		}
	}
}

// TestAdminPortTLS: beyond loopback it serves TLS, and profiles to this machine alone.
func TestAdminPortTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := launch(t, []string{binary, "dev", "--listen", "127.0.0.1:0", "--tls", "--log-format", "json", "--admin-listen", "0.0.0.0:0"}, "TMPDIR="+dir)
	select {
	case <-p.ready:
	case <-p.done:
		t.Fatalf("%v\n%s", p.exit, p.output())
	}
	bundles, err := filepath.Glob(filepath.Join(dir, "*", "ca.pem"))
	if err != nil || len(bundles) != 1 {
		t.Fatalf("bundles %v: %v", bundles, err)
	}
	pem, err := os.ReadFile(bundles[0])
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "localhost"}}}
	_, port, _ := strings.Cut(strings.TrimPrefix(p.watched, "[::]"), ":")
	for path, want := range map[string]int{"/readyz": 200, "/metrics": 200, "/debug/pprof/heap": 200} {
		answer, err := client.Get("https://127.0.0.1:" + port + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s answers %s", path, answer.Status)
		}
	}
	if answer, err := http.Get("http://127.0.0.1:" + port + "/metrics"); err == nil {
		answer.Body.Close()
		if answer.StatusCode == 200 {
			t.Error("it answers in the clear, too")
		}
	}
}

// TestNotReadyWithoutDatabase: readiness is red while the database is away and
// green again by itself, says why, and the log has a line for each.
func TestNotReadyWithoutDatabase(t *testing.T) {
	t.Parallel()
	database := postgrestest.Start(t)
	p := serve(t, filepath.Join(t.TempDir(), "data"), "--store", database.URL(t))
	p.turns(200, "ready")
	database.Stop(t)
	p.turns(503, "store: ")
	if status, text := p.look("/metrics"); status != 200 || !strings.Contains(text, `claviger_ready{part="store"} 0`) {
		t.Errorf("/metrics answers %d without a database", status)
	}
	// Nobody has called yet, so that the credential has to be looked up: no call comes about.
	if _, err := p.root().kms.ListKeys(t.Context(), &kms.ListKeysInput{}); err == nil {
		t.Error("a call was answered without a database")
	}
	database.Start(t)
	p.turns(200, "ready")
	for _, line := range []string{`"msg":"not ready","part":"store","cause":"`, `"msg":"ready again","part":"store"`, `"msg":"request failed at the door","request_id":"`} {
		p.says(line)
	}
}

// TestNotReadyOnFullDisk: readiness is red while the disk is full and green
// again by itself once there is room.
func TestNotReadyOnFullDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "192m")
	p := serve(t, filepath.Join(dir, "data"))
	p.turns(200, "ready")
	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 1<<20); err == nil; {
		_, err = f.Write(block)
	}
	f.Close()
	p.turns(503, "disk: the disk of the data directory is full")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	p.turns(200, "ready")
	if _, err := p.root().kms.CreateKey(t.Context(), &kms.CreateKeyInput{}); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// smallDisk mounts a disk of a size for the test, which is skipped where it may not.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("this system mounts no disk for the test: %s", out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("unmounting: %s", out)
		}
	})
	return dir
}
