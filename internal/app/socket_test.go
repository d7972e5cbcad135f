package app

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestSocketFarAway: a data directory may have a longer path than a socket.
func TestSocketFarAway(t *testing.T) {
	t.Parallel()
	near := t.TempDir()
	for _, length := range []int{socketMax - 1, socketMax, socketMax + 1, 108, 400} {
		dir := near
		for rest := length - len(near) - len("/"+socketFile); rest > 1; {
			name := strings.Repeat("d", min(rest-1, 200))
			dir = filepath.Join(dir, name)
			rest -= len(name) + 1
		}
		path := filepath.Join(dir, socketFile)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		listener, err := listenAdmin(path)
		if runtime.GOOS != "linux" && len(path) > socketMax {
			if err == nil || !strings.Contains(err.Error(), "shorter data directory") {
				t.Errorf("%d bytes: %v", len(path), err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%d bytes: %v", len(path), err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%d bytes: %v %v", len(path), info, err)
		}
		came := make(chan net.Conn, 1)
		go func() {
			conn, _ := listener.Accept()
			came <- conn
		}()
		conn, err := dialSocket(t.Context(), path)
		if err != nil {
			t.Fatalf("%d bytes: %v", len(path), err)
		}
		if err := errors.Join(conn.Close(), (<-came).Close(), listener.Close()); err != nil {
			t.Errorf("%d bytes: %v", len(path), err)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%d bytes: the socket was left behind: %v", len(path), err)
		}
	}
}
