package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"claviger/internal/edge/httpfront"
)

// A near is a connection of this machine, which tells when it is closed.
type near struct {
	net.Conn
	closed func()
}

func (n near) Close() error {
	n.closed()
	return n.Conn.Close()
}

func (near) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:1"))
}

// conns is a listener that accepts what is put into it.
type conns chan net.Conn

func (c conns) Accept() (net.Conn, error) {
	if conn, ok := <-c; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (c conns) Close() error   { close(c); return nil }
func (c conns) Addr() net.Addr { return near{}.RemoteAddr() }

// admit serves the admin port on a connection without a buffer until the test ends, and
// returns the other end of it, and a context that ends when the server closes its own.
func admit(t *testing.T, s *server) (net.Conn, context.Context) {
	t.Helper()
	client, conn := net.Pipe()
	open, closed := context.WithCancel(t.Context())
	listener := make(conns, 1)
	listener <- near{conn, closed}
	answers := adminServer(s.adminPort(func() bool { return true }), slog.New(slog.DiscardHandler))
	var serving sync.WaitGroup
	serving.Go(func() { _ = answers.Serve(listener) }) // until it is closed
	t.Cleanup(func() {
		if err := errors.Join(answers.Close(), client.Close()); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
	return client, open
}

func enquire(t *testing.T, c net.Conn, path, more string) {
	t.Helper()
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, more); err != nil {
		t.Fatal(err)
	}
}

// TestStuckWatcher: who asks and does not read, or asks for ever, is cut off.
func TestStuckWatcher(t *testing.T) {
	t.Parallel()
	s := newWorld(t).server
	for name, c := range map[string]struct {
		stuck func(t *testing.T, c net.Conn)
		after time.Duration
	}{
		"never reads metrics":   {func(t *testing.T, c net.Conn) { enquire(t, c, "/metrics", "") }, httpfront.AnswerTime},
		"never reads a profile": {func(t *testing.T, c net.Conn) { enquire(t, c, "/debug/pprof/heap?seconds=100", "") }, httpfront.AnswerTime + 100*time.Second},
		"never ends asking": {func(t *testing.T, c net.Conn) {
			if _, err := io.WriteString(c, "GET /metrics HTTP/1.1\r\n"); err != nil {
				t.Fatal(err)
			}
		}, httpfront.RequestTime},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, open := admit(t, s)
				start := time.Now()
				c.stuck(t, client)
				<-open.Done()
				if took := time.Since(start); took < c.after || took > c.after+time.Second {
					t.Errorf("cut off after %v, want %v", took, c.after)
				}
			})
		})
	}
}

// TestLongProfile: a profile that takes longer than a call may is answered.
func TestLongProfile(t *testing.T) {
	t.Parallel()
	s := newWorld(t).server
	synctest.Test(t, func(t *testing.T) {
		client, _ := admit(t, s)
		start := time.Now()
		enquire(t, client, "/debug/pprof/heap?seconds=100", "")
		answer, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
			t.Errorf("answered %s, error %v", answer.Status, err)
		}
		if took := time.Since(start); took < 100*time.Second {
			t.Errorf("answered after %v", took)
		}
	})
}

// TestProfileTakesNoBody: what is not read would be waited for without end.
func TestProfileTakesNoBody(t *testing.T) {
	t.Parallel()
	s := newWorld(t).server
	synctest.Test(t, func(t *testing.T) {
		client, _ := admit(t, s)
		enquire(t, client, "/debug/pprof/heap", "Content-Length: 1\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil || answer.StatusCode != http.StatusBadRequest {
			t.Errorf("answered %v, error %v", answer, err)
		}
	})
}
