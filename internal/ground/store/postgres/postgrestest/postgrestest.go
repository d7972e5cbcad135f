// Package postgrestest runs PostgreSQL servers for tests.
//
// A server listens on a socket in its own temporary directory and trusts
// whoever may enter that. It ends with the process that started it, however
// that ends, and its directory goes with it.
package postgrestest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// Socket is the name of a server's socket in its directory.
const Socket = ".s.PGSQL.5432"

// A Server is one server with a database "postgres" and a role of that name.
type Server struct {
	dir    string
	base   base
	script *exec.Cmd
	stdin  io.WriteCloser
	done   chan struct{} // closed when the server has said its last

	crashed   chan struct{} // told when the server has noticed that a process of it was killed
	recovered chan struct{} // told each time it takes connections after such a crash
}

var (
	shared  = sync.OnceValues(startShared)
	schemas atomic.Int64
)

// URL returns the URL of an empty schema on a server that all tests of the
// process share. It skips the test where PostgreSQL is not installed.
func URL(t testing.TB) string {
	t.Helper()
	s, err := shared()
	check(t, err)
	return s.URL(t)
}

// Start starts a server for one test alone, with settings such as "fsync=off".
// It skips the test where PostgreSQL is not installed.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	first, err := shared()
	check(t, err)
	s, err := start(first.base, func(dir string) error {
		return first.base.run(dir, "cp", "-R", filepath.Join(first.dir, "pristine"), filepath.Join(dir, "data"))
	}, settings...)
	check(t, err)
	t.Cleanup(func() {
		if err := s.end(); err != nil {
			t.Errorf("ending the server: %v", err)
		}
	})
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	var none missing
	if errors.As(err, &none) {
		t.Skipf("postgrestest: %v", err)
	}
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
}

// URL returns the URL of an empty schema.
func (s *Server) URL(t testing.TB) string {
	t.Helper()
	name := fmt.Sprint("schema", schemas.Add(1))
	Execute(t, Address(s.dir, "public"), "CREATE SCHEMA "+name)
	return Address(s.dir, name)
}

// Empty deletes the rows of a store that nobody has open. Its tables stay, and the steps
// that made them.
func Empty(t testing.TB, url string) {
	t.Helper()
	Execute(t, url, `SET synchronous_commit = off;
		DO $$
		DECLARE name text;
		BEGIN
			FOR name IN SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
				AND relname NOT IN ('store_step', 'store_head') AND pg_relation_size(oid) > 0 LOOP
				EXECUTE format('DELETE FROM %I', name);
			END LOOP;
			UPDATE store_head SET position = 0, turn = 0, holder = '', version = 0;
		END $$`)
}

// Address is the URL of a schema of a server whose socket is in dir, or passed
// on from there. It leaves a machine that does much else at a time its leisure.
func Address(dir, schema string) string {
	return "postgres://postgres@/postgres?host=" + url.QueryEscape(dir) + "&connect_timeout=60&search_path=" + schema
}

// Parts returns the directory and the schema of a URL that Address made.
func Parts(address string) (dir, schema string) {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return u.Query().Get("host"), u.Query().Get("search_path")
}

// Data is the directory of the server's files.
func (s *Server) Data() string { return filepath.Join(s.dir, "data") }

// Stop ends the server at once, as a crash would.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.stop(); err != nil {
		t.Fatalf("stopping the server: %v", err)
	}
}

// Start starts a server that was stopped.
func (s *Server) Start(t testing.TB, settings ...string) {
	t.Helper()
	if err := s.launch(settings); err != nil {
		t.Fatalf("starting the server: %v", err)
	}
}

// A missing is why there is no server.
type missing string

func (m missing) Error() string { return string(m) }

// A base is what every server is started with.
type base struct {
	programs string   // directory of the server's programs
	as       []string // command that runs another one as a user whom the server accepts
	uid, gid int
}

// find looks for PostgreSQL where Debian puts it, the newest first, and along PATH.
func find() (base, error) {
	b := base{uid: -1, gid: -1}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is a good one
	slices.SortFunc(found, func(x, y string) int { return version(y) - version(x) })
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		return b, missing("PostgreSQL is not installed (no initdb)")
	}
	b.programs = filepath.Dir(found[0])
	if os.Getuid() != 0 {
		return b, nil
	}
	// The server refuses to run as root.
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		if b.uid, err = strconv.Atoi(u.Uid); err != nil {
			continue
		}
		if b.gid, err = strconv.Atoi(u.Gid); err != nil {
			continue
		}
		b.as = []string{"runuser", "-u", name, "--"}
		return b, nil
	}
	return b, missing("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 is the oldest
	return n
}

func (b base) command(dir string, args ...string) *exec.Cmd {
	args = append(slices.Clone(b.as), args...)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	return cmd
}

func (b base) run(dir string, args ...string) error {
	if out, err := b.command(dir, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", args[0], err, out)
	}
	return nil
}

// startShared makes the files once; servers of single tests begin with a copy.
func startShared() (*Server, error) {
	b, err := find()
	if err != nil {
		return nil, err
	}
	return start(b, func(dir string) error {
		pristine := filepath.Join(dir, "pristine")
		return errors.Join(
			b.run(dir, filepath.Join(b.programs, "initdb"), "-D", pristine, "-U", "postgres", "-A", "trust",
				"-E", "UTF8", "--locale=C", "--data-checksums", "--no-sync", "--no-instructions"),
			b.run(dir, "cp", "-R", pristine, filepath.Join(dir, "data")))
	})
}

func start(b base, prepare func(dir string) error, settings ...string) (*Server, error) {
	dir, err := os.MkdirTemp(place(), "pg") // short: the path of a socket has a hundred bytes at most
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, base: b}
	if b.uid >= 0 {
		err = os.Chown(dir, b.uid, b.gid)
	}
	if err == nil {
		err = prepare(dir)
	}
	if err == nil {
		err = s.launch(settings)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// memoryMin is how much memory must be free, in KiB, for files to lie in it.
const memoryMin = 4 << 20

// place is where files of servers lie: in memory if there is plenty of it. The
// server syncs there as it does elsewhere, and a crash of the server loses as
// little, but nobody waits for a disk.
func place() string {
	const memory = "/dev/shm"
	out, err := exec.Command("df", "-Pk", memory).Output()
	if fields := strings.Fields(string(out)); err == nil && len(fields) > 5 {
		// The last line: file system, size, used, available, capacity, mounted on.
		if free, err := strconv.Atoi(fields[len(fields)-3]); err == nil && free > memoryMin {
			return memory
		}
	}
	return os.TempDir()
}

// script runs the server in $1 until it is told to stop. If nobody is there to
// tell any more it also removes the directory.
const script = `trap '' HUP INT TERM # it ends last, also where a whole group of processes is told to end
dir=$1; shift
exec 3<&0
"$@" </dev/null &
server=$!
read word <&3 || word=gone
kill -QUIT $server
wait $server
[ "$word" = stop ] || rm -rf "$dir"
`

func (s *Server) launch(settings []string) error {
	args := []string{"sh", "-c", script, "sh", s.dir, filepath.Join(s.base.programs, "postgres"), "-D", s.Data(), "-k", s.dir,
		"-c", "listen_addresses=", "-c", "max_connections=1000", "-c", "unix_socket_permissions=0700", "-c", "max_wal_size=256MB"}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	cmd := s.base.command(s.dir, args...)
	var err error
	if s.stdin, err = cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.script, s.done, s.crashed, s.recovered = cmd, make(chan struct{}), make(chan struct{}, 1), make(chan struct{}, 1)
	return s.await(out)
}

// stop ends the server and waits for that.
func (s *Server) stop() error {
	if s.script == nil {
		return nil
	}
	_, err := io.WriteString(s.stdin, "stop\n")
	<-s.done // all that it writes is read before Wait
	// The script's own end says nothing: the server ends by a signal.
	_ = s.script.Wait()
	s.script = nil
	return err
}

func (s *Server) end() error { return errors.Join(s.stop(), os.RemoveAll(s.dir)) }

// Execute runs statements at a URL, past the store, and returns the first value
// of the last answer as text.
func Execute(t testing.TB, url, statements string) string {
	t.Helper()
	ctx := context.Background()
	conn, err := pgconn.Connect(ctx, url)
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	results, err := conn.Exec(ctx, statements).ReadAll()
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		t.Fatalf("postgrestest: %s: %v", statements, err)
	}
	if n := len(results); n > 0 && len(results[n-1].Rows) > 0 {
		return string(results[n-1].Rows[0][0])
	}
	return ""
}

// What a server says when it takes connections, and of a process that was killed.
const (
	accepting = "ready to accept"
	killed    = "was terminated by signal 9"
)

// await returns when the server accepts connections, and goes on reading what
// it says.
func (s *Server) await(out io.Reader) error {
	lines := bufio.NewScanner(out)
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
		if strings.Contains(lines.Text(), accepting) {
			crashed, recovered, done := s.crashed, s.recovered, s.done
			go func() {
				defer close(done)
				for lines.Scan() { // ends with the server
					if strings.Contains(lines.Text(), killed) {
						tell(crashed)
					}
					if strings.Contains(lines.Text(), accepting) {
						tell(recovered)
					}
				}
				_, _ = io.Copy(io.Discard, out) // what no line is
			}()
			return nil
		}
		// What is fatal and not said to a client is the server's end. The pipe does
		// not tell: those that started the server hold it, too, and wait for a word.
		if strings.Contains(lines.Text(), "FATAL:") && !strings.Contains(lines.Text(), "the database system is") {
			_ = s.stdin.Close()
		}
	}
	close(s.done)
	return fmt.Errorf("the server did not start:\n%s", strings.Join(said, "\n"))
}

// tell tells whoever asks, now or later.
func tell(of chan<- struct{}) {
	select {
	case of <- struct{}{}:
	default: // it was told already
	}
}
