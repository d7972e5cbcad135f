package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// program returns the path of a Go program: the one that is installed, else in
// the long runs one that is built now. Building one takes minutes.
func program(t *testing.T, name, module string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if os.Getenv("CLAVIGER_LONG") == "" {
		t.Skipf("skipped: %s is not installed; the long runs build it", name)
	}
	dir := t.TempDir()
	build := exec.Command("go", "install", module)
	build.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=-mod=mod", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("skipped: %s can't be built: %v\n%s", name, err, out)
	}
	return filepath.Join(dir, name)
}

// TestSOPS keeps a file of secrets.
func TestSOPS(t *testing.T) {
	t.Parallel()
	sops := program(t, "sops", "github.com/getsops/sops/v3/cmd/sops@v3.13.3")
	key := symmetricKey(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secrets.yaml"), []byte("password: hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sealed, err := run(t, dir, sops, "encrypt", "--kms", key, "--encryption-context", "purpose:test", "secrets.yaml")
	if err != nil || strings.Contains(sealed, "hunter2") || !strings.Contains(sealed, key) {
		t.Fatalf("%v\n%s", err, sealed)
	}
	if err := os.WriteFile(filepath.Join(dir, "sealed.yaml"), []byte(sealed), 0o600); err != nil {
		t.Fatal(err)
	}
	if opened, err := run(t, dir, sops, "decrypt", "sealed.yaml"); err != nil || opened != "password: hunter2\n" {
		t.Errorf("%v\n%s", err, opened)
	}
	disable(t, key)
	if opened, err := run(t, dir, sops, "decrypt", "sealed.yaml"); err == nil {
		t.Errorf("decrypted under a disabled key:\n%s", opened)
	}
}

// TestCosign signs a file with a key of the service and verifies it with the
// public key alone.
func TestCosign(t *testing.T) {
	t.Parallel()
	cosign := program(t, "cosign", "github.com/sigstore/cosign/v2/cmd/cosign@v2.6.5")
	key := newKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify)
	newAlias(t, key, "alias/cosign")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "artifact"), []byte("an artifact\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const uri = "awskms:///alias/cosign"
	for _, args := range [][]string{
		{"sign-blob", "--yes", "--tlog-upload=false", "--key", uri, "--output-signature", "artifact.sig", "artifact"},
		{"public-key", "--key", uri, "--outfile", "cosign.pub"},
		{"verify-blob", "--insecure-ignore-tlog", "--key", "cosign.pub", "--signature", "artifact.sig", "artifact"},
	} {
		if out, err := run(t, dir, cosign, args...); err != nil {
			t.Fatalf("cosign %s: %v\n%s", args[0], err, out)
		}
	}
	disable(t, key)
	if out, err := run(t, dir, cosign, "sign-blob", "--yes", "--tlog-upload=false", "--key", uri, "artifact"); err == nil {
		t.Errorf("signed with a disabled key:\n%s", out)
	}
}
