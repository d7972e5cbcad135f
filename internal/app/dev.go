package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"claviger/internal/edge/httpfront"
	"claviger/internal/ground/audit"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/ground/store/memory"
)

type devCommand struct {
	common
	transport
	outside
	AdminListen string `env:"CLAVIGER_ADMIN_LISTEN" placeholder:"ADDR" help:"Address of metrics, profiles and readiness; beyond loopback it serves TLS, and no profiles. Off by default."`
	TLS         bool   `name:"tls" env:"CLAVIGER_TLS" help:"Serve TLS with a certificate for this machine's own names, made at the start; prints which file clients are to trust."`
	Account     string `default:"000000000000" env:"CLAVIGER_ACCOUNT" placeholder:"ID" help:"The first account."`
	LogFormat   string `default:"text" enum:"text,json" env:"CLAVIGER_LOG_FORMAT" help:"text or json."`
	Store       string `default:"memory:" env:"CLAVIGER_STORE" placeholder:"URL" help:"memory: only."`
}

// ringRecords is how many records a development server keeps.
const ringRecords = 20_000

// Run serves from memory until it is told to stop.
func (c *devCommand) Run(env *environment) error {
	if err := errors.Join(c.common.check(), c.transport.check(), checkAccount(c.Account), refuseUnbuilt(env.getenv),
		checkAdminListen(c.AdminListen, c.TLS || c.Cert != "")); err != nil {
		return err
	}
	if c.Store != "memory:" {
		return usage("dev keeps everything in memory: the store must be memory:") // not a URL, which may hold a password
	}
	if env.getenv("CLAVIGER_DATA") != "" {
		return usage("dev keeps everything in memory: CLAVIGER_DATA must not be set")
	}
	if c.TLS && c.Cert != "" {
		return usage("--tls makes a certificate and --tls-cert brings one: only one of them can be given")
	}
	credentials, err := readRootCredentials(env.getenv)
	if err != nil {
		return err
	}
	local, err := loopback(c.Listen)
	if err != nil {
		return err
	}
	if !local && !credentials.given {
		return usage("serving %s beyond this machine needs root credentials: set CLAVIGER_ROOT_ACCESS_KEY_ID and CLAVIGER_ROOT_SECRET_ACCESS_KEY", c.Listen)
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", c.Listen, err)
	}
	logger := newLogger(env.stderr, c.LogLevel, c.LogFormat)
	return c.serve(env, logger, listener, local, credentials)
}

func (c *devCommand) serve(env *environment, logger *slog.Logger, listener net.Listener, local bool, credentials rootCredentials) error {
	defaults := !credentials.given
	if defaults {
		credentials = rootCredentials{accessKeyID: "test", secret: "test"}
	}
	s, err := newMemoryServer(logger, &c.common, local, &c.outside)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := s.addAccount(context.Background(), c.Account, credentials); err != nil {
		return errors.Join(err, listener.Close(), s.close())
	}
	dir, err := os.MkdirTemp("", "claviger-dev-")
	if err != nil {
		return errors.Join(fmt.Errorf("making a directory for the admin socket: %w", err), listener.Close(), s.close())
	}
	defer os.RemoveAll(dir)
	secure, bundle, err := c.openTLS(logger, dir)
	if err != nil {
		return errors.Join(err, listener.Close(), s.close())
	}
	if c.Cert != "" { // else the signal ends it, with the terminal that it runs in
		defer c.keepFresh(logger, secure)()
	}
	socket := filepath.Join(dir, socketFile)
	return s.serve(serving{
		settings:    &c.common,
		transport:   &c.transport,
		tls:         secure,
		listener:    listener,
		adminListen: c.AdminListen,
		socket:      socket,
		localOnly:   local, // where a secret that everybody knows opens every account
		ready: func(d doors, admin string) {
			endpoint := d[0].endpoint
			line := readyLine{
				Message: "ready", Listen: listener.Addr().String(), Endpoint: endpoint,
				Region: c.Region, Account: c.Account, AdminSocket: socket, AdminListen: admin, XKSEndpoint: d.proxyEndpoint(), CABundle: bundle,
			}
			line.log(logger)
			if c.LogFormat == "json" {
				_ = printJSON(env.stdout, line) // nobody may be reading
				return
			}
			fmt.Fprintf(env.stdout, "Claviger serves %s from memory; everything is gone when it stops.\n"+
				"Operator commands: --socket %s\n\nPaste this into another shell:\n\n%s\n",
				endpoint, socket, clientCommands(endpoint, c.Region, bundle, credentials))
		},
	})
}

// openTLS opens what the settings name, and makes with --tls a certificate whose
// authority is in the file bundle. Without TLS it returns nothing.
func (c *devCommand) openTLS(logger *slog.Logger, dir string) (secure *httpfront.TLS, bundle string, err error) {
	if !c.TLS {
		secure, err = c.transport.secure(logger)
		return secure, "", err
	}
	bundle = filepath.Join(dir, "ca.pem")
	secure, err = localTLS(bundle)
	return secure, bundle, err
}

// newMemoryServer puts a server together that keeps everything in memory, under a root key
// that nobody has. With anyAccount, the secret "test" opens every account.
func newMemoryServer(logger *slog.Logger, settings *common, anyAccount bool, o *outside) (*server, error) {
	limits, err := settings.quotas()
	if err != nil {
		return nil, err
	}
	roots, err := settings.attestation()
	if err != nil {
		return nil, err
	}
	key, err := root.Random()
	if err != nil {
		return nil, fmt.Errorf("drawing a root key: %w", err)
	}
	keyring, _, err := sealed.Create(key)
	if err != nil {
		return nil, fmt.Errorf("making the keyring: %w", err)
	}
	f := foundations{
		driver:      memory.New(),
		keyring:     keyring,
		openTrail:   func(o audit.Options) (audit.Trail, error) { return audit.NewRing(ringRecords).Observe(o.Observe), nil },
		partition:   settings.partition(),
		regions:     settings.Regions,
		attestation: roots,
		development: anyAccount,
		quotas:      limits,
		log:         logger,
	}
	if err := o.reach(&f); err != nil {
		return nil, err
	}
	return newServer(context.Background(), f)
}
