package sealed_test

import (
	"crypto/fips140"
	"errors"
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
	tests := []string{"TestCiphertextVectors", "TestKeyringVectors", "TestReEncrypt", "TestReopen", "TestFIPSEnabled",
		"TestSignatures", "TestPublicEncryption", "TestEncapsulation", "TestPrivateReopens", "TestWrappingKey", "TestNotApproved"}
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

// TestNotApproved holds that FIPS 140-3 mode makes and uses no keys that lie
// outside it, and that without it all are at hand.
func TestNotApproved(t *testing.T) {
	t.Parallel()
	ring := newRing(t, account)
	for spec, approved := range map[string]bool{
		"RSA_2048": true, "ECC_NIST_P256": true, "ECC_NIST_EDWARDS25519": true, "ML_KEM_768": true, "ML_KEM_1024": true, "HMAC_256": true,
		"ECC_SECG_P256K1": false, "SM2": false, "ML_DSA_44": false, "ML_DSA_65": false, "ML_DSA_87": false, "ML_KEM_512": false,
	} {
		if got := sealed.Approved(spec); got != approved {
			t.Errorf("%s: approved %t", spec, got)
		}
		if approved {
			continue
		}
		refused := fips140.Enabled()
		_, _, generated := ring.Generate(t.Context(), bound(spec))
		_, _, imported := ring.Import(bound(spec), sealed.Random(32))
		_, unwrapped := ring.Unwrap(bound(spec), nil)
		for what, err := range map[string]error{"generated": generated, "imported": imported, "unwrapped": unwrapped} {
			if errors.Is(err, sealed.ErrNotApproved) != refused {
				t.Errorf("%s: %s: %v", spec, what, err)
			}
		}
	}
	if _, err := importKey(ring, "RSA_2048", fixedKey(t, "RSA_2048_E3")); errors.Is(err, sealed.ErrNotApproved) != fips140.Enabled() {
		t.Errorf("imported an exponent of 3: %v", err)
	}
}

func rerun(mode string, tests ...string) (string, error) {
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^("+strings.Join(tests, "|")+")$")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140="+mode, fipsVariable+"="+mode)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
