package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/postgres"
	"claviger/internal/ground/store/postgres/postgrestest"
	"claviger/internal/ground/store/sqlite"
	"claviger/internal/ground/store/storetest"
	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/service/organizations"
	"claviger/internal/service/xks"
)

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) driver.Driver { return open(t, postgrestest.URL(t)) })
}

// Each way between the two kinds that keep what they have.
func TestCarry(t *testing.T) {
	t.Parallel()
	shared := func(t *testing.T) driver.Driver { return open(t, postgrestest.URL(t)) }
	file := func(t *testing.T) driver.Driver {
		d, err := sqlite.Open(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	t.Run("to PostgreSQL", func(t *testing.T) { t.Parallel(); storetest.Carry(t, file, shared) })
	t.Run("from PostgreSQL", func(t *testing.T) { t.Parallel(); storetest.Carry(t, shared, file) })
}

func open(t testing.TB, url string) driver.Driver {
	t.Helper()
	d, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return d
}

// closing closes d when the test ends.
func closing(t testing.TB, d driver.Driver) driver.Driver {
	t.Helper()
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return d
}

var notes = driver.Schema{
	Name:       "test_note",
	PrimaryKey: []driver.Column{{Name: "region"}, {Name: "id", Int: true}},
	Indexed:    []driver.Column{{Name: "group"}, {Name: "order", Int: true}, {Name: "name"}},
	Indexes: []driver.IndexSchema{
		{Name: "by_group", Columns: []string{"group", "order"}},
		{Name: "by_name", Columns: []string{"region", "name"}, Unique: true},
		{Name: "by_id", Columns: []string{"id"}},
	},
}

func migrated(t testing.TB, url string) driver.Driver {
	t.Helper()
	d := open(t, url)
	migrate(t, d)
	return d
}

func migrate(t testing.TB, d driver.Driver) {
	t.Helper()
	if err := d.Migrate(t.Context(), 1, []*driver.Schema{&notes}); err != nil {
		t.Fatalf("Migrate: %v", err)
	}
}

func note(id int64, body string) driver.Row {
	return driver.Row{
		Key:     driver.Key{{S: "r"}, {N: id, IsInt: true}},
		Indexed: driver.Key{{S: "g"}, {N: id, IsInt: true}, {S: fmt.Sprint("name ", id)}},
		Rev:     1, Version: 1, Body: []byte(body),
	}
}

func insert(id int64, body string) *driver.Batch {
	return &driver.Batch{Writes: []driver.Write{{Kind: driver.Insert, Table: &notes, Row: note(id, body)}}}
}

func put(r driver.Row, old int64) driver.Write {
	r.Rev = old + 1
	return driver.Write{Kind: driver.Put, Table: &notes, Row: r, Old: old}
}

func named(id int64, name string) driver.Row {
	r := note(id, "body")
	r.Indexed[2].S = name
	return r
}

func commit(t testing.TB, d driver.Driver, b *driver.Batch) uint64 {
	t.Helper()
	p, err := d.Commit(t.Context(), b, nil)
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return p
}

func position(t testing.TB, d driver.Driver) uint64 {
	t.Helper()
	s, err := d.Snapshot(t.Context())
	if err != nil {
		t.Fatalf("Snapshot: %v", err)
	}
	defer closeSnapshot(t, s)
	return s.Position()
}

func closeSnapshot(t testing.TB, s driver.Snapshot) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("closing a snapshot: %v", err)
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func TestReopen(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	if exists, err := postgres.Exists(t.Context(), url); err != nil || exists {
		t.Errorf("a store where there is none: %v, error %v", exists, err)
	}
	for i := range int64(3) {
		d := migrated(t, url)
		if got := position(t, d); got != uint64(i) {
			t.Fatalf("position %d, want %d", got, i)
		}
		commit(t, d, insert(i, "body"))
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if exists, err := postgres.Exists(t.Context(), url); err != nil || !exists {
		t.Errorf("no store: %v, error %v", exists, err)
	}
}

const lockedVariable = "STORE_TEST_OPEN"

// TestOpenElsewhere is the other process of TestLocked.
func TestOpenElsewhere(t *testing.T) {
	t.Parallel()
	url := os.Getenv(lockedVariable)
	if url == "" {
		t.Skip("only when TestLocked starts it")
	}
	if _, err := postgres.Open(t.Context(), url); !errors.Is(err, driver.ErrLocked) {
		t.Errorf("got error %v", err)
	}
}

func TestLocked(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	d := migrated(t, url)
	cmd := exec.Command(os.Args[0], "-test.run=^TestOpenElsewhere$", "-test.v")
	cmd.Env = append(os.Environ(), lockedVariable+"="+url)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestOpenElsewhere") {
		t.Errorf("the other process: %v\n%s", err, out)
	}
	commit(t, d, insert(1, "body")) // unharmed
	closing(t, migrated(t, postgrestest.URL(t)))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	closing(t, open(t, url))
}

func TestNewerSchema(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	d := open(t, url)
	if err := d.Migrate(t.Context(), 7, []*driver.Schema{&notes}); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = closing(t, open(t, url))
	err := d.Migrate(t.Context(), 6, []*driver.Schema{&notes})
	wantErr(t, err, driver.ErrSchema)
	if !strings.Contains(err.Error(), "the store has schema version 7, this program knows 6") {
		t.Errorf("the error says %q", err)
	}
}

// TestMigrationUndone: a migration that fails leaves the schema of before.
func TestMigrationUndone(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	d := migrated(t, url)
	postgrestest.Execute(t, url, "CREATE TABLE test_taken (x int)")
	more := driver.Schema{Name: "test_more", PrimaryKey: []driver.Column{{Name: "k"}}}
	taken := driver.Schema{Name: "test_taken", PrimaryKey: []driver.Column{{Name: "k"}}}
	wantErr(t, d.Migrate(t.Context(), 2, []*driver.Schema{&notes, &more, &taken}), driver.ErrSchema)
	if got := postgrestest.Execute(t, url, "SELECT to_regclass('test_more')"); got != "" {
		t.Errorf("%s was left behind", got)
	}
	commit(t, d, insert(1, "body"))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	closing(t, migrated(t, url)) // still version 1
}

func TestLongNames(t *testing.T) {
	t.Parallel()
	d := closing(t, open(t, postgrestest.URL(t)))
	long := driver.Schema{Name: strings.Repeat("t", 59), PrimaryKey: []driver.Column{{Name: "k"}}}
	if err := d.Migrate(t.Context(), 1, []*driver.Schema{&long}); err == nil || !strings.Contains(err.Error(), "longer than 63") {
		t.Errorf("a name that the server would cut: %v", err)
	}
	long.Name = long.Name[1:]
	if err := d.Migrate(t.Context(), 1, []*driver.Schema{&long}); err != nil {
		t.Error(err)
	}
}

// TestPlans: at a hundred thousand rows each statement goes along the index
// that it was made for, seeks in it, and none sorts.
func TestPlans(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	d := closing(t, migrated(t, url))
	postgrestest.Execute(t, url, `
		INSERT INTO test_note SELECT convert_to('r' || n % 7, 'UTF8'), n, convert_to('g' || n % 100, 'UTF8'), n, int4send(n), 1, 1, int4send(n)
		FROM generate_series(1, 100000) n;
		INSERT INTO store_change SELECT n, 0, int4send(n) FROM generate_series(1, 1000) n;
		ANALYZE`)
	seeks(t, d, "", 40)
	stops(t, d, &notes)
	// The last page of a long table costs no more than the first.
	s, err := d.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closeSnapshot(t, s)
	after := driver.Key{{S: "g99"}, {N: 99000, IsInt: true}}
	var seen []int64
	err = s.Scan(t.Context(), &notes, "by_group", nil, after, 3, func(r driver.Row) error {
		seen = append(seen, r.Key[1].N)
		return nil
	})
	if err != nil || fmt.Sprint(seen) != "[99099 99199 99299]" {
		t.Errorf("the end of a long table: %v, error %v", seen, err)
	}
}

// seeks demands that each statement of a table, or of all of them where none is named,
// goes along its index. There are so many at least.
func seeks(t *testing.T, d driver.Driver, table string, least int) {
	t.Helper()
	plans, err := postgres.Plans(d, table)
	if err != nil {
		t.Fatal(err)
	}
	if len(plans) < least {
		t.Errorf("only %d statements of %q", len(plans), table)
	}
	for _, p := range plans {
		steps := strings.Join(p.Steps, "; ")
		good := strings.Contains(steps, " using "+p.Index+" ") && !strings.Contains(steps, "Sort")
		for _, s := range p.Steps {
			// What searches stands in the index, what writes takes the row from where it was found.
			good = good && (!strings.Contains(s, " Scan ") || strings.Contains(s, " using "+p.Index+" ") || strings.Contains(s, "Tid Scan on ") || strings.Contains(s, "Subquery Scan on "))
		}
		_, condition, found := strings.Cut(steps, "Index Cond:")
		condition, _, _ = strings.Cut(condition, ";")
		for _, c := range p.Columns {
			good = good && strings.Contains(condition, c)
		}
		if !good || p.Search && !found {
			t.Errorf("%s\n wants %s, has %s", p.Statement, p.Index, steps)
		}
	}
}

// stops demands that what searches for up to ten rows of a table reads few pages: some of
// the index, and one for each row. An index that fits does not show that: a search may go on
// in it behind what it was for.
func stops(t *testing.T, d driver.Driver, s *driver.Schema) {
	t.Helper()
	most, err := postgres.Pages(d, s)
	if err != nil {
		t.Fatal(err)
	}
	if len(most) < 3 {
		t.Errorf("only %d statements of %s", len(most), s.Name)
	}
	for text, n := range most {
		if n > 20 {
			t.Errorf("%s\n reads %d pages", text, n)
		}
	}
}

// ownRows fill the tables of the engine that have an index.
var ownRows = map[string]string{
	"store_change": "INSERT INTO store_change SELECT n / 3, n % 3, int8send(n) FROM generate_series(1, $::bigint) n",
	"store_outbox": "INSERT INTO store_outbox SELECT n / 3, n % 3, int8send(n) FROM generate_series(1, $::bigint) n",
	"store_op":     "INSERT INTO store_op SELECT int8send(n * 777767777 % $), n FROM generate_series(1, $::bigint) n",
	"store_meta":   "INSERT INTO store_meta SELECT int8send(n), int8send(n) FROM generate_series(1, $::bigint) n",
}

// TestPlansOfServices is TestPlans with the tables that there are, each of a thousand rows,
// or of a million where CLAVIGER_LONG asks for long runs.
//
// A plan is made when a connection meets its statement first, and stays until the server
// counts the table, which may take a minute or, with autovacuum off, for ever. So each
// statement must go along its index too in a table that is empty, one that was counted
// while it was, and one that has grown since.
func TestPlansOfServices(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	d := closing(t, open(t, url))
	schemas := store.Schemas(slices.Concat(iam.Tables(), kms.Tables(), organizations.Tables(), xks.Tables()))
	if err := d.Migrate(t.Context(), 1, schemas); err != nil {
		t.Fatal(err)
	}
	seeks(t, d, "", 400)
	postgrestest.Execute(t, url, "ANALYZE")
	seeks(t, d, "", 400)
	rows := 1000
	if os.Getenv("CLAVIGER_LONG") != "" {
		rows = 1_000_000
	}
	for table, statement := range ownRows {
		grow(t, url, table, strings.ReplaceAll(statement, "$", strconv.Itoa(rows)), func() { seeks(t, d, table, 2) })
	}
	for _, s := range schemas {
		statement := storetest.Fill(s, rows, "int8send((%s)::bigint)", "generate_series(1, %d::bigint) n")
		grow(t, url, s.Name, statement, func() {
			seeks(t, d, s.Name, 7)
			stops(t, d, s)
		})
	}
}

// grow fills a table and calls fn twice: while the server believes it to be empty, and
// when it has counted it. Then the table is empty again.
//
// What lies in the log of the server, and how an index has come to be, makes no
// difference to plans. So nothing is logged, and indexes are made when the rows are
// there, which takes a tenth of the time. That counts the rows, and has to be undone; the
// server must not count them by itself in between.
func grow(t *testing.T, url, table, statement string, fn func()) {
	t.Helper()
	text := "SET maintenance_work_mem = '256MB'; ALTER TABLE $ SET UNLOGGED, SET (autovacuum_enabled = off); " +
		"UPDATE pg_index SET indisready = false WHERE indrelid = '$'::regclass; " + statement + "; REINDEX TABLE $; " +
		"UPDATE pg_class SET reltuples = 0, relpages = 0 WHERE '$'::regclass IN (oid, (SELECT indrelid FROM pg_index WHERE indexrelid = oid))"
	execute := func(text string) {
		t.Helper()
		postgrestest.Execute(t, url, strings.ReplaceAll(text, "$", table))
	}
	execute(text)
	fn()
	execute("ANALYZE $")
	fn()
	execute("TRUNCATE $")
}

// TestGroupCommit holds the writer in a callback until others wait.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	d := closing(t, migrated(t, postgrestest.URL(t)))
	before := postgres.Commits(d)
	const n = 60
	waiting, release := make(chan struct{}), make(chan struct{})
	var all, begun sync.WaitGroup
	all.Go(func() {
		if _, err := d.Commit(t.Context(), insert(0, "first"), func(uint64) { close(waiting); <-release }); err != nil {
			t.Errorf("Commit: %v", err)
		}
	})
	<-waiting
	var order []uint64
	begun.Add(n)
	for i := range int64(n) {
		all.Go(func() {
			begun.Done()
			b := insert(i/2+1, "others") // each row twice: one of two is refused
			if _, err := d.Commit(t.Context(), b, func(p uint64) { order = append(order, p) }); err != nil && !errors.Is(err, driver.ErrExists) {
				t.Errorf("Commit: %v", err)
			}
		})
	}
	begun.Wait()
	close(release)
	all.Wait()
	if len(order) != n/2 {
		t.Errorf("%d commits", len(order))
	}
	for i, p := range order {
		if p != uint64(i)+2 {
			t.Errorf("callback %d has position %d", i, p)
		}
	}
	if got := position(t, d); got != n/2+1 {
		t.Errorf("position %d", got)
	}
	if got := postgres.Commits(d) - before; got > n/2 {
		t.Errorf("%d transactions for %d batches", got, n+1)
	}
}

// TestGroupOverlay commits batches that rest on each other in one transaction:
// each is verified against what those before it leave.
func TestGroupOverlay(t *testing.T) {
	t.Parallel()
	d := closing(t, migrated(t, postgrestest.URL(t)))
	commit(t, d, insert(1, "body"))
	commit(t, d, insert(2, "body"))
	del := func(id, old int64) driver.Write {
		return driver.Write{Kind: driver.Delete, Table: &notes, Row: driver.Row{Key: note(id, "").Key}, Old: old}
	}
	b := func(writes ...driver.Write) *driver.Batch { return &driver.Batch{Writes: writes} }
	ins := func(r driver.Row) driver.Write { return driver.Write{Kind: driver.Insert, Table: &notes, Row: r} }
	repeated := b(ins(named(9, "nine")))
	repeated.OpID = [16]byte{9}
	steps := []struct {
		batch *driver.Batch
		want  error
	}{
		{b(put(named(1, "name 2"), 1), put(named(2, "name 1"), 1)), nil}, // they trade
		{b(put(named(1, "name 9"), 1)), driver.ErrConflict},
		{b(ins(named(3, "name 1"))), driver.ErrExists},
		{b(del(2, 2)), nil},
		{b(ins(named(3, "name 1"))), nil}, // freed by the one before
		{b(ins(named(2, "name 1"))), driver.ErrExists},
		{b(ins(named(2, "two")), put(named(3, "three"), 1)), nil},
		{b(ins(named(4, "name 1"))), nil},
		{b(del(4, 1), ins(named(5, "name 1"))), nil},
		{&driver.Batch{Requires: []driver.Require{{Table: &notes, Key: note(4, "").Key, Rev: 1}}}, driver.ErrConflict},
		{&driver.Batch{Requires: []driver.Require{{Table: &notes, Key: note(5, "").Key, Rev: 1}}}, nil},
		{repeated, nil},
		{repeated, nil}, // not applied again
		{&driver.Batch{Meta: map[string][]byte{"m": nil}}, nil},
		{&driver.Batch{Meta: map[string][]byte{"m": nil}}, driver.ErrConflict},
		{&driver.Batch{Touches: []string{"b", "a", "b"}, Events: [][]byte{nil}, Prune: 1 << 63}, nil},
	}
	before := postgres.Commits(d)
	var batches []*driver.Batch
	for _, s := range steps {
		batches = append(batches, s.batch)
	}
	positions, errs := postgres.CommitTogether(d, batches)
	for i, s := range steps {
		if !errors.Is(errs[i], s.want) {
			t.Errorf("batch %d: got error %v, want %v", i, errs[i], s.want)
		}
	}
	if got := fmt.Sprint(positions); got != "[3 0 0 4 5 0 6 7 8 0 9 10 10 11 0 12]" {
		t.Errorf("positions %s", got)
	}
	if got := postgres.Commits(d) - before; got != 1 {
		t.Errorf("%d transactions", got)
	}
	s, err := d.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closeSnapshot(t, s)
	var names []string
	err = s.Scan(t.Context(), &notes, "", nil, nil, 100, func(r driver.Row) error {
		names = append(names, fmt.Sprint(r.Key[1].N, "=", r.Indexed[2].S))
		return nil
	})
	if got := strings.Join(names, ", "); err != nil || got != "1=name 2, 2=two, 3=three, 5=name 1, 9=nine" {
		t.Errorf("rows %s, error %v", got, err)
	}
	if err := d.(driver.Keeper).Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
}

// TestPatience: a caller whose context ends gets no result, but the commit gets through.
func TestPatience(t *testing.T) {
	t.Parallel()
	d := closing(t, migrated(t, postgrestest.URL(t)))
	waiting, release := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := d.Commit(ctx, insert(1, "begun"), func(uint64) { close(waiting); <-release })
		if !errors.Is(err, driver.ErrIndeterminate) || !errors.Is(err, context.Canceled) {
			t.Errorf("a commit that had begun: %v", err)
		}
	})
	<-waiting
	wg.Go(func() {
		_, err := d.Commit(ctx, insert(2, "waits"), func(uint64) { t.Error("callback") })
		if !errors.Is(err, driver.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("a commit that waited: %v", err)
		}
	})
	cancel()
	wg.Wait()
	close(release)
	commit(t, d, insert(3, "later"))
	if got := position(t, d); got != 2 {
		t.Errorf("position %d", got)
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	d, err := postgres.OpenRetaining(t.Context(), postgrestest.URL(t), 3)
	if err != nil {
		t.Fatal(err)
	}
	closing(t, d)
	migrate(t, d)
	for i := range byte(5) {
		commit(t, d, &driver.Batch{OpID: [16]byte{i + 1}, Touches: []string{fmt.Sprint(i + 1)}})
	}
	_, err = d.Changes(t.Context(), 1, 10)
	wantErr(t, err, driver.ErrNotFound)
	list, err := d.Changes(t.Context(), 2, 10)
	if err != nil || len(list) != 3 || list[0].Entity != "3" {
		t.Errorf("changes %v, error %v", list, err)
	}
	for _, c := range []struct {
		op   byte
		want uint64
	}{{5, 5}, {3, 3}, {2, 6}} { // the second is forgotten, and applied anew
		if got, err := d.Commit(t.Context(), &driver.Batch{OpID: [16]byte{c.op}}, nil); err != nil || got != c.want {
			t.Errorf("operation %d: position %d, error %v", c.op, got, err)
		}
	}
}

// TestRetentionInGroups: what is forgotten within a transaction is applied anew there.
func TestRetentionInGroups(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	d, err := postgres.OpenRetaining(t.Context(), url, 3)
	if err != nil {
		t.Fatal(err)
	}
	closing(t, d)
	migrate(t, d)
	var group []*driver.Batch
	for _, op := range []byte{1, 2, 1, 3, 4, 1} {
		group = append(group, &driver.Batch{OpID: [16]byte{op}, Touches: []string{"e"}})
	}
	positions, errs := postgres.CommitTogether(d, group)
	if got := fmt.Sprint(positions, errors.Join(errs...)); got != "[1 2 1 3 4 5] <nil>" {
		t.Error(got)
	}
	if got := postgrestest.Execute(t, url, "SELECT string_agg(position::text, ' ' ORDER BY position) FROM store_change"); got != "3 4 5" {
		t.Errorf("changes of %s are kept", got)
	}
}

// TestReaders: when all snapshots are taken another one waits, and ends with its context.
func TestReaders(t *testing.T) {
	t.Parallel()
	d := closing(t, migrated(t, postgrestest.URL(t)))
	var open []driver.Snapshot
	for range postgres.Readers {
		s, err := d.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var ends, waits sync.WaitGroup
	ends.Go(func() {
		_, err := d.Snapshot(ctx)
		if !errors.Is(err, driver.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("Snapshot: %v", err)
		}
	})
	waits.Go(func() {
		s, err := d.Snapshot(t.Context())
		if err != nil {
			t.Errorf("Snapshot: %v", err)
			return
		}
		closeSnapshot(t, s)
	})
	cancel()
	ends.Wait()                     // while there is none that it could take instead
	commit(t, d, insert(1, "body")) // writing needs none of them
	for _, s := range open {
		closeSnapshot(t, s)
	}
	waits.Wait()
}

// TestReadersAreUsedAgain: a connection is opened only while all others are in use.
func TestReadersAreUsedAgain(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	_, schema := postgrestest.Parts(url)
	d := closing(t, migrated(t, url+"&application_name="+schema))
	for range 5 {
		first, err := d.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		second, err := d.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		closeSnapshot(t, first)
		closeSnapshot(t, second)
	}
	if n := postgrestest.Execute(t, url, "SELECT count(*) FROM pg_stat_activity WHERE application_name = '"+schema+"'"); n != "3" {
		t.Errorf("%s connections, one of which writes", n)
	}
}

func TestLongKeys(t *testing.T) {
	t.Parallel()
	d := closing(t, migrated(t, postgrestest.URL(t)))
	long := strings.Repeat("\x00\xff", postgres.EntryMax)
	fits := note(1, "body")
	fits.Indexed[2].S = long[:postgres.EntryMax-len("r")-2*8] // with region in by_name
	commit(t, d, &driver.Batch{Writes: []driver.Write{{Kind: driver.Insert, Table: &notes, Row: fits}}})
	exceeds := note(2, "body")
	exceeds.Indexed[2].S = fits.Indexed[2].S + "\x00"
	for name, b := range map[string]*driver.Batch{
		"column": {Writes: []driver.Write{{Kind: driver.Insert, Table: &notes, Row: exceeds}}},
		"meta":   {Meta: map[string][]byte{long: nil}},
	} {
		if _, err := d.Commit(t.Context(), b, nil); !errors.Is(err, driver.ErrTooLarge) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	wantErr(t, d.PutMeta(t.Context(), map[string][]byte{long: nil}, driver.Roll{}), driver.ErrTooLarge)
	if err := d.PutMeta(t.Context(), map[string][]byte{long[:postgres.EntryMax]: nil}, driver.Roll{}); err != nil {
		t.Error(err)
	}
}

func TestSuccessor(t *testing.T) {
	t.Parallel()
	for prefix, want := range map[string]string{"": "", "a": "b", "a\xff": "b", "\xff\xff": "", "\x00": "\x01", "a\xfe": "a\xff"} {
		if got := string(postgres.Successor(prefix)); got != want {
			t.Errorf("after %q comes %q, want %q", prefix, got, want)
		}
	}
}

// TestCheck: an index that lacks a row of its table is found, though every page is sound.
func TestCheck(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	d := closing(t, migrated(t, url))
	for i := range int64(20) {
		commit(t, d, insert(i, "body"))
	}
	check := d.(driver.Keeper).Check
	if err := check(t.Context()); err != nil {
		t.Errorf("Check of a sound database: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, check(ctx), context.Canceled)
	ready := "UPDATE pg_index SET indisready = %v WHERE indexrelid = 'test_note__by_group'::regclass"
	postgrestest.Execute(t, url, fmt.Sprintf(ready, false))
	commit(t, d, insert(20, "body"))
	postgrestest.Execute(t, url, fmt.Sprintf(ready, true))
	err := check(t.Context())
	wantErr(t, err, driver.ErrDamaged)
	if !strings.Contains(err.Error(), "by_group") {
		t.Errorf("the error says %q", err)
	}
}

// TestTruncate: what was deleted is in no file of a table any more.
func TestTruncate(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	url := server.URL(t)
	d := closing(t, migrated(t, url))
	commit(t, d, insert(1, strings.Repeat(canary, 10)))
	commit(t, d, insert(2, "stays"))
	found := func() bool {
		postgrestest.Execute(t, url, "CHECKPOINT")
		files, is := 0, false
		err := filepath.WalkDir(filepath.Join(server.Data(), "base"), func(path string, e fs.DirEntry, err error) error {
			var b []byte
			if err == nil && !e.IsDir() {
				files++
				b, err = os.ReadFile(path)
			}
			if errors.Is(err, fs.ErrNotExist) { // such as one that the server writes under another name first
				return nil
			}
			is = is || strings.Contains(string(b), canary)
			return err
		})
		if err != nil || files < 100 {
			t.Fatalf("%d files, error %v", files, err)
		}
		return is
	}
	if !found() {
		t.Fatal("the canary is nowhere at all")
	}
	commit(t, d, &driver.Batch{Writes: []driver.Write{{Kind: driver.Delete, Table: &notes, Row: driver.Row{Key: note(1, "").Key}, Old: 1}}})
	s, err := d.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantErr(t, d.(driver.Keeper).Truncate(t.Context()), driver.ErrUnavailable)
	closeSnapshot(t, s)
	if err := d.(driver.Keeper).Truncate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found() {
		t.Error("the canary is still there")
	}
	commit(t, d, insert(3, "later"))
	for _, value := range []string{canary, "another"} {
		if err := d.PutMeta(t.Context(), map[string][]byte{"k": []byte(value)}, driver.Roll{}); err != nil {
			t.Fatal(err)
		}
	}
	if !found() {
		t.Error("the value of before is not in the files")
	}
	if err := d.(driver.MetaKeeper).TruncateMeta(t.Context()); err != nil {
		t.Fatal(err)
	}
	if value, err := d.Meta(t.Context(), "k"); found() || string(value) != "another" || err != nil {
		t.Errorf("the value of before is still there, or that of now is not: %q, %v", value, err)
	}
}
