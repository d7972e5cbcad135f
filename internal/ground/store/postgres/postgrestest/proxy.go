package postgrestest

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// A Fault is what a proxy does to the next COMMIT.
type Fault int32

const (
	none       Fault = iota
	CutBefore        // the server does not see it
	CutAfter         // nobody sees the answer
	CutLate          // the server sees it after the client has lost the connection
	CutWaiting       // the client loses the connection, the server does not know
)

// A Proxy stands between a client and its server.
type Proxy struct {
	Dir      string // of its socket, for Address
	server   string
	fault    atomic.Int32
	refuses  atomic.Bool
	goesAway atomic.Bool   // refuses from the fault on
	waiting  chan struct{} // CutWaiting cuts when it is closed
	late     chan struct{} // CutLate and CutWaiting end when it is closed
	listener net.Listener
	all      sync.WaitGroup

	// HangUp has the client of CutWaiting lose the connection.
	HangUp func()
	// Release lets the server see what CutLate and CutWaiting keep from it.
	Release func()
}

// NewProxy starts a proxy for the server whose socket is in a directory.
func NewProxy(t testing.TB, server string) *Proxy {
	t.Helper()
	dir, err := os.MkdirTemp("", "px") // short, as the server's own
	check(t, err)
	p := &Proxy{Dir: dir, server: server, waiting: make(chan struct{}), late: make(chan struct{})}
	p.HangUp = sync.OnceFunc(func() { close(p.waiting) })
	p.Release = sync.OnceFunc(func() { close(p.late) })
	p.listener, err = net.Listen("unix", filepath.Join(dir, Socket))
	check(t, err)
	p.all.Go(p.accept)
	t.Cleanup(func() {
		p.Release()
		if err := errors.Join(p.listener.Close(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
		p.all.Wait()
	})
	return p
}

// Cut has the next COMMIT meet a fault.
func (p *Proxy) Cut(f Fault) { p.fault.Store(int32(f)) }

// CutOff is Cut, and new connections are refused from then on.
func (p *Proxy) CutOff(f Fault) {
	p.goesAway.Store(true)
	p.Cut(f)
}

// Pending reports whether the COMMIT that Cut waits for is yet to come.
func (p *Proxy) Pending() bool { return Fault(p.fault.Load()) != none }

// Refuse has the proxy refuse new connections, or take them again.
func (p *Proxy) Refuse(refuses bool) { p.refuses.Store(refuses) }

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.refuses.Load() {
			_ = client.Close()
			continue
		}
		server, err := net.Dial("unix", filepath.Join(p.server, Socket))
		if err != nil {
			_ = client.Close()
			continue
		}
		p.all.Go(func() { p.pass(client, server) })
	}
}

var commitMessage = []byte("Q\x00\x00\x00\x0bCOMMIT\x00")

// pass hands on what the client says, and on another goroutine what the server does.
func (p *Proxy) pass(client, server net.Conn) {
	defer func() { _, _ = client.Close(), server.Close() }()
	var silent atomic.Bool
	answered := make(chan struct{})
	p.all.Go(func() {
		defer close(answered)
		defer func() { _, _ = client.Close(), server.Close() }()
		b := make([]byte, 1<<16)
		for {
			n, err := server.Read(b)
			if err != nil || silent.Load() {
				return
			}
			if _, err := client.Write(b[:n]); err != nil {
				return
			}
		}
	})
	b := make([]byte, 1<<16)
	for {
		n, err := client.Read(b)
		if err != nil {
			return
		}
		if bytes.Contains(b[:n], commitMessage) {
			f := Fault(p.fault.Swap(int32(none)))
			if f != none && p.goesAway.Swap(false) {
				p.refuses.Store(true)
			}
			switch f {
			case CutBefore:
				return
			case CutAfter:
				silent.Store(true)
				_, _ = server.Write(b[:n])
				<-answered
				return
			case CutLate:
				silent.Store(true)
				_ = client.Close()
				<-p.late
				_, _ = server.Write(b[:n])
				<-answered
				return
			case CutWaiting:
				silent.Store(true)
				_, _ = server.Write(b[:n])
				select {
				case <-p.waiting:
					_ = client.Close()
					<-p.late
				case <-p.late:
				}
				return
			}
		}
		if _, err := server.Write(b[:n]); err != nil {
			return
		}
	}
}
