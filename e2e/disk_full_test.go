package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// A fileSystem is a small one of a test's own.
type fileSystem struct {
	t      *testing.T
	dir    string
	device string
}

// mounted makes a file system of some MiB, on memory or in a file. It skips the test
// where the machine does not let it.
func mounted(t *testing.T, kind string, size int) *fileSystem {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("skipped: only root can mount a file system")
	}
	f := &fileSystem{t: t, dir: t.TempDir(), device: "tmpfs"}
	options := []string{"-t", "tmpfs", "-o", "size=" + itoa(size) + "m"}
	if kind != "tmpfs" {
		f.device = filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(f.device, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(f.device, int64(size)<<20); err != nil {
			t.Fatal(err)
		}
		args := []string{"-q", f.device}
		if kind == "vfat" { // which is quiet by itself
			args = args[1:]
		}
		if out, err := exec.Command("mkfs."+kind, args...).CombinedOutput(); err != nil {
			t.Skipf("skipped: no file system of the kind %s can be made here: %v: %s", kind, err, out)
		}
		options = []string{"-t", kind, "-o", "loop"}
	}
	if out, err := exec.Command("mount", append(options, f.device, f.dir)...).CombinedOutput(); err != nil {
		t.Skipf("skipped: nothing can be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", f.dir).CombinedOutput(); err != nil {
			t.Errorf("unmounting %s: %v: %s", f.dir, err, out)
		}
	})
	return f
}

// remount changes the file system's options.
func (f *fileSystem) remount(options string) {
	f.t.Helper()
	if out, err := exec.Command("mount", "-o", "remount,"+options, f.dir).CombinedOutput(); err != nil {
		f.t.Fatalf("remounting with %s: %v: %s", options, err, out)
	}
}

// fill takes all room that is left, until the function is called that it returns.
func (f *fileSystem) fill() (clear func()) {
	f.t.Helper()
	path := filepath.Join(f.dir, "ballast")
	file, err := os.Create(path)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, size := range []int{1 << 20, 4 << 10, 512} { // the last bytes one by one, as it were
		for err = nil; err == nil; {
			_, err = file.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			f.t.Fatal(err)
		}
	}
	if err := errors.Join(ignore(file.Sync(), syscall.ENOSPC), file.Close()); err != nil {
		f.t.Fatal(err)
	}
	return func() {
		f.t.Helper()
		if err := os.Remove(path); err != nil {
			f.t.Error(err)
		}
	}
}

// ignore is err, unless it is the one that was to be expected.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// TestDiskFull has the disk run full under a server: what needs room is refused and
// what needs none goes on, until there is room again. A server that is started on a
// full disk, or on one for reading only, says so and ends; nothing is lost by it.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	ofSQLite(t)
	kinds := []string{"tmpfs"}
	if long() {
		kinds = append(kinds, "ext4")
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			rounds := 2
			if long() && kind == "tmpfs" {
				rounds++
			}
			diskFull(t, mounted(t, kind, 160), rounds)
		})
	}
}

// diskFull has a disk run full in rounds: the server recovers from the first, is killed
// in the second, and in the third what is left of the trail is used up too.
func diskFull(t *testing.T, disk *fileSystem, rounds int) {
	dir := filepath.Join(disk.dir, "data")
	p := serve(t, dir)
	l := newLedger(t, p)
	full := fault{name: "the disk is full", reason: "disk: the disk of the data directory is full"}
	for round := range rounds {
		l.material.next(t, p.root())
		var clear func()
		l.during(t, p, round, func(ctx context.Context) {
			clear = disk.fill()
			for l.write(ctx, p) == nil { // the log has some room of its own
			}
			l.wantRefused(ctx, t, p, full)
			must[*kms.EncryptOutput](t)(p.root().kms.Encrypt(ctx, &kms.EncryptInput{KeyId: &l.key, Plaintext: []byte("x")}))
			p.turns(503, full.reason)
			if round == 2 {
				exhaustTrail(ctx, p, l.key)
				stopped := full
				stopped.stops, stopped.tries = true, 5000
				l.wantRefused(ctx, t, p, stopped)
				p.turns(503, "trail: ")
			}
			if round == 1 {
				p.kill()
				return
			}
			clear()
			if err := l.recovered(ctx, p); err != nil {
				t.Errorf("the server does not recover: %v", err)
			}
			p.turns(200, "ready")
		})
		if round == 1 {
			wantNoStart(t, dir, "disk is full")
			clear()
			p = serve(t, dir)
		}
		l.checkAll(t, p)
		if t.Failed() {
			t.Fatalf("after round %d:\n%s", round, p.output())
		}
	}
	l.wantFailed(t, rounds)
	if code := p.stop(); code != 0 {
		t.Errorf("the server ended with %d:\n%s", code, p.output())
	}
	disk.remount("ro")
	wantNoStart(t, dir, "read-only file system")
	disk.remount("rw")
	clear := disk.fill()
	wantNoStart(t, dir, "disk is full") // as also after a stop, when there is no log yet
	clear()
	p = serve(t, dir)
	l.finish(t, p, dir, rounds)
	verifyStore(t, dir)
}

// exhaustTrail makes calls with long records until the trail has no room for another. A
// change that is under way holds room for half a mebibyte, which others find again when it
// has failed: so that nobody gets on tells only little, and the crowd begins anew until
// none of it does.
func exhaustTrail(ctx context.Context, p *process, key string) {
	root, context := p.root(), map[string]string{"n": strings.Repeat("x", 8000)}
	for through := true; through; {
		var clients sync.WaitGroup
		var made atomic.Int64
		for range 8 {
			clients.Go(func() {
				for err := error(nil); err == nil; {
					if _, err = root.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("x"), EncryptionContext: context}); err == nil {
						made.Add(1)
					}
				}
			})
		}
		clients.Wait()
		through = made.Load() > 0
	}
}

// wantNoStart demands that a server says in one line why it can't start.
func wantNoStart(t *testing.T, dir, says string) {
	t.Helper()
	_, errs, code := command(t, []string{"serve", "--listen", "127.0.0.1:0", "--data", dir})
	if code != 1 || !strings.Contains(errs, says) || strings.Count(strings.TrimSpace(lastSentence(errs)), "\n") != 0 {
		t.Errorf("ended with %d and said %q, want 1 and %q in one line", code, errs, says)
	}
}
