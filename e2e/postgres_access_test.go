package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"claviger/internal/ground/store/postgres/postgrestest"
)

// The ways in which docs/operating/postgresql.md has the server prove to the
// database who it is.

// guarded starts a PostgreSQL server that lets in whom rules say, whose role
// claviger owns the database claviger, and which has the given settings.
func guarded(t *testing.T, rules string, settings ...string) (socket string) {
	t.Helper()
	database := postgrestest.Start(t, settings...)
	address := database.URL(t)
	socket, _ = postgrestest.Parts(address)
	for _, statement := range []string{"CREATE ROLE claviger LOGIN PASSWORD 'of-the-tests'", "CREATE DATABASE claviger OWNER claviger ENCODING 'UTF8' TEMPLATE template0"} {
		postgrestest.Execute(t, address, statement)
	}
	if err := os.WriteFile(filepath.Join(database.Data(), "pg_hba.conf"), []byte(rules+"\nlocal all postgres trust\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	reload(t, address)
	return socket
}

// reload has a database read its files anew. Who connects once it has returned meets what
// they say: the server, which is only told to read them, has done so.
func reload(t *testing.T, address string) {
	t.Helper()
	const loaded = "SELECT pg_conf_load_time()" // by the process that a connection is a child of
	before := postgrestest.Execute(t, address, loaded)
	postgrestest.Execute(t, address, "SELECT pg_reload_conf()")
	for postgrestest.Execute(t, address, loaded) == before {
	}
}

// works tries a server on a database.
func works(t *testing.T, data, store string, env ...string) {
	t.Helper()
	args := []string{"serve", "--init", "--listen", "127.0.0.1:0", "--admin-listen", "", "--data", data, "--account", rootAccount}
	p := start(t, args, append(append([]string{"CLAVIGER_STORE=" + store}, env...), rootEnv...)...)
	if _, err := p.root().kms.CreateKey(t.Context(), &kms.CreateKeyInput{}); err != nil {
		t.Error(err)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("ended with %d", code)
	}
	for _, secret := range []string{"postgres://", "of-the-tests"} {
		if strings.Contains(p.output(), secret) {
			t.Errorf("the log shows %s:\n%s", secret, p.output())
		}
	}
}

// refusedBy demands that a database lets nobody in.
func refusedBy(t *testing.T, store string, env ...string) {
	t.Helper()
	_, errs, code := command(t, []string{"init", "--data", filepath.Join(t.TempDir(), "data"), "--store", store}, env...)
	if code != 1 || strings.Contains(errs, "of-the-tests") {
		t.Errorf("ended with %d: %s", code, errs)
	}
}

// TestPostgresPassword: a password in the password file, and in the environment.
func TestPostgresPassword(t *testing.T) {
	t.Parallel()
	socket := guarded(t, "local claviger claviger scram-sha-256")
	store := "postgres://claviger@/claviger?host=" + socket
	refusedBy(t, store)
	refusedBy(t, store, "PGPASSWORD=another-one")
	data := filepath.Join(t.TempDir(), "data")
	works(t, data, store, "PGPASSWORD=of-the-tests")
	file := filepath.Join(t.TempDir(), "pgpass")
	if err := os.WriteFile(file, []byte("localhost:5432:claviger:claviger:of-the-tests\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	works(t, data, store, "PGPASSFILE="+file)
}

// TestPostgresPeer: the user of the operating system is the role.
func TestPostgresPeer(t *testing.T) {
	t.Parallel()
	self, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	// The page has a user that is called as the role. Who runs the tests is not, so that a map says it.
	socket := guarded(t, "local claviger claviger peer map=tests")
	store := "postgres://claviger@/claviger?host=" + socket
	database := "postgres://postgres@/postgres?host=" + socket
	refusedBy(t, store)
	data := postgrestest.Execute(t, database, "SHOW data_directory")
	if err := os.WriteFile(filepath.Join(data, "pg_ident.conf"), []byte("tests "+self.Username+" claviger\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	reload(t, database)
	works(t, filepath.Join(t.TempDir(), "data"), store)
}

// TestPostgresClientCertificate: the database proves its name, and the server its
// role, each by a certificate.
func TestPostgresClientCertificate(t *testing.T) {
	t.Parallel()
	openssl := tool(t, "openssl")
	dir, err := os.MkdirTemp("", "claviger-e2e-") // where the user of PostgreSQL comes to, too
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.83.%d.%d", os.Getpid()>>8&255, os.Getpid()&255) // of this machine, and nobody else's
	at := func(name string) string { return filepath.Join(dir, name) }
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(openssl, args...).CombinedOutput(); err != nil {
			t.Fatalf("openssl %s: %v\n%s", args[0], err, out)
		}
	}
	ec := []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"}
	run(append([]string{"req", "-x509", "-subj", "/CN=authority", "-keyout", at("ca.key"), "-out", at("ca.pem")}, ec...)...)
	for name, subject := range map[string]string{"server": "/CN=localhost", "client": "/CN=claviger", "stranger": "/CN=stranger"} {
		run(append([]string{"req", "-x509", "-subj", subject, "-addext", "subjectAltName=IP:" + address, "-addext", "basicConstraints=critical,CA:FALSE",
			"-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-keyout", at(name + ".key"), "-out", at(name + ".pem")}, ec...)...)
	}
	// The server keeps its files where its own user may read them.
	first := postgrestest.Start(t)
	owner, err := os.Stat(first.Data())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(give(owner, at("server.key")), give(owner, at("server.pem"))); err != nil {
		t.Fatal(err)
	}
	guarded(t, "hostssl claviger claviger 127.0.0.0/8 cert", "listen_addresses="+address, "ssl=on",
		"ssl_cert_file="+at("server.pem"), "ssl_key_file="+at("server.key"), "ssl_ca_file="+at("ca.pem"))
	store := func(certificate string) string {
		return fmt.Sprintf("postgres://claviger@%s/claviger?sslmode=verify-full&sslrootcert=%s&sslcert=%s&sslkey=%s",
			address, at("ca.pem"), at(certificate+".pem"), at(certificate+".key"))
	}
	refusedBy(t, store("stranger"))
	refusedBy(t, fmt.Sprintf("postgres://claviger@%s/claviger?sslmode=verify-full&sslrootcert=%s", address, at("ca.pem")))
	data := filepath.Join(t.TempDir(), "data")
	works(t, data, store("client"))
	works(t, data, fmt.Sprintf("postgres://claviger@%s/claviger?sslmode=verify-full&sslrootcert=%s", address, at("ca.pem")),
		"PGSSLCERT="+at("client.pem"), "PGSSLKEY="+at("client.key"))
}

// give gives a file to the owner of another one, closed to everybody else.
func give(like os.FileInfo, path string) error {
	stat, ok := like.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("whose file it is can't be found out")
	}
	return errors.Join(os.Chmod(path, 0o600), os.Chown(path, int(stat.Uid), int(stat.Gid)))
}
