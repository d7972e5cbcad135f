package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A process is a server that was started.
type process struct {
	name string
	addr string
	cmd  *exec.Cmd
	said *lines
}

// start starts a server that uses so many processors and waits until it says
// where it listens. One that uses a single one can be pinned to it.
func start(name string, processors int, pinned bool, gogc string, env []string, args ...string) (*process, error) {
	if pinned && processors == 1 {
		args = append([]string{"taskset", "-c", "0"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(env, "GOMAXPROCS="+strconv.Itoa(processors), "GOGC="+gogc, "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"), "TMPDIR="+os.TempDir())
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", name, err), read.Close(), write.Close())
	}
	_ = write.Close()
	p := &process{name: name, cmd: cmd, said: &lines{}}
	ready := make(chan string, 1)
	go p.said.follow(read, ready)
	select {
	case p.addr = <-ready:
	case <-time.After(time.Minute):
	}
	if p.addr == "" {
		p.stop()
		return nil, fmt.Errorf("%s did not get ready; it said:\n%s", name, p.said)
	}
	return p, nil
}

// stop ends the server and waits for it.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	killer := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	_ = p.cmd.Wait()
	killer.Stop()
}

// kill ends the server as a crash would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// cpu is the processor time that the server has used; 0 where the system does not tell.
func (p *process) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	// The name, in parentheses, may hold anything; utime and stime are the
	// 12th and 13th fields behind it, in hundredths of a second.
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		return 0
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// lines keeps the last that a server said.
type lines struct {
	mu   sync.Mutex
	last []string
}

// follow reads what a server says until its end. The first line that names an
// address to listen on makes it ready; without one it never gets ready.
func (l *lines) follow(r io.ReadCloser, ready chan<- string) {
	defer func() { _ = r.Close() }()
	defer close(ready)
	s := bufio.NewScanner(r)
	for told := false; s.Scan(); {
		var line struct {
			Message string `json:"msg"`
			Listen  string `json:"listen"`
		}
		if !told && json.Unmarshal(s.Bytes(), &line) == nil && line.Message == "ready" && line.Listen != "" {
			told = true
			ready <- line.Listen
		}
		l.add(s.Text())
	}
}

func (l *lines) add(line string) {
	const kept = 20
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = append(l.last, line)
	l.last = l.last[max(0, len(l.last)-kept):]
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.last, "\n")
}

// pinClient binds this process to the last core, so that the servers can have
// the first. It reports whether that was possible.
func pinClient() bool {
	cores := runtime.NumCPU()
	if _, err := exec.LookPath("taskset"); err != nil || cores < 2 {
		return false
	}
	pid := strconv.Itoa(os.Getpid())
	return exec.Command("taskset", "-a", "-p", "-c", strconv.Itoa(cores-1), pid).Run() == nil
}

// unpinClient undoes pinClient, for what client and server share all processors in.
func unpinClient() {
	pid := strconv.Itoa(os.Getpid())
	_ = exec.Command("taskset", "-a", "-p", "-c", "0-"+strconv.Itoa(runtime.NumCPU()-1), pid).Run() // where nothing was pinned there is nothing to undo
}
