//go:build pkcs11

package hsm

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/confidential"
)

// modules are where Debian has SoftHSM, by architecture.
var modules = []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so"}

// softHSM makes a token in dir and returns the path of its module. Without SoftHSM
// the test is skipped.
func softHSM(t *testing.T, dir, label, pin string) string {
	t.Helper()
	module := ""
	for _, pattern := range modules {
		if found, _ := filepath.Glob(pattern); len(found) > 0 && module == "" {
			module = found[0]
		}
	}
	tool, err := exec.LookPath("softhsm2-util")
	if module == "" || err != nil {
		t.Skip("SoftHSM is not installed (Debian's softhsm2): key stores on tokens are not tested")
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

func secret(s string) confidential.Bytes { return confidential.New([]byte(s)) }

// TestToken is a token's whole life with a store. It is one test because a
// process has one SoftHSM.
func TestToken(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SOFTHSM2_CONF", filepath.Join(dir, configuration))
	module := softHSM(t, dir, "claviger test", "kmsPswd")
	const id = "cluster-a23b4cdefgh"
	clusters, err := Open([]Cluster{
		{ID: id, Module: module, Token: "claviger test", TrustAnchor: "anchor"},
		{ID: "cluster-without2token", Module: module, Token: "no such token"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if anchor, exists := clusters.TrustAnchor(id); anchor != "anchor" || !exists {
		t.Errorf("trust anchor %q, %v", anchor, exists)
	}
	if _, exists := clusters.TrustAnchor("cluster-2222222222a"); exists {
		t.Error("a cluster that nobody named exists")
	}
	ctx := t.Context()
	good, bad := clusters.Token(id, secret("kmsPswd")), clusters.Token(id, secret("another"))
	fails := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	fails("a token that is not there", clusters.Token("cluster-without2token", secret("kmsPswd")).LogIn(ctx), kms.ErrTokenMissing)
	fails("a wrong password", bad.LogIn(ctx), kms.ErrTokenPassword)
	for range 2 {
		if err := good.LogIn(ctx); err != nil {
			t.Fatal(err)
		}
		// That somebody is logged in opens no door for others, and shuts none.
		fails("a wrong password, once somebody is in", bad.LogIn(ctx), kms.ErrTokenPassword)
	}
	if err := good.Generate(ctx, "key one"); err != nil {
		t.Fatal(err)
	}
	if err := good.Generate(ctx, "key two"); err != nil {
		t.Fatal(err)
	}
	fails("a wrong password", bad.Generate(ctx, "key three"), kms.ErrTokenPassword)
	plaintext, bound := bytes.Repeat([]byte("p"), 4112), bytes.Repeat([]byte("b"), 8192)
	iv, ciphertext, err := good.Seal(ctx, "key one", plaintext, bound)
	if err != nil || len(iv) != 12 || len(ciphertext) != len(plaintext)+16 || bytes.Contains(ciphertext, plaintext[:16]) {
		t.Fatalf("sealed %d bytes with an IV of %d, %v", len(ciphertext), len(iv), err)
	}
	opened, err := good.Open(ctx, "key one", iv, ciphertext, bound)
	if err != nil || !bytes.Equal(opened, plaintext) {
		t.Errorf("opened %d bytes, %v", len(opened), err)
	}
	flipped := bytes.Clone(ciphertext)
	flipped[0] ^= 1
	for what, err := range map[string]error{
		"another ciphertext": second(good.Open(ctx, "key one", iv, flipped, bound)),
		"another context":    second(good.Open(ctx, "key one", iv, ciphertext, bound[1:])),
		"another key":        second(good.Open(ctx, "key two", iv, ciphertext, bound)),
		"a short ciphertext": second(good.Open(ctx, "key one", iv, ciphertext[:15], bound)),
	} {
		fails(what, err, kms.ErrTokenData)
	}
	fails("no such key", second(good.Open(ctx, "key three", iv, ciphertext, bound)), kms.ErrTokenKey)
	fails("a wrong password", second(bad.Open(ctx, "key one", iv, ciphertext, bound)), kms.ErrTokenPassword)
	b, err := good.Random(ctx, 1024)
	if err != nil || b.Len() != 1024 {
		t.Errorf("%d random bytes, %v", b.Len(), err)
	}
	good.(*token).forget() // as when the token was away
	var together sync.WaitGroup
	for range 4 * sessionsMax {
		together.Go(func() {
			if opened, err := good.Open(ctx, "key one", iv, ciphertext, bound); err != nil || !bytes.Equal(opened, plaintext) {
				t.Errorf("opened %d bytes, %v", len(opened), err)
			}
		})
	}
	together.Wait()
	if n := len(good.(*token).idle); n == 0 || n > sessionsMax {
		t.Errorf("%d sessions are open", n)
	}
	if _, err := Open([]Cluster{{ID: id, Module: "/no/such/module.so"}}); err == nil {
		t.Error("a module that is not there was opened")
	}
}

func second[T any](_ T, err error) error { return err }
