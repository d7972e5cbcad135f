package app

import (
	"io"
	"net/http"

	"claviger/internal/edge/awsjson"
)

// xksPath is where operations on key stores and external keys stand on the admin
// socket, each under its name.
const xksPath = "/xks/"

// addXks adds the operator's operations of the external key store proxy.
func (s *server) addXks(mux *http.ServeMux) {
	for _, op := range s.proxy.OperatorOperations() {
		mux.HandleFunc("POST "+xksPath+op.Name, s.adminXks(op.Name))
	}
}

// adminXks answers requests for an operation, whose shapes are those of the
// bodies.
func (s *server) adminXks(name string) http.HandlerFunc {
	op := &s.operators[name].Operation
	in, out := awsjson.Plan(op.In), awsjson.Plan(op.Out)
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			writeJSON(w, problem{"the request could not be read"})
			return
		}
		answer, err := s.operateOn(r.Context(), name, func(to any) error { return in.Decode(body, to) })
		if err := s.proxy.Settle(r.Context(), err == nil && name == "DeleteExternalKey"); err != nil {
			s.log.Error("settling after an operator's command", "cause", err)
		}
		if err != nil {
			writeProblem(w, err)
			return
		}
		_, _ = w.Write(out.Append(nil, answer)) // a client that has gone needs no answer
	}
}
