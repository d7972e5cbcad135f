package app

import (
	"fmt"
	"io"
	"net"
	"net/http"
)

// listenReadiness opens the address that tells whether the server is ready, nil
// where none was asked for.
func (c *common) listenReadiness() (net.Listener, error) {
	if c.AdminListen == "" {
		return nil, nil
	}
	listener, err := net.Listen("tcp", c.AdminListen)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", c.AdminListen, err)
	}
	return listener, nil
}

// readiness answers GET /readyz: 200 while calls are served, 503 while they are
// not, because the server starts or stops, or because the trail is behind the store.
func (s *server) readiness(serving func() bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !serving() || s.pipeline.Lagging() {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "not ready\n") // a client that has gone needs no answer
			return
		}
		_, _ = io.WriteString(w, "ready\n")
	})
	return mux
}
