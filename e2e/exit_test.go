package e2e

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	_ "modernc.org/sqlite"

	"claviger/internal/ground/store/postgres/postgrestest"
)

// TestRefusesToStart starts servers on what can't be served: one clear
// sentence, an exit code, nothing harmed.
func TestRefusesToStart(t *testing.T) {
	t.Parallel()
	made := func(t *testing.T) string {
		dir := filepath.Join(t.TempDir(), "data")
		if _, errs, code := command(t, []string{"init", "--data", dir}); code != 0 {
			t.Fatalf("init ended with %d: %s", code, errs)
		}
		return dir
	}
	for _, test := range []struct {
		name string
		dir  func(*testing.T) string
		args []string
		code int
		says string
	}{
		{name: "no directory", code: 2, says: "nothing was initialised in", dir: func(t *testing.T) string { return filepath.Join(t.TempDir(), "none") }},
		{name: "empty directory", code: 2, says: "nothing was initialised in", dir: func(t *testing.T) string { return t.TempDir() }},
		{name: "wrong root key", code: 1, says: "the root key does not open this store", dir: func(t *testing.T) string {
			dir := made(t)
			path := filepath.Join(dir, "root.key")
			key := make([]byte, 32)
			_, _ = rand.Read(key)
			if err := os.Chmod(path, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, key, 0o400); err != nil {
				t.Fatal(err)
			}
			return dir
		}},
		{name: "readable root key", code: 1, says: "root.key", dir: func(t *testing.T) string {
			dir := made(t)
			if err := os.Chmod(filepath.Join(dir, "root.key"), 0o444); err != nil {
				t.Fatal(err)
			}
			return dir
		}},
		{name: "no root key", code: 1, says: "root.key", dir: func(t *testing.T) string {
			dir := made(t)
			if err := os.Remove(filepath.Join(dir, "root.key")); err != nil {
				t.Fatal(err)
			}
			return dir
		}},
		{name: "damaged store", code: 1, says: "store", dir: func(t *testing.T) string {
			if onPostgres() {
				t.Skip("a database looks after its own pages")
			}
			dir := made(t)
			path := database(t, dir)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(content) && i < 8192; i++ {
				content[i] ^= 0x5a
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			return dir
		}},
		{name: "newer schema", code: 1, says: "the store has schema version 99, this program knows 2", dir: func(t *testing.T) string {
			dir := made(t)
			raiseSchema(t, dir)
			return dir
		}},
		{name: "beyond loopback", code: 2, says: "TLS", args: []string{"--listen", "0.0.0.0:0"}, dir: made},
		{name: "unknown flag", code: 2, says: "unknown flag", args: []string{"--no-such-flag"}, dir: made},
		{name: "unknown Region", code: 2, says: "Region", args: []string{"--region", "mars-north-1"}, dir: made},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := test.dir(t)
			before := listing(t, dir)
			_, errs, code := command(t, append([]string{"serve", "--data", dir, "--listen", "127.0.0.1:0"}, test.args...))
			if code != test.code || !strings.Contains(errs, test.says) {
				t.Errorf("ended with %d, want %d, and said %q, want %q", code, test.code, errs, test.says)
			}
			if n := strings.Count(strings.TrimSpace(lastSentence(errs)), "\n"); n != 0 {
				t.Errorf("said more than a line: %q", errs)
			}
			if after := listing(t, dir); after != before {
				t.Errorf("left\n%s\nfound\n%s", after, before)
			}
		})
	}
}

// lastSentence is what follows the name of the program.
func lastSentence(errs string) string {
	if i := strings.LastIndex(errs, "claviger: "); i >= 0 {
		return errs[i:]
	}
	return errs
}

// database is the store's file in a data directory.
func database(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.db"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the store in %s is %v (%v)", dir, files, err)
	}
	return files[0]
}

// raiseSchema makes a store look as if a later version had written it.
func raiseSchema(t *testing.T, dir string) {
	t.Helper()
	if onPostgres() {
		postgrestest.Execute(t, storeOf(t, dir), "UPDATE store_head SET version = 99")
		return
	}
	db, err := sql.Open("sqlite", database(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
}

// listing names the files of a directory that a refused start must not touch:
// all but the lock and what SQLite keeps beside its file.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !strings.HasSuffix(path, "-wal") && !strings.HasSuffix(path, "-shm") && !strings.Contains(path, "lock") {
			names = append(names, path)
		}
		return nil
	})
	return strings.Join(names, "\n")
}

// TestPortTaken starts a server where another program listens.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dir := filepath.Join(t.TempDir(), "data")
	for _, args := range [][]string{{"dev"}, {"serve", "--init", "--data", dir}} {
		_, errs, code := command(t, append(args, "--listen", listener.Addr().String()))
		if code != 1 || !strings.Contains(errs, "address already in use") {
			t.Errorf("%v ended with %d and said %q", args, code, errs)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a server that could not listen made its data directory")
	}
}

// TestSecondServer starts a second server on the same data.
func TestSecondServer(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	p := serve(t, dir)
	_, errs, code := command(t, []string{"serve", "--data", dir, "--listen", "127.0.0.1:0"})
	if code != 1 || !strings.Contains(errs, "in use") {
		t.Errorf("the second server ended with %d and said %q", code, errs)
	}
	if _, err := p.root().kms.ListKeys(t.Context(), nil); err != nil {
		t.Errorf("the first server no longer serves: %v", err)
	}
}

// TestInit makes a directory a server, once.
func TestInit(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	out, errs, code := command(t, []string{"init", "--data", dir, "--account", rootAccount}, rootEnv...)
	if code != 0 || !strings.Contains(out, rootAccount) {
		t.Fatalf("init ended with %d: %s%s", code, out, errs)
	}
	if strings.Contains(out+errs, rootSecret) {
		t.Error("init showed the secret though nobody looks at a terminal")
	}
	for name, mode := range map[string]os.FileMode{"root.key": 0o400, "root-credentials": 0o600, ".": 0o700 | os.ModeDir} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != mode {
			t.Errorf("%s has mode %v (%v), want %v", name, info.Mode(), err, mode)
		}
	}
	if _, errs, code := command(t, []string{"init", "--data", dir}); code != 2 || !strings.Contains(errs, "initialised already") {
		t.Errorf("a second init ended with %d and said %q", code, errs)
	}
	p := start(t, []string{"serve", "--listen", "127.0.0.1:0", "--data", dir})
	if _, err := p.root().kms.ListKeys(t.Context(), nil); err != nil {
		t.Errorf("the root credentials that were given are refused: %v", err)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("the server ended with %d", code)
	}
	if _, errs, code := command(t, []string{"account", "create", "999988887777", "--data", dir}); code != 0 {
		t.Errorf("account create without a server ended with %d: %s", code, errs)
	}
}

// TestPassphrase seals a server under a passphrase.
func TestPassphrase(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	file := filepath.Join(t.TempDir(), "passphrase")
	try := func(passphrase string, args ...string) (string, int) {
		if err := os.WriteFile(file, []byte(passphrase+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, errs, code := command(t, append(args, "--data", dir, "--root-key", "passphrase-file:"+file))
		return errs, code
	}
	if errs, code := try("correct horse", "init"); code != 0 {
		t.Fatalf("init ended with %d: %s", code, errs)
	}
	if errs, code := try("wrong horse", "account", "create"); code != 1 || !strings.Contains(errs, "root key does not open") {
		t.Errorf("with another passphrase account create ended with %d: %s", code, errs)
	}
	if errs, code := try("correct horse", "account", "create"); code != 0 {
		t.Errorf("account create ended with %d: %s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(dir, "root.key")); err == nil {
		t.Error("a key file was made beside the passphrase")
	}
}

// TestPassphraseByDescriptor initialises and serves with a passphrase that can
// be read only once.
func TestPassphraseByDescriptor(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	if _, err := write.WriteString("correct horse battery\n"); err != nil {
		t.Fatal(err)
	}
	write.Close()
	cmd := exec.Command(binary, "serve", "--init", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "data"), "--root-key", "passphrase-fd:3")
	cmd.Env, cmd.ExtraFiles = environment(stored(t, cmd.Args, nil)...), []*os.File{read}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var line struct{ Msg string }
	if err := json.NewDecoder(stdout).Decode(&line); err != nil || line.Msg != "ready" {
		t.Errorf("printed %+v (%v)", line, err)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v: %s", err, errs.String())
	}
}

// TestHealth asks for the server's health.
func TestHealth(t *testing.T) {
	t.Parallel()
	answer, err := http.Get(dev(t).endpoint + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("/healthz answers %s", answer.Status)
	}
}

// TestReadyLine reads the line that tells a program where the server is.
func TestReadyLine(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"dev"}, {"serve", "--init", "--data", filepath.Join(t.TempDir(), "data")}} {
		cmd := exec.Command(binary, append(args, "--listen", "127.0.0.1:0", "--log-format", "json")...)
		cmd.Env = environment(stored(t, cmd.Args, nil)...)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var line struct{ Msg, Listen, Endpoint string }
		err = json.NewDecoder(stdout).Decode(&line)
		if err != nil || line.Msg != "ready" || line.Endpoint != "http://"+line.Listen {
			t.Errorf("%v printed %+v (%v)", args, line, err)
		}
		if answer, err := http.Get(line.Endpoint + "/healthz"); err != nil || answer.StatusCode != http.StatusOK {
			t.Errorf("%v is not ready: %v", args, err)
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v ended with %v", args, err)
		}
	}
}

// TestDevGuards tries what the development server must refuse.
func TestDevGuards(t *testing.T) {
	t.Parallel()
	p := dev(t)
	for name, change := range map[string]func(*http.Request){
		"origin":       func(r *http.Request) { r.Header.Set("Origin", "https://example.org") },
		"foreign host": func(r *http.Request) { r.Host = "kms.example.org" },
	} {
		request, err := http.NewRequest(http.MethodPost, p.endpoint+"/", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		change(request)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: answered %s", name, answer.Status)
		}
	}
	for _, args := range [][]string{{"dev", "--listen", "0.0.0.0:0"}, {"dev", "--store", "sqlite:"}, {"dev", "--data", "x"}, {"dev", "--account", "12"}} {
		if _, errs, code := command(t, args); code != 2 {
			t.Errorf("%v ended with %d: %s", args, code, errs)
		}
	}
	// With credentials of its own, no digits open any account.
	guarded := start(t, []string{"dev", "--listen", "127.0.0.1:0", "--log-format", "json"}, rootEnv...)
	if _, err := guarded.root().kms.ListKeys(t.Context(), nil); err != nil {
		t.Errorf("the given credentials are refused: %v", err)
	}
}

// TestNoCore ends servers by signals that usually leave a core file.
func TestNoCore(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGABRT, syscall.SIGSEGV, syscall.SIGQUIT} {
		p := start(t, []string{"dev", "--listen", "127.0.0.1:0", "--log-format", "json"}, "GOTRACEBACK=crash")
		if _, err := p.account(bank).kms.GenerateRandom(t.Context(), &kms.GenerateRandomInput{NumberOfBytes: ptr(int32(8))}); err != nil {
			t.Fatal(err)
		}
		limits, err := os.ReadFile("/proc/" + itoa(p.cmd.Process.Pid) + "/limits")
		if err != nil || !strings.Contains(string(limits), "Max core file size        0                    0") {
			t.Errorf("the limit of core files is not zero: %v\n%s", err, limits)
		}
		_ = p.cmd.Process.Signal(signal)
		<-p.done
		if state := p.cmd.ProcessState.Sys().(syscall.WaitStatus); state.CoreDump() {
			t.Errorf("%v dumped core", signal)
		}
		cores, _ := filepath.Glob(filepath.Join(p.cmd.Dir, "core*"))
		if len(cores) > 0 {
			t.Errorf("%v left %v", signal, cores)
		}
	}
}

// TestMalformedStoreURL: what is no address of a database ends as wrong usage
// does, whatever the command, and shows nothing of it.
func TestMalformedStoreURL(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"postgres://user:secret-word@host:port/db", "postgres://secret-word@db.example.com/x?sslmode=disable", "mysql://secret-word@host/db",
		"postgres://user@127.0.0.1/db?sslmode=verify-full&sslrootcert=/nowhere/ca.pem"} {
		for _, args := range [][]string{{"serve"}, {"init"}, {"account", "create"}} {
			_, errs, code := command(t, append(args, "--data", filepath.Join(t.TempDir(), "data"), "--store", store))
			if code != 2 || strings.Contains(errs, "secret-word") || strings.Contains(store, "nowhere") != strings.Contains(errs, "/nowhere/ca.pem") {
				t.Errorf("%s --store %s: ended with %d: %s", args, store, code, errs)
			}
		}
	}
}

// TestEnded: what ends a server that has ended already does nothing to the processes that
// have its number by then.
func TestEnded(t *testing.T) {
	t.Parallel()
	q := dev(t)
	p := &process{t: t, cmd: q.cmd, done: make(chan struct{})}
	close(p.done)
	p.kill()
	if _, err := q.account(bank).kms.ListKeys(t.Context(), nil); err != nil {
		t.Errorf("another process with its number: %v", err)
	}
}
