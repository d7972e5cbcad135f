package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/postgres/postgrestest"
)

// endSessions has the server end all sessions of an application, and waits
// until it has.
func endSessions(t *testing.T, url, application string) {
	t.Helper()
	n := postgrestest.Execute(t, url, fmt.Sprintf(
		"SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity WHERE application_name = '%s'", application))
	if n == "0" {
		t.Fatal("no session was ended")
	}
}

// TestLeaseRegained: a process whose connections are gone goes on if nobody
// came between.
func TestLeaseRegained(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	d := closing(t, migrated(t, url+"&application_name=regained"))
	for i := range int64(3) {
		if got := commit(t, d, insert(i, "body")); got != uint64(i)+1 {
			t.Errorf("position %d", got)
		}
		if got := position(t, d); got != uint64(i)+1 {
			t.Errorf("position %d of a snapshot", got)
		}
		endSessions(t, url, "regained")
	}
	if err := d.PutMeta(t.Context(), map[string][]byte{"k": nil}, driver.Roll{}); err != nil {
		t.Errorf("PutMeta: %v", err)
	}
	endSessions(t, url, "regained")
	migrate(t, d)
}

// TestTakenOver: a process whose lease another one had meanwhile neither
// commits nor reads any more, also when the other one has gone.
func TestTakenOver(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	first := closing(t, migrated(t, url+"&application_name=takenover"))
	commit(t, first, insert(1, "body"))
	old, err := first.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := position(t, first); got != 1 { // leaves a connection that nobody uses
		t.Errorf("position %d", got)
	}
	postgrestest.Execute(t, url, `SELECT pg_terminate_backend(pid, 60000) FROM pg_locks WHERE locktype = 'advisory'
		AND objid = current_schema()::regnamespace::oid`)

	second := migrated(t, url)
	// The first does not know yet, and its other connections live.
	if _, err := old.Get(t.Context(), &notes, note(1, "").Key); err != nil {
		t.Errorf("a snapshot from before: %v", err)
	}
	closeSnapshot(t, old)
	for range 2 {
		_, err = first.Snapshot(t.Context())
		wantErr(t, err, driver.ErrLocked)
	}
	_, err = first.Meta(t.Context(), "k")
	wantErr(t, err, driver.ErrLocked)
	commit(t, second, insert(2, "body"))
	_, err = first.Commit(t.Context(), insert(3, "body"), nil)
	wantErr(t, err, driver.ErrLocked) // the second has the lease
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err = first.Commit(t.Context(), insert(3, "body"), func(uint64) { t.Error("callback") })
		wantErr(t, err, driver.ErrLocked) // it has gone, but was there
		wantErr(t, err, driver.ErrUnavailable)
	}
	select {
	case <-first.(driver.Tenant).Lost():
	default:
		t.Error("the first is not told that the store is another one's")
	}
	third := closing(t, open(t, url+"&application_name=third"))
	migrate(t, third)
	if got := position(t, third); got != 2 {
		t.Errorf("position %d", got)
	}
}

// TestFenced: even a process that has the lease, as on an old primary, commits
// nothing once another name stands in the head row.
func TestFenced(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statement string
		want      error
	}{
		"another name":     {"UPDATE store_head SET holder = sha256('x')", driver.ErrLocked},
		"an earlier state": {"UPDATE store_head SET position = 1, turn = 2", driver.ErrDamaged},
		"no head":          {"DELETE FROM store_head", driver.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := postgrestest.URL(t)
			d := closing(t, migrated(t, url))
			commit(t, d, insert(1, "body"))
			commit(t, d, insert(2, "body"))
			postgrestest.Execute(t, url, c.statement)
			if s, err := d.Snapshot(t.Context()); err == nil {
				t.Errorf("a snapshot at %d", s.Position())
			}
			_, err := d.Commit(t.Context(), insert(3, "body"), func(uint64) { t.Error("callback") })
			wantErr(t, err, c.want)
			if got := postgrestest.Execute(t, url, "SELECT count(*) FROM test_note"); got != "2" {
				t.Errorf("%s rows", got)
			}
		})
	}
}

// TestTold: a process that only reads learns too that the store is another one's.
func TestTold(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	d := closing(t, migrated(t, url))
	postgrestest.Execute(t, url, "UPDATE store_head SET holder = sha256('x')")
	_, err := d.Snapshot(t.Context())
	wantErr(t, err, driver.ErrLocked)
	<-d.(driver.Tenant).Lost()
}

// TestLeaseLingers: a lost session of its own, whose end the server has yet to
// notice, is no rival: the process waits for it.
func TestLeaseLingers(t *testing.T) {
	t.Parallel()
	p, d := proxied(t, postgrestest.URL(t))
	commit(t, d, insert(1, "body"))
	p.Cut(postgrestest.CutLate)
	_, err := d.Commit(t.Context(), insert(2, "body"), nil)
	wantErr(t, err, driver.ErrIndeterminate)
	_, err = d.Commit(t.Context(), insert(3, "body"), nil)
	if wantErr(t, err, driver.ErrUnavailable); errors.Is(err, driver.ErrLocked) {
		t.Errorf("its own session counts as another process: %v", err)
	}
	p.Release()
	for _, err = d.Commit(t.Context(), insert(3, "body"), nil); err != nil; _, err = d.Commit(t.Context(), insert(3, "body"), nil) {
		wantErr(t, err, driver.ErrUnavailable)
	}
	if got := position(t, d); got != 3 {
		t.Errorf("position %d", got)
	}
}

// TestForeignHand: a row that somebody locks or changes by hand stops the
// commit that meets it, and no more.
func TestForeignHand(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	d := closing(t, migrated(t, url))
	commit(t, d, insert(1, "body"))
	postgrestest.Execute(t, url, "CREATE RULE test_rule AS ON UPDATE TO test_note DO INSTEAD NOTHING")
	b := &driver.Batch{Writes: []driver.Write{put(note(1, "new"), 1)}}
	_, err := d.Commit(t.Context(), b, func(uint64) { t.Error("callback") })
	wantErr(t, err, driver.ErrUnavailable)
	postgrestest.Execute(t, url, "DROP RULE test_rule ON test_note")
	if got := commit(t, d, b); got != 2 {
		t.Errorf("position %d", got)
	}
}

// TestWarnings: a warning counts where it is about the COMMIT.
func TestWarnings(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	d := closing(t, migrated(t, url))
	postgrestest.Execute(t, url, `CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'careful'; RETURN NEW; END $$;
		CREATE TRIGGER test_trigger BEFORE INSERT ON test_note FOR EACH ROW EXECUTE FUNCTION warn()`)
	if got := commit(t, d, insert(1, "body")); got != 1 {
		t.Errorf("position %d", got)
	}
}

// proxied opens a database through a proxy.
func proxied(t *testing.T, url string) (*postgrestest.Proxy, driver.Driver) {
	t.Helper()
	dir, schema := postgrestest.Parts(url)
	p := postgrestest.NewProxy(t, dir)
	return p, closing(t, migrated(t, postgrestest.Address(p.Dir, schema)))
}

// TestCut: a connection that breaks around COMMIT, while the server lives, is
// nothing that a caller learns of.
func TestCut(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]postgrestest.Fault{"before": postgrestest.CutBefore, "after": postgrestest.CutAfter} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, d := proxied(t, postgrestest.URL(t))
			var calls []uint64
			for i := range int64(3) {
				p.Cut(f)
				b := insert(i, "body")
				b.Events, b.Touches = [][]byte{[]byte("event")}, []string{"e"}
				got, err := d.Commit(t.Context(), b, func(at uint64) { calls = append(calls, at) })
				if err != nil || got != uint64(i)+1 {
					t.Errorf("position %d, error %v", got, err)
				}
				if p.Pending() {
					t.Error("nothing was cut")
				}
			}
			if fmt.Sprint(calls) != "[1 2 3]" {
				t.Errorf("callbacks of %d", calls)
			}
			p.Cut(f)
			if err := d.PutMeta(t.Context(), map[string][]byte{"k": []byte("v")}, driver.Roll{}); err != nil {
				t.Errorf("PutMeta: %v", err)
			}
			events, err := d.Outbox(t.Context(), 0, 10)
			if err != nil || len(events) != 3 {
				t.Errorf("%d events, error %v", len(events), err)
			}
		})
	}
}

// TestDoubt: while nobody can say what became of a commit nothing is read, and
// afterwards everybody is told the truth.
func TestDoubt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault   postgrestest.Fault
		applied bool
	}{"not applied": {postgrestest.CutBefore, false}, "applied": {postgrestest.CutAfter, true}, "applied late": {postgrestest.CutLate, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, d := proxied(t, postgrestest.URL(t))
			commit(t, d, insert(1, "body"))
			p.Cut(c.fault)
			p.Refuse(c.fault != postgrestest.CutLate) // there it is the old session that keeps the lease
			b := insert(2, "body")
			b.OpID = [16]byte{1}
			called := make(chan uint64, 2)
			_, err := d.Commit(t.Context(), b, func(at uint64) { called <- at })
			wantErr(t, err, driver.ErrIndeterminate)
			_, err = d.Snapshot(t.Context())
			wantErr(t, err, driver.ErrUnavailable)
			_, err = d.Commit(t.Context(), insert(3, "body"), func(uint64) { t.Error("callback") })
			wantErr(t, err, driver.ErrUnavailable)

			p.Refuse(false)
			p.Release()
			if c.applied { // told without being asked
				if at := <-called; at != 2 {
					t.Errorf("callback of %d", at)
				}
			}
			again := make(chan uint64, 1)
			got, err := d.Commit(t.Context(), b, func(at uint64) { again <- at })
			if err != nil || got != 2 {
				t.Errorf("repeating: position %d, error %v", got, err)
			}
			if (len(again) == 0) != c.applied || len(called) != 0 {
				t.Errorf("%d callbacks of the repetition, %d more of the first", len(again), len(called))
			}
			if got := position(t, d); got != 2 {
				t.Errorf("position %d", got)
			}
		})
	}
}

// TestDoubtTakenOver: a process in doubt that another one follows stays in it.
func TestDoubtTakenOver(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	p, d := proxied(t, url)
	p.Cut(postgrestest.CutBefore)
	p.Refuse(true)
	never := func(uint64) { t.Error("callback") }
	_, err := d.Commit(t.Context(), insert(1, "body"), never)
	wantErr(t, err, driver.ErrIndeterminate)
	other := migrated(t, url)
	commit(t, other, insert(2, "body"))
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	p.Refuse(false)
	for range 2 {
		_, err = d.Commit(t.Context(), insert(1, "body"), never)
		wantErr(t, err, driver.ErrLocked)
		_, err = d.Snapshot(t.Context())
		wantErr(t, err, driver.ErrUnavailable)
	}
}

// TestStandbyMissing: a commit that waited for a standby and was cut short is
// applied, but nobody is told that it is durable.
func TestStandbyMissing(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	url := server.URL(t)
	d := closing(t, migrated(t, url))
	server.Stop(t)
	server.Start(t, "synchronous_standby_names=nobody") // from now on each commit waits
	called := make(chan uint64, 1)
	result := make(chan error, 1)
	go func() {
		_, err := d.Commit(context.Background(), insert(1, "body"), func(at uint64) { called <- at })
		result <- err
	}()
	for postgrestest.Execute(t, url, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == "" {
	}
	wantErr(t, <-result, driver.ErrIndeterminate)
	if at := <-called; at != 1 {
		t.Errorf("callback of %d", at)
	}
	if got := position(t, d); got != 1 {
		t.Errorf("position %d", got)
	}
}

// TestStandbyAwaited: a commit that waits for a standby goes on waiting when the
// connection breaks, and stays in doubt for as long.
func TestStandbyAwaited(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	url := server.URL(t)
	p, d := proxied(t, url)
	server.Stop(t)
	server.Start(t, "synchronous_standby_names=nobody")
	p.Cut(postgrestest.CutWaiting)
	called := make(chan uint64, 1)
	result := make(chan error, 1)
	go func() {
		_, err := d.Commit(context.Background(), insert(1, "body"), func(at uint64) { called <- at })
		result <- err
	}()
	const waiters = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
	for postgrestest.Execute(t, url, waiters) == "0" {
	}
	p.HangUp()
	wantErr(t, <-result, driver.ErrIndeterminate)
	if n := postgrestest.Execute(t, url, waiters); n != "1" {
		t.Errorf("%s commits wait", n)
	}
	_, err := d.Snapshot(t.Context())
	wantErr(t, err, driver.ErrUnavailable)
	if len(called) != 0 {
		t.Error("callback of a commit in doubt")
	}
	server.Stop(t)
	server.Start(t) // the operator does without the standby
	if at := <-called; at != 1 {
		t.Errorf("callback of %d", at)
	}
	if got := position(t, d); got != 1 {
		t.Errorf("position %d", got)
	}
}

// TestServerCrash: writers go on while the server crashes and comes back.
func TestServerCrash(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	url := server.URL(t)
	d := migrated(t, url)
	const writers, rounds = 4, 3
	var callbacks []uint64
	acknowledged := make([]map[int64]uint64, writers)
	var up atomic.Pointer[chan struct{}] // closed while the server is there
	open := make(chan struct{})
	close(open)
	up.Store(&open)
	var done atomic.Bool
	var count, refused, doubtful atomic.Int64
	var all sync.WaitGroup
	for w := range writers {
		acknowledged[w] = make(map[int64]uint64)
		all.Go(func() {
			for i := int64(0); !done.Load(); i++ {
				id := i*writers + int64(w)
				b := insert(id, "body")
				b.OpID, b.Touches = [16]byte{1, byte(id), byte(id >> 8), byte(id >> 16)}, []string{fmt.Sprint(id)}
				b.Events = [][]byte{[]byte("event")}
				for {
					at, err := d.Commit(t.Context(), b, func(at uint64) { callbacks = append(callbacks, at) })
					if err == nil {
						acknowledged[w][id] = at
						count.Add(1)
						break
					}
					switch {
					case errors.Is(err, driver.ErrIndeterminate):
						doubtful.Add(1)
					case errors.Is(err, driver.ErrUnavailable):
						refused.Add(1)
					default:
						t.Errorf("Commit: %v", err)
						return
					}
					<-*up.Load()
				}
			}
		})
	}
	for range rounds {
		for before := count.Load(); count.Load() < before+50; {
			// Reading meanwhile; while a commit is in doubt that is refused.
			if s, err := d.Snapshot(t.Context()); err == nil {
				closeSnapshot(t, s)
			} else if !errors.Is(err, driver.ErrUnavailable) {
				t.Errorf("Snapshot: %v", err)
			}
		}
		down := make(chan struct{})
		up.Store(&down)
		server.Stop(t)
		server.Start(t)
		close(down)
	}
	done.Store(true)
	all.Wait()
	t.Logf("%d acknowledged, %d refused, %d in doubt", count.Load(), refused.Load(), doubtful.Load())

	var positions []uint64
	for _, list := range acknowledged {
		for _, at := range list {
			positions = append(positions, at)
		}
	}
	slices.Sort(positions)
	for i, at := range positions {
		if at != uint64(i)+1 || callbacks[i] != at {
			t.Fatalf("commit %d has position %d and callback %d", i+1, at, callbacks[i])
		}
	}
	if got := position(t, d); got != uint64(len(positions)) || len(callbacks) != len(positions) {
		t.Errorf("position %d and %d callbacks after %d commits", got, len(callbacks), len(positions))
	}
	changes, err := d.Changes(t.Context(), 0, 1<<20)
	if err != nil || len(changes) != len(positions) {
		t.Fatalf("%d changes of %d commits, error %v", len(changes), len(positions), err)
	}
	for _, c := range changes {
		var id int64
		if _, err := fmt.Sscan(c.Entity, &id); err != nil || acknowledged[id%writers][id] != c.Position {
			t.Fatalf("change %+v was acknowledged at %d", c, acknowledged[id%writers][id])
		}
	}
	if err := d.(driver.Keeper).Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again := closing(t, migrated(t, url))
	if got := postgrestest.Execute(t, url, "SELECT count(*) FROM test_note"); got != fmt.Sprint(len(positions)) {
		t.Errorf("%s rows of %d commits", got, len(positions))
	}
	if got := position(t, again); got != uint64(len(positions)) {
		t.Errorf("position %d", got)
	}
}

// TestDamagedPage: what can't be what was written is an error, and says so.
func TestDamagedPage(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	url := server.URL(t)
	d := migrated(t, url)
	for i := range int64(4) {
		b := new(driver.Batch)
		for k := range int64(100) {
			b.Writes = append(b.Writes, driver.Write{Kind: driver.Insert, Table: &notes, Row: note(i*100+k, strings.Repeat("x", 500))})
		}
		commit(t, d, b)
	}
	path := filepath.Join(server.Data(), postgrestest.Execute(t, url, "CHECKPOINT; SELECT pg_relation_filepath('test_note')"))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(io.NewOffsetWriter(f, 3*8192+4000), "damage")
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	server.Start(t)
	d = closing(t, migrated(t, url))
	wantErr(t, d.(driver.Keeper).Check(t.Context()), driver.ErrDamaged)
	s, err := d.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closeSnapshot(t, s)
	err = s.Scan(t.Context(), &notes, "", nil, nil, 1000, func(driver.Row) error { return nil })
	wantErr(t, err, driver.ErrDamaged)
}
