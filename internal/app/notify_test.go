package app

import (
	"net"
	"path/filepath"
	"testing"
)

// TestNotify: the socket that the service manager names is told, and where there
// is none, or nobody listens, nothing happens.
func TestNotify(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Skipf("this system has no such sockets: %v", err)
	}
	defer socket.Close()
	notify(func(name string) string { return map[string]string{"NOTIFY_SOCKET": path}[name] }, "READY=1")
	heard := make([]byte, 100)
	n, err := socket.Read(heard)
	if err != nil || string(heard[:n]) != "READY=1" {
		t.Errorf("it was told %q: %v", heard[:n], err)
	}
	for _, nowhere := range []string{"", path + ".none"} {
		notify(func(string) string { return nowhere }, "READY=1")
	}
}
