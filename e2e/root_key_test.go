package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"claviger/internal/ground/store/postgres/postgrestest"
)

// TestRootKeyKill replaces the root key under load, again and again, and kills the
// server in the middle: every ciphertext decrypts before, during and after, every
// write that was answered is there, and no root key of before opens anything.
func TestRootKeyKill(t *testing.T) {
	t.Parallel()
	rounds := 3
	if long() {
		rounds = 200
	}
	rotateUnderLoad(t, rounds)
}

// TestPostgresRootKeyKill is TestRootKeyKill with the records in a PostgreSQL server.
func TestPostgresRootKeyKill(t *testing.T) {
	t.Parallel()
	rounds := 2
	if long() {
		rounds = 60
	}
	rotateUnderLoad(t, rounds, "--store", postgrestest.URL(t))
}

// rotateUnderLoad runs rounds of load and rotation that end with a kill, for a
// minute at most.
func rotateUnderLoad(t *testing.T, rounds int, extra ...string) {
	dir := filepath.Join(t.TempDir(), "data")
	keys := &rootKeysSeen{dir: dir, extra: extra, seen: make(map[string]bool)}
	p := serve(t, dir, extra...)
	keys.note(t)
	l := newLedger(t, p)
	end := time.Now().Add(time.Minute)
	done := 0
	for ; done < rounds && (done == 0 || time.Now().Before(end)); done++ {
		l.material.next(t, p.root())
		var rotating sync.WaitGroup
		rotating.Go(func() { keys.rotate(t, p) })
		l.load(t, p, done)
		rotating.Wait()
		p = serve(t, dir, extra...)
		keys.note(t)
		l.check(t, p)
		l.material.check(t, p.root())
		l.deletion.check(t, p.root())
		if t.Failed() {
			t.Fatalf("after round %d:\n%s", done, p.output())
		}
	}
	if done > 10 && keys.rotated == 0 {
		t.Error("no rotation was answered under load")
	}
	keys.settled(t, p)
	keys.last(t, p)
	l.finish(t, p, dir, done)
	keys.refused(t)
}

// rootKeysSeen are the contents that the file of the root key had.
type rootKeysSeen struct {
	dir   string
	extra []string

	mu      sync.Mutex
	seen    map[string]bool
	rotated int
	asked   int
}

func (k *rootKeysSeen) file() string { return filepath.Join(k.dir, "root.key") }

func (k *rootKeysSeen) note(t *testing.T) {
	t.Helper()
	content, err := os.ReadFile(k.file())
	if err != nil || len(content) != 32 {
		t.Errorf("the root key has %d bytes, %v", len(content), err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen[string(content)] = true
}

// rotate replaces the root key until the server is gone.
func (k *rootKeysSeen) rotate(t *testing.T, p *process) {
	for {
		select {
		case <-p.done:
			return
		default:
		}
		k.mu.Lock()
		k.asked++
		reseal := k.asked%2 == 0
		k.mu.Unlock()
		out, err := post(p, "/root-key/rotate", map[string]any{"reseal": reseal})
		if err != nil && reseal && strings.Contains(err.Error(), "are still being sealed anew") {
			continue
		}
		if err == nil {
			var status struct{ Fingerprint string }
			if json.Unmarshal(out, &status) != nil || len(status.Fingerprint) != 16 {
				t.Errorf("rotate answered %s", out)
			}
			k.note(t)
			k.mu.Lock()
			k.rotated++
			k.mu.Unlock()
		}
	}
}

// last replaces the root key and all keys below it once more, on a server that goes on
// and has nothing left to do: in few rounds each rotation may have been killed.
func (k *rootKeysSeen) last(t *testing.T, p *process) {
	t.Helper()
	if _, err := post(p, "/root-key/rotate", map[string]any{"reseal": true}); err != nil {
		t.Error(err)
	}
	k.note(t)
	status := k.settled(t, p)
	if strings.Contains(status, `"MasterKeyVersion":1,`) || strings.Contains(status, `"MasterKeyVersion":1}`) {
		t.Errorf("no new master key came of it: %s", status)
	}
}

// settled waits until nothing is left of older root keys, and every row is sealed
// by the newest keys. It returns what the server says of them then.
func (k *rootKeysSeen) settled(t *testing.T, p *process) (status string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		out, err := post(p, "/root-key/status", map[string]any{})
		if status = fmt.Sprint(string(out), err); err == nil && !strings.Contains(status, `"Rotation"`) && !strings.Contains(status, `"Reseal"`) {
			return status
		}
	}
	t.Errorf("the rotation is not settled: %s\n%s", status, p.output())
	return status
}

// store is where the copy finds what it does not hold itself.
func (k *rootKeysSeen) store(t *testing.T) string {
	if len(k.extra) > 0 {
		return k.extra[1]
	}
	return storeOf(t, k.dir)
}

// refused tries the root keys of before on a copy of what the stopped server has.
func (k *rootKeysSeen) refused(t *testing.T) {
	t.Helper()
	present, err := os.ReadFile(k.file())
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(k.dir, "root.key*"))
	if err != nil || len(names) != 1 {
		t.Errorf("these root keys are left: %v, %v", names, err)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if out, err := exec.Command("cp", "-a", k.dir, copied).CombinedOutput(); err != nil {
		t.Fatalf("copying: %v\n%s", err, out)
	}
	delete(k.seen, string(present))
	tried := 0
	for content := range k.seen {
		file := filepath.Join(t.TempDir(), fmt.Sprintf("old-%d", tried))
		if err := os.WriteFile(file, []byte(content), 0o400); err != nil {
			t.Fatal(err)
		}
		args := []string{"root-key", "status", "--data", copied, "--root-key", "file:" + file, "--store", k.store(t)}
		if out, errs, code := command(t, args); code != 1 || !strings.Contains(errs, "the root key does not open this store") {
			t.Errorf("with an old root key: %d, %s%s", code, out, errs)
		}
		if tried++; tried == 5 {
			break
		}
	}
	if tried == 0 {
		t.Error("no old root key was tried")
	}
}

// post asks the admin socket as an operator command does.
func post(p *process, path string, in any) ([]byte, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", p.admin)
		},
	}}
	answer, err := client.Post("http://claviger"+path, "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	out, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, out)
	}
	return out, err
}

// TestRootKeyOfAnother has the root key of one server wrapped by a key of another,
// through the policy of that key, from initialisation to a change of source.
func TestRootKeyOfAnother(t *testing.T) {
	t.Parallel()
	keeper := serve(t, filepath.Join(t.TempDir(), "keeper"))
	owner, ctx := keeper.root(), t.Context()
	key := *must[*kms.CreateKeyOutput](t)(owner.kms.CreateKey(ctx, &kms.CreateKeyInput{})).KeyMetadata.Arn
	sealer := keeper.user(owner, "sealer", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt"],"Resource":"`+key+`",
		"Condition":{"StringEquals":{"kms:EncryptionContext:claviger:purpose":"root-key"}}}}`)
	got := must[aws.Credentials](t)(sealer.kms.Options().Credentials.Retrieve(ctx))
	env := append([]string{"AWS_ACCESS_KEY_ID=" + got.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + got.SecretAccessKey}, rootEnv...)
	source := "awskms:///" + key + "?endpoint=" + keeper.endpoint
	dir := filepath.Join(t.TempDir(), "data")
	args := func(verb string, more ...string) []string {
		return append(append(strings.Fields(verb), "--data", dir), more...)
	}
	try := func(want int, says string, env []string, args []string) {
		t.Helper()
		out, errs, code := command(t, args, env...)
		if code != want || !strings.Contains(out+errs, says) {
			t.Errorf("%s ended with %d and said %q, want %d and %q", strings.Join(args, " "), code, out+errs, want, says)
		}
		if strings.Contains(out+errs, got.SecretAccessKey) {
			t.Errorf("%s shows the secret access key", strings.Join(args, " "))
		}
	}
	try(1, "no credentials", rootEnv, args("init", "--root-key", source))
	try(0, "Initialised", env, args("init", "--root-key", source, "--account", rootAccount))
	if files, _ := filepath.Glob(filepath.Join(dir, "root.key*")); len(files) != 0 {
		t.Errorf("there are files of a root key: %v", files)
	}
	serving := args("serve", "--listen", "127.0.0.1:0", "--root-key", source)
	p := start(t, serving, env...)
	blob := must[*kms.EncryptOutput](t)(p.root().kms.Encrypt(ctx, &kms.EncryptInput{
		KeyId: must[*kms.CreateKeyOutput](t)(p.root().kms.CreateKey(ctx, &kms.CreateKeyInput{})).KeyMetadata.KeyId, Plaintext: []byte("kept"),
	})).CiphertextBlob
	try(0, "awskms:///"+key, env, args("root-key rotate"))
	p.kill()
	p = start(t, serving, env...)
	kept := func() {
		t.Helper()
		if out := must[*kms.DecryptOutput](t)(p.root().kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob})); string(out.Plaintext) != "kept" {
			t.Errorf("decrypted %q", out.Plaintext)
		}
	}
	kept()
	p.stop()

	// The keeper's word is final: a key that is disabled opens nothing.
	must[*kms.DisableKeyOutput](t)(owner.kms.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &key}))
	try(1, "DisabledException", env, serving)
	must[*kms.EnableKeyOutput](t)(owner.kms.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &key}))
	other := *must[*kms.CreateKeyOutput](t)(owner.kms.CreateKey(ctx, &kms.CreateKeyInput{})).KeyMetadata.Arn
	try(1, "was not wrapped by this key", []string{"AWS_ACCESS_KEY_ID=" + rootKeyID, "AWS_SECRET_ACCESS_KEY=" + rootSecret},
		args("root-key status", "--root-key", "awskms:///"+other+"?endpoint="+keeper.endpoint))
	try(1, "AccessDeniedException", env, args("root-key rotate", "--root-key", source, "--to", "awskms:///"+other+"?endpoint="+keeper.endpoint))
	try(1, "there is no file", env, args("root-key status", "--root-key", "file:"+filepath.Join(dir, "root.key")))
	try(0, "From the next start on the server needs --root-key file:", env, args("root-key rotate", "--root-key", source, "--to", "file:"+filepath.Join(dir, "root.key")))
	if code := keeper.stop(); code != 0 {
		t.Errorf("the keeper ended with %d", code)
	}
	p = start(t, args("serve", "--listen", "127.0.0.1:0"), rootEnv...)
	kept()
	for _, r := range p.records() {
		if r.EventName == "RootKeyRotated" {
			return
		}
	}
	t.Error("the trail has no rotation")
}
