package postgres_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/postgres/postgrestest"
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
	url := postgrestest.URL(t)
	var server *postgrestest.Server
	if filepath.Base(t.Name()) == "damaged_page" {
		server = postgrestest.Start(t)
		url = server.URL(t)
	}
	return storetest.Tampered{
		Open:    func(t *testing.T) driver.Driver { return open(t, url) },
		Execute: func(t *testing.T, statements string) { postgrestest.Execute(t, url, statements) },
		Bytes:   func(s string) string { return `'\x` + hex.EncodeToString([]byte(s)) + `'::bytea` },
		Blind: func(t *testing.T, index, statement string) {
			ready := "UPDATE pg_index SET indisready = %v WHERE indexrelid = 'test_thing__" + index + "'::regclass"
			postgrestest.Execute(t, url, fmt.Sprintf(ready, false))
			postgrestest.Execute(t, url, statement)
			postgrestest.Execute(t, url, fmt.Sprintf(ready, true))
		},
		Damage: func(t *testing.T, table string) {
			path := postgrestest.Execute(t, url, "CHECKPOINT; SELECT pg_relation_filepath('"+table+"')")
			server.Stop(t)
			f, err := os.OpenFile(filepath.Join(server.Data(), path), os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.WriteString(io.NewOffsetWriter(f, 1*8192+4000), "damage")
			if err := errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
			server.Start(t)
		},
	}
}
