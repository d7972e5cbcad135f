package main_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadme does what README.md says, with the AWS CLI and curl.
func TestReadme(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"/usr/bin/aws", "/usr/bin/curl"} {
		if _, err := os.Stat(program); err != nil {
			t.Skipf("skipped: %s is not installed", program)
		}
	}
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	c := start(t)
	dir := t.TempDir()
	if err := os.Symlink(binaries, filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	shell := func(script string, env ...string) string {
		t.Helper()
		cmd := exec.Command("sh", "-eu")
		cmd.Stdin = strings.NewReader(script)
		cmd.Dir = dir
		cmd.Env = append([]string{"PATH=/usr/bin:/bin", "HOME=" + dir, "TMPDIR=" + os.TempDir()}, env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s\nprinted\n%s(%v)", script, out, err)
		}
		return string(out)
	}
	keys := strings.Fields(shell(block(t, text, "register")+`echo "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"`, "SOCKET="+c.socket))
	if len(keys) != 2 {
		t.Fatalf("registering the service gave %d words", len(keys))
	}
	service := serve(t, "-claviger", c.endpoint, "AWS_ACCESS_KEY_ID="+keys[0], "AWS_SECRET_ACCESS_KEY="+keys[1])
	out := shell(block(t, text, "customer")+block(t, text, "revoke"), "CLAVIGER="+c.endpoint, "VAULT="+service)
	for _, want := range []string{`"State":"ready"`, "AccessDeniedException", "DisabledException"} {
		if !strings.Contains(out, want) {
			t.Errorf("the commands never print %s", want)
		}
	}
	if n := strings.Count(out, "world domination by autumn"); n != 2 {
		t.Errorf("the document is readable %d times, want 2", n)
	}
	if !strings.HasSuffix(out, "\n0\n") {
		t.Error("a grant is left")
	}
	if t.Failed() {
		t.Log(out)
	}
}

// block returns the commands that a page has under a name.
func block(t *testing.T, page []byte, name string) string {
	t.Helper()
	m := regexp.MustCompile("(?s)<!-- " + name + " -->\n```sh\n(.*?)```").FindSubmatch(page)
	if m == nil {
		t.Fatalf("the page has no commands named %s", name)
	}
	return string(m[1])
}

// serve starts the service itself and returns where it listens.
func serve(t *testing.T, flag, value string, env ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(binaries, "vault-of-documents"), flag, value, "-listen", "127.0.0.1:0", "-data", t.TempDir())
	cmd.Env = env
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the service ended with %v", err)
		}
	})
	line, err := bufio.NewReader(stderr).ReadString('\n')
	_, endpoint, ok := strings.Cut(strings.TrimSpace(line), "endpoint=")
	if err != nil || !ok {
		t.Fatalf("the service said %q, %v", line, err)
	}
	return endpoint
}
