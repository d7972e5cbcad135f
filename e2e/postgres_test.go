package e2e

import (
	"context"
	"errors"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"

	"claviger/internal/ground/store/postgres/postgrestest"
)

// TestPostgresStory is TestStory with the records in a PostgreSQL server.
func TestPostgresStory(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	args := []string{"serve", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--init", "--account", bank}
	p := start(t, args, append([]string{"CLAVIGER_STORE=" + url}, rootEnv...)...)
	story(t, p, p.root(), p.newAccount(partner))
	if strings.Contains(p.output(), "postgres://") {
		t.Errorf("the log shows the URL:\n%s", p.output())
	}
}

// TestPostgresKill is TestKill with the records in a PostgreSQL server, which
// goes on when the one that it serves is killed.
func TestPostgresKill(t *testing.T) {
	t.Parallel()
	rounds := 3
	if long() {
		rounds = 200
	}
	killUnderLoad(t, rounds, "--store", postgrestest.URL(t))
}

// TestPostgresRestart has PostgreSQL crash under load and come back, again and
// again: it gives up, all of it is killed, or one of its processes is, upon which it
// recovers by itself. Calls fail with one error meanwhile, then the server serves
// again without being told, and nothing that was answered is lost.
func TestPostgresRestart(t *testing.T) {
	t.Parallel()
	rounds := 3
	if long() {
		rounds = 200
	}
	database := postgrestest.Start(t)
	dir := filepath.Join(t.TempDir(), "data")
	p := serve(t, dir, "--store", database.URL(t))
	l := newLedger(t, p)
	for round := range rounds {
		l.material.next(t, p.root())
		l.outage(t, p, database, round)
		l.check(t, p)
		l.checkLastUse(t, p)
		l.material.check(t, p.root())
		if t.Failed() {
			t.Fatalf("after round %d:\n%s", round, p.output())
		}
	}
	l.finish(t, p, dir, rounds)
	l.wantFailed(t, rounds/3)
}

// outage runs clients while the database crashes and comes back, until a call
// that writes succeeds again.
func (l *ledger) outage(t *testing.T, p *process, database *postgrestest.Server, round int) {
	t.Helper()
	l.during(t, p, round, func(ctx context.Context) {
		crash := database.Stop
		switch round % 3 {
		case 0:
			crash = database.Kill
		case 1:
			database.KillOne(t, rand.Int())
			crash = nil
		}
		if crash != nil {
			crash(t)
			if err := l.write(ctx, p); err == nil {
				t.Error("a key was made without a database")
			}
			database.Start(t)
		}
		if err := l.recovered(ctx, p); err != nil {
			t.Errorf("the server does not recover: %v\n%s", err, p.output())
		}
	})
}

// write makes a call that needs the database.
func (l *ledger) write(ctx context.Context, p *process) error {
	_, err := p.root().kms.CreateKey(ctx, &kms.CreateKeyInput{})
	return err
}

// recovered writes until that succeeds.
func (l *ledger) recovered(ctx context.Context, p *process) error {
	err := l.write(ctx, p)
	for err != nil && ctx.Err() == nil {
		err = l.write(ctx, p)
	}
	return err
}

// TestPostgresCut cuts the connection around COMMIT. With a database that can be
// reached again at once nobody notices; else the call fails, has ended in one
// state, and is recorded once if it was carried out.
func TestPostgresCut(t *testing.T) {
	t.Parallel()
	server, schema := postgrestest.Parts(postgrestest.URL(t))
	proxy := postgrestest.NewProxy(t, server)
	p := serve(t, filepath.Join(t.TempDir(), "data"), "--store", postgrestest.Address(proxy.Dir, schema))
	root, ctx := p.root(), t.Context()
	key := must[*kms.CreateKeyOutput](t)(root.kms.CreateKey(ctx, &kms.CreateKeyInput{})).KeyMetadata.KeyId
	create := func(name string) error {
		_, err := root.kms.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &name, TargetKeyId: key})
		return err
	}
	for _, c := range []struct {
		alias   string
		fault   postgrestest.Fault
		away    bool // the database can't be reached for a while
		applied bool
	}{
		{"alias/before", postgrestest.CutBefore, false, true},
		{"alias/after", postgrestest.CutAfter, false, true},
		{"alias/before-and-away", postgrestest.CutBefore, true, false},
		{"alias/after-and-away", postgrestest.CutAfter, true, true},
	} {
		if c.away {
			proxy.CutOff(c.fault)
		} else {
			proxy.Cut(c.fault)
		}
		err := create(c.alias)
		if proxy.Pending() {
			t.Fatalf("%s: nothing was cut, %v\n%s", c.alias, err, p.output())
		}
		if !c.away {
			if err != nil {
				t.Errorf("%s: %v", c.alias, err)
			}
			continue
		}
		var failure smithy.APIError
		if !errors.As(err, &failure) || failure.ErrorCode() != "KMSInternalException" {
			t.Errorf("%s: got %v, want KMSInternalException", c.alias, err)
		}
		proxy.Refuse(false)
		if err := new(ledger).recovered(ctx, p); err != nil {
			t.Fatalf("%s: %v", c.alias, err)
		}
		err = create(c.alias)
		if c.applied {
			if !errors.As(err, &failure) || failure.ErrorCode() != "AlreadyExistsException" {
				t.Errorf("%s again: got %v, want AlreadyExistsException", c.alias, err)
			}
		} else if err != nil {
			t.Errorf("%s again: %v", c.alias, err)
		}
	}
	made := make(map[any]int)
	for _, r := range p.records() {
		if r.EventName == "CreateAlias" && r.ErrorCode == "" {
			made[r.RequestParameters["aliasName"]]++
		}
	}
	if len(made) != 4 {
		t.Errorf("the trail has these aliases: %v", made)
	}
	for alias, n := range made {
		if n != 1 {
			t.Errorf("%s was made %d times by the trail", alias, n)
		}
	}
}

// TestPostgresOperator initialises a database, once, and operates on it with
// and without a server. One that is not the database's own is refused.
func TestPostgresOperator(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	dir, other := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "other")
	try := func(want int, says string, args ...string) {
		t.Helper()
		out, errs, code := command(t, args, append([]string{"CLAVIGER_STORE=" + url}, rootEnv...)...)
		if code != want || !strings.Contains(out+errs, says) || strings.Contains(out+errs, "postgres://") {
			t.Errorf("%s ended with %d and said %q, want %d and %q", strings.Join(args, " "), code, out+errs, want, says)
		}
	}
	const elsewhere = "another server has the database open"
	try(2, "nothing was initialised in the database", "serve", "--listen", "127.0.0.1:0", "--data", dir)
	try(2, "nothing was initialised in the database", "account", "create", "--data", dir)
	if n := postgrestest.Execute(t, url, "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"); n != "0" {
		t.Errorf("refused commands left %s tables", n)
	}
	try(0, "Initialised", "init", "--data", dir, "--account", rootAccount)
	try(2, "the database is initialised already", "init", "--data", dir)
	try(2, "the database is initialised already", "init", "--data", other)
	try(0, "999988887777", "account", "create", "999988887777", "--data", dir)
	try(2, "whose trail is not in", "account", "create", "--data", other)
	try(2, "whose trail is not in", "serve", "--init", "--listen", "127.0.0.1:0", "--data", other)

	p := serve(t, dir, "--store", url)
	must[*kms.ListKeysOutput](t)(p.root().kms.ListKeys(t.Context(), nil))
	try(1, elsewhere, "serve", "--listen", "127.0.0.1:0", "--data", dir)
	try(1, elsewhere, "init", "--data", other)
	try(1, elsewhere, "account", "create", "--data", other)
	try(0, "888877776666", "account", "create", "888877776666", "--data", dir) // over the socket
	if code := p.stop(); code != 0 {
		t.Errorf("the server ended with %d:\n%s", code, p.output())
	}
	try(0, "the trail verifies", "audit", "verify", "--data", dir)
}

// TestPostgresRefused names databases that can't serve, and tells what to do
// without showing a password.
func TestPostgresRefused(t *testing.T) {
	t.Parallel()
	unsafe := postgrestest.Start(t, "fsync=off")
	const secret = "canary-4711"
	for _, c := range []struct {
		url, says string
		code      int
	}{
		{unsafe.URL(t) + "&password=" + secret, "fsync = off: a crash would damage the database; set it to on", 1},
		{"postgres://u:" + secret + "@db.example.com/d", "needs sslmode=verify-full", 2},
		{"postgres://u:" + secret + "@127.0.0.1:1/d", "store unavailable", 1},
		{"postgres://u:" + secret + "/x@localhost/d", "not of the form", 2},
		{"mysql://u:" + secret + "@localhost/d", "sqlite: and postgres:// are", 2},
	} {
		for _, verb := range []string{"serve", "init"} {
			dir := filepath.Join(t.TempDir(), "data")
			out, errs, code := command(t, []string{verb, "--data", dir, "--store", c.url})
			if code != c.code || !strings.Contains(errs, c.says) {
				t.Errorf("%s ended with %d and said %q, want %d and %q", verb, code, errs, c.code, c.says)
			}
			if strings.Contains(out+errs, secret) {
				t.Errorf("%s shows the password: %s%s", verb, out, errs)
			}
		}
	}
	if out, errs, code := command(t, []string{"dev", "--store", "postgres://u:" + secret + "@h/d"}); code != 2 || strings.Contains(out+errs, secret) {
		t.Errorf("dev ended with %d and said %s%s", code, out, errs)
	}
}

// TestPostgresTakenOver: a server whose database another one has taken over ends.
func TestPostgresTakenOver(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	p := serve(t, filepath.Join(t.TempDir(), "data"), "--store", url)
	postgrestest.Execute(t, url, "UPDATE store_head SET holder = sha256('another')")
	if err := new(ledger).write(t.Context(), p); err == nil {
		t.Error("a key was made in another one's database")
	}
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		t.Fatalf("the server goes on:\n%s", p.output())
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(p.output(), "another process has taken the store over") {
		t.Errorf("ended with %d:\n%s", code, p.output())
	}
}

// TestPostgresRolledBack puts an older state of the database under a trail that
// knows better.
func TestPostgresRolledBack(t *testing.T) {
	t.Parallel()
	database := postgrestest.Start(t)
	url := database.URL(t)
	dir := filepath.Join(t.TempDir(), "data")
	p := serve(t, dir, "--store", url)
	keep := func(from, to string) {
		t.Helper()
		if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
			t.Fatalf("copying the database: %v\n%s", err, out)
		}
	}
	old := database.Data() + ".old"
	database.Stop(t)
	keep(database.Data(), old)
	database.Start(t)
	if err := new(ledger).recovered(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("the server ended with %d", code)
	}
	database.Stop(t)
	keep(old+"/.", database.Data())
	database.Start(t)
	_, errs, code := command(t, []string{"serve", "--listen", "127.0.0.1:0", "--data", dir, "--store", url})
	if code != 1 || !strings.Contains(errs, "the store was rolled back") {
		t.Errorf("on an older database the server ended with %d and said %q", code, errs)
	}
}
