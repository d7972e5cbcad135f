package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/sqlite"
	"claviger/internal/ground/store/storetest"
	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/service/organizations"
	"claviger/internal/service/xks"
)

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) driver.Driver { return open(t, t.TempDir()) })
}

func TestCarry(t *testing.T) {
	t.Parallel()
	empty := func(t *testing.T) driver.Driver { return open(t, t.TempDir()) }
	storetest.Carry(t, empty, empty)
}

func open(t *testing.T, dir string) driver.Driver {
	t.Helper()
	d, err := sqlite.Open(t.Context(), dir)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return d
}

// closing closes d when the test ends.
func closing(t *testing.T, d driver.Driver) driver.Driver {
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

func migrated(t *testing.T, dir string) driver.Driver {
	t.Helper()
	d := open(t, dir)
	migrate(t, d)
	return d
}

func migrate(t *testing.T, d driver.Driver) {
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

func commit(t *testing.T, d driver.Driver, b *driver.Batch) {
	t.Helper()
	if _, err := d.Commit(t.Context(), b, nil); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

func position(t *testing.T, d driver.Driver) uint64 {
	t.Helper()
	s, err := d.Snapshot(t.Context())
	if err != nil {
		t.Fatalf("Snapshot: %v", err)
	}
	defer closeSnapshot(t, s)
	return s.Position()
}

func closeSnapshot(t *testing.T, s driver.Snapshot) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("closing a snapshot: %v", err)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func TestReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range int64(3) {
		d := migrated(t, dir)
		if got := position(t, d); got != uint64(i) {
			t.Fatalf("position %d, want %d", got, i)
		}
		commit(t, d, insert(i, "body"))
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCrash copies the files as a crash would leave them after each commit.
func TestCrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := closing(t, migrated(t, dir))
	for i := range int64(5) {
		b := insert(i, "body")
		b.OpID = [16]byte{byte(i) + 1}
		commit(t, d, b)
		after := migrated(t, copyFiles(t, dir))
		if got := position(t, after); got != uint64(i)+1 {
			t.Errorf("position %d after a crash, %d was acknowledged", got, i+1)
		}
		if got, err := after.Commit(t.Context(), b, nil); err != nil || got != uint64(i)+1 {
			t.Errorf("repeating after a crash: position %d, error %v", got, err)
		}
		if err := after.Close(); err != nil {
			t.Error(err)
		}
	}
}

func copyFiles(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	for name, b := range files(t, dir) {
		if strings.HasSuffix(name, "-shm") {
			continue // the index of the log is memory, which a crash of the machine loses
		}
		if err := os.WriteFile(filepath.Join(to, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	list := make(map[string][]byte)
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		list[e.Name()] = b
	}
	return list
}

// TestPlans: each statement seeks along the index that it was made for, and
// none sorts.
func TestPlans(t *testing.T) {
	t.Parallel()
	d := closing(t, migrated(t, t.TempDir()))
	seeks(t, d, 40)
}

// seeks demands that each statement, of which there are so many at least, seeks along
// its index, by all that it knows.
func seeks(t *testing.T, d driver.Driver, least int) {
	t.Helper()
	plans, err := sqlite.Plans(d)
	if err != nil {
		t.Fatal(err)
	}
	if len(plans) < least {
		t.Errorf("only %d statements", len(plans))
	}
	for _, p := range plans {
		steps := strings.Join(p.Steps, "; ")
		want := "USING PRIMARY KEY"
		if p.Index != "" {
			want = p.Index
		}
		if len(p.Steps) != 1 || p.Search && (!strings.HasPrefix(steps, "SEARCH") || !strings.Contains(steps, want)) ||
			p.Index != "" && !strings.Contains(steps, p.Index) || p.Sought > 0 && sqlite.CountMarks(steps) != p.Sought {
			t.Errorf("%s\n wants %q, has %s", p.Statement, want, steps)
		}
	}
}

// crowded are the tables that have a million rows where CLAVIGER_LONG asks for long runs:
// those with the most to choose from.
var crowded = []string{"kms_grant", "kms_alias", "organizations_account", "iam_user"}

// TestPlansOfServices is TestPlans with the tables that there are.
//
// What SQLite knows of rows stands in sqlite_stat1, which ANALYZE and PRAGMA optimize
// write, and nothing else does. Nobody here runs either, so that plans depend on the schema
// alone and are the same for any number of rows. Should somebody run them on the file with
// tools of their own, statistics of many rows must not tempt SQLite either.
func TestPlansOfServices(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	schemas := store.Schemas(slices.Concat(iam.Tables(), kms.Tables(), organizations.Tables(), xks.Tables()))
	migrated := func() driver.Driver {
		d := open(t, dir)
		if err := d.Migrate(t.Context(), 1, schemas); err != nil {
			t.Fatal(err)
		}
		return d
	}
	fresh := migrated()
	seeks(t, fresh, 400)
	if err := fresh.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // the settings are those of a connection
	var statistics int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'").Scan(&statistics); err != nil || statistics != 0 {
		t.Errorf("%d tables of statistics, error %v", statistics, err)
	}
	statements := []string{"PRAGMA synchronous = off", "PRAGMA cache_size = -262144", "BEGIN"}
	for _, s := range schemas {
		rows := 1000
		if slices.Contains(crowded, s.Name) && os.Getenv("CLAVIGER_LONG") != "" {
			rows = 1_000_000
		}
		statements = append(statements, storetest.Fill(s, rows, "CAST(10000000 + (%s) AS BLOB)",
			"(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT %d) SELECT n FROM c)"))
	}
	for _, text := range append(statements, "COMMIT", "ANALYZE") {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	seeks(t, closing(t, migrated()), 400)
}

const lockedVariable = "STORE_TEST_OPEN"

// TestOpenElsewhere is the other process of TestLocked.
func TestOpenElsewhere(t *testing.T) {
	t.Parallel()
	dir := os.Getenv(lockedVariable)
	if dir == "" {
		t.Skip("only when TestLocked starts it")
	}
	if _, err := sqlite.Open(t.Context(), dir); !errors.Is(err, driver.ErrLocked) {
		t.Errorf("got error %v", err)
	}
}

func TestLocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := migrated(t, dir)
	_, err := sqlite.Open(t.Context(), dir)
	wantErr(t, err, driver.ErrLocked)
	cmd := exec.Command(os.Args[0], "-test.run=^TestOpenElsewhere$", "-test.v")
	cmd.Env = append(os.Environ(), lockedVariable+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestOpenElsewhere") {
		t.Errorf("the other process: %v\n%s", err, out)
	}
	commit(t, d, insert(1, "body")) // unharmed
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	closing(t, open(t, dir))
}

func TestNotOurs(t *testing.T) {
	t.Parallel()
	good := t.TempDir()
	d := migrated(t, good)
	commit(t, d, insert(1, strings.Repeat("x", 50000)))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	whole := files(t, good)[sqlite.FileName]
	foreign := bytes.Clone(whole)
	copy(foreign[68:], "ELSE") // the application id, https://sqlite.org/fileformat2.html#application_id
	unmarked := bytes.Clone(whole)
	copy(unmarked[68:], "\x00\x00\x00\x00")
	for name, content := range map[string][]byte{
		"text":             []byte(strings.Repeat("not a database ", 1000)),
		"another program":  foreign,
		"nobody's":         unmarked,
		"a broken header":  append([]byte("SQLite format 4\x00"), whole[16:]...),
		"zeros":            make([]byte, 8192),
		"a broken schema":  append(append(bytes.Clone(whole[:100]), make([]byte, 3996)...), whole[4096:]...),
		"nothing but head": whole[:100],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, sqlite.FileName)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := sqlite.Open(t.Context(), dir)
			wantErr(t, err, driver.ErrDamaged)
			if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "SQLITE") {
				t.Errorf("not one clear sentence: %v", err)
			}
			if now := files(t, dir)[sqlite.FileName]; !bytes.Equal(now, content) {
				t.Error("the file was changed")
			}
			if d, err := sqlite.Open(t.Context(), dir); d != nil || errors.Is(err, driver.ErrLocked) {
				t.Errorf("the lock was kept: %v", err)
			}
		})
	}
}

func TestDamagedPage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := migrated(t, dir)
	for i := range int64(200) {
		commit(t, d, insert(i, strings.Repeat("x", 500)))
	}
	if err := d.(driver.Keeper).Check(t.Context()); err != nil {
		t.Errorf("Check of a sound database: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, sqlite.FileName)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for page := 30; page < len(b)/4096; page++ { // beyond the tables of the engine itself
		copy(b[page*4096:], strings.Repeat("\xff", 200))
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	d = closing(t, migrated(t, dir))
	wantErr(t, d.(driver.Keeper).Check(t.Context()), driver.ErrDamaged)
	s, err := d.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closeSnapshot(t, s)
	err = s.Scan(t.Context(), &notes, "", nil, nil, 1000, func(driver.Row) error { return nil })
	wantErr(t, err, driver.ErrDamaged)
}

func TestNewerSchema(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := open(t, dir)
	if err := d.Migrate(t.Context(), 7, []*driver.Schema{&notes}); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = closing(t, open(t, dir))
	err := d.Migrate(t.Context(), 6, []*driver.Schema{&notes})
	wantErr(t, err, driver.ErrSchema)
	if !strings.Contains(err.Error(), "the store has schema version 7, this program knows 6") {
		t.Errorf("the error says %q", err)
	}
}

// TestMigrationUndone: a migration that fails leaves the schema of before.
func TestMigrationUndone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := migrated(t, dir)
	if err := sqlite.SetPragma(d, "max_page_count = 1"); err != nil {
		t.Fatal(err)
	}
	more := driver.Schema{Name: "test_more", PrimaryKey: []driver.Column{{Name: "k"}}}
	wantErr(t, d.Migrate(t.Context(), 2, []*driver.Schema{&notes, &more}), driver.ErrUnavailable)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	closing(t, migrated(t, dir)) // still version 1
}

func TestSilence(t *testing.T) {
	t.Parallel()
	const canary = "canary-4711"
	type secret struct {
		ID    int64
		Value string
		Bytes []byte
	}
	table := store.Table[secret]{
		Schema:  driver.Schema{Name: "test_secret", PrimaryKey: []driver.Column{{Name: "id", Int: true}}},
		Version: 1,
		Key:     func(r *secret) store.Key { return store.Key{store.N(r.ID)} },
	}
	root, err := sealed.NewRootKey(sealed.Random(32))
	if err != nil {
		t.Fatal(err)
	}
	ring, _, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s, err := store.Open(t.Context(), open(t, dir), store.Options{Tables: []store.AnyTable{&table}, Sealer: ring})
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(10) {
		if _, err := s.Update(t.Context(), store.OpID{1, byte(i)}, func(tx store.Txn) error {
			tx.Emit([]byte(canary))
			return table.Insert(t.Context(), tx, &secret{i, canary, []byte(canary)})
		}); err != nil {
			t.Fatal(err)
		}
	}
	silent(t, dir, canary) // with the log that is still there
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	silent(t, dir, canary)
}

func silent(t *testing.T, dir, canary string) {
	t.Helper()
	size := 0
	for name, b := range files(t, dir) {
		size += len(b)
		if bytes.Contains(b, []byte(canary)) || bytes.Contains(b, []byte("Y2FuYXJ5")) {
			t.Errorf("%s holds the canary", name)
		}
	}
	if size < 10000 {
		t.Errorf("only %d bytes were searched", size)
	}
}

// TestTruncate: what was deleted is in no file any more.
func TestTruncate(t *testing.T) {
	t.Parallel()
	const canary = "canary-4711"
	dir := t.TempDir()
	d := closing(t, migrated(t, dir))
	commit(t, d, insert(1, strings.Repeat(canary, 1000)))
	commit(t, d, insert(2, "stays"))
	found := func() bool {
		for _, b := range files(t, dir) {
			if bytes.Contains(b, []byte(canary)) {
				return true
			}
		}
		return false
	}
	if !found() {
		t.Fatal("the canary is nowhere at all")
	}
	commit(t, d, &driver.Batch{Writes: []driver.Write{{Kind: driver.Delete, Table: &notes, Row: driver.Row{Key: note(1, "").Key}, Old: 1}}})
	if err := d.(driver.Keeper).Truncate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found() {
		t.Error("the canary is still there")
	}
	if n := len(files(t, dir)[sqlite.FileName+"-wal"]); n != 0 {
		t.Errorf("the log has %d bytes", n)
	}

	s, err := d.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	commit(t, d, insert(3, "later"))
	least := time.Hour // of several: what else runs on the machine may hold one up
	for range 3 {
		began := time.Now()
		wantErr(t, d.(driver.Keeper).Truncate(t.Context()), driver.ErrUnavailable)
		least = min(least, time.Since(began))
	}
	if least > 4*time.Second { // all commits wait for it
		t.Errorf("it waited %v for a snapshot", least)
	}
	if patience, err := sqlite.Pragma(d, "busy_timeout"); err != nil || patience != "5000" {
		t.Errorf("behind it locks are waited for %s ms, error %v", patience, err)
	}
	closeSnapshot(t, s)
	wantErr(t, d.(driver.Keeper).Truncate(t.Context()), nil)
}

// TestGroupCommit holds the writer in a callback until others wait.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, groupCommit)
}

func groupCommit(t *testing.T) {
	d := closing(t, migrated(t, t.TempDir()))
	before := sqlite.Commits(d)
	const n = 50
	waiting, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := d.Commit(t.Context(), insert(0, "first"), func(uint64) { close(waiting); <-release }); err != nil {
			t.Errorf("Commit: %v", err)
		}
	})
	<-waiting
	var order []uint64
	for i := range int64(n) {
		all.Go(func() {
			b := insert(i/2+1, "others") // each row twice: one of two is refused
			if _, err := d.Commit(t.Context(), b, func(p uint64) { order = append(order, p) }); err != nil {
				wantExists(t, err)
			}
		})
	}
	synctest.Wait() // all of them stand before the queue
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
	if got := sqlite.Commits(d) - before; got != 2 {
		t.Errorf("%d transactions for %d batches", got, n+1)
	}
}

func wantExists(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, driver.ErrExists) {
		t.Errorf("Commit: %v", err)
	}
}

// TestDiskFull: a group that can't be written leaves nothing, and the database
// goes on when there is room again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	d := closing(t, migrated(t, t.TempDir()))
	commit(t, d, insert(1, "body"))
	if err := sqlite.SetPragma(d, "max_page_count = 1"); err != nil { // raised to the present size
		t.Fatal(err)
	}
	_, err := d.Commit(t.Context(), insert(2, strings.Repeat("x", 500000)), func(uint64) { t.Error("callback") })
	wantErr(t, err, driver.ErrUnavailable)
	if got := position(t, d); got != 1 {
		t.Errorf("position %d", got)
	}
	if err := sqlite.SetPragma(d, "max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	commit(t, d, insert(2, strings.Repeat("x", 500000)))
}

// TestDoubt: after a COMMIT whose outcome is unknown nothing is served, until the
// database has made sure by itself that nothing was applied.
func TestDoubt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := migrated(t, dir)
	commit(t, d, insert(1, "body"))
	left, err := sqlite.RefuseCommits(d, 1<<62)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Commit(t.Context(), insert(2, "body"), func(uint64) { t.Error("callback") })
	wantErr(t, err, driver.ErrIndeterminate)
	_, err = d.Commit(t.Context(), insert(3, "body"), nil)
	wantErr(t, err, driver.ErrUnavailable)
	_, err = d.Snapshot(t.Context())
	wantErr(t, err, driver.ErrUnavailable)
	wantErr(t, d.(driver.Keeper).Truncate(t.Context()), driver.ErrUnavailable)
	wantErr(t, d.(driver.Reporter).Writable(), driver.ErrUnavailable)

	left.Store(2) // tries to mend it fail too
	mended(t, d)
	if n := left.Load(); n >= 0 {
		t.Errorf("mended with %d refusals to come", n)
	}
	if got := position(t, d); got != 1 {
		t.Errorf("position %d", got)
	}
	commit(t, d, insert(2, "other"))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = closing(t, migrated(t, dir))
	if got := position(t, d); got != 2 {
		t.Errorf("position %d", got)
	}
}

// mended waits until the database can be written again.
func mended(t *testing.T, d driver.Driver) {
	t.Helper()
	limit := time.Now().Add(time.Minute)
	for d.(driver.Reporter).Writable() != nil {
		if time.Now().After(limit) {
			t.Fatal("the database is not mended")
		}
		runtime.Gosched()
	}
}

// TestMendWrites: what ends a doubt is a commit of its own, although it changes
// nothing: it takes the place in the log of what was in doubt.
func TestMendWrites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := closing(t, migrated(t, dir))
	commit(t, d, insert(1, "body"))
	left, err := sqlite.RefuseCommits(d, 1<<62) // also those that try to mend it, until the log was looked at
	if err != nil {
		t.Fatal(err)
	}
	before := files(t, dir)[sqlite.FileName+"-wal"]
	_, err = d.Commit(t.Context(), insert(2, "body"), nil)
	wantErr(t, err, driver.ErrIndeterminate)
	if now := files(t, dir)[sqlite.FileName+"-wal"]; !bytes.Equal(now, before) {
		t.Error("the refused commit is in the log")
	}
	left.Store(0)
	mended(t, d)
	if now := files(t, dir)[sqlite.FileName+"-wal"]; bytes.Equal(now, before) {
		t.Error("nothing was written")
	}
}

// TestLogSettled: what a database finds in its log when it is opened stands in the
// file itself before anybody is told of it.
func TestLogSettled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := closing(t, migrated(t, dir))
	commit(t, d, insert(1, "body"))
	found := copyFiles(t, dir) // as a crash leaves it
	again := closing(t, migrated(t, found))
	if err := os.Remove(filepath.Join(found, sqlite.FileName+"-wal")); err != nil {
		t.Fatal(err)
	}
	bare := closing(t, migrated(t, copyFiles(t, found))) // as it is if the log was never on the disk
	for _, d := range []driver.Driver{again, bare} {
		if got := position(t, d); got != 1 {
			t.Errorf("position %d", got)
		}
	}
}

// TestPatience: a caller whose context ends gets no result, but the commit gets through.
func TestPatience(t *testing.T) {
	t.Parallel()
	d := closing(t, migrated(t, t.TempDir()))
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
	d, err := sqlite.OpenRetaining(t.Context(), t.TempDir(), 3)
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

func TestPermissions(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	dir := filepath.Join(t.TempDir(), "new", "data")
	d := migrated(t, dir)
	commit(t, d, insert(1, "body"))
	checked := 0
	check := func(path string, want fs.FileMode) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
		checked++
	}
	check(dir, 0o700)
	for name := range files(t, dir) {
		check(filepath.Join(dir, name), 0o600)
	}
	if checked < 5 {
		t.Errorf("only %d files", checked)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, sqlite.FileName)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	closing(t, open(t, dir))
	check(path, 0o600)
}

func TestExists(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if sqlite.Exists(dir) || sqlite.Exists(filepath.Join(dir, "none")) {
		t.Error("a database where there is none")
	}
	closing(t, open(t, dir))
	if !sqlite.Exists(dir) {
		t.Error("no database")
	}
}

func TestNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, sqlite.FileName), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(t.Context(), dir)
	wantErr(t, err, driver.ErrUnavailable)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Open(t.Context(), file)
	wantErr(t, err, driver.ErrUnavailable)
}

func TestOddPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a?b#c%20d&mode=memory é")
	d := migrated(t, dir)
	commit(t, d, insert(1, "body"))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if len(files(t, dir)[sqlite.FileName]) == 0 {
		t.Error("the database is somewhere else")
	}
}

func TestPragmas(t *testing.T) {
	t.Parallel()
	d := closing(t, migrated(t, t.TempDir()))
	for name, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "secure_delete": "1", "mmap_size": "0", "foreign_keys": "0",
		"trusted_schema": "0", "cell_size_check": "1", "temp_store": "2", "busy_timeout": "5000", "application_id": "1129076295",
	} {
		if got, err := sqlite.Pragma(d, name); err != nil || got != want {
			t.Errorf("%s is %s, want %s; error %v", name, got, want, err)
		}
	}
}

func TestRecent(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"3.51.3": true, "3.51.10": true, "3.54.1": true, "4.0.0": true, "3.51.3.1": true,
		"3.51.2": false, "3.50.9": false, "3.7.0": false, "2.99.99": false, "": false, "3.52": false, "3.x.0": false,
	} {
		if got := sqlite.Recent(version); got != want {
			t.Errorf("version %q: %v", version, got)
		}
	}
}

// TestReaders: when all snapshots are taken another one waits, and ends with its context.
func TestReaders(t *testing.T) {
	t.Parallel()
	d := closing(t, migrated(t, t.TempDir()))
	var open []driver.Snapshot
	for range sqlite.Readers(d) {
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

// TestCheckEnds: the one long read ends with its context, and costs only its connection.
func TestCheckEnds(t *testing.T) {
	t.Parallel()
	d := closing(t, migrated(t, t.TempDir()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, d.(driver.Keeper).Check(ctx), context.Canceled)
	for range 2 * sqlite.Readers(d) {
		if err := d.(driver.Keeper).Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
