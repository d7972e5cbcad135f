package e2e

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"

	"claviger/internal/ground/store/postgres/postgrestest"
)

// Points at which a server is killed: before the system call is carried out. A file
// that is named newest is the newest segment of the trail.
const newest = "newest"

var (
	storePoints = []fault{
		{name: "a commit is half in the log", calls: writes, path: "store.db-wal", how: "signal=KILL:when=3"},
		{name: "a commit is not synced", calls: syncs, path: "store.db-wal", how: "signal=KILL:when=2"},
		{name: "the log is being written back", calls: writes, path: "store.db", how: "signal=KILL:when=3"},
		{name: "the log was written back, and that not synced", calls: syncs, path: "store.db", how: "signal=KILL:when=1"},
	}
	trailPoints = []fault{
		{name: "a change is committed and has no record", calls: writes, path: newest, how: "signal=KILL:when=2"},
		{name: "a record is not synced", calls: syncs, path: newest, how: "signal=KILL:when=2"},
		{name: "a record is durable and its call not answered", calls: "write", how: "signal=KILL:when=4"},
	}
)

// TestKillAtPoints kills a server at each point on the way of a change to the disk.
func TestKillAtPoints(t *testing.T) {
	t.Parallel()
	ofSQLite(t)
	points, repeats := []fault{storePoints[1], trailPoints[0]}, 1
	if long() {
		points, repeats = append(storePoints, trailPoints...), 3
	}
	killAtPoints(t, points, repeats)
}

// TestPostgresKillAtPoints is TestKillAtPoints with the records in a PostgreSQL server.
// TestPostgresKillAtCommit has the points on the way there.
func TestPostgresKillAtPoints(t *testing.T) {
	t.Parallel()
	points, repeats := trailPoints[:1], 1
	if long() {
		points, repeats = trailPoints, 3
	}
	killAtPoints(t, points, repeats, "--store", postgrestest.URL(t))
}

func killAtPoints(t *testing.T, points []fault, repeats int, extra ...string) {
	dir := filepath.Join(t.TempDir(), "data")
	p := serve(t, dir, extra...)
	l := newLedger(t, p)
	for round := range repeats * len(points) {
		point := points[round%len(points)]
		if point.path == newest {
			segments, err := filepath.Glob(filepath.Join(dir, "trail", "*.trail"))
			if err != nil || len(segments) == 0 {
				t.Fatalf("the trail has the segments %v: %v", segments, err)
			}
			point.path = filepath.Join("trail", filepath.Base(segments[len(segments)-1]))
		}
		l.material.next(t, p.root())
		l.during(t, p, round, func(ctx context.Context) {
			end := p.inject(dir, point)
			select {
			case <-p.done:
			case <-ctx.Done():
				t.Errorf("the server does not come to where %s", point.name)
			}
			end()
		})
		p = serve(t, dir, extra...)
		l.checkAll(t, p)
		if t.Failed() {
			t.Fatalf("after round %d, in which %s:\n%s", round, point.name, p.output())
		}
	}
	l.finish(t, p, dir, repeats*len(points))
}

// TestPostgresKillAtCommit kills the server, or the database, once COMMIT was sent and
// before that is answered. The change is made, once, and recorded once: whoever repeats
// the call is told that it has been.
func TestPostgresKillAtCommit(t *testing.T) {
	t.Parallel()
	database := postgrestest.Start(t)
	socket, schema := postgrestest.Parts(database.URL(t))
	dir := filepath.Join(t.TempDir(), "data")
	cases := []struct {
		alias    string
		fault    postgrestest.Fault
		database bool // is killed, and the server goes on
	}{
		{"alias/carried-out", postgrestest.CutWaiting, false},
		{"alias/carried-out-late", postgrestest.CutLate, false},
		{"alias/perhaps", postgrestest.CutWaiting, true},
	}
	var p *process
	for _, c := range cases {
		proxy := postgrestest.NewProxy(t, socket)
		p = serve(t, dir, "--store", postgrestest.Address(proxy.Dir, schema))
		key := must[*kms.CreateKeyOutput](t)(p.root().kms.CreateKey(t.Context(), &kms.CreateKeyInput{})).KeyMetadata.KeyId
		create := func() error {
			_, err := p.root().kms.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: &c.alias, TargetKeyId: key})
			return err
		}
		proxy.Cut(c.fault)
		first := make(chan error, 1)
		go func() { first <- create() }()
		for proxy.Pending() { // until COMMIT is on its way
			select {
			case err := <-first:
				t.Fatalf("%s: nothing was cut: %v", c.alias, err)
			default:
				runtime.Gosched()
			}
		}
		var err error
		if c.database {
			database.Kill(t)
			database.Start(t)
			proxy.Release()
			err = <-first
			if err := new(ledger).recovered(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		} else {
			p.kill()
			<-first
			proxy.Release()
			p = serve(t, dir, "--store", postgrestest.Address(socket, schema))
			err = errors.New("the server was killed")
		}
		var refusal smithy.APIError
		switch again := create(); {
		case err != nil && c.database && again == nil: // it was not made, and is now
		case !errors.As(again, &refusal) || refusal.ErrorCode() != "AlreadyExistsException":
			t.Errorf("%s: after %v a second call got %v", c.alias, err, again)
		}
		if code := p.stop(); code != 0 {
			t.Errorf("the server ended with %d:\n%s", code, p.output())
		}
	}
	p = serve(t, dir, "--store", postgrestest.Address(socket, schema))
	made := make(map[any]int)
	for _, r := range p.records() {
		if r.EventName == "CreateAlias" && r.ErrorCode == "" {
			made[r.RequestParameters["aliasName"]]++
		}
	}
	for _, c := range cases {
		if made[c.alias] != 1 {
			t.Errorf("by the trail %s was made %d times", c.alias, made[c.alias])
		}
	}
}
