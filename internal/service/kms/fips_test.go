package kms_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"strings"
	"testing"

	"claviger/internal/ground/sealed"
	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
)

const fipsVariable = "KMS_TEST_FIPS"

// TestFIPS runs what names algorithms again in FIPS 140-3 mode, whose setting a
// process can't change while it runs.
func TestFIPS(t *testing.T) {
	if os.Getenv(fipsVariable) != "" {
		t.Skip("runs the others only")
	}
	t.Parallel()
	tests := []string{
		"TestCreateKeyOfEverySpec", "TestSignECDSA", "TestSignRSA", "TestSignEdwards", "TestSignLattice", "TestSignKoblitz", "TestEncryptRSA",
		"TestReEncryptAcrossKinds", "TestGenerateDataKeyPair", "TestGenerateMac", "TestDeriveSharedSecret", "TestEncapsulate", "TestKeyOutsideFIPS",
		"TestWrappable",
	}
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^("+strings.Join(tests, "|")+")$")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=on", fipsVariable+"=on")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range tests {
		if !strings.Contains(string(out), "--- PASS: "+name+" ") {
			t.Errorf("%s did not run", name)
		}
	}
}

// TestKeyOutsideFIPS: a key that was made before is shown, and refused by name
// where its material would be used.
func TestKeyOutsideFIPS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	w.kind(key.KeyID, "ECC_SECG_P256K1", "SIGN_VERIFY")
	ok(t, kms.Plant(t.Context(), w.store, region, key.KeyID))
	in := &kms.SignInput{KeyID: str(key.KeyID), Message: secret("x"), SigningAlgorithm: str("ECDSA_SHA_256")}
	if !fips140.Enabled() { // there it is damage
		owner.failed(in, sealed.ErrCiphertext)
		return
	}
	owner.refused(in, fault.UnsupportedOperation, "Keys such as "+key.ARN+" of the spec ECC_SECG_P256K1 are not approved in FIPS 140-3 mode.")
	must[kms.DescribeKeyOutput](owner, &kms.DescribeKeyInput{KeyID: in.KeyID})
	owner.done(&kms.DisableKeyInput{KeyID: in.KeyID})
	owner.schedule(key, 7)
}
