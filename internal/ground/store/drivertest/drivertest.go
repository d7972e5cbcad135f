// Package drivertest gives tests that need some database the one that a run is about.
package drivertest

import (
	"os"
	"sync"
	"testing"

	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/memory"
	"claviger/internal/ground/store/postgres"
	"claviger/internal/ground/store/postgres/postgrestest"
	"claviger/internal/ground/store/sqlite"
)

// Open returns an empty database: in memory, or of the kind that CLAVIGER_TEST_STORE
// names, sqlite or postgres. Whoever gets it closes it.
func Open(t testing.TB) driver.Driver {
	t.Helper()
	var d driver.Driver
	var err error
	switch kind := os.Getenv("CLAVIGER_TEST_STORE"); kind {
	case "":
		d = memory.New()
	case "sqlite":
		d, err = sqlite.Open(t.Context(), t.TempDir())
	case "postgres":
		d, err = postgres.Open(t.Context(), schema(t))
	default:
		t.Fatalf("CLAVIGER_TEST_STORE names no kind of database: %q", kind)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// free are the URLs of schemas whose tests have ended.
var free struct {
	sync.Mutex
	urls []string
}

// schema returns the URL of a schema without rows. To make all tables takes longer than
// most tests do, so that tests take over those of others that have ended.
func schema(t testing.TB) string {
	t.Helper()
	free.Lock()
	defer free.Unlock()
	var url string
	if last := len(free.urls) - 1; last >= 0 {
		url, free.urls = free.urls[last], free.urls[:last]
		postgrestest.Empty(t, url)
	} else {
		url = postgrestest.URL(t)
	}
	t.Cleanup(func() { // runs after those of the test, which close the database
		free.Lock()
		defer free.Unlock()
		free.urls = append(free.urls, url)
	})
	return url
}
