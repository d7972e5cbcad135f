package app

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strings"
	"time"

	"claviger/internal/app/metrics"
	"claviger/internal/edge/httpfront"
)

// The admin port tells whoever watches the server how it does. It changes
// nothing and tells no secret.

// adminListenDefault is where serve's is.
const adminListenDefault = "127.0.0.1:4567"

// checkAdminListen refuses an address that others than this machine could reach
// without TLS.
func checkAdminListen(address string, secure bool) error {
	if address == "" {
		return nil
	}
	local, err := loopback(address)
	if err != nil {
		return err
	}
	if !local && !secure {
		return usage("refusing to tell about the server on %s in the clear: only a loopback address may do so without TLS", address)
	}
	return nil
}

// listenAdminPort opens the address, nil where there is to be none. The usual one may be
// taken, by another server of this machine most likely: that is no reason not to
// serve, unless it was asked for by another name.
func (o *serving) listenAdminPort(log *slog.Logger) (net.Listener, error) {
	if o.adminListen == "" {
		return nil, nil
	}
	listener, err := net.Listen("tcp", o.adminListen)
	if err != nil && o.adminListen == adminListenDefault {
		log.Warn("no metrics and no readiness: the usual address is taken; give another one with --admin-listen", "address", o.adminListen, "cause", err)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", o.adminListen, err)
	}
	if local, err := loopback(listener.Addr().String()); err == nil && !local {
		return o.tls.Listen(listener), nil
	}
	return listener, nil
}

// adminServer is the server of the admin port. Whoever sends or reads slowly, or not at
// all, holds a connection for as long as that of a call, and no longer. What a profile takes
// beyond, local and package pprof add.
func adminServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:        h,
		ReadTimeout:    httpfront.RequestTime,
		WriteTimeout:   httpfront.AnswerTime,
		IdleTimeout:    httpfront.IdleTime,
		MaxHeaderBytes: httpfront.HeaderMax,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// adminPort answers on the admin port.
func (s *server) adminPort(serving func() bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { s.readyz(w, serving()) })
	mux.Handle("GET /metrics", metrics.Handler(s.families()))
	// The command line is not among the profiles: it may name what is nobody's business.
	mux.HandleFunc("GET /debug/pprof/", local(pprof.Index))
	mux.HandleFunc("GET /debug/pprof/profile", local(pprof.Profile))
	mux.HandleFunc("GET /debug/pprof/symbol", local(pprof.Symbol))
	mux.HandleFunc("GET /debug/pprof/trace", local(pprof.Trace))
	mux.HandleFunc("GET /debug/pprof/cmdline", http.NotFound)
	return httpfront.NotFromPages(mux)
}

// readyz answers 200 while calls are served, and 503 with the reasons while they
// are not, or not all of them.
func (s *server) readyz(w http.ResponseWriter, serving bool) {
	reasons := s.health.reasons()
	if !serving {
		reasons = append(reasons, "server: starting or stopping")
	}
	if err := s.trailHealth(); err != nil && !strings.Contains(strings.Join(reasons, "\n"), partTrail+": ") {
		reasons = append(reasons, partTrail+": "+err.Error()) // since the last look
	}
	if len(reasons) > 0 {
		say(w, http.StatusServiceUnavailable, "not ready\n"+strings.Join(reasons, "\n"))
		return
	}
	say(w, http.StatusOK, "ready")
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // a client that has gone needs no answer
}

// local lets only this machine in: a profile costs processor time, and whoever
// may read metrics from elsewhere need not be able to spend it.
//
// A profile takes as long as it is asked to, and package pprof gives its answer as much
// more time. But the time for reading the request goes on while a call is answered, and its end
// would end the profile. So it is lifted, once nothing is left to be read.
func local(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if from, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !from.Addr().Unmap().IsLoopback() {
			say(w, http.StatusForbidden, "profiles are for this machine only")
			return
		}
		if r.ContentLength != 0 {
			say(w, http.StatusBadRequest, "a profile takes no body")
			return
		}
		if err := http.NewResponseController(w).SetReadDeadline(time.Time{}); err != nil {
			say(w, http.StatusInternalServerError, "no time for a profile")
			return
		}
		h(w, r)
	}
}
