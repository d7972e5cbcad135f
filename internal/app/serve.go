package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"claviger/internal/edge/httpfront"
)

type serveCommand struct {
	common
	transport
	location
	outside
	AdminListen string `default:"127.0.0.1:4567" env:"CLAVIGER_ADMIN_LISTEN" placeholder:"ADDR" help:"Address of metrics, profiles and readiness; beyond loopback it serves TLS, and no profiles. Where the default is taken the server goes on without; empty turns it off."`
	Account     string `env:"CLAVIGER_ACCOUNT" placeholder:"ID" help:"With --init: the first account; twelve random digits by default."`
	LogFormat   string `default:"json" enum:"text,json" env:"CLAVIGER_LOG_FORMAT" help:"text or json."`
	Init        bool   `help:"Initialise the data directory first if nothing was initialised there."`
}

// Run serves until it is told to stop.
func (c *serveCommand) Run(env *environment) error {
	if err := errors.Join(c.common.check(), c.transport.check(), c.location.check(), refuseUnbuilt(env.getenv)); err != nil {
		return err
	}
	if err := errors.Join(c.checkListen(c.Listen), checkAdminListen(c.AdminListen, c.Cert != "")); err != nil {
		return err
	}
	if env.getenv("CLAVIGER_TLS") != "" {
		return usage("CLAVIGER_TLS has dev make itself a certificate; serve takes one with --tls-cert and --tls-key")
	}
	logger := newLogger(env.stderr, c.LogLevel, c.LogFormat)
	logger.Info("starting", "version", Version, "revision", revision(), "data", c.Data)
	secure, err := c.transport.secure(logger)
	if err != nil {
		return err
	}
	defer c.keepFresh(logger, secure)()
	// The port comes before everything else, so that a port in use harms nothing.
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", c.Listen, err)
	}
	s, err := c.start(env, logger)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return s.serve(serving{
		settings:    &c.common,
		transport:   &c.transport,
		tls:         secure,
		listener:    listener,
		adminListen: c.AdminListen,
		socket:      c.socket(),
		stopping:    func() { notify(env.getenv, "STOPPING=1") },
		ready: func(d doors, admin string) {
			line := readyLine{
				Message: "ready", Listen: listener.Addr().String(), Endpoint: d[0].endpoint, XKSEndpoint: d.proxyEndpoint(),
				Region: c.Region, Data: c.Data, AdminSocket: c.socket(), AdminListen: admin,
			}
			line.log(logger)
			notify(env.getenv, "READY=1\nSTATUS=serving "+d[0].endpoint)
			if c.LogFormat == "json" {
				_ = printJSON(env.stdout, line) // nobody may be reading
			}
		},
	})
}

func (c *serveCommand) start(env *environment, logger *slog.Logger) (*server, error) {
	ctx := context.Background()
	roots, err := c.attestation()
	if err != nil {
		return nil, err
	}
	f, err := c.open(ctx)
	if c.Init && errors.Is(err, errUninitialised) {
		f, err = c.initialiseFirst(ctx, env, logger)
	}
	if err != nil {
		return nil, err
	}
	if c.keyBeside() && !c.shared() {
		logger.Warn("the root key lies beside the store: it protects a copy of the store that was taken without it, not from whoever can read this directory",
			"root_key", c.keyFile())
	}
	f.log, f.partition, f.regions, f.attestation = logger, c.partition(), c.Regions, roots
	if f.quotas, err = c.quotas(); err != nil {
		return nil, err
	}
	if err := c.reach(&f); err != nil {
		return nil, errors.Join(err, f.driver.Close())
	}
	return newServer(ctx, f)
}

// initialiseFirst makes the data directory a server and opens it.
func (c *serveCommand) initialiseFirst(ctx context.Context, env *environment, logger *slog.Logger) (foundations, error) {
	credentials, err := readRootCredentials(env.getenv)
	if err != nil {
		return foundations{}, err
	}
	account := c.Account
	if account == "" {
		account = drawAccount()
	}
	if err := checkAccount(account); err != nil {
		return foundations{}, err
	}
	m, err := c.initialise(ctx, account, credentials, func(f *foundations) { f.log = logger })
	if err != nil {
		return foundations{}, err
	}
	logger.Info("initialised", "data", c.Data, "account", m.account, "root_credentials", m.file)
	d, err := c.database(ctx)
	if err != nil {
		return foundations{}, err
	}
	return c.foundations(d, m.keyring, m.rootKey), nil
}

// readyLine says where a server answers. It is logged, and with the log format
// json also printed, as one line for programs that start a server.
type readyLine struct {
	Message     string `json:"msg"`
	Listen      string `json:"listen"`
	Endpoint    string `json:"endpoint"`
	Region      string `json:"region"`
	Account     string `json:"account,omitempty"`
	Data        string `json:"data,omitempty"`
	AdminSocket string `json:"admin_socket"`
	AdminListen string `json:"admin_listen,omitempty"` // metrics, profiles, readiness
	XKSEndpoint string `json:"xks_endpoint,omitempty"`
	CABundle    string `json:"ca_bundle,omitempty"` // for clients to trust
}

func (l *readyLine) log(logger *slog.Logger) {
	logger.Info(l.Message, "listen", l.Listen, "endpoint", l.Endpoint, "region", l.Region,
		"account", l.Account, "data", l.Data, "admin_socket", l.AdminSocket, "admin_listen", l.AdminListen, "xks_endpoint", l.XKSEndpoint, "ca_bundle", l.CABundle)
}

// serving is what serve needs beside the server.
type serving struct {
	settings    *common
	transport   *transport
	tls         *httpfront.TLS // nil for plain HTTP
	listener    net.Listener
	adminListen string // "" for no such port
	socket      string // of the operator commands
	localOnly   bool
	stopping    func()                      // may be nil
	ready       func(d doors, admin string) // admin is the address of the admin port, "" where there is none
}

// drainTime is how long calls in flight may take to finish after a signal to stop.
const drainTime = 20 * time.Second

// serve answers calls until SIGTERM or SIGINT, finishes those in flight, and
// closes the server.
func (s *server) serve(o serving) error {
	signals, release := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer release()

	var serving atomic.Bool
	doors, err := s.open(o, serving.Load)
	if err != nil {
		return errors.Join(err, o.listener.Close(), s.close())
	}
	admin, err := listenAdmin(o.socket)
	if err != nil {
		return errors.Join(err, doors.close(), s.close())
	}
	watchers, err := o.listenAdminPort(s.log)
	if err != nil {
		return errors.Join(err, admin.Close(), doors.close(), s.close())
	}
	if o.tls != nil {
		s.tls.Store(o.tls)
	}
	operators := &http.Server{Handler: s.admin(), ReadHeaderTimeout: httpfront.RequestTime}

	failed := make(chan error, len(doors)+2)
	for _, d := range doors {
		go func() { failed <- d.server.Serve(d.listener) }()
	}
	go func() { failed <- operators.Serve(admin) }()
	address := ""
	if watchers != nil {
		address = watchers.Addr().String()
		answers := adminServer(s.adminPort(serving.Load), s.log)
		go func() { failed <- answers.Serve(watchers) }()
		defer answers.Close()
	}
	serving.Store(true)
	o.ready(doors, address)

	var cause error
	select {
	case <-signals.Done():
		s.log.Info("stopping")
	case cause = <-failed:
	case <-s.lost: // nothing that this process could still say would be true
		cause = errors.New("another process has taken the store over")
	}
	serving.Store(false)
	if o.stopping != nil {
		o.stopping()
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	err = errors.Join(doors.shutdown(ctx), operators.Close()) // operators may follow the trail for ever
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("calls still in flight were cut off")
		err = nil
	}
	err = errors.Join(cause, err, s.close())
	s.log.Info("stopped")
	return err
}
