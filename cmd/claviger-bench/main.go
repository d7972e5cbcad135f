// Claviger-bench measures what a call costs, in units of what a Go web server
// spends on saying hello.
//
// It starts the real binary and a null server that reads each request and
// answers as many bytes without looking at it. Server and client have one core
// each; both servers get the same bytes, in passes that take turns. Every
// request is signed once and sent once, under one of many keys with policies
// and an encryption context, and every hundredth answer is checked. What is
// printed is a ratio: times belong to the machine, ratios to the program. The
// restart of a server with many keys is compared with that of one without.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// settings are what the command line can change.
type settings struct {
	claviger     string
	dir          string
	duration     time.Duration
	passes       int
	keys         int
	restartKeys  int
	restartStore string
	connections  int
	gogc         string
	check        bool
	verbose      bool
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "claviger-bench: %s\n", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	var s settings
	flags := flag.NewFlagSet("claviger-bench", flag.ExitOnError)
	flags.StringVar(&s.claviger, "claviger", "", "binary to measure; built from this tree if empty")
	flags.StringVar(&s.dir, "dir", "", "folder for data, on the disk to measure; a temporary one if empty")
	flags.DurationVar(&s.duration, "duration", 2*time.Second, "length of one pass")
	flags.IntVar(&s.passes, "passes", 5, "passes of each server per row")
	flags.IntVar(&s.keys, "keys", 1000, "keys that the calls are spread over")
	flags.IntVar(&s.restartKeys, "restart-keys", 100_000, "keys of the server whose restart is measured; 0 measures none")
	flags.StringVar(&s.restartStore, "restart-store", "", "where those servers keep their records: a postgres:// URL in which NAME stands for the schemas bench_empty and bench_full, which are there and have no tables; SQLite if empty")
	flags.IntVar(&s.connections, "connections", 64, "keep-alive connections")
	flags.StringVar(&s.gogc, "gogc", "100", "GOGC of every server")
	flags.BoolVar(&s.check, "check", false, "exit 1 if a ratio is not what is required")
	flags.BoolVar(&s.verbose, "v", false, "print every pass")
	short := flags.Bool("short", false, "few keys, short passes: shows that it works, not how well")
	null := flags.Int("null", 0, "be the null server, with answers of this many bytes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *null > 0 {
		return serveNull(*null, out)
	}
	if *short {
		s.duration, s.passes, s.keys, s.restartKeys = 300*time.Millisecond, 3, 50, min(s.restartKeys, 10_000)
	}
	if s.passes < 1 || s.keys < 1 || s.connections < 1 || s.duration <= 0 || s.restartKeys < 0 {
		return fmt.Errorf("passes, keys, connections and duration must be positive, restart-keys not negative")
	}
	if s.restartStore != "" && !strings.Contains(s.restartStore, schemaMark) {
		return fmt.Errorf("restart-store must say %s where the name of a schema stands: two servers can't share one", schemaMark)
	}
	return measure(&s, out)
}

// measure runs all rows and prints them.
func measure(s *settings, out io.Writer) (err error) {
	if s.dir, err = os.MkdirTemp(s.dir, "claviger-bench-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(s.dir) }()
	if s.claviger == "" {
		if s.claviger, err = build(s.dir); err != nil {
			return err
		}
	}
	cores := pinClient()
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(400) // the client's, so that it is not the one to wait for

	b := &bench{settings: s, cores: cores, out: out}
	defer b.stop()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		b.stop()
		_ = os.RemoveAll(s.dir)
		os.Exit(1)
	}()
	return b.run()
}

// build builds the binary of this tree as it is shipped.
func build(dir string) (string, error) {
	binary := filepath.Join(dir, "claviger")
	cmd := exec.Command("go", "build", "-trimpath", "-o", binary, "claviger/cmd/claviger")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the binary to measure: %w\n%s", err, said)
	}
	return binary, nil
}
