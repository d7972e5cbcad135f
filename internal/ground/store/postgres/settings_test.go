package postgres_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/postgres"
	"claviger/internal/ground/store/postgres/postgrestest"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version string
		changed map[string]string
		want    string // part of the verdict, "" if it is fit
	}{
		{"150000", nil, ""},
		{"180004", map[string]string{"synchronous_commit": "remote_apply"}, ""},
		{"140020", nil, "PostgreSQL 15"},
		{"", nil, "PostgreSQL 15"},
		{"150020", map[string]string{"fsync": "off"}, "fsync = off"},
		{"150020", map[string]string{"full_page_writes": "off"}, "full_page_writes"},
		{"150020", map[string]string{"synchronous_commit": "off"}, "synchronous_commit"},
		{"150020", map[string]string{"synchronous_commit": "local"}, "synchronous_commit"},
		{"150020", map[string]string{"synchronous_commit": "remote_write"}, "synchronous_commit"},
		{"150020", map[string]string{"synchronous_commit": ""}, "synchronous_commit"},
		{"150020", map[string]string{"in_hot_standby": "on"}, "standby"},
		{"150020", map[string]string{"server_encoding": "SQL_ASCII"}, "encoding"},
	} {
		err := postgres.Judge(c.version, c.changed)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("version %q, %v: %v", c.version, c.changed, err)
		}
	}
}

// wantUnfit fails the test unless the database is refused for a reason.
func wantUnfit(t *testing.T, url, reason string) {
	t.Helper()
	d, err := postgres.Open(t.Context(), url)
	if err == nil {
		err = d.Close()
		t.Errorf("a server was opened that should be refused for %s; closing: %v", reason, err)
		return
	}
	wantErr(t, err, driver.ErrUnavailable)
	if text := err.Error(); !strings.Contains(text, reason) || strings.Contains(text, "\n") ||
		strings.Contains(text, "ValidateConnect") != strings.Contains(reason, "ValidateConnect") {
		t.Errorf("the error says %q, nothing of %s", err, reason)
	}
}

func TestUnfitSessions(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	for parameter, reason := range map[string]string{
		"synchronous_commit=off":           "synchronous_commit = off",
		"default_transaction_read_only=on": "for reading only",
		"zero_damaged_pages=on":            "zero_damaged_pages = on",
		"ignore_checksum_failure=on":       "ignore_checksum_failure = on",
		"target_session_attrs=standby":     "ValidateConnect failed",
	} {
		wantUnfit(t, url+"&"+parameter, reason)
	}
	wantUnfit(t, strings.Replace(url, "search_path=", "search_path=no", 1), "search_path")
	wantUnfit(t, strings.Replace(url, "/postgres?", "/nowhere?", 1), "nowhere")
	_, ascii := postgrestest.Parts(url) // a name that nothing else has
	postgrestest.Execute(t, url, "CREATE DATABASE "+ascii+" ENCODING 'SQL_ASCII' TEMPLATE template0")
	wantUnfit(t, strings.Replace(url, "/postgres?", "/"+ascii+"?", 1), "server_encoding = SQL_ASCII")
}

func TestUnfitServers(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	url := server.URL(t)
	for _, parameter := range []string{"fsync=off", "full_page_writes=off"} {
		server.Stop(t)
		server.Start(t, parameter)
		wantUnfit(t, url, strings.Replace(parameter, "=", " = ", 1))
	}
	server.Stop(t)
	rules := filepath.Join(server.Data(), "pg_hba.conf")
	trusting, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(rules, "local all all scram-sha-256\n")
	server.Start(t)
	wantUnfit(t, strings.Replace(url, "postgres@", "postgres:"+canary+"@", 1), "password authentication failed")
	server.Stop(t)
	wantUnfit(t, url, "connect")
	write(rules, string(trusting))
	write(filepath.Join(server.Data(), "standby.signal"), "")
	server.Start(t)
	wantUnfit(t, url, "it is a standby")
}

const canary = "canary-4711"

// TestSilence: no error says anything of a password, least of all where a
// mistake in the URL makes something else of it.
func TestSilence(t *testing.T) {
	t.Parallel()
	urls := []string{
		"", "host=localhost password=" + canary, "mysql://u:" + canary + "@localhost/d", "postgres:/u:" + canary + "@localhost/d",
		"postgres://u:" + canary + "/x@localhost/d", "postgres://u:" + canary + "#x@localhost/d", "postgres://u:" + canary + "?x@localhost/d",
		"postgres://u:" + canary + " x@localhost/d", "postgres://u:" + canary + "%zz@localhost/d", "postgres://u:" + canary + "@localhost:port/d",
		"postgres://u:" + canary + "@localhost/d?sslmode=nonsense", "postgres://u:" + canary + "@localhost/d?connect_timeout=" + canary,
		"postgres://u@localhost:1/d?password=" + canary, "postgres://u:" + canary + "@127.0.0.1:1/d", "postgres://u:" + canary + "@/d?host=/nowhere",
		"postgres://u:" + canary + "@db.example.com/d", "postgres://u:" + canary + "@db.example.com/d?sslmode=verify-full&sslrootcert=/nowhere",
	}
	for _, url := range urls {
		d, err := postgres.Open(t.Context(), url)
		if err == nil {
			t.Errorf("%q was opened: %v", url, d.Close())
			continue
		}
		wantErr(t, err, driver.ErrUnavailable)
		for _, format := range []string{"%v", "%+v", "%#v"} {
			if text := fmt.Sprintf(format, err); strings.Contains(text, "anary") || strings.Contains(text, "\n") {
				t.Errorf("%q: the error says %s", url, text)
			}
		}
		if _, err := postgres.Exists(t.Context(), url); err == nil || strings.Contains(err.Error(), "anary") {
			t.Errorf("%q: Exists says %v", url, err)
		}
	}
}

func TestWayToTheServer(t *testing.T) {
	t.Parallel()
	for url, good := range map[string]bool{
		"postgres:///d":                                                            true, // a socket, or localhost
		"postgres:///d?host=/run/postgresql":                                       true,
		"postgres://localhost/d?sslmode=disable":                                   true,
		"postgres://127.0.0.1/d":                                                   true,
		"postgresql://[::1]/d":                                                     true,
		"postgres://db.example.com/d":                                              false,
		"postgres://db.example.com/d?sslmode=disable":                              false,
		"postgres://db.example.com/d?sslmode=prefer":                               false,
		"postgres://db.example.com/d?sslmode=require":                              false,
		"postgres://db.example.com/d?sslmode=verify-ca":                            false,
		"postgres://db.example.com/d?sslmode=verify-full":                          true,
		"postgres://db.example.com,10.0.0.1/d?sslmode=verify-full":                 true,
		"postgres://localhost,10.0.0.1/d?sslmode=disable":                          false,
		"postgres://localhost.example.com/d":                                       false,
		"postgres://10.0.0.1/d?host=localhost":                                     true, // the query counts
		"postgres://localhost/d?host=10.0.0.1":                                     false,
		"postgres://db.example.com/d?sslmode=verify-full&target_session_attrs=any": true,
	} {
		if err := postgres.Configure(url); (err == nil) != good {
			t.Errorf("%s: %v", url, err)
		}
	}
}
