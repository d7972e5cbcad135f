package httpfront

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// localTime is how long certificates of LocalCertificates are good: longer than
// a development server lives.
const localTime = 365 * 24 * time.Hour

// localNames are those of RFC 6761. The services stand there themselves since
// OpenSSL takes no wildcard for a name of two labels.
var localNames = []string{"localhost", "*.localhost", "kms.localhost", "iam.localhost", "sts.localhost"}

// LocalCertificates makes a certificate for the names and addresses by which a
// machine calls itself, and returns with it the certificate of its authority in
// PEM, for clients to trust. That authority issues nothing else: its key is
// forgotten here.
func LocalCertificates(now time.Time) (c Certificates, authority []byte, err error) {
	ca, caKey, err := localTemplate("Claviger development authority", now)
	if err != nil {
		return c, nil, err
	}
	ca.IsCA, ca.MaxPathLenZero, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	root, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return c, nil, fmt.Errorf("making a certificate authority: %w", err)
	}
	if ca, err = x509.ParseCertificate(root); err != nil {
		return c, nil, fmt.Errorf("making a certificate authority: %w", err)
	}

	server, key, err := localTemplate("localhost", now)
	if err != nil {
		return c, nil, err
	}
	server.KeyUsage, server.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	server.DNSNames = localNames
	server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	leaf, err := x509.CreateCertificate(rand.Reader, server, ca, key.Public(), caKey)
	if err != nil {
		return c, nil, fmt.Errorf("making a certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return c, nil, fmt.Errorf("encoding the key of a certificate: %w", err)
	}
	defer clear(private)
	c.Chain = encodePEM("CERTIFICATE", leaf)
	c.Key = encodePEM("PRIVATE KEY", private)
	return c, encodePEM("CERTIFICATE", root), nil
}

func localTemplate(name string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("drawing the key of a certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, fmt.Errorf("drawing the number of a certificate: %w", err)
	}
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-time.Hour), // for clients whose clock is late
		NotAfter:              now.Add(localTime),
		BasicConstraintsValid: true,
	}, key, nil
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
