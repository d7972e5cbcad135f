package e2e

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestPaste does what a newcomer does: starts the development server and pastes
// what it prints into a shell, with Debian's AWS CLI.
func TestPaste(t *testing.T) {
	t.Parallel()
	requireProgram(t, "/usr/bin/aws", "the AWS CLI (Debian package awscli)")
	cmd := exec.Command(binary, "dev", "--listen", "127.0.0.1:0")
	cmd.Env = environment()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	var paste []string
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if line, indented := strings.CutPrefix(lines.Text(), "    "); indented {
			paste = append(paste, line)
		}
		if len(paste) > 0 && strings.Contains(lines.Text(), "--query Plaintext") {
			break
		}
	}
	shell := exec.Command("sh", "-eu")
	shell.Stdin = strings.NewReader(strings.Join(paste, "\n"))
	shell.Dir = t.TempDir()
	// Debian's client first, as on a machine that has no other.
	shell.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + shell.Dir, "AWS_PAGER="}
	out, err := shell.CombinedOutput()
	if err != nil || !bytes.HasSuffix(out, []byte("\nhello\n")) || !bytes.Contains(out, []byte(`"arn:aws:iam::000000000000:root"`)) {
		t.Errorf("pasting\n%s\nprinted\n%s(%v)", strings.Join(paste, "\n"), out, err)
	}
}

// TestCLI runs a script of the AWS CLI.
func TestCLI(t *testing.T) {
	t.Parallel()
	requireProgram(t, "/usr/bin/aws", "the AWS CLI (Debian package awscli)")
	script(t, "sh", "-eu", "testdata/cli.sh")
}

// TestBoto3 runs a script of Debian's boto3.
func TestBoto3(t *testing.T) {
	t.Parallel()
	if err := exec.Command("/usr/bin/python3", "-c", "import boto3").Run(); err != nil {
		t.Skip("skipped: boto3 (Debian package python3-boto3) is not installed")
	}
	script(t, "/usr/bin/python3", "testdata/story.py")
}

// script runs a program against a fresh server; it says itself what is wrong.
func script(t *testing.T, program string, args ...string) {
	t.Helper()
	p := dev(t)
	cmd := exec.Command(program, args...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "AWS_PAGER=", "SCRATCH=" + t.TempDir(),
		"AWS_ENDPOINT_URL=" + p.endpoint, "AWS_DEFAULT_REGION=us-east-1"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func requireProgram(t *testing.T, path, what string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Skipf("skipped: %s is not installed", what)
	}
}
