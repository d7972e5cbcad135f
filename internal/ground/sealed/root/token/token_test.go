//go:build pkcs11

package token

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/pkcs11"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
)

// softHSM makes a token in dir and returns the path of its module. Without SoftHSM
// the test is skipped.
func softHSM(t *testing.T, dir, label, pin string) string {
	t.Helper()
	module := ""
	for _, pattern := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 && module == "" {
			module = found[0]
		}
	}
	tool, err := exec.LookPath("softhsm2-util")
	if module == "" || err != nil {
		t.Skip("SoftHSM is not installed (Debian's softhsm2): root keys in tokens are not tested")
	}
	conf := filepath.Join(dir, configuration)
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+dir+"\nlog.level = ERROR\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool, "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "officer").CombinedOutput(); err != nil {
		t.Fatalf("making a token: %v\n%s", err, out)
	}
	return module
}

const configuration = "softhsm2.conf"

// TestToken is one test because a process has one SoftHSM.
func TestToken(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SOFTHSM2_CONF", filepath.Join(dir, configuration))
	module := softHSM(t, dir, "root of tests", "47114711")
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(t.TempDir(), name)
		if err := errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pin := file("pin", "47114711\n", 0o400)
	source := func(token, object, pin string) root.Source {
		t.Helper()
		s, err := root.Parse("pkcs11:token="+token+";object="+object+"?module-path="+module+"&pin-source="+pin, root.Wrappers{"pkcs11": Parse})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ctx, here, elsewhere := t.Context(), sealed.NewInstallation(), sealed.NewInstallation()
	good := source("root%20of%20tests", "root", pin)
	made, params, err := good.Create(ctx, here.String())
	if err != nil {
		t.Fatal(err)
	}
	_, header, err := sealed.CreateAs(here, made)
	if err != nil {
		t.Fatal(err)
	}
	again, err := good.Open(ctx, here.String(), params)
	if err != nil || !again.Opens(header) {
		t.Fatalf("another key came back, %v", err)
	}
	if other, _, err := good.Create(ctx, here.String()); err != nil || other.Opens(header) {
		t.Errorf("the second root key is the first, %v", err)
	}
	for what, open := range map[string]func() error{
		"does not open it: another installation": func() error { _, err := good.Open(ctx, elsewhere.String(), params); return err },
		"CKR_PIN_INCORRECT": func() error {
			_, err := source("root%20of%20tests", "root", file("pin", "12341234", 0o400)).Open(ctx, here.String(), params)
			return err
		},
		"chmod 0400": func() error {
			_, err := source("root%20of%20tests", "root", file("pin", "47114711", 0o444)).Open(ctx, here.String(), params)
			return err
		},
		"holds no PIN": func() error {
			_, err := source("root%20of%20tests", "root", file("pin", "\n", 0o400)).Open(ctx, here.String(), params)
			return err
		},
		"has 0 tokens": func() error { _, err := source("none", "root", pin).Open(ctx, here.String(), params); return err },
		"has no key": func() error {
			_, err := source("root%20of%20tests", "none", pin).Open(ctx, here.String(), params)
			return err
		},
		"was not made by a token": func() error {
			_, err := good.Open(ctx, here.String(), []byte(`{"version":1,"source":"pkcs11","wrapped":"AAAA"}`))
			return err
		},
	} {
		says, _, _ := strings.Cut(what, ":")
		if err := open(); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "4711") {
			t.Errorf("%s: %v", what, err)
		}
	}
	weak(t, module, "root%20of%20tests", "47114711")
	if _, _, err := source("root%20of%20tests", "weak", pin).Create(ctx, here.String()); err == nil || !strings.Contains(err.Error(), "not extractable") {
		t.Errorf("under a key that can be read out: %v", err)
	}
}

// weak makes a key that can be read out of the token.
func weak(t *testing.T, module, token, pin string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(path, []byte(pin), 0o400); err != nil {
		t.Fatal(err)
	}
	k, err := parse("pkcs11:token=" + token + ";object=weak?module-path=" + module + "&pin-source=" + path)
	if err != nil {
		t.Fatal(err)
	}
	err = k.session(pkcs11.CKF_RW_SESSION, func(m *pkcs11.Ctx, s pkcs11.SessionHandle) error {
		_, err := m.GenerateKey(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, append(k.names(),
			pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, keySize), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
			pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, false), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
