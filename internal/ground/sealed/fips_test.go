package sealed_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"strings"
	"testing"

	"claviger/internal/ground/sealed"
)

const fipsVariable = "SEALED_TEST_FIPS"

// TestFIPS runs the vectors and the operations again in FIPS 140-3 mode, whose
// setting a process can't change while it runs.
func TestFIPS(t *testing.T) {
	if os.Getenv(fipsVariable) != "" {
		t.Skip("runs the others only")
	}
	t.Parallel()
	tests := []string{"TestCiphertextVectors", "TestKeyringVectors", "TestReEncrypt", "TestReopen", "TestFIPSEnabled"}
	out, err := rerun("on", tests...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range tests {
		if !strings.Contains(out, "--- PASS: "+name+" ") {
			t.Errorf("%s did not run", name)
		}
	}
}

// TestFIPSOnly sees a clear refusal where the setting forbids the construction.
func TestFIPSOnly(t *testing.T) {
	t.Parallel()
	if os.Getenv(fipsVariable) == "only" {
		_, _, err := sealed.Create(nil)
		_, openErr := sealed.Open(nil, nil)
		if err == nil || openErr == nil || !strings.Contains(err.Error(), "fips140=on") || err.Error() != openErr.Error() {
			t.Errorf("got %v and %v", err, openErr)
		}
		return
	}
	if out, err := rerun("only", "TestFIPSOnly"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestFIPSEnabled(t *testing.T) {
	t.Parallel()
	if os.Getenv(fipsVariable) == "on" && !fips140.Enabled() {
		t.Error("FIPS 140-3 mode is off")
	}
}

func rerun(mode string, tests ...string) (string, error) {
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^("+strings.Join(tests, "|")+")$")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140="+mode, fipsVariable+"="+mode)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
