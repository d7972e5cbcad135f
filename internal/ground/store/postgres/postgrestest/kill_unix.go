//go:build unix

package postgrestest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Kill kills the server and every process of it: none of them has a chance to tell
// anybody or to write anything. Start starts it again.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	postmaster := s.postmaster(t)
	// It makes no new processes while its children are counted.
	signal(t, postmaster, syscall.SIGSTOP)
	all := append(children(t, postmaster), postmaster)
	for _, pid := range all {
		signal(t, pid, syscall.SIGKILL)
	}
	s.Stop(t)
	limit := time.After(time.Minute)
	for _, pid := range all {
		for alive(pid) { // it holds memory that the next server would find in use
			select {
			case <-limit:
				t.Fatalf("process %d of the server does not end", pid)
			default:
			}
		}
	}
}

// KillOne kills one process of the server, the nth of those that there are, counted
// round and round. The server ends all that it has begun, recovers by itself, and
// takes connections again when KillOne returns.
func (s *Server) KillOne(t testing.TB, nth int) {
	t.Helper()
	postmaster := s.postmaster(t)
	for range 10 {
		all := children(t, postmaster)
		if len(all) == 0 {
			t.Fatal("the server has no processes")
		}
		for _, before := range []chan struct{}{s.crashed, s.recovered} {
			select {
			case <-before:
			default:
			}
		}
		signal(t, all[nth%len(all)], syscall.SIGKILL)
		if !s.hears(t, s.crashed, 10*time.Second) { // the process was about to end anyway
			continue
		}
		if !s.hears(t, s.recovered, 2*time.Minute) {
			t.Fatal("the server does not recover")
		}
		return
	}
	t.Fatal("the server does not notice that its processes are killed")
}

// hears reports whether the server says something in time. It must not end.
func (s *Server) hears(t testing.TB, said <-chan struct{}, limit time.Duration) bool {
	t.Helper()
	select {
	case <-said:
		return true
	case <-s.done:
		t.Fatal("the server ended")
	case <-time.After(limit):
	}
	return false
}

// postmaster is the process that the others are children of.
func (s *Server) postmaster(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Data(), "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// signal sends a signal to a process, which may have ended.
func signal(t testing.TB, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil && err != syscall.ESRCH {
		t.Fatalf("signalling process %d: %v", pid, err)
	}
}

// children lists the processes that another one has begun.
func children(t testing.TB, parent int) (list []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	if len(stats) == 0 {
		t.Skip("skipped: processes can't be listed without /proc")
	}
	for _, path := range stats {
		if pid, ppid, _ := stat(path); ppid == parent {
			list = append(list, pid)
		}
	}
	return list
}

// alive reports whether a process has not ended yet.
func alive(pid int) bool {
	_, _, state := stat(fmt.Sprintf("/proc/%d/stat", pid))
	return state != "" && state != "Z" && state != "X"
}

// stat reads what the kernel says of a process; nothing of one that is gone.
func stat(path string) (pid, parent int, state string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, ""
	}
	// The number, the name in parentheses, the state, the parent.
	before, _, _ := strings.Cut(string(text), " ")
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 2 {
		return 0, 0, ""
	}
	pid, _ = strconv.Atoi(before) // what the kernel writes there is a number
	parent, _ = strconv.Atoi(fields[1])
	return pid, parent, fields[0]
}
