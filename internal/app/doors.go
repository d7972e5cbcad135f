package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"

	"claviger/internal/edge/gateway"
	"claviger/internal/edge/httpfront"
)

// A door is an address with the server that answers there.
type door struct {
	listener net.Listener
	server   *http.Server
	endpoint string
}

// doors are where callers reach the server. The first has every API, or every
// one but the external key store proxy interface, which the second has then.
type doors []door

// open makes the doors. The interface is at one of them only, so that no other
// way leads past the certificates that it may demand.
func (s *server) open(o serving, ready func() bool) (doors, error) {
	trusted, err := o.transport.proxies()
	if err != nil {
		return nil, err
	}
	first := httpfront.Options{Ready: ready, TrustedProxies: trusted, LocalOnly: o.localOnly}
	demanding := o.transport.ClientCA != ""
	if o.transport.XksListen == "" {
		return doors{s.door(o, o.listener, s.services, demanding, first)}, nil
	}
	listener, err := net.Listen("tcp", o.transport.XksListen)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", o.transport.XksListen, err)
	}
	isProxy := func(a gateway.Service) bool { return a.Protocol == gateway.XKS }
	rest := slices.DeleteFunc(slices.Clone(s.services), isProxy)
	proxy := slices.DeleteFunc(slices.Clone(s.services), func(a gateway.Service) bool { return !isProxy(a) })
	second := httpfront.Options{Ready: ready, TrustedProxies: trusted} // no secret is known to everybody there
	return doors{s.door(o, o.listener, rest, false, first), s.door(o, listener, proxy, demanding, second)}, nil
}

// door makes the server of a listener, where clients may be demanded to show a
// certificate.
func (s *server) door(o serving, l net.Listener, offered []gateway.Service, demanding bool, options httpfront.Options) door {
	edge := s.gatewayOf(o.settings, offered)
	options.Handler, options.BodyMax = edge, edge.BodyMax
	options.Panicked = func(cause any) { s.log.Error("panic outside of a call", "cause", fmt.Sprint(cause)) }
	d := door{server: httpfront.New(options), listener: l, endpoint: endpoint("http", l.Addr())}
	d.server.ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)
	if o.tls == nil {
		return d
	}
	d.endpoint = endpoint("https", l.Addr())
	if d.listener = o.tls.Listen(l); demanding {
		d.listener = o.tls.ListenNamed(l)
	}
	return d
}

// endpoint is the URL by which this machine reaches an address that is listened on. All of its
// addresses at once are none that a client could call, or that stands in a certificate.
func endpoint(scheme string, listening net.Addr) string {
	address := listening.String()
	if a, err := netip.ParseAddrPort(address); err == nil && a.Addr().IsUnspecified() {
		address = net.JoinHostPort("localhost", strconv.Itoa(int(a.Port())))
	}
	return scheme + "://" + address
}

func (d doors) close() error {
	var errs []error
	for i := range d {
		errs = append(errs, d[i].listener.Close())
	}
	return errors.Join(errs...)
}

// shutdown ends all of them at once, and waits for the calls in flight.
func (d doors) shutdown(ctx context.Context) error {
	errs := make([]error, len(d))
	var wait sync.WaitGroup
	for i := range d {
		wait.Go(func() { errs[i] = d[i].server.Shutdown(ctx) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

// proxyEndpoint is where the external key store proxy interface is, "" where it
// has no address of its own.
func (d doors) proxyEndpoint() string {
	if len(d) == 1 {
		return ""
	}
	return d[1].endpoint
}
