package app

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"claviger/internal/service/xks"
)

// TestPublishedProxyClient runs AWS's published test client, whole, where
// CLAVIGER_XKS_TEST_CLIENT names a checkout of it. docs/xks-proxy.md says how to
// get one.
func TestPublishedProxyClient(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("CLAVIGER_XKS_TEST_CLIENT")
	if dir == "" {
		t.Skip("CLAVIGER_XKS_TEST_CLIENT does not name a checkout of AWS's test client for external key store proxies")
	}
	for _, tool := range []string{"bash", "curl", "jq", "xxd", "uuidgen", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("the test client needs %s: %v", tool, err)
		}
	}
	p := newProvider(t)
	p.key("foo")
	p.key("encrypt_only_key", func(in *xks.CreateExternalKeyInput) { in.NoDecrypt = true })
	p.key("decrypt_only_key", func(in *xks.CreateExternalKeyInput) { in.NoEncrypt = true })
	p.key("impotent_key", func(in *xks.CreateExternalKeyInput) { in.NoEncrypt, in.NoDecrypt = true, true })

	client := exec.CommandContext(t.Context(), "./test-xks-proxy", "-a")
	client.Dir = dir
	client.Env = append(os.Environ(),
		"XKS_PROXY_HOST="+strings.TrimPrefix(p.url, "http://"), "SCHEME=http://", "URI_PREFIX="+p.prefix, "NO_PROXY=127.0.0.1",
		"SIGV4_ACCESS_KEY_ID="+p.credential.AccessKeyID, "SIGV4_SECRET_ACCESS_KEY="+p.credential.SecretAccessKey)
	out, err := client.CombinedOutput()
	out = bytes.TrimSpace(out)
	last := out[bytes.LastIndexByte(out, '\n')+1:]
	if err != nil || !regexp.MustCompile(`All \d+ tests PASSED`).Match(last) {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", last)
}
