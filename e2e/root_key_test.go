package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"claviger/internal/ground/store/postgres/postgrestest"
)

// TestRootKeyKill replaces the root key under load, again and again, and kills the
// server in the middle: every ciphertext decrypts before, during and after, every
// write that was answered is there, and no root key of before opens anything.
func TestRootKeyKill(t *testing.T) {
	t.Parallel()
	rounds := 3
	if long() {
		rounds = 200
	}
	rotateUnderLoad(t, rounds)
}

// TestPostgresRootKeyKill is TestRootKeyKill with the records in a PostgreSQL server.
func TestPostgresRootKeyKill(t *testing.T) {
	t.Parallel()
	rounds := 2
	if long() {
		rounds = 60
	}
	rotateUnderLoad(t, rounds, "--store", postgrestest.URL(t))
}

// rotateUnderLoad runs rounds of load and rotation that end with a kill, for a
// minute at most.
func rotateUnderLoad(t *testing.T, rounds int, extra ...string) {
	dir := filepath.Join(t.TempDir(), "data")
	keys := &rootKeysSeen{dir: dir, extra: extra, seen: make(map[string]bool)}
	p := serve(t, dir, extra...)
	keys.note(t)
	l := newLedger(t, p)
	end := time.Now().Add(time.Minute)
	done := 0
	for ; done < rounds && (done == 0 || time.Now().Before(end)); done++ {
		l.material.next(t, p.root())
		var rotating sync.WaitGroup
		rotating.Go(func() { keys.rotate(t, p) })
		l.load(t, p, done)
		rotating.Wait()
		p = serve(t, dir, extra...)
		keys.note(t)
		l.check(t, p)
		l.material.check(t, p.root())
		l.deletion.check(t, p.root())
		if t.Failed() {
			t.Fatalf("after round %d:\n%s", done, p.output())
		}
	}
	keys.settled(t)
	l.finish(t, p, dir, done)
	keys.refused(t)
}

// rootKeysSeen are the contents that the file of the root key had.
type rootKeysSeen struct {
	dir   string
	extra []string

	mu      sync.Mutex
	seen    map[string]bool
	rotated int
}

func (k *rootKeysSeen) file() string { return filepath.Join(k.dir, "root.key") }

func (k *rootKeysSeen) note(t *testing.T) {
	t.Helper()
	content, err := os.ReadFile(k.file())
	if err != nil || len(content) != 32 {
		t.Errorf("the root key has %d bytes, %v", len(content), err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen[string(content)] = true
}

// rotate replaces the root key until the server is gone.
func (k *rootKeysSeen) rotate(t *testing.T, p *process) {
	for {
		select {
		case <-p.done:
			return
		default:
		}
		if out, err := post(p, "/root-key/rotate", map[string]any{}); err == nil {
			var status struct{ Fingerprint string }
			if json.Unmarshal(out, &status) != nil || len(status.Fingerprint) != 16 {
				t.Errorf("rotate answered %s", out)
			}
			k.note(t)
			k.mu.Lock()
			k.rotated++
			k.mu.Unlock()
		}
	}
}

// settled waits until nothing is left of older root keys.
func (k *rootKeysSeen) settled(t *testing.T) {
	t.Helper()
	var last string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		out, errs, code := command(t, append([]string{"root-key", "status", "--json", "--data", k.dir}, k.extra...))
		if last = out + errs; code == 0 && !strings.Contains(out, `"Rotation"`) {
			return
		}
	}
	t.Errorf("the rotation is not settled: %s", last)
}

// refused tries the root keys of before on a copy of what the stopped server has.
func (k *rootKeysSeen) refused(t *testing.T) {
	t.Helper()
	if k.rotated == 0 {
		t.Error("no rotation was answered")
	}
	present, err := os.ReadFile(k.file())
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(k.dir, "root.key*"))
	if err != nil || len(names) != 1 {
		t.Errorf("these root keys are left: %v, %v", names, err)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if out, err := exec.Command("cp", "-a", k.dir, copied).CombinedOutput(); err != nil {
		t.Fatalf("copying: %v\n%s", err, out)
	}
	delete(k.seen, string(present))
	tried := 0
	for content := range k.seen {
		file := filepath.Join(t.TempDir(), fmt.Sprintf("old-%d", tried))
		if err := os.WriteFile(file, []byte(content), 0o400); err != nil {
			t.Fatal(err)
		}
		args := append([]string{"root-key", "status", "--data", copied, "--root-key", "file:" + file}, k.extra...)
		if out, errs, code := command(t, args); code != 1 || !strings.Contains(errs, "the root key does not open this store") {
			t.Errorf("with an old root key: %d, %s%s", code, out, errs)
		}
		if tried++; tried == 5 {
			break
		}
	}
	if tried == 0 {
		t.Error("no old root key was tried")
	}
}

// post asks the admin socket as an operator command does.
func post(p *process, path string, in any) ([]byte, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", p.admin)
		},
	}}
	answer, err := client.Post("http://claviger"+path, "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	out, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, out)
	}
	return out, err
}
