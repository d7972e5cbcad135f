package e2e

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// internal is what every service says of a failure of its own.
const internal = "The request could not be completed because of an internal error."

// A fault makes system calls of a server fail.
type fault struct {
	name   string
	calls  string // by name, separated by commas
	how    string // as strace has it
	path   string // of the one file that it befalls, below the data directory; all files where it is empty
	reason string // that /readyz gives
	stops  bool   // whether all calls fail, not only those that write to the store
	tries  int    // how many calls may get through before one fails, 50 where it is zero
}

// Writing, and what makes written bytes durable or gives files their names. A server
// writes to its connections by other calls.
const (
	writes  = "pwrite64"
	syncs   = "fsync,fdatasync"
	renames = "renameat,renameat2,unlinkat,ftruncate"
)

var faults = []fault{
	{name: "a sync of the store's log fails", calls: syncs, how: "error=EIO", path: "store.db-wal", reason: "store: "},
	{name: "a write to the store's log fails", calls: writes, how: "error=EIO", path: "store.db-wal", reason: "store: "},
	{name: "the store's log is full", calls: writes, how: "error=ENOSPC", path: "store.db-wal", reason: "store: "},
	{name: "the store is over a quota", calls: writes, how: "error=EDQUOT", path: "store.db-wal", reason: "store: "},
	{name: "all syncs fail", calls: syncs, how: "error=EIO", reason: "trail: ", stops: true},
	{name: "all writes fail", calls: writes, how: "error=EIO", reason: "trail: ", stops: true},
	{name: "no file can be written", calls: writes + "," + syncs + "," + renames, how: "error=EROFS", reason: "trail: ", stops: true},
}

// inject has a fault befall a server with a data directory from now on, until the
// function is called that it returns. It skips the test where the machine does not let processes be traced.
func (p *process) inject(dir string, f fault) (end func()) {
	p.t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		p.t.Skip("skipped: strace is not installed")
	}
	args := []string{"-f", "-o", "/dev/null", "-e", "trace=" + f.calls, "-e", "inject=" + f.calls + ":" + f.how, "-p", itoa(p.cmd.Process.Pid)}
	if f.path != "" {
		args = append(args, "-P", filepath.Join(dir, f.path))
	}
	cmd := exec.Command(strace, args...)
	said, err := cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	attached, ended := make(chan struct{}), make(chan struct{})
	attach := sync.OnceFunc(func() { close(attached) })
	var all strings.Builder // read after ended
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(said); lines.Scan(); {
			all.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), " attached") {
				attach()
			}
		}
		_ = cmd.Wait()
	}()
	select {
	case <-attached:
	case <-ended:
		p.t.Skipf("skipped: processes can't be traced here: %s", strings.TrimSpace(all.String()))
	}
	end = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		<-ended
	})
	p.t.Cleanup(end)
	return end
}

// TestDiskFaults has the disk fail under a server, in one way after the other: calls
// that need it are refused with one error, the server says why it is not ready, and
// serves again by itself once the disk does. Nothing that was answered is lost.
func TestDiskFaults(t *testing.T) {
	t.Parallel()
	ofSQLite(t)
	dir := filepath.Join(t.TempDir(), "data")
	p := serve(t, dir)
	l := newLedger(t, p)
	chosen := []fault{faults[0], faults[6]}
	if long() {
		chosen = faults
	}
	for round, f := range chosen {
		l.material.next(t, p.root())
		began := time.Now()
		l.suffer(t, p, round, f, func() (end func()) { return p.inject(dir, f) })
		t.Logf("%s: %s", f.name, time.Since(began))
		l.checkAll(t, p)
		if t.Failed() {
			t.Fatalf("after round %d, in which %s:\n%s", round, f.name, p.output())
		}
	}
	l.wantFailed(t, len(chosen))
	l.finish(t, p, dir, len(chosen))
	verifyStore(t, dir)
}

// TestKilledOnBrokenDisk kills a server whose disk fails: what the next one finds is all
// that was answered, in the log or not.
func TestKilledOnBrokenDisk(t *testing.T) {
	t.Parallel()
	ofSQLite(t)
	dir := filepath.Join(t.TempDir(), "data")
	p := serve(t, dir)
	l := newLedger(t, p)
	rounds := 1
	if long() {
		rounds = 4 * len(faults)
	}
	for round := range rounds {
		l.material.next(t, p.root())
		f := faults[round%len(faults)]
		var end func()
		l.during(t, p, round, func(ctx context.Context) {
			end = p.inject(dir, f)
			l.wantRefused(ctx, t, p, f)
			p.kill()
		})
		end()
		p = serve(t, dir)
		l.checkAll(t, p)
		if t.Failed() {
			t.Fatalf("after round %d, in which %s:\n%s", round, f.name, p.output())
		}
	}
	l.wantFailed(t, rounds)
	l.finish(t, p, dir, rounds)
	verifyStore(t, dir)
}

// suffer runs clients while the disk fails and is mended.
func (l *ledger) suffer(t *testing.T, p *process, round int, f fault, begin func() (end func())) {
	t.Helper()
	l.during(t, p, round, func(ctx context.Context) {
		end := begin()
		l.wantRefused(ctx, t, p, f)
		p.turns(503, f.reason)
		end()
		if err := l.recovered(ctx, p); err != nil {
			t.Errorf("the server does not recover: %v", err)
		}
		p.turns(200, "ready")
	})
}

// during runs clients, and fn once they get on. A client is not cut off but asked to
// stop, so that each of its calls ends.
func (l *ledger) during(t *testing.T, p *process, round int, fn func(context.Context)) {
	t.Helper()
	var calls atomic.Int64
	loaded := make(chan struct{})
	load := sync.OnceFunc(func() { close(loaded) })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	running, stop := context.WithCancel(ctx)
	var clients sync.WaitGroup
	defer clients.Wait()
	defer stop()
	for n := range 4 {
		clients.Go(func() {
			root := p.root()
			for i := 0; running.Err() == nil && l.step(ctx, root, fmt.Sprintf("c%d", n), fmt.Sprintf("r%d-c%d-%d", round, n, i), i); i++ {
				if calls.Add(1) == 40 {
					load()
				}
			}
		})
	}
	select {
	case <-loaded:
		fn(ctx)
	case <-ctx.Done():
		t.Error("the clients do not get on")
	}
}

// wantRefused demands that calls of every service are refused as their service
// refuses what it can't do, and that the process goes on.
func (l *ledger) wantRefused(ctx context.Context, t *testing.T, p *process, f fault) {
	t.Helper()
	root := p.root()
	calls := []struct {
		service, code string
		call          func() error
	}{
		{"kms", "KMSInternalException", func() error { return l.write(ctx, p) }},
		{"iam", "ServiceFailure", func() error {
			_, err := root.iam.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: ptr("of-" + itoa(time.Now().Nanosecond()))})
			return err
		}},
		{"organizations", "ServiceException", func() error {
			_, err := root.organizations.CreateOrganization(ctx, &organizations.CreateOrganizationInput{})
			var there *types.AlreadyInOrganizationException
			if err == nil || errors.As(err, &there) { // one that got through stands in the way of the next
				_, err = root.organizations.DeleteOrganization(ctx, &organizations.DeleteOrganizationInput{})
			}
			return err
		}},
	}
	if f.stops {
		calls = append(calls, []struct {
			service, code string
			call          func() error
		}{
			{"kms, reading", "KMSInternalException", func() error {
				_, err := root.kms.ListAliases(ctx, &kms.ListAliasesInput{})
				return err
			}},
			{"sts", "InternalFailure", func() error {
				_, err := root.sts.GetSessionToken(ctx, &sts.GetSessionTokenInput{})
				return err
			}},
		}...)
	}
	for _, c := range calls {
		// What was under way when the disk began to fail may still get through, and so
		// does what fits into the room that a change gives back which has failed.
		err := c.call()
		for tries := 0; err == nil && tries < cmp.Or(f.tries, 50); tries++ {
			err = c.call()
		}
		if err == nil {
			t.Errorf("%s: calls of %s get through", f.name, c.service)
			continue
		}
		refused(t, err, c.code, internal)
	}
	select {
	case <-p.done:
		t.Errorf("%s: the server ended: %v", f.name, p.exit)
	default:
	}
}

// checkAll holds a server that serves to what was answered.
func (l *ledger) checkAll(t *testing.T, p *process) {
	t.Helper()
	l.check(t, p)
	l.checkLastUse(t, p)
	l.material.check(t, p.root())
	l.deletion.check(t, p.root())
}

// wantFailed demands that calls of the load have failed, all with one error.
func (l *ledger) wantFailed(t *testing.T, least int) {
	t.Helper()
	if len(l.failed) < least {
		t.Errorf("only %d calls met %d failures", len(l.failed), least)
	}
	for _, code := range l.failed {
		if code != "KMSInternalException" {
			t.Errorf("a call failed with %s", code)
		}
	}
}

// verifyStore has a store without a server verified.
func verifyStore(t *testing.T, dir string) {
	t.Helper()
	if out, errs, code := command(t, []string{"store", "verify", "--data", dir}); code != 0 {
		t.Errorf("store verify ended with %d:\n%s%s", code, out, errs)
	}
}
