package app

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"claviger/internal/edge/httpfront"
	"claviger/internal/ground/sealed/root"
)

// transport are the settings of how calls reach the server: TLS, proxies in
// front that end it, and an address of its own for the interface that another
// key management service calls.
type transport struct {
	Cert           string   `name:"tls-cert" env:"CLAVIGER_TLS_CERT" type:"path" placeholder:"FILE" help:"Serve TLS, and nothing else, with this certificate in PEM form, those between it and its authority after it. Read anew on SIGHUP, with the two files below."`
	Key            string   `name:"tls-key" env:"CLAVIGER_TLS_KEY" type:"path" placeholder:"FILE" help:"Private key of the certificate in PEM form; nobody else may be able to read the file."`
	ClientCA       string   `name:"tls-client-ca" env:"CLAVIGER_TLS_CLIENT_CA" type:"path" placeholder:"FILE" help:"Demand a certificate of every client, from one of these authorities in PEM form: at --xks-listen where that is given, else at --listen."`
	ClientNames    []string `name:"tls-client-name" env:"CLAVIGER_TLS_CLIENT_NAME" placeholder:"LIST" help:"With --tls-client-ca: one of these must be the common name of the client's certificate, or among its DNS names."`
	XksListen      string   `env:"CLAVIGER_XKS_LISTEN" placeholder:"ADDR" help:"Address that serves the external key store proxy interface and nothing else; --listen no longer serves it then."`
	TrustedProxies []string `env:"CLAVIGER_TRUSTED_PROXIES" placeholder:"CIDRS" help:"Proxies whose X-Forwarded-For and X-Forwarded-Proto tell the caller's address and whether it used TLS; nobody's by default."`
}

func (t *transport) check() error {
	if (t.Cert == "") != (t.Key == "") {
		return usage("--tls-cert and --tls-key must be given together")
	}
	if (t.ClientCA == "") != (len(t.ClientNames) == 0) {
		return usage("--tls-client-ca and --tls-client-name must be given together: an authority alone says nothing of who its clients are")
	}
	if t.ClientCA != "" && t.Cert == "" {
		return usage("--tls-client-ca needs --tls-cert: without TLS nobody shows a certificate")
	}
	if t.XksListen != "" {
		if err := t.checkListen(t.XksListen); err != nil {
			return err
		}
	}
	_, err := t.proxies()
	return err
}

// proxies reads the trusted proxies: networks, or single addresses.
func (t *transport) proxies() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range t.TrustedProxies {
		network, err := netip.ParsePrefix(text)
		if address, e := netip.ParseAddr(text); e == nil {
			network, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			return nil, usage("%q is neither a network in CIDR form nor an address of trusted proxies", text)
		}
		list = append(list, network)
	}
	return list, nil
}

// pemMax bounds the files of certificates and keys, in bytes.
const pemMax = 1 << 20

// secure reads the files; nil where there is no TLS.
func (t *transport) secure(logger *slog.Logger) (*httpfront.TLS, error) {
	if t.Cert == "" {
		return nil, nil
	}
	c, err := t.read()
	if err != nil {
		return nil, err
	}
	defer clear(c.Key)
	opened, err := httpfront.NewTLS(c)
	if err != nil {
		return nil, fmt.Errorf("TLS with %s: %w", t.Cert, err)
	}
	t.report(logger, opened)
	return opened, nil
}

// reload is secure for TLS that is served already. On error nothing changes.
func (t *transport) reload(logger *slog.Logger, opened *httpfront.TLS) error {
	c, err := t.read()
	if err != nil {
		return err
	}
	defer clear(c.Key)
	if err := opened.Replace(c); err != nil {
		return fmt.Errorf("TLS with %s: %w", t.Cert, err)
	}
	logger.Info("the certificate was read anew")
	t.report(logger, opened)
	return nil
}

func (t *transport) read() (c httpfront.Certificates, err error) {
	if c.Chain, err = readFile(t.Cert); err != nil {
		return c, fmt.Errorf("reading the certificate: %w", err)
	}
	if t.ClientCA != "" {
		c.ClientNames = t.ClientNames
		if c.ClientCAs, err = readFile(t.ClientCA); err != nil {
			return c, fmt.Errorf("reading the authorities of clients: %w", err)
		}
	}
	if c.Key, err = root.ReadPrivate(t.Key, pemMax); err != nil {
		return c, fmt.Errorf("reading the certificate's private key: %w", err)
	}
	return c, nil
}

// readFile is os.ReadFile for a file that is read again and again: it does not wait
// for whoever would write to a pipe.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return os.ReadFile(path)
}

// report says which certificate is served. One whose time is over, or has not
// come, is served all the same: no client takes it, and the log says why.
func (t *transport) report(logger *slog.Logger, opened *httpfront.TLS) {
	leaf, now := opened.Certificate(), time.Now()
	facts := []any{"file", t.Cert, "names", leaf.DNSNames, "not_before", leaf.NotBefore, "not_after", leaf.NotAfter}
	switch {
	case now.After(leaf.NotAfter):
		logger.Warn("the certificate has expired", facts...)
	case now.Before(leaf.NotBefore):
		logger.Warn("the certificate is not valid yet", facts...)
	default:
		logger.Info("serving TLS", facts...)
	}
}

// keepFresh reads the files anew on every SIGHUP, until stop is called. Where there are
// none the signal is heard all the same: nobody who asks for that, such as systemctl
// reload does, means to end the server.
func (t *transport) keepFresh(logger *slog.Logger, opened *httpfront.TLS) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for range hangups {
			if opened == nil {
				logger.Info("no certificate is served, and none was read anew")
				continue
			}
			if err := t.reload(logger, opened); err != nil {
				logger.Error("the certificate was not read anew; the one before is served", "cause", err)
			}
		}
	}()
	return func() {
		signal.Stop(hangups) // nothing is sent any more
		close(hangups)
	}
}

// checkListen refuses plain HTTP that others than this machine could reach.
func (t *transport) checkListen(address string) error {
	local, err := loopback(address)
	if err != nil {
		return err
	}
	if !local && t.Cert == "" {
		return usage("refusing to serve plain HTTP on %s: only a loopback address may be served without TLS; give --tls-cert and --tls-key", address)
	}
	return nil
}

// localTLS makes TLS for this machine's own names, and writes the certificate
// that clients are to trust to a file.
func localTLS(file string) (*httpfront.TLS, error) {
	c, authority, err := httpfront.LocalCertificates(time.Now())
	if err != nil {
		return nil, err
	}
	defer clear(c.Key)
	opened, err := httpfront.NewTLS(c)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, authority, 0o600); err != nil {
		return nil, fmt.Errorf("writing the certificate for clients: %w", err)
	}
	return opened, nil
}
