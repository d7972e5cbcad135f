package sqlite_test

import (
	"database/sql"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	sqlite3 "modernc.org/sqlite"

	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/sqlite"
	"claviger/internal/ground/store/storetest"
)

func TestTamper(t *testing.T) {
	t.Parallel()
	storetest.Tamper(t, tampered)
}

func TestPutBack(t *testing.T) {
	t.Parallel()
	storetest.PutBack(t, tampered)
}

func tampered(t *testing.T) storetest.Tampered {
	dir := t.TempDir()
	past := func(t *testing.T) *sql.DB { return pastDriver(t, filepath.Join(dir, sqlite.FileName)) }
	return storetest.Tampered{
		Open:    func(t *testing.T) driver.Driver { return open(t, dir) },
		Execute: func(t *testing.T, statements string) { execute(t, past(t), statements) },
		Bytes:   func(s string) string { return "x'" + hex.EncodeToString([]byte(s)) + "'" },
		Blind: func(t *testing.T, index, statement string) {
			// The index is not there for the connection that changes the row.
			const kept = "CREATE TABLE kept AS SELECT * FROM sqlite_schema WHERE name = 'test_thing__"
			execute(t, past(t), kept+index+"'; PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'test_thing__"+index+"'")
			execute(t, past(t), statement)
			execute(t, past(t), "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT * FROM kept; DROP TABLE kept")
		},
		Damage: func(t *testing.T, table string) {
			var root int64
			if err := past(t).QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = ?", table).Scan(&root); err != nil {
				t.Fatal(err)
			}
			spoil(t, filepath.Join(dir, sqlite.FileName), root)
		},
	}
}

func pastDriver(t *testing.T, path string) *sql.DB {
	t.Helper()
	connector, err := sqlite3.NewConnector("file:" + path + "?mode=rw")
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() }) // a test database
	return db
}

func execute(t *testing.T, db *sql.DB, statements string) {
	t.Helper()
	if _, err := db.Exec(statements); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// spoil overwrites a page in the middle.
func spoil(t *testing.T, path string, page int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("damage of page "+strconv.FormatInt(page, 10)), (page-1)*4096); err != nil {
		t.Fatal(err)
	}
}
