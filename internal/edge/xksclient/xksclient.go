// Package xksclient carries signed requests to the proxies of external key
// stores: over TLS, within the time that a proxy has, and to nowhere else.
//
// Where a proxy is, a user of the server says. So nothing is followed that it
// answers, no more of it is read than a proxy may send, and no address is
// connected to that users have no business with, such as the server's own
// machine and networks, unless the operator allows it.
package xksclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"claviger/internal/words/confidential"
)

// Patience is how long a proxy has for an answer, all included.
// https://github.com/aws/aws-kms-xksproxy-api-spec
const Patience = 250 * time.Millisecond

// Errors of Post, with their cause. There is no other.
var (
	ErrTimeout     = errors.New("xksclient: the proxy did not answer in time")
	ErrUnreachable = errors.New("xksclient: the proxy can't be reached")
	ErrTLS         = errors.New("xksclient: no TLS connection can be made to the proxy")
	ErrResponse    = errors.New("xksclient: the answer is too long")
)

// Options of New. Now is required.
type Options struct {
	// Roots are certificates of authorities in PEM that are trusted beside the
	// system's.
	Roots []byte

	// AllowPrivate lets proxies have addresses of private networks and of this
	// machine.
	AllowPrivate bool

	// Addresses say where hosts and VPC endpoint services are, as host:port, instead
	// of the Domain Name System. Of them nothing is refused.
	Addresses map[string]string

	// Patience is how long a proxy has; 0 stands for the constant of that name.
	Patience time.Duration

	Now func() time.Time
}

// Client is safe for concurrent use.
type Client struct {
	o     Options
	roots *x509.CertPool

	mu    sync.Mutex
	lines map[lineName]*line
}

// New returns a client.
func New(o Options) (*Client, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a system without any: only the operator's count
	}
	if len(o.Roots) > 0 && !roots.AppendCertsFromPEM(o.Roots) {
		return nil, errors.New("no certificates in PEM")
	}
	if o.Patience == 0 {
		o.Patience = Patience
	}
	return &Client{o: o, roots: roots, lines: make(map[lineName]*line)}, nil
}

// Reaches reports whether the operator has said where a VPC endpoint service is.
func (c *Client) Reaches(service string) bool { return c.o.Addresses[service] != "" }

// A Request is what Post sends.
type Request struct {
	Store       string // whose requests share connections and luck
	Endpoint    string // "https://" and a host name
	Service     string // VPC endpoint service through which the host is reached, if any
	Path        string
	Region      string
	AccessKeyID string
	Secret      confidential.Bytes
	Body        []byte
	AnswerMax   int // bytes of the answer's body
}

// Post sends a request and returns status and body of the answer, whatever they are.
func (c *Client) Post(ctx context.Context, r *Request) (status int, answer []byte, err error) {
	l := c.line(r)
	if err := l.open(c.o.Now()); err != nil {
		return 0, nil, err
	}
	limited, cancel := context.WithTimeout(ctx, c.o.Patience)
	defer cancel()
	status, answer, err = c.post(limited, l, r)
	// What took all of the time counts, whatever else it was; a caller that went
	// away does not.
	exhausted := err != nil && limited.Err() != nil && ctx.Err() == nil
	l.note(c.o.Now(), err, exhausted)
	return status, answer, err
}

// How far a request came. Traces are called by goroutines of the transport.
const (
	nowhere int32 = iota
	shaking       // a TCP connection was made, TLS began
	refused       // TLS failed
	carried       // the request had a connection
)

func (c *Client) post(ctx context.Context, l *line, r *Request) (int, []byte, error) {
	var stage atomic.Int32
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		TLSHandshakeStart: func() { stage.Store(shaking) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err != nil && ctx.Err() == nil {
				stage.Store(refused)
			}
		},
		GotConn: func(httptrace.GotConnInfo) { stage.Store(carried) },
	})
	request, err := http.NewRequestWithContext(traced, http.MethodPost, (&url.URL{Scheme: "https", Host: l.host, Path: r.Path}).String(), bytes.NewReader(r.Body))
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "claviger")
	// Absent on the wire, it tells the transport that the request may be sent once
	// more where a connection turns out to be dead that had been kept.
	request.Header["Idempotency-Key"] = nil
	sign(request, r, c.o.Now())
	// Not a client of net/http: that one would follow redirects.
	response, err := l.transport.RoundTrip(request)
	if err != nil {
		return 0, nil, failure(ctx, stage.Load(), err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, int64(r.AnswerMax)+1))
	switch {
	case err != nil:
		return 0, nil, failure(ctx, carried, err)
	case len(answer) > r.AnswerMax:
		return 0, nil, ErrResponse
	}
	return response.StatusCode, answer, nil
}

// failure is the error of a request that came as far as stage.
func failure(ctx context.Context, stage int32, cause error) error {
	kind := ErrUnreachable
	late := ctx.Err() != nil
	switch {
	case stage == refused, stage == shaking && !late:
		kind = ErrTLS
	case late && stage != nowhere:
		kind = ErrTimeout
	}
	return fmt.Errorf("%w: %w", kind, cause)
}

// A lineName tells lines apart: a store that is moved gets another one.
type lineName struct{ store, endpoint, service string }

// A line is the connections of a store to its proxy.
type line struct {
	host      string
	transport *http.Transport

	mu       sync.Mutex
	lost     int       // requests in a row that took all of their time
	reason   error     // of the last of them
	resuming time.Time // until when none is sent
}

// linesMax bounds the lines that are kept.
const linesMax = 1000

func (c *Client) line(r *Request) *line {
	name := lineName{r.Store, r.Endpoint, r.Service}
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.lines[name]; l != nil {
		return l
	}
	for other, l := range c.lines {
		if len(c.lines) < linesMax {
			break
		}
		l.transport.CloseIdleConnections() // those in use end with their requests
		delete(c.lines, other)
	}
	host := strings.ToLower(strings.TrimPrefix(r.Endpoint, "https://"))
	l := &line{host: host}
	l.transport = &http.Transport{
		DialContext: c.dialer(host, r.Service),
		TLSClientConfig: &tls.Config{
			RootCAs:    c.roots,
			ServerName: strings.TrimSuffix(host, "."),
			MinVersion: tls.VersionTLS12,
			// Of TLS 1.2 only what the description of the protocol lists.
			CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384},
			// Connections that end are resumed at half the cost.
			ClientSessionCache: tls.NewLRUClientSessionCache(8),
		},
		MaxIdleConns:           32,
		MaxIdleConnsPerHost:    32,
		MaxConnsPerHost:        256,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 16 << 10,
		DisableCompression:     true,
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1, which every proxy must speak
	}
	c.lines[name] = l
	return l
}

// A line over which requests got lost in a row is left alone for a while, so that
// callers are told at once and the proxy can recover. Then one request tries.
const (
	lostMax  = 8
	recovery = time.Second
)

// open reports whether a request may be sent at a time.
func (l *line) open(now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost < lostMax {
		return nil
	}
	if now.Before(l.resuming) {
		return l.reason
	}
	l.resuming = now.Add(recovery) // for all but this one
	return nil
}

// note keeps how a request ended.
func (l *line) note(now time.Time, err error, exhausted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !exhausted {
		if err == nil {
			l.lost = 0
		}
		return
	}
	l.lost++
	l.reason = err
	l.resuming = now.Add(recovery)
}
