// Package awskms has root keys wrapped by a key of a key management service that
// speaks the API of AWS KMS: AWS's own, or another Claviger.
//
// It calls Encrypt when a root key is made and Decrypt when a server starts, with
// an encryption context that binds what it wraps to the installation, so that the
// key's policy can bind it too.
package awskms

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"claviger/internal/words/arn"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

// Options of Parse. All are required.
type Options struct {
	Getenv   func(string) string
	ReadFile func(string) ([]byte, error)
	Now      func() time.Time
}

// A Key is one of a key management service. It is looked for when it is needed,
// with the credentials that the environment has then.
type Key struct {
	o        Options
	id       string // key id, ARN or alias
	region   string // "" asks the environment
	endpoint string // likewise
	pause    func(ctx context.Context, d time.Duration)
}

// Parse reads awskms:///KEY?region=NAME&endpoint=URL. KEY is a key id, an alias with its
// prefix, or the ARN of either, which also has the Region.
func Parse(text string, o Options) (*Key, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "awskms" || u.Host != "" || u.User != nil || u.Fragment != "" || len(u.Path) < 2 {
		return nil, errors.New("a key of a key management service is written awskms:///KEY?region=NAME&endpoint=URL")
	}
	k := &Key{o: o, id: u.Path[1:], pause: wait}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("reading what follows awskms:///KEY: %w", err)
	}
	for name, values := range query {
		switch {
		case len(values) != 1 || values[0] == "":
			return nil, fmt.Errorf("awskms:///KEY has one %s or none", name)
		case name == "region":
			k.region = values[0]
		case name == "endpoint":
			if _, err := parseEndpoint(values[0]); err != nil {
				return nil, err
			}
			k.endpoint = values[0]
		default:
			return nil, errors.New("awskms:///KEY is followed by region and endpoint, and by nothing else")
		}
	}
	if strings.HasPrefix(k.id, "arn:") {
		a, is := arn.Parse(k.id)
		if !is || a.Service != "kms" || a.Region == "" {
			return nil, fmt.Errorf("%q is not the ARN of a KMS key or alias", k.id)
		}
		if k.region != "" && k.region != a.Region {
			return nil, fmt.Errorf("the key is in Region %s, not %s", a.Region, k.region)
		}
		k.region = a.Region
	}
	return k, nil
}

// parseEndpoint accepts plain HTTP to this machine only.
func parseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("%q is not the URL of an endpoint", text)
	}
	u.Path = "/"
	if u.Scheme == "https" || u.Scheme == "http" && local(u.Hostname()) {
		return u, nil
	}
	return nil, fmt.Errorf("%q is not the URL of an endpoint: beyond this machine it needs https", text)
}

func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// encryptionContext binds a wrapped root key to an installation.
func encryptionContext(installation string) map[string]string {
	return map[string]string{"claviger:installation": installation, "claviger:purpose": "root-key"}
}

// Bodies of the two calls. []byte is Base64 in JSON, as in the API.
type (
	request struct {
		KeyID             string            `json:"KeyId"`
		Plaintext         []byte            `json:"Plaintext,omitempty"`
		CiphertextBlob    []byte            `json:"CiphertextBlob,omitempty"`
		EncryptionContext map[string]string `json:"EncryptionContext"`
	}
	answer struct {
		CiphertextBlob []byte
		Plaintext      []byte
	}
)

// Wrap implements the Wrapper of package root.
func (k *Key) Wrap(ctx context.Context, installation string, b confidential.Bytes) ([]byte, error) {
	var out answer
	in := request{KeyID: k.id, Plaintext: b.Reveal(reveal.Token{}), EncryptionContext: encryptionContext(installation)}
	if err := k.call(ctx, "Encrypt", &in, &out); err != nil {
		return nil, err
	}
	return out.CiphertextBlob, nil
}

// Unwrap implements the Wrapper of package root. The key is the one that the
// operator named: that the ciphertext names another one is refused by the service.
func (k *Key) Unwrap(ctx context.Context, installation string, wrapped []byte) (confidential.Bytes, error) {
	var out answer
	in := request{KeyID: k.id, CiphertextBlob: wrapped, EncryptionContext: encryptionContext(installation)}
	err := k.call(ctx, "Decrypt", &in, &out)
	var r *refused
	if errors.As(err, &r) && (r.Code == "InvalidCiphertextException" || r.Code == "IncorrectKeyException") {
		return confidential.Bytes{}, fmt.Errorf("it was not wrapped by this key for this installation: %w", err)
	}
	return confidential.New(out.Plaintext), err
}

// A refused is an error that the service answered with.
type refused struct{ Code, Message string }

func (r *refused) Error() string { return r.Code + ": " + r.Message }

// attempts and their pauses, which double: some twelve seconds in all, to which each
// attempt adds up to its patience.
const (
	attempts   = 8
	patience   = 10 * time.Second
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// call calls an operation, again while the service can't be reached or says that
// it is its own fault.
func (k *Key) call(ctx context.Context, operation string, in *request, out *answer) error {
	line, err := k.line()
	if err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("writing a request: %w", err)
	}
	defer clear(body)
	pause := firstPause
	for n := 1; ; n++ {
		again, err := line.send(ctx, operation, body, out)
		if err == nil {
			return nil
		}
		if !again || n == attempts || ctx.Err() != nil {
			return fmt.Errorf("%s by key %s at %s failed (attempt %d): %w", operation, k.id, line.endpoint, n, err)
		}
		k.pause(ctx, pause)
		pause = min(2*pause, lastPause)
	}
}

// line finds where to send to and as whom.
func (k *Key) line() (*line, error) {
	region := k.region
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if region == "" {
			region = k.o.Getenv(name)
		}
	}
	if region == "" {
		return nil, errors.New("the key's Region is not known: name it (awskms:///KEY?region=NAME), or set AWS_REGION")
	}
	endpoint := k.endpoint
	for _, name := range []string{"AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL"} {
		if endpoint == "" {
			endpoint = k.o.Getenv(name)
		}
	}
	if endpoint == "" {
		suffix := "amazonaws.com"
		if arn.Partition(region) == "aws-cn" {
			suffix += ".cn"
		}
		endpoint = "https://kms." + region + "." + suffix
	}
	u, err := parseEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	who, err := findCredentials(k.o.Getenv, k.o.ReadFile)
	if err != nil {
		return nil, err
	}
	transport, err := k.transport()
	if err != nil {
		return nil, err
	}
	return &line{endpoint: u, region: region, who: who, now: k.o.Now, http: &http.Client{
		Transport:     transport,
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// transport trusts the authorities of AWS_CA_BUNDLE where that is set.
func (k *Key) transport() (*http.Transport, error) {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	path := k.o.Getenv("AWS_CA_BUNDLE")
	if path == "" {
		return t, nil
	}
	bundle, err := k.o.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading AWS_CA_BUNDLE: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(bundle) {
		return nil, fmt.Errorf("AWS_CA_BUNDLE: %s has no certificates in PEM", path)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return t, nil
}
