package root

import (
	"bytes"
	"crypto/fips140"
	"os"
	"os/exec"
	"testing"
)

// TestNewParams runs itself again in FIPS 140-3 mode, where Argon2id is not approved.
func TestNewParams(t *testing.T) {
	t.Parallel()
	const variable = "ROOT_TEST_FIPS"
	p := newParams()
	if err := p.check(); err != nil {
		t.Error(err)
	}
	if bytes.Equal(p.Salt, newParams().Salt) {
		t.Error("two stores have one salt")
	}
	again, err := parseParams(p.encode())
	if err != nil || string(again.encode()) != string(p.encode()) {
		t.Errorf("%s became %s, %v", p.encode(), again.encode(), err)
	}
	want := kdfArgon2id
	if fips140.Enabled() {
		want = kdfPBKDF2
	}
	if p.KDF != want {
		t.Errorf("chose %s", p.KDF)
	}
	if os.Getenv(variable) != "" {
		if !fips140.Enabled() {
			t.Error("FIPS 140-3 mode is off")
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNewParams$")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=on", variable+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
