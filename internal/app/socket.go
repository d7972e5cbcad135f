package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
)

// socketMax is how many bytes the path of a socket has at most, everywhere: with
// a final zero they are 104 on macOS and 108 on Linux.
const socketMax = 103

// reachable returns a path to a socket that is short enough. It leads through the
// directory, which the caller closes when the path is not needed any more.
func reachable(path string) (short string, directory *os.File, err error) {
	if len(path) <= socketMax {
		return path, nil, nil
	}
	if runtime.GOOS != "linux" {
		return "", nil, fmt.Errorf("%s has %d bytes, and the path of a socket %d at most: choose a shorter data directory", path, len(path), socketMax)
	}
	if directory, err = os.Open(filepath.Dir(path)); err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", directory.Fd(), filepath.Base(path)), directory, nil
}

// A socketListener keeps the directory open through which its socket was made, and
// through which closing removes it.
type socketListener struct {
	net.Listener
	directory *os.File
}

func (l *socketListener) Close() error {
	return errors.Join(l.Listener.Close(), l.directory.Close())
}

func listenSocket(path string) (net.Listener, error) {
	short, directory, err := reachable(path)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", short)
	if directory == nil {
		return listener, err
	}
	if err != nil {
		return nil, errors.Join(err, directory.Close())
	}
	return &socketListener{listener, directory}, nil
}

func dialSocket(ctx context.Context, path string) (net.Conn, error) {
	short, directory, err := reachable(path)
	if err != nil {
		return nil, err
	}
	if directory != nil {
		defer directory.Close()
	}
	return new(net.Dialer).DialContext(ctx, "unix", short)
}
