package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"claviger/internal/ground/store/postgres/postgrestest"
)

// TestRestoreDrill makes a backup under load, kills the server, and restores:
// the store under the trail that survived, and both into the other kind of
// store on a new machine.
func TestRestoreDrill(t *testing.T) {
	t.Parallel()
	drill(t, func(*testing.T) string { return "sqlite:" }, postgrestest.URL)
}

// TestPostgresRestoreDrill is TestRestoreDrill the other way round.
func TestPostgresRestoreDrill(t *testing.T) {
	t.Parallel()
	drill(t, func(t *testing.T) string { return postgrestest.URL(t) }, func(testing.TB) string { return "sqlite:" })
}

// A valuable is what a drill is about.
type valuable struct {
	granted, disabled, scheduled, policy string // keys
	grant                                string
	ciphertext                           []byte
	bob                                  string // access key id
}

const closedPolicy = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + rootAccount + `:root"},"Action":"kms:*","Resource":"*"},
	{"Effect":"Deny","Principal":"*","Action":"kms:Encrypt","Resource":"*"}]}`

func newValuable(t *testing.T, p *process) *valuable {
	t.Helper()
	ctx, root := t.Context(), p.root()
	key := func() string {
		return *must[*kms.CreateKeyOutput](t)(root.kms.CreateKey(ctx, &kms.CreateKeyInput{})).KeyMetadata.KeyId
	}
	v := &valuable{granted: key(), disabled: key(), scheduled: key(), policy: key()}
	v.grant = *must[*kms.CreateGrantOutput](t)(root.kms.CreateGrant(ctx, &kms.CreateGrantInput{
		KeyId: &v.granted, GranteePrincipal: aws.String(partner), Operations: []types.GrantOperation{types.GrantOperationDecrypt},
	})).GrantId
	v.ciphertext = must[*kms.EncryptOutput](t)(root.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: &v.granted, Plaintext: []byte("the drill")})).CiphertextBlob
	v.bob = p.user(root, "bob", "").id
	return v
}

// takeAway takes away what must stay away.
func (v *valuable) takeAway(t *testing.T, p *process) {
	t.Helper()
	ctx, root := t.Context(), p.root()
	must[*kms.RevokeGrantOutput](t)(root.kms.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &v.granted, GrantId: &v.grant}))
	must[*kms.DisableKeyOutput](t)(root.kms.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &v.disabled}))
	must[*kms.ScheduleKeyDeletionOutput](t)(root.kms.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &v.scheduled}))
	must[*kms.PutKeyPolicyOutput](t)(root.kms.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &v.policy, Policy: aws.String(closedPolicy)}))
	must[*iam.UpdateAccessKeyOutput](t)(root.iam.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{
		UserName: aws.String("bob"), AccessKeyId: &v.bob, Status: iamtypes.StatusTypeInactive,
	}))
}

// check says whether what was taken away is away, and that all else works.
func (v *valuable) check(t *testing.T, p *process, away bool) {
	t.Helper()
	ctx, root := t.Context(), p.root()
	grants := must[*kms.ListGrantsOutput](t)(root.kms.ListGrants(ctx, &kms.ListGrantsInput{KeyId: &v.granted}))
	state := func(key string) string {
		return string(must[*kms.DescribeKeyOutput](t)(root.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &key})).KeyMetadata.KeyState)
	}
	policy := *must[*kms.GetKeyPolicyOutput](t)(root.kms.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &v.policy})).Policy
	keys := must[*iam.ListAccessKeysOutput](t)(root.iam.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: aws.String("bob")})).AccessKeyMetadata
	got := fmt.Sprint(len(grants.Grants), state(v.disabled), state(v.scheduled), policy == closedPolicy, keys[0].Status)
	want := fmt.Sprint(1, "Enabled", "Enabled", false, "Active")
	if away {
		want = fmt.Sprint(0, "Disabled", "PendingDeletion", true, "Inactive")
	}
	if got != want {
		t.Errorf("after a restore: %s, want %s", got, want)
	}
	out := must[*kms.DecryptOutput](t)(root.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: v.ciphertext}))
	if string(out.Plaintext) != "the drill" {
		t.Errorf("decrypted %q", out.Plaintext)
	}
	must[*kms.CreateKeyOutput](t)(root.kms.CreateKey(ctx, &kms.CreateKeyInput{}))
}

// strain works on p until it is told to stop, and returns the longest call and
// how many there were.
func strain(t *testing.T, p *process) (stop func() (longest time.Duration, calls int64)) {
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var calls, longest atomic.Int64
	for range 4 {
		clients.Go(func() {
			root := p.root()
			for ctx.Err() == nil {
				begun := time.Now()
				if _, err := root.kms.CreateKey(ctx, &kms.CreateKeyInput{}); err != nil && ctx.Err() == nil {
					t.Errorf("under load: %v", err)
					return
				}
				for took := int64(time.Since(begun)); ; {
					was := longest.Load()
					if took <= was || longest.CompareAndSwap(was, took) {
						break
					}
				}
				calls.Add(1)
			}
		})
	}
	return func() (time.Duration, int64) {
		cancel()
		clients.Wait()
		return time.Duration(longest.Load()), calls.Load()
	}
}

// run runs a command that must end with a code and say something.
func run(t *testing.T, code int, says string, args ...string) string {
	t.Helper()
	out, errs, got := command(t, args)
	if got != code || !strings.Contains(out+errs, says) {
		t.Fatalf("%s ended with %d, want %d and %q:\n%s%s", strings.Join(args, " "), got, code, says, out, errs)
	}
	return out
}

func drill(t *testing.T, from func(*testing.T) string, to func(testing.TB) string) {
	work := t.TempDir()
	dir, file := filepath.Join(work, "data"), filepath.Join(work, "one.backup")
	store := from(t)
	p := serve(t, dir, "--store", store)
	p.newAccount(partner)
	v := newValuable(t, p)

	stop := strain(t, p)
	out := run(t, 0, `"position"`, "backup", "--data", dir, "--to", file, "--json")
	longest, calls := stop()
	if calls == 0 || longest > 10*time.Second {
		t.Errorf("during the backup %d calls were answered, one took %v", calls, longest)
	}
	var made struct {
		Rows     uint64
		Position uint64
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Rows < 20 {
		t.Errorf("the backup says %s", out)
	}
	run(t, 2, "replaces nothing", "backup", "--data", dir, "--to", file)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rootKey, err := os.ReadFile(filepath.Join(dir, "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	for what, secret := range map[string]string{"root key": string(rootKey), "root credentials": rootSecret, "plaintext": "the drill"} {
		if strings.Contains(string(b), secret) {
			t.Errorf("the backup has the %s", what)
		}
	}
	v.takeAway(t, p)
	p.kill()

	// The store is gone, the trail is there.
	if store == "sqlite:" {
		for _, name := range []string{"store.db", "store.db-wal", "store.db-shm"} {
			_ = os.Remove(filepath.Join(dir, name)) // not all of them are there
		}
	} else {
		store = from(t)
	}
	at := []string{"--data", dir, "--store", store}
	run(t, 2, "has a trail", append([]string{"restore", "--from", file}, at...)...)
	run(t, 0, "accept-restore", append([]string{"restore", "--from", file, "--keep-trail"}, at...)...)
	run(t, 1, "accept-restore", append([]string{"serve", "--listen", "127.0.0.1:0"}, at...)...)
	run(t, 0, "to be made again", append([]string{"store", "accept-restore", "--dry-run"}, at...)...)
	run(t, 1, "accept-restore", append([]string{"serve", "--listen", "127.0.0.1:0"}, at...)...)
	run(t, 0, "Accepted", append([]string{"store", "accept-restore"}, at...)...)
	run(t, 2, "nothing to accept", append([]string{"store", "accept-restore"}, at...)...)
	p = serve(t, dir, "--store", store)
	v.check(t, p, true)
	run(t, 0, "the store verifies", "store", "verify", "--data", dir)
	if code := p.stop(); code != 0 {
		t.Errorf("the server ended with %d", code)
	}
	run(t, 0, "the store verifies", append([]string{"store", "verify"}, at...)...)
	run(t, 0, "the trail verifies", append([]string{"audit", "verify"}, at...)...)

	// The disk is gone, and with it the trail; the other kind of store takes the backup.
	dir = filepath.Join(work, "new")
	at = []string{"--data", dir, "--store", to(t)}
	run(t, 1, "root key", append([]string{"restore", "--from", file}, at...)...)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "root.key"), rootKey, 0o400); err != nil {
		t.Fatal(err)
	}
	altered := filepath.Join(work, "altered.backup")
	b[len(b)/2] ^= 1
	if err := os.WriteFile(altered, b, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, 1, "damaged or cut off", append([]string{"restore", "--from", altered}, at...)...)
	run(t, 0, "accept-restore", append([]string{"restore", "--from", file}, at...)...)
	run(t, 1, "accept-restore", append([]string{"serve", "--listen", "127.0.0.1:0"}, at...)...)
	run(t, 2, "--trail-lost", append([]string{"store", "accept-restore"}, at...)...)
	run(t, 0, "Accepted", append([]string{"store", "accept-restore", "--trail-lost"}, at...)...)
	p = serve(t, dir, at[2:]...)
	v.check(t, p, false)
	if code := p.stop(); code != 0 {
		t.Errorf("the server ended with %d", code)
	}
	run(t, 0, "the store verifies", append([]string{"store", "verify"}, at...)...)
	run(t, 0, "the trail verifies", append([]string{"audit", "verify"}, at...)...)
}

// TestBackupWithoutLinks makes backups where no file can have two names: on a file system
// of FAT, and where the system says so. They are whole, and replace nothing.
func TestBackupWithoutLinks(t *testing.T) {
	t.Parallel()
	t.Run("vfat", func(t *testing.T) {
		t.Parallel()
		backUpInto(t, mounted(t, "vfat", 64).dir, nil)
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		refused := []string{tracer(t), "-f", "-o", "/dev/null", "-e", "trace=linkat", "-e", "inject=linkat:error=EPERM"}
		backUpInto(t, t.TempDir(), refused)
	})
}

// backUpInto makes backups in a directory, with a program in front that runs the command.
func backUpInto(t *testing.T, to string, front []string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	p := serve(t, dir)
	backUp := func(to string) (string, int) {
		cmd := exec.Command(binary, "backup", "--socket", p.admin, "--to", to)
		if front != nil {
			cmd = exec.Command(front[0], append(front[1:len(front):len(front)], cmd.Args...)...)
		}
		cmd.Env = environment()
		out, _ := cmd.CombinedOutput() // its exit code tells
		return string(out), cmd.ProcessState.ExitCode()
	}
	file := filepath.Join(to, "one.backup")
	for _, at := range []string{file, to} {
		if out, code := backUp(at); code != 0 || !strings.Contains(out, "rows at change") {
			t.Fatalf("a backup to %s ended with %d: %s", at, code, out)
		}
	}
	first := must[[]byte](t)(os.ReadFile(file))
	if out, code := backUp(file); code != 2 || !strings.Contains(out, "replaces nothing") {
		t.Errorf("a second one ended with %d: %s", code, out)
	}
	if now := must[[]byte](t)(os.ReadFile(file)); !bytes.Equal(now, first) {
		t.Error("the first one is another now")
	}
	if entries := must[[]os.DirEntry](t)(os.ReadDir(to)); len(entries) != 2 {
		t.Errorf("beside two backups there are %v", entries)
	}
	restored := filepath.Join(t.TempDir(), "restored")
	err := errors.Join(os.Mkdir(restored, 0o700),
		os.WriteFile(filepath.Join(restored, "root.key"), must[[]byte](t)(os.ReadFile(filepath.Join(dir, "root.key"))), 0o400))
	if err != nil {
		t.Fatal(err)
	}
	run(t, 0, "accept-restore", "restore", "--from", file, "--data", restored)
}

// TestKilledCommands kills the commands that make and move stores at random, runs them
// again, and holds the outcome to what an uninterrupted run makes.
func TestKilledCommands(t *testing.T) {
	t.Parallel()
	rounds, budget := 3, time.Minute
	if long() {
		rounds = 200
	}
	work := t.TempDir()
	dir := filepath.Join(work, "data")
	p := serve(t, dir)
	p.newAccount(partner)
	v := newValuable(t, p)
	for range 40 {
		must[*kms.CreateKeyOutput](t)(p.root().kms.CreateKey(t.Context(), &kms.CreateKeyInput{}))
	}
	file := filepath.Join(work, "one.backup")
	run(t, 0, "rows", "backup", "--data", dir, "--to", file)
	v.takeAway(t, p)
	if code := p.stop(); code != 0 {
		t.Fatalf("the server ended with %d", code)
	}
	postgres := postgrestest.URL
	began := time.Now()
	killer := make(killer)
	done, killed := 0, 0
	for ; done < rounds && (time.Since(began) < budget || done < 3); done++ {
		place := t.TempDir()
		killed += killer.interrupted(t, "store", "copy", "--data", dir, "--from", storeOf(t, dir), "--to", "sqlite:"+filepath.Join(place, "copy"))
		if done%8 == 0 {
			killed += killer.interrupted(t, "store", "copy", "--data", dir, "--from", storeOf(t, dir), "--to", postgres(t))
		}
		another := filepath.Join(place, "another.backup")
		killed += killer.interrupted(t, "backup", "--data", dir, "--to", another)
		put := filepath.Join(place, "restored")
		if out, err := exec.Command("cp", "-a", dir, put).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if err := os.Remove(filepath.Join(put, "store.db")); err != nil && !onPostgres() {
			t.Fatal(err)
		}
		killed += killer.interrupted(t, "restore", "--from", file, "--data", put, "--keep-trail")
		killed += killer.interrupted(t, "store", "accept-restore", "--data", put)
		killed += killer.interrupted(t, "root-key", "rotate", "--data", put)
		made := filepath.Join(place, "made")
		killed += killer.interrupted(t, "init", "--data", made)
		for _, dir := range []string{put, made} {
			run(t, 0, "the store verifies", "store", "verify", "--data", dir)
		}
		if done < 2 {
			p := serve(t, put)
			v.check(t, p, true)
			p.kill()
		}
	}
	if killed < done {
		t.Errorf("in %d rounds only %d commands were killed before their end", done, killed)
	}
}

// TestKilledAtFirst kills a restore when it has just made the file of the store, with
// a journal beside it.
func TestKilledAtFirst(t *testing.T) {
	t.Parallel()
	ofSQLite(t)
	work := t.TempDir()
	file, put := filepath.Join(work, "one.backup"), filepath.Join(work, "restored")
	dir, _ := stoppedWithKey(t)
	run(t, 0, "rows", "backup", "--data", dir, "--to", file)
	err := errors.Join(os.Mkdir(put, 0o700), os.WriteFile(filepath.Join(put, "root.key"), must[[]byte](t)(os.ReadFile(filepath.Join(dir, "root.key"))), 0o400))
	if err != nil {
		t.Fatal(err)
	}
	restore := []string{"restore", "--from", file, "--data", put}
	killedAt(t, "unlink,unlinkat", nil, restore...)
	if _, err := os.Stat(filepath.Join(put, "store.db-journal")); err != nil {
		t.Fatalf("it was killed elsewhere: %v", err)
	}
	run(t, 0, "accept-restore", restore...)
}

// TestKilledAtRootKey kills commands when they have just made the file of a root key, and
// nothing is in it.
func TestKilledAtRootKey(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	dir := filepath.Join(work, "data")
	for _, c := range []struct {
		key, says string
		args      []string
	}{
		{filepath.Join(dir, "root.key"), "Initialised", []string{"init", "--data", dir}},
		{filepath.Join(work, "next.key"), "From the next start", []string{"root-key", "rotate", "--data", dir, "--to", "file:" + filepath.Join(work, "next.key")}},
	} {
		place, name := filepath.Split(c.key)
		killedAt(t, "write", []string{c.key, filepath.Join(place, "."+name+".new")}, c.args...)
		run(t, 0, c.says, c.args...)
		if left := must[[]string](t)(filepath.Glob(filepath.Join(place, "."+name+"*"))); len(left) != 0 {
			t.Errorf("beside the key there are %v", left)
		}
	}
	run(t, 0, "next.key", "root-key", "status", "--data", dir, "--root-key", "file:"+filepath.Join(work, "next.key"))
}

// TestInitWithoutLinks makes a root key where no file can have two names.
func TestInitWithoutLinks(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	init := []string{"init", "--data", dir}
	cmd := exec.Command(tracer(t), append([]string{"-f", "-o", "/dev/null", "-e", "trace=linkat", "-e", "inject=linkat:error=EPERM", binary}, init...)...)
	cmd.Env = environment(stored(t, init, nil)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if key := must[[]byte](t)(os.ReadFile(filepath.Join(dir, "root.key"))); len(key) != 32 {
		t.Errorf("the root key has %d bytes", len(key))
	}
	run(t, 0, "rotation      none", "root-key", "status", "--data", dir)
}

// killedAt runs a command that is killed in the first of some system calls, of those on
// some files where any are named.
func killedAt(t *testing.T, calls string, files []string, args ...string) {
	t.Helper()
	line := []string{"-f", "-o", "/dev/null", "-e", "trace=" + calls, "-e", "inject=" + calls + ":signal=KILL"}
	for _, file := range files {
		line = append(line, "-P", file)
	}
	cmd := exec.Command(tracer(t), append(append(line, binary), args...)...)
	cmd.Env = environment(stored(t, args, nil)...)
	out, _ := cmd.CombinedOutput() // how it ended tells
	if status, is := cmd.ProcessState.Sys().(syscall.WaitStatus); !is || status.Signal() != syscall.SIGKILL {
		t.Fatalf("%s was not killed: %v: %s", strings.Join(args, " "), cmd.ProcessState, out)
	}
}

// TestRestoreSyncs watches a restore: the trail's directory is durable before the store
// is whole, which would be taken for one that has its trail.
func TestRestoreSyncs(t *testing.T) {
	t.Parallel()
	ofSQLite(t)
	work := t.TempDir()
	file, put, seen := filepath.Join(work, "one.backup"), filepath.Join(work, "restored"), filepath.Join(work, "calls")
	dir, _ := stoppedWithKey(t)
	run(t, 0, "rows", "backup", "--data", dir, "--to", file)
	restore := exec.Command(tracer(t), "-f", "-y", "-o", seen, "-e", "trace=fsync,fdatasync,renameat,renameat2",
		binary, "restore", "--from", file, "--data", put, "--root-key", "file:"+filepath.Join(dir, "root.key"))
	restore.Env = environment()
	if out, err := restore.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	calls := string(must[[]byte](t)(os.ReadFile(seen)))
	_, calls, made := strings.Cut(calls, "<"+filepath.Join(put, "trail.restoring")+">")
	calls, _, named := strings.Cut(calls, `"`+filepath.Join(put, "trail.restoring")+`"`)
	durable := strings.Index(calls, "<"+put+">")
	if whole := strings.Index(calls, "store.db-wal>"); !made || !named || durable < 0 || whole < durable {
		t.Errorf("the directory of the trail was not made durable in time:\n%s", calls)
	}
}

// TestRestoreUnderOldKey restores a backup from before the root key was replaced, where
// the old one was kept beside the new one.
func TestRestoreUnderOldKey(t *testing.T) {
	t.Parallel()
	ofSQLite(t)
	dir, key := stoppedWithKey(t)
	file := filepath.Join(t.TempDir(), "one.backup")
	run(t, 0, "rows", "backup", "--data", dir, "--to", file)
	run(t, 0, "nothing rests on an older root key", "root-key", "rotate", "--data", dir, "--keep-old")
	kept := must[[]string](t)(filepath.Glob(filepath.Join(dir, "root.key.*")))
	if len(kept) != 1 {
		t.Fatalf("these keys were kept: %v", kept)
	}
	if err := os.Remove(filepath.Join(dir, "store.db")); err != nil {
		t.Fatal(err)
	}
	at := []string{"--data", dir, "--root-key", "file:" + kept[0]}
	run(t, 0, "accept-restore", append([]string{"restore", "--from", file, "--keep-trail"}, at...)...)
	run(t, 0, "Accepted", append([]string{"store", "accept-restore"}, at...)...)
	p := serve(t, dir, at[2:]...)
	must[*kms.DescribeKeyOutput](t)(p.root().kms.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &key}))
}

// A killer kills commands. It knows how long each of them took when it ran to its end last,
// so that it comes at any moment of theirs, however fast the machine is.
type killer map[string]time.Duration

// interrupted kills a command at random, once or twice, and then runs it to its
// end. It returns how often it was killed before that.
func (k killer) interrupted(t *testing.T, args ...string) (killed int) {
	t.Helper()
	verb := strings.Join(args[:2], " ")
	limit := k[verb]
	if limit == 0 {
		limit = 150 * time.Millisecond
	}
	for range 1 + rand.IntN(2) {
		cmd := exec.Command(binary, args...)
		cmd.Env = environment(stored(t, args, nil)...)
		began := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(rand.N(limit), func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err == nil {
			k[verb] = time.Since(began)
			return killed // nothing is left to be done
		}
		if cmd.ProcessState.Exited() {
			break // what it says the next run will say
		}
		killed++
	}
	began := time.Now()
	if out, errs, code := command(t, args); code != 0 && !strings.Contains(errs, "nothing to accept") && !strings.Contains(errs, "replaces nothing") &&
		!strings.Contains(errs, "the target is not empty") && !strings.Contains(errs, "is initialised already") {
		t.Fatalf("%s, after it was killed, ended with %d:\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	k[verb] = time.Since(began)
	return killed
}
