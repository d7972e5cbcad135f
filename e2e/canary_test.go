package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"claviger/internal/ground/store/postgres/postgrestest"
)

// TestCanaries works with secrets that it knows, has the server crash with a wish
// for a core file, and searches everything that the server could have left:
// its data directory, a backup, where it ran, the directory of temporary files, its
// log, its command line and environment. It searches while the server runs, after
// the crash, after the start that recovers, and after the end.
func TestCanaries(t *testing.T) {
	t.Parallel()
	searchCanaries(t)
}

// TestPostgresCanaries is TestCanaries with the records in a PostgreSQL server, whose
// files are searched too.
func TestPostgresCanaries(t *testing.T) {
	t.Parallel()
	database := postgrestest.Start(t)
	searchCanaries(t, "--store", database.URL(t), database.Data())
}

// searchCanaries is TestCanaries with a flag and its value, and a directory to
// search.
func searchCanaries(t *testing.T, extra ...string) {
	var searched []string
	if len(extra) > 0 {
		extra, searched = extra[:2], extra[2:]
	}
	c := &canaries{dir: filepath.Join(t.TempDir(), "data"), temporary: t.TempDir(), searched: searched, known: make(map[string][]byte)}
	passphrase := filepath.Join(t.TempDir(), "passphrase")
	c.file(t, passphrase, "passphrase", "canary of a passphrase")
	source := "passphrase-file:" + passphrase
	init := append([]string{"init", "--data", c.dir, "--root-key", source, "--account", rootAccount}, extra...)
	if _, errs, code := command(t, init, rootEnv...); code != 0 {
		t.Fatalf("init ended with %d: %s", code, errs)
	}
	c.known["secret of the root user"] = []byte(rootSecret)
	credentials := filepath.Join(c.dir, "root-credentials")
	if found := c.find(t, nil); !strings.Contains(found, credentials) {
		t.Fatalf("the search does not find the one secret that is written down: %q", found)
	}
	if err := os.Remove(credentials); err != nil { // its reader is to take it away
		t.Fatal(err)
	}
	serving := append([]string{"serve", "--listen", "127.0.0.1:0", "--data", c.dir, "--root-key", source, "--log-level", "debug"}, extra...)
	wishful := []string{"sh", "-c", `ulimit -c unlimited 2>/dev/null; exec "$@"`, "sh"}
	p := startUnder(t, wishful, serving, "GOTRACEBACK=crash", "TMPDIR="+c.temporary)
	c.work(t, p)
	next := filepath.Join(t.TempDir(), "next")
	c.file(t, next, "next passphrase", "canary of the next passphrase")
	if _, err := post(p, "/root-key/rotate", map[string]any{"to": "passphrase-file:" + next}); err != nil {
		t.Fatal(err)
	}
	backups := t.TempDir()
	if out, errs, code := command(t, []string{"backup", "--socket", p.admin, "--to", filepath.Join(backups, "backup")}); code != 0 {
		t.Fatalf("backup ended with %d: %s%s", code, out, errs)
	}
	c.searched = append(c.searched, backups)
	c.want(t, p, "while it runs")
	c.crash(t, p)
	c.want(t, p, "after the crash")

	serving[6] = "passphrase-file:" + next
	p = startUnder(t, wishful, serving, "TMPDIR="+c.temporary)
	c.work(t, p)
	c.want(t, p, "after the recovery")
	p.kill()
	c.want(t, p, "after a kill")
	p = start(t, serving, "TMPDIR="+c.temporary)
	if code := p.stop(); code != 0 {
		t.Errorf("the server ended with %d:\n%s", code, p.output())
	}
	c.want(t, p, "after the end")
}

// canaries are secrets that a test knows.
type canaries struct {
	dir, temporary string
	searched       []string
	known          map[string][]byte
	rounds         int
}

// file writes a file with a canary.
func (c *canaries) file(t *testing.T, path, name, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text+"\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	c.known[name] = []byte(text)
}

// work has the server meet every kind of secret.
func (c *canaries) work(t *testing.T, p *process) {
	t.Helper()
	ctx, root := t.Context(), p.root()
	c.rounds++
	note := func(name string, b []byte) {
		if len(b) < 16 {
			t.Fatalf("the %s has %d bytes, which could be anywhere", name, len(b))
		}
		c.known[fmt.Sprintf("%s %d", name, c.rounds)] = b
	}
	secret := func(name string) []byte {
		b := fmt.Appendf(nil, "canary: %s, round %02d......................", name, c.rounds)
		note(name, b)
		return b
	}
	key := external(ctx, t, root, types.KeySpecSymmetricDefault, types.KeyUsageTypeEncryptDecrypt).KeyId
	material := secret("material")[:32]
	must[*kms.ImportKeyMaterialOutput](t)(root.kms.ImportKeyMaterial(ctx, imported(ctx, t, root, key, material)))
	note("material", material)
	mac := external(ctx, t, root, types.KeySpecHmac256, types.KeyUsageTypeGenerateVerifyMac).KeyId
	material = secret("material of a MAC")[:32]
	must[*kms.ImportKeyMaterialOutput](t)(root.kms.ImportKeyMaterial(ctx, imported(ctx, t, root, mac, material)))
	note("material of a MAC", material)
	must[*kms.GenerateMacOutput](t)(root.kms.GenerateMac(ctx, &kms.GenerateMacInput{KeyId: mac, MacAlgorithm: types.MacAlgorithmSpecHmacSha256, Message: secret("message")}))
	blob := must[*kms.EncryptOutput](t)(root.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: key, Plaintext: secret("plaintext")})).CiphertextBlob
	must[*kms.DecryptOutput](t)(root.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob}))
	note("data key", must[*kms.GenerateDataKeyOutput](t)(root.kms.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: key, KeySpec: types.DataKeySpecAes256})).Plaintext)
	pair := must[*kms.GenerateDataKeyPairOutput](t)(root.kms.GenerateDataKeyPair(ctx, &kms.GenerateDataKeyPairInput{KeyId: key, KeyPairSpec: types.DataKeyPairSpecEccNistP256}))
	note("private key", pair.PrivateKeyPlaintext[len(pair.PrivateKeyPlaintext)/2:])
	note("randomness", must[*kms.GenerateRandomOutput](t)(root.kms.GenerateRandom(ctx, &kms.GenerateRandomInput{NumberOfBytes: ptr(int32(32))})).Plaintext)
	user := fmt.Sprintf("canary-%d", c.rounds)
	must[*iam.CreateUserOutput](t)(root.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: &user}))
	access := must[*iam.CreateAccessKeyOutput](t)(root.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &user})).AccessKey
	note("secret access key", []byte(*access.SecretAccessKey))
	session := must[*sts.GetSessionTokenOutput](t)(p.as(*access.AccessKeyId, *access.SecretAccessKey).sts.GetSessionToken(ctx, nil)).Credentials
	note("secret of a session", []byte(*session.SecretAccessKey))
	note("token of a session", []byte(*session.SessionToken))
	out, err := post(p, "/account/create", map[string]any{})
	var account struct{ SecretAccessKey string }
	if err != nil || json.Unmarshal(out, &account) != nil {
		t.Fatalf("account create: %s, %v", out, err)
	}
	note("secret of an account", []byte(account.SecretAccessKey))
}

// spellings are forms in which a secret could have been written down: as it is, and in
// hex and Base64, in which it can begin at three places of a group.
func spellings(b []byte) [][]byte {
	list := [][]byte{b, []byte(hex.EncodeToString(b)), bytes.ToUpper([]byte(hex.EncodeToString(b)))}
	for skip := range 3 {
		part := b[skip:]
		part = part[:len(part)/3*3]
		list = append(list, []byte(base64.StdEncoding.EncodeToString(part)), []byte(base64.URLEncoding.EncodeToString(part)))
	}
	return list
}

// find says where it finds which canaries.
func (c *canaries) find(t *testing.T, p *process) string {
	t.Helper()
	var found strings.Builder
	look := func(place string, content []byte) {
		for name, secret := range c.known {
			for _, spelled := range spellings(secret) {
				if bytes.Contains(content, spelled) {
					fmt.Fprintf(&found, "the %s is in %s\n", name, place)
				}
			}
		}
	}
	places := append([]string{c.dir, c.temporary}, c.searched...)
	if p != nil {
		places = append(places, p.cmd.Dir)
		look("the log", []byte(p.output()))
		for _, name := range []string{"environ", "cmdline"} { // empty once it has ended, absent elsewhere than on Linux
			if content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, name)); err == nil {
				look("its "+name, content)
			}
		}
	}
	files := 0
	for _, place := range places {
		err := filepath.WalkDir(place, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil // a database removes files as it goes
			}
			if strings.HasPrefix(d.Name(), "core") {
				fmt.Fprintf(&found, "there is a core file, %s\n", path)
			}
			content, err := os.ReadFile(path)
			if err == nil {
				look(path, content)
				files++
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if files < 3 {
		t.Errorf("only %d files were searched", files)
	}
	return found.String()
}

func (c *canaries) want(t *testing.T, p *process, when string) {
	t.Helper()
	if found := c.find(t, p); found != "" {
		t.Errorf("%s:\n%s", when, found)
	}
	if c.rounds == 0 {
		t.Error("no canaries were let out")
	}
}

// crash has the process abort, which the Go runtime leaves to the kernel here: with
// a core file, if one is allowed.
func (c *canaries) crash(t *testing.T, p *process) {
	t.Helper()
	if err := p.signal(syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	<-p.done
	status, is := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !is || !status.Signaled() || status.CoreDump() {
		t.Errorf("it ended with %v, a core dump: %v\n%s", p.cmd.ProcessState, status.CoreDump(), p.output())
	}
}
