package httpfront

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
)

// Certificates are what TLS connections are made with, all of it in PEM.
type Certificates struct {
	Chain []byte // the server's certificate, then those between it and its authority
	Key   []byte // the private key of the first
	// ClientCAs are authorities of clients; they may be left out. Whom ListenNamed
	// lets in shows a certificate of theirs for client authentication, with one of
	// ClientNames as its subject's common name or among its DNS names, letter for
	// letter.
	ClientCAs   []byte
	ClientNames []string
}

// TLS makes TLS connections of what a listener accepts. Its certificates can be
// replaced while it does. It is safe for concurrent use.
type TLS struct {
	current atomic.Pointer[rules]
}

// rules are what handshakes follow at one time.
type rules struct {
	anybody *tls.Config
	named   *tls.Config // nil where no clients are named
}

// NewTLS returns a TLS with certificates that fit together. Whether their time
// has come or is over is for the caller to look at.
func NewTLS(c Certificates) (*TLS, error) {
	t := new(TLS)
	if err := t.Replace(c); err != nil {
		return nil, err
	}
	return t, nil
}

// Replace has handshakes from now on use c, also those that resume a session.
// Connections stay as they are. On error nothing changes.
func (t *TLS) Replace(c Certificates) error {
	r, err := c.rules()
	if err != nil {
		return err
	}
	t.current.Store(r)
	return nil
}

// Certificate is the server's.
func (t *TLS) Certificate() *x509.Certificate { return t.current.Load().anybody.Certificates[0].Leaf }

// Listen wraps a listener that anybody may connect to.
func (t *TLS) Listen(l net.Listener) net.Listener {
	return listen(l, func() *tls.Config { return t.current.Load().anybody })
}

// ListenNamed wraps a listener for the clients that are named. The handshake of
// everybody else ends, and nobody can connect while no clients are named.
func (t *TLS) ListenNamed(l net.Listener) net.Listener {
	return listen(l, func() *tls.Config { return t.current.Load().named })
}

// listen has each handshake follow what current returns then. The keys of
// session tickets are those of the outer configuration, which has no
// certificate, so that sessions outlive a replacement.
func listen(l net.Listener, current func() *tls.Config) net.Listener {
	return tls.NewListener(l, &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return current(), nil },
	})
}

// suites are the names of those that are offered to TLS 1.2 as OpenSSL, and with
// it CloudTrail, spells them: ephemeral keys and authenticated encryption only.
// TLS 1.3 has its own, of which none is weak.
var suites = map[uint16]string{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:       "ECDHE-ECDSA-AES128-GCM-SHA256",
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:       "ECDHE-ECDSA-AES256-GCM-SHA384",
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:         "ECDHE-RSA-AES128-GCM-SHA256",
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:         "ECDHE-RSA-AES256-GCM-SHA384",
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256:   "ECDHE-RSA-CHACHA20-POLY1305",
}

func suiteIDs() []uint16 {
	ids := make([]uint16, 0, len(suites))
	for id := range suites {
		ids = append(ids, id) // crypto/tls has an order of its own
	}
	return ids
}

// rules leave the choice of curves to crypto/tls, whose first is the hybrid of
// X25519 and ML-KEM-768. HTTP/2 is not offered: see onlyHTTP1.
func (c *Certificates) rules() (*rules, error) {
	pair, err := tls.X509KeyPair(c.Chain, c.Key)
	if err != nil {
		return nil, fmt.Errorf("the certificate and its private key: %w", err)
	}
	r := &rules{anybody: &tls.Config{
		MinVersion:   tls.VersionTLS12,
		CipherSuites: suiteIDs(),
		NextProtos:   []string{"http/1.1"},
		Certificates: []tls.Certificate{pair},
	}}
	if c.ClientCAs == nil && c.ClientNames == nil {
		return r, nil
	}
	r.named = r.anybody.Clone()
	r.named.ClientCAs = x509.NewCertPool()
	if !r.named.ClientCAs.AppendCertsFromPEM(c.ClientCAs) {
		return nil, errors.New("the authorities of clients hold no certificate in PEM")
	}
	r.named.ClientAuth = tls.RequireAndVerifyClientCert
	r.named.VerifyConnection = named(slices.Clone(c.ClientNames))
	return r, nil
}

// named refuses clients that have none of names. It is asked of resumed
// sessions too, whose client was verified under what held then.
func named(names []string) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		client := s.PeerCertificates[0]
		for _, name := range append([]string{client.Subject.CommonName}, client.DNSNames...) {
			if slices.Contains(names, name) {
				return nil
			}
		}
		return errors.New("httpfront: the client's certificate has none of the names that may call")
	}
}

// versionName and cipherName spell what a connection uses as CloudTrail does.
func versionName(s *tls.ConnectionState) string {
	return strings.Replace(tls.VersionName(s.Version), "TLS ", "TLSv", 1)
}

func cipherName(s *tls.ConnectionState) string {
	if name, ok := suites[s.CipherSuite]; ok {
		return name
	}
	return tls.CipherSuiteName(s.CipherSuite)
}
