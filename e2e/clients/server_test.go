package clients

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// endpoint is where the one server of all tests serves.
var endpoint string

// Everything that the clients learn of the server, they learn from the
// environment, as they would with the real service.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "claviger-clients-")
	if err == nil {
		var stop func()
		if stop, err = serve(dir); err == nil {
			for name, value := range map[string]string{
				"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
				"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "HOME": dir,
				"AWS_EC2_METADATA_DISABLED": "true",
			} {
				_ = os.Setenv(name, value)
			}
			code := m.Run()
			stop()
			_ = os.RemoveAll(dir)
			os.Exit(code)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// serve builds claviger and starts a development server.
func serve(dir string) (stop func(), err error) {
	binary := filepath.Join(dir, "claviger")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "./cmd/claviger")
	build.Dir = "../.."
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building claviger: %w\n%s", err, out)
	}
	server := exec.Command(binary, "dev", "--listen", "127.0.0.1:0", "--log-format", "json")
	server.Env = append(os.Environ(), "TMPDIR="+dir) // where it is killed it leaves its socket
	log, err := server.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	}
	lines := bufio.NewScanner(log)
	for endpoint == "" && lines.Scan() {
		var line struct{ Msg, Endpoint string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "ready" {
			endpoint = line.Endpoint
		}
	}
	if endpoint == "" {
		stop()
		return nil, fmt.Errorf("claviger did not become ready")
	}
	go func() {
		for lines.Scan() { // so that the server never waits to write a line
		}
	}()
	return stop, nil
}

// client is the official SDK, with which the tests make keys.
func client() *kms.Client {
	return kms.New(kms.Options{
		BaseEndpoint: &endpoint,
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// newKey makes a key and returns its ARN.
func newKey(t *testing.T, spec types.KeySpec, usage types.KeyUsageType) string {
	t.Helper()
	out, err := client().CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: spec, KeyUsage: usage})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.KeyMetadata.Arn)
}

// symmetricKey makes a symmetric encryption key and returns its ARN.
func symmetricKey(t *testing.T) string {
	t.Helper()
	return newKey(t, types.KeySpecSymmetricDefault, types.KeyUsageTypeEncryptDecrypt)
}

// newAlias gives a key a name.
func newAlias(t *testing.T, key, name string) {
	t.Helper()
	if _, err := client().CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: &name, TargetKeyId: &key}); err != nil {
		t.Fatal(err)
	}
}

// disable takes a key out of use.
func disable(t *testing.T, key string) {
	t.Helper()
	if _, err := client().DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &key}); err != nil {
		t.Fatal(err)
	}
}

// run runs a program to its end and returns what it printed.
func run(t *testing.T, dir string, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}
