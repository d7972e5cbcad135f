package e2e

import (
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"claviger/internal/ground/store/postgres/postgrestest"
)

// TestTampered changes a database that no server has open: the call that meets the
// row is refused, and the log and store verify name it.
func TestTampered(t *testing.T) {
	t.Parallel()
	ofSQLite(t)
	tampered(t, "", inFile)
}

// inFile executes a statement in the file of a server that does not run.
func inFile(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", database(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// TestPostgresTampered is TestTampered with the records in a PostgreSQL server.
func TestPostgresTampered(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	tampered(t, url, func(t *testing.T, _, statement string) { postgrestest.Execute(t, url, statement) })
}

func tampered(t *testing.T, url string, execute func(t *testing.T, dir, statement string)) {
	dir := filepath.Join(t.TempDir(), "data")
	var extra []string
	if url != "" {
		extra = []string{"--store", url}
	}
	p := serve(t, dir, extra...)
	var keys []string
	for range 2 {
		keys = append(keys, *must[*kms.CreateKeyOutput](t)(p.root().kms.CreateKey(t.Context(), &kms.CreateKeyInput{})).KeyMetadata.KeyId)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("the server ended with %d", code)
	}
	verify := append([]string{"store", "verify", "--data", dir}, extra...)
	const swap = "CREATE TABLE kept AS SELECT key_id, body FROM kms_key; " +
		"UPDATE kms_key SET body = (SELECT k.body FROM kept k WHERE k.key_id <> kms_key.key_id); DROP TABLE kept"
	for _, c := range []struct{ name, change, back string }{
		{"an edited column", "UPDATE kms_key SET sv = sv + 1", "UPDATE kms_key SET sv = sv - 1"},
		{"an edited revision", "UPDATE kms_key SET rev = rev + 100000", "UPDATE kms_key SET rev = rev - 100000"},
		{"swapped rows", swap, swap},
	} {
		execute(t, dir, c.change)
		out, errs, code := command(t, verify)
		if code != 1 || strings.Count(out, "problem: kms_key (") < 2 || !strings.Contains(errs, "the store does not verify") {
			t.Errorf("%s: store verify ended with %d:\n%s%s", c.name, code, out, errs)
		}
		p := serve(t, dir, extra...)
		for _, key := range keys {
			_, err := p.root().kms.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &key})
			refused(t, err, "KMSInternalException", internal)
		}
		p.says("row of kms_key")
		if code := p.stop(); code != 0 {
			t.Errorf("%s: the server ended with %d:\n%s", c.name, code, p.output())
		}
		execute(t, dir, c.back)
	}
	if out, errs, code := command(t, verify); code != 0 {
		t.Errorf("put back, store verify ended with %d:\n%s%s", code, out, errs)
	}
}

// TestPutBack puts back the row of a key as it was before its description changed,
// of which the trail knows nothing: each part of the store opens and fits. Then it takes
// the digest away, by which that is found.
func TestPutBack(t *testing.T) {
	t.Parallel()
	ofSQLite(t)
	putBack(t, "", inFile)
}

// TestPostgresPutBack is TestPutBack with the records in a PostgreSQL server.
func TestPostgresPutBack(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	putBack(t, url, func(t *testing.T, _, statement string) { postgrestest.Execute(t, url, statement) })
}

func putBack(t *testing.T, url string, execute func(t *testing.T, dir, statement string)) {
	dir := filepath.Join(t.TempDir(), "data")
	var extra []string
	if url != "" {
		extra = []string{"--store", url}
	}
	p := serve(t, dir, extra...)
	key := *must[*kms.CreateKeyOutput](t)(p.root().kms.CreateKey(t.Context(), &kms.CreateKeyInput{Description: aws.String("old")})).KeyMetadata.KeyId
	p.stop()
	execute(t, dir, "CREATE TABLE kept AS SELECT * FROM kms_key")
	p = serve(t, dir, extra...)
	must[*kms.UpdateKeyDescriptionOutput](t)(p.root().kms.UpdateKeyDescription(t.Context(), &kms.UpdateKeyDescriptionInput{KeyId: &key, Description: aws.String("new")}))
	p.stop()
	at := append([]string{"--data", dir}, extra...)
	execute(t, dir, "DELETE FROM kms_key; INSERT INTO kms_key SELECT * FROM kept; DROP TABLE kept")

	run(t, 1, "was last written at revision", append([]string{"store", "verify"}, at...)...)
	run(t, 2, "nothing to accept", append([]string{"store", "accept-restore"}, at...)...)
	run(t, 0, "counts as what was last written", append([]string{"store", "accept-restore", "--accept-rows"}, at...)...)
	run(t, 0, "the store verifies", append([]string{"store", "verify"}, at...)...)
	p = serve(t, dir, extra...)
	described := must[*kms.DescribeKeyOutput](t)(p.root().kms.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &key}))
	if got := *described.KeyMetadata.Description; got != "old" {
		t.Errorf("the key that was accepted has the description %q", got)
	}
	p.stop()

	execute(t, dir, "DELETE FROM store_meta WHERE k = "+map[bool]string{true: "'digest'::bytea", false: "CAST('digest' AS BLOB)"}[url != ""])
	run(t, 1, "it has no digest of its rows", append([]string{"store", "verify"}, at...)...)
	run(t, 1, "--accept-rows", append([]string{"serve", "--listen", "127.0.0.1:0"}, at...)...)
	run(t, 1, "--accept-rows", append([]string{"store", "accept-restore"}, at...)...)
	run(t, 0, "Accepted", append([]string{"store", "accept-restore", "--accept-rows"}, at...)...)
	run(t, 0, "the store verifies", append([]string{"store", "verify"}, at...)...)
	serve(t, dir, extra...).stop()
}

// stoppedWithKey makes the data of a server that has made a key and was stopped.
func stoppedWithKey(t *testing.T) (dir, key string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	p := serve(t, dir)
	key = *must[*kms.CreateKeyOutput](t)(p.root().kms.CreateKey(t.Context(), &kms.CreateKeyInput{})).KeyMetadata.KeyId
	p.stop()
	return dir, key
}

// TestOldRow puts back the row of a key as it was before the key was disabled. The row
// is genuine; store verify holds it to the trail.
func TestOldRow(t *testing.T) {
	t.Parallel()
	ofSQLite(t)
	dir, key := stoppedWithKey(t)
	past := func(fn func(db *sql.DB) error) {
		t.Helper()
		db, err := sql.Open("sqlite", database(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := fn(db); err != nil {
			t.Fatal(err)
		}
	}
	var old []byte
	var rev int64
	past(func(db *sql.DB) error { return db.QueryRow("SELECT body, rev FROM kms_key").Scan(&old, &rev) })
	p := serve(t, dir)
	must[*kms.DisableKeyOutput](t)(p.root().kms.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &key}))
	p.stop()
	verifyStore(t, dir)
	past(func(db *sql.DB) error {
		_, err := db.Exec("UPDATE kms_key SET body = ?, rev = ?", old, rev)
		return err
	})
	out, errs, code := command(t, []string{"store", "verify", "--data", dir})
	if code != 1 || !strings.Contains(out, "is not in the store: rows of an older state were put back") || !strings.Contains(out, key) {
		t.Errorf("store verify ended with %d:\n%s%s", code, out, errs)
	}
}

// TestDamagedPage damages a page of the store's file: a server names what it can't
// read, or does not start, and store verify names the damage.
func TestDamagedPage(t *testing.T) {
	t.Parallel()
	ofSQLite(t)
	dir, key := stoppedWithKey(t)
	db, err := sql.Open("sqlite", database(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	var page, size int64
	if err := db.QueryRow("SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = 'kms_key'").Scan(&page, &size); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(database(t, dir), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(io.NewOffsetWriter(f, (page-1)*size), "damage of a page"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	out, errs, code := command(t, []string{"store", "verify", "--data", dir})
	if code != 1 || !strings.Contains(out, "kms_key") {
		t.Errorf("store verify ended with %d:\n%s%s", code, out, errs)
	}
	p := serve(t, dir)
	_, err = p.root().kms.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &key})
	refused(t, err, "KMSInternalException", internal)
	p.says("the database is damaged, restore it from a backup")
}
