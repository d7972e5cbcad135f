package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTerraform lets Terraform make users, groups, roles and policies, change them and delete them.
// After each change its plan is empty.
//
// It needs Terraform, and its provider for AWS in a directory that is a filesystem mirror, which
// CLAVIGER_TERRAFORM_PLUGINS names.
func TestTerraform(t *testing.T) {
	t.Parallel()
	if !long() {
		t.Skip("skipped: starting Terraform's provider takes long; set CLAVIGER_LONG=1")
	}
	program, err := exec.LookPath("terraform")
	plugins := os.Getenv("CLAVIGER_TERRAFORM_PLUGINS")
	if err != nil || plugins == "" {
		t.Skip("skipped: Terraform is not installed, or CLAVIGER_TERRAFORM_PLUGINS does not say where its provider for AWS is")
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"terraformrc": `provider_installation { filesystem_mirror { path = "` + plugins + `" } }`,
		"main.tf":     string(must[[]byte](t)(os.ReadFile("testdata/identities.tf"))),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := dev(t)
	terraform := func(args ...string) {
		t.Helper()
		cmd := exec.Command(program, args...)
		cmd.Dir = dir
		cmd.Env = environment("TF_CLI_CONFIG_FILE="+filepath.Join(dir, "terraformrc"), "TF_VAR_endpoint="+p.endpoint, "CHECKPOINT_DISABLE=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	terraform("init", "-no-color", "-input=false")
	for _, vars := range [][]string{
		nil,
		{"-var", `actions=["kms:Decrypt"]`, "-var", "bob=robert"}, // another version of the policy, another name of the user
	} {
		terraform(append([]string{"apply", "-no-color", "-input=false", "-auto-approve"}, vars...)...)
		terraform(append([]string{"plan", "-no-color", "-input=false", "-detailed-exitcode"}, vars...)...) // fails where something would change
	}
	terraform("destroy", "-no-color", "-input=false", "-auto-approve")
}
