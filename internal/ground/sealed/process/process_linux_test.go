package process_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"claviger/internal/ground/sealed/process"
)

// The test runs itself again as the child that this variable says.
const variable = "PROCESS_TEST_CHILD"

func TestMain(m *testing.M) {
	switch child := os.Getenv(variable); child {
	case "":
		os.Exit(m.Run())
	default:
		allowCores()
		if child == "hardened" {
			if err := process.Harden(); err != nil {
				panic(err)
			}
			report()
		}
		// With GOTRACEBACK=crash the runtime lets the signal end the process
		// as the kernel does: with a core dump where one is allowed.
		_ = syscall.Kill(os.Getpid(), syscall.SIGABRT)
		select {}
	}
}

// allowCores asks for what Harden has to take away again.
func allowCores() {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		panic(err)
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		panic(err)
	}
}

// report says what the kernel says.
func report() {
	var core, memory unix.Rlimit
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err = errors.Join(err, unix.Getrlimit(unix.RLIMIT_CORE, &core), unix.Getrlimit(unix.RLIMIT_MEMLOCK, &memory)); err != nil {
		panic(err)
	}
	if core != (unix.Rlimit{}) || dumpable != 0 || memory.Cur != memory.Max {
		println("core", core.Cur, core.Max, "dumpable", dumpable, "memory", memory.Cur, memory.Max)
		os.Exit(3)
	}
	println("hardened")
}

// crash runs a child in an empty directory until it aborts.
func crash(t *testing.T, child string) (dumped bool, files []string, output string) {
	t.Helper()
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command(self)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), variable+"="+child, "GOTRACEBACK=crash")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("%v\n%s", err, out)
	}
	status := exit.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGABRT {
		t.Fatalf("the child ended with %v\n%s", err, out)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		files = append(files, e.Name())
	}
	return status.CoreDump(), files, string(out)
}

func TestHarden(t *testing.T) {
	t.Parallel()
	dumped, files, out := crash(t, "hardened")
	if dumped || len(files) > 0 {
		t.Errorf("a hardened process dumped its memory: %v %v", dumped, files)
	}
	if !strings.HasPrefix(out, "hardened\n") {
		t.Errorf("the settings are not as wanted:\n%s", out)
	}
	// The check itself is checked: the same process does dump without Harden,
	// if the system lets it.
	if dumped, files, _ := crash(t, "plain"); !dumped {
		t.Logf("this system forbids core dumps anyway (%v)", files)
	}
}
