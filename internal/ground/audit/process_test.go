package audit_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/sealed"
	"claviger/internal/words/confidential"
)

// A program that is to be killed shares its keys and its directory with the test.
func processOptions(t testing.TB, dir string) (audit.Options, error) {
	root, err := sealed.NewRootKey(confidential.New([]byte(strings.Repeat("k", 32))))
	if err != nil {
		return audit.Options{}, err
	}
	path := filepath.Join(dir, "keyring")
	header, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		if _, header, err = sealed.Create(root); err == nil {
			err = os.WriteFile(path, header, 0o600)
		}
	}
	if err != nil {
		return audit.Options{}, err
	}
	k, err := sealed.Open(header, root)
	if err != nil {
		return audit.Options{}, err
	}
	return audit.Options{
		Dir:          filepath.Join(dir, "trail"),
		Origin:       k.Installation(),
		Cipher:       func(salt []byte) audit.Cipher { return k.Cipher(salt) },
		Signer:       k.Signer(),
		Now:          time.Now,
		SegmentBytes: 64 << 10,
	}, nil
}

func init() {
	acts["append"] = func() int {
		if err := appendForever(os.Getenv("AUDIT_TEST_DIR"), os.Getenv("AUDIT_TEST_NAME")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
}

// appendForever has eight writers append entries; each prints an entry's name
// before the append, and again when it is durable.
func appendForever(dir, round string) error {
	o, err := processOptions(nil, dir)
	if err != nil {
		return err
	}
	l, err := audit.Open(o)
	if err != nil {
		return err
	}
	failed := make(chan error)
	var mu sync.Mutex
	say := func(what, name string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(what, name)
	}
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				n := fmt.Sprintf("%s.%d.%d", round, w, i)
				say("begin", n)
				ticket, err := l.Append(entries(n), nil)
				if err == nil {
					err = ticket.Wait(context.Background())
				}
				if err != nil {
					failed <- err
					return
				}
				say("durable", n)
			}
		}()
	}
	return <-failed
}

// A program is killed under load, again and again: what it said was durable is
// in the trail once.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begun, durable := make(map[string]bool), make(map[string]bool)
	for round := range 4 {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), "AUDIT_TEST_ACT=append", "AUDIT_TEST_DIR="+dir, fmt.Sprintf("AUDIT_TEST_NAME=%d", round))
		c.Stderr = os.Stderr
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if n == 150+100*round {
				_ = c.Process.Kill()
			}
			switch what, name, ok := strings.Cut(lines.Text(), " "); {
			case !ok:
			case what == "begin":
				begun[name] = true
			case what == "durable":
				durable[name] = true
			}
		}
		if err := c.Wait(); err == nil {
			t.Fatal("the program ended by itself")
		}
	}
	o, err := processOptions(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	l := open(t, o)
	seen := make(map[string]bool)
	for _, n := range read(t, l, 1) {
		if seen[n] && n != "TrailRecovered" {
			t.Errorf("entry %s is there twice", n)
		}
		if !begun[n] && n != "TrailRecovered" {
			t.Errorf("entry %s was never appended", n)
		}
		seen[n] = true
	}
	for n := range durable {
		if !seen[n] {
			t.Errorf("entry %s was durable and is gone", n)
		}
	}
	closed(t, l)
	clean(t, o, nil)
	if len(durable) < 200 {
		t.Errorf("only %d entries", len(durable))
	}
}
