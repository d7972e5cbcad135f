package app

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// policyCommandLine runs a command with an input, and returns its exit code and
// what it printed.
func policyCommandLine(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, problems bytes.Buffer
	code = Main(append([]string{"policy"}, args...), func(string) string { return "" }, strings.NewReader(stdin), &out, &problems)
	return code, out.String(), problems.String()
}

// TestPolicyLint: the exit code says whether something should be done.
func TestPolicyLint(t *testing.T) {
	t.Parallel()
	const (
		fine    = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:Sign","Resource":"arn:aws:kms:us-east-1:111122223333:key/k"}}`
		inert   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:Sing","Resource":"arn:aws:kms:us-east-1:111122223333:key/k"}}`
		refused = "{\"Version\":\"2012-10-17\",\n\"Statement\":{}}"
		closed  = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:Sign","Resource":"*"}}`
		trust   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:AssumeRole"}}`
	)
	for _, tt := range []struct {
		document string
		args     []string
		code     int
		stdout   string
		stderr   string
	}{
		{fine, nil, 0, "", ""},
		{inert, nil, 0, "-:1:64: inert: unknown-action: No action is called kms:Sing. Correct the name; a wildcard must match an action that exists.\n", ""},
		{refused, nil, 1, "-:2:14: error: refused: AWS refuses the document: Syntax errors in policy. Write it as the grammar of policies has it.\n", "claviger: findings: 1 of class error\n"},
		{closed, []string{"--type", "key"}, 1, "-:1:1: danger: lockout: No principal may call kms:PutKeyPolicy on the key. Let an account or an administrator call kms:PutKeyPolicy.\n", "claviger: findings: 1 of class danger\n"},
		{trust, nil, 0, "", ""},
		{trust, []string{"--account", "111122223333"}, 1, "-:1:74: danger: foreign-trust: Account 444455556666 may assume the role without an external id. Add a condition on sts:ExternalId, or name a principal of that account that you know.\n", "claviger: findings: 1 of class danger\n"},
		{fine, []string{"--type", "bucket"}, 2, "", ""},
		{strings.Repeat(" ", 256<<10) + fine, nil, 2, "", "claviger: - is larger than any policy\n"},
	} {
		code, stdout, stderr := policyCommandLine(tt.document, append([]string{"lint", "-"}, tt.args...)...)
		if tt.code == 2 && tt.stderr == "" {
			stdout, stderr = "", ""
		}
		if code != tt.code || stdout != tt.stdout || stderr != tt.stderr {
			t.Errorf("%.80s %v: code %d\n got %q, %q\nwant %q, %q", tt.document, tt.args, code, stdout, stderr, tt.stdout, tt.stderr)
		}
	}
	path := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(path, []byte(inert), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, _ := policyCommandLine("", "lint", path, "--json")
	var out struct{ Findings []lintFinding }
	if err := json.Unmarshal([]byte(stdout), &out); err != nil || code != 0 || len(out.Findings) != 1 || out.Findings[0].Code != "unknown-action" || out.Findings[0].About != path || out.Findings[0].Column != 64 {
		t.Errorf("code %d, %v: %s", code, err, stdout)
	}
	if code, _, stderr := policyCommandLine("", "lint", path+".missing"); code != 1 || !strings.Contains(stderr, "reading the policy") {
		t.Errorf("code %d: %s", code, stderr)
	}
}
