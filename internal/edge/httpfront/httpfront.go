// Package httpfront is the HTTP/1.1 door: it reads a request within its limits,
// hands it on as a message, and writes the answer.
//
// It is the only package beside app that knows an HTTP library.
package httpfront

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"claviger/internal/edge/message"
	"claviger/internal/words/fault"
)

// Limits of a request. A client that exceeds one is answered, not served.
const (
	BodyMax     = 1 << 20          // bytes of a body
	HeaderMax   = 64 << 10         // bytes of all header fields
	RequestTime = 15 * time.Second // from the first byte to the end of the body
	AnswerTime  = 60 * time.Second // until the answer is written
	IdleTime    = 5 * time.Minute  // between two requests of a connection
)

// bodyTrusted is the length of a body that is believed before the body is there.
// Memory for more comes with the bytes: who sends none holds none.
const bodyTrusted = 64 << 10

// A Handler answers messages.
type Handler interface {
	Handle(ctx context.Context, r *message.Request) message.Response
	// Refuse answers a request that could not be read.
	Refuse(r *message.Request, err error) message.Response
}

// Options of New.
type Options struct {
	Handler Handler
	// Ready reports whether calls are served; /healthz says so.
	Ready func() bool
	// Panicked is told of a bug that ended a request: it is answered as an
	// internal failure, and the server goes on.
	Panicked func(cause any)
	// LocalOnly refuses what a browser could be made to send by a page of another
	// site: requests that name an Origin, those that a page has caused (an image
	// can be a presigned request, and names no Origin), and those to a host name
	// that is not local.
	LocalOnly bool
	// BodyMax returns a lower limit than BodyMax for the body of a request to a
	// path, and 0 where there is none. It may be nil.
	BodyMax func(path string) int64
	// TrustedProxies are those whose X-Forwarded-For and X-Forwarded-Proto count.
	TrustedProxies []netip.Prefix
}

// New returns a server that is ready to Serve.
func New(o Options) *http.Server {
	return &http.Server{
		Handler:        &front{o: o},
		ReadTimeout:    RequestTime,
		WriteTimeout:   AnswerTime,
		IdleTimeout:    IdleTime,
		MaxHeaderBytes: HeaderMax,
		Protocols:      onlyHTTP1(),
	}
}

// onlyHTTP1 leaves HTTP/2 out: for these small calls it runs at half the speed.
func onlyHTTP1() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	return p
}

type front struct {
	o     Options
	local atomic.Pointer[string] // a Host that was found to be local, as most requests repeat it
}

// isLocal is isLocal with a memory of one.
func (f *front) isLocal(host string) bool {
	if known := f.local.Load(); known != nil && *known == host {
		return true
	}
	if !isLocal(host) {
		return false
	}
	f.local.Store(&host)
	return true
}

// ServeHTTP answers one request.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.o.LocalOnly && (fromPage(r) || !f.isLocal(r.Host)) {
		http.Error(w, "This development server answers local clients only.", http.StatusForbidden)
		return
	}
	if r.URL.Path == "/healthz" && r.Method == http.MethodGet {
		f.health(w)
		return
	}
	m, err := f.read(w, r)
	if err != nil {
		write(w, f.o.Handler.Refuse(m, err))
		return
	}
	write(w, f.handle(r.Context(), m))
}

func (f *front) handle(ctx context.Context, m *message.Request) (answer message.Response) {
	defer func() {
		if cause := recover(); cause != nil {
			f.o.Panicked(cause)
			answer = f.o.Handler.Refuse(m, fault.From(errPanic))
		}
	}()
	return f.o.Handler.Handle(ctx, m)
}

var errPanic = errors.New("httpfront: a request ended in a panic")

func (f *front) health(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain")
	if !f.o.Ready() {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "starting\n")
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}

// lowered has the names that every SDK sends, as net/http spells them, so that
// they need not be folded anew for each request.
var lowered = lowerCase(
	"accept", "accept-encoding", "amz-sdk-invocation-id", "amz-sdk-request", "authorization", "connection",
	"content-length", "content-type", "user-agent", "x-amz-content-sha256", "x-amz-date", "x-amz-target",
	"x-amz-user-agent", "x-amzn-trace-id",
)

func lowerCase(names ...string) map[string]string {
	m := make(map[string]string, len(names))
	for _, name := range names {
		m[http.CanonicalHeaderKey(name)] = name
	}
	return m
}

// read makes a message of r. On error the message lacks the body.
func (f *front) read(w http.ResponseWriter, r *http.Request) (*message.Request, error) {
	path, query, _ := strings.Cut(r.RequestURI, "?")
	m := &message.Request{
		Method: r.Method,
		Path:   path,
		Query:  query,
		Host:   r.Host,
		Header: make([]message.Field, 0, len(r.Header)+1),
	}
	for name, values := range r.Header {
		lower, ok := lowered[name]
		if !ok {
			lower = strings.ToLower(name)
		}
		for _, value := range values {
			m.Header = append(m.Header, message.Field{Name: lower, Value: value})
		}
	}
	if r.ContentLength >= 0 && r.Header.Get("Content-Length") == "" && r.Method != http.MethodGet {
		m.Header = append(m.Header, message.Field{Name: "content-length", Value: strconv.FormatInt(r.ContentLength, 10)})
	}
	if remote, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		m.Remote = remote.Addr().Unmap()
	}
	if r.TLS != nil {
		m.Secure = true
		m.TLS = &message.TLS{Version: versionName(r.TLS), Cipher: cipherName(r.TLS)}
	}
	f.forwarded(m, r.Header)
	if !strings.HasPrefix(r.RequestURI, "/") {
		// An absolute request line would replace the host that was signed.
		return m, fault.New(fault.Validation, "The request line must hold a path.")
	}
	body, err := readBody(w, r, f.bodyMax(path))
	m.Body = body
	return m, err
}

func (f *front) bodyMax(path string) int64 {
	if f.o.BodyMax != nil {
		if limit := f.o.BodyMax(path); limit > 0 {
			return min(limit, BodyMax)
		}
	}
	return BodyMax
}

func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	if n := r.ContentLength; 0 <= n && n <= bodyTrusted {
		body := make([]byte, n)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return nil, fault.New(fault.Serialization, "The request body could not be read.")
		}
		return body, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		if tooBig := new(http.MaxBytesError); errors.As(err, &tooBig) {
			return nil, tooLarge(limit)
		}
		return nil, fault.New(fault.Serialization, "The request body could not be read.")
	}
	return body, nil
}

func tooLarge(limit int64) error {
	return fault.New(fault.RequestEntityTooLarge, "The request body is larger than %d bytes.", limit)
}

// noStore keeps plaintexts out of whatever stands between.
var noStore = []string{"no-store"}

func write(w http.ResponseWriter, m message.Response) {
	header := w.Header()
	header["Content-Type"] = []string{m.ContentType}
	header["Cache-Control"] = noStore
	header["X-Amzn-Requestid"] = []string{m.RequestID}
	header["Content-Length"] = []string{strconv.Itoa(len(m.Body))}
	if m.Allow != "" {
		header["Allow"] = []string{m.Allow}
	}
	if m.Explanation != "" {
		header["X-Claviger-Authorization-Message"] = []string{m.Explanation}
	}
	if m.ErrorType != "" {
		header["X-Amzn-Errortype"] = []string{m.ErrorType}
	}
	w.WriteHeader(m.Status)
	_, _ = w.Write(m.Body) // a client that has gone needs no answer
}

// fromPage reports whether a page in a browser has caused r. Browsers name the
// Origin of most requests, and say of all to this machine where they come from;
// "none" is the person's own doing. https://www.w3.org/TR/fetch-metadata/
func fromPage(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return r.Header.Get("Origin") != "" || site != "" && site != "none"
}

// NotFromPages refuses to next what a browser could be made to send by a page of another
// site: what a page has caused, and over plain HTTP, which only this machine is
// served, requests to a host name that is not local.
func NotFromPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fromPage(r) || r.TLS == nil && !isLocal(r.Host) {
			http.Error(w, "Pages of browsers are not answered here.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLocal reports whether a Host header names this machine.
func isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if address, err := netip.ParseAddr(host); err == nil {
		return address.IsLoopback()
	}
	labels := strings.Split(host, ".")
	return slices.Contains(labels[len(labels)-1:], "localhost")
}
