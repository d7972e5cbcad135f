package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"reflect"
	"time"

	"claviger/internal/edge/awsjson"
	"claviger/internal/edge/gateway"
	"claviger/internal/ground/audit"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/pipeline"
	"claviger/internal/service/iam"
	"claviger/internal/service/trail"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

// The admin socket speaks HTTP with JSON bodies. Whoever can open it is the
// operator: its file mode is the authentication. Every request is a call
// through the pipeline and leaves a record of the operator's.

// listenAdmin makes the socket for its owner only. A socket that a killed
// server left behind is replaced; the store's lock has shown that none lives.
func listenAdmin(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("replacing the admin socket: %w", err)
	}
	listener, err := listenSocket(path)
	if err != nil {
		return nil, fmt.Errorf("making the admin socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("closing the admin socket to others: %w", err), listener.Close())
	}
	return listener, nil
}

// admin answers operator commands.
func (s *server) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /account/create", s.adminCreateAccount)
	mux.HandleFunc("POST /root-credentials/reset", s.adminResetRootCredentials)
	mux.HandleFunc("POST /service-principal/create", s.adminCreateServicePrincipal)
	mux.HandleFunc("POST /service-principal/list", s.adminListServicePrincipals)
	mux.HandleFunc("POST /service-principal/disable", s.adminDisableServicePrincipal)
	s.addXks(mux)
	s.addRootKey(mux)
	s.addPolicy(mux)
	mux.HandleFunc("POST /audit/tail", s.adminTail)
	s.addLooks(mux)
	mux.HandleFunc("POST /explain", s.adminExplain)
	return mux
}

// addLooks adds what a server answers also before it has begun.
func (s *server) addLooks(mux *http.ServeMux) {
	mux.HandleFunc("POST /backup", s.adminBackup)
	mux.HandleFunc("POST /store/stat", s.adminStoreStat)
	mux.HandleFunc("POST /store/verify", s.adminVerifyStore)
	mux.HandleFunc("POST /audit/verify", s.adminVerify)
}

// operator is the credential of whoever holds the socket.
var operator = &authz.Credential{Caller: &authz.Caller{Principal: principal.Principal{
	Kind: principal.Operator,
	ID:   "operator",
	ARN:  "operator",
}}}

// operate takes an operator's request through the pipeline.
func (s *server) operate(ctx context.Context, name string, fill func(in any)) (any, error) {
	return s.operateOn(ctx, name, func(in any) error {
		fill(in)
		return nil
	})
}

// operateOn is operate for an input that may not be readable.
func (s *server) operateOn(ctx context.Context, name string, decode func(in any) error) (any, error) {
	entrance := s.operators[name]
	s.calls.Began()
	began := s.now()
	request := &pipeline.Request{
		Entrance:   entrance,
		Source:     entrance.Source,
		Name:       name,
		Credential: operator,
		Facts:      authz.Facts{UserAgent: "claviger"},
		ID:         ident.UUID(),
		Partition:  "aws",
		Decode:     decode,
		Spell:      func(code fault.Code) string { return string(code) },
	}
	out, err := s.pipeline.Do(ctx, request)
	s.calls.Ended(gateway.Outcome{
		Service: operatorSource, Operation: name, Known: true, Call: true, Gate: request.Gate, Fault: fault.From(err), Took: s.now().Sub(began),
	})
	return out, err
}

// requests and answers of the admin socket.
type (
	createAccountRequest struct {
		Account string `json:"account,omitempty"`
	}
	createAccountAnswer struct {
		AccountID       string `json:"AccountId"`
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string `json:"SecretAccessKey"`
	}
	resetRootCredentialsRequest struct {
		Account string `json:"account,omitempty"`
	}
	resetRootCredentialsAnswer struct {
		createAccountAnswer
		DeletedAccessKeyIDs []string `json:"DeletedAccessKeyIds"`
	}
	createServicePrincipalRequest struct {
		Name             string   `json:"name"`
		SigningName      string   `json:"signingName"`
		Actions          []string `json:"actions"`
		GrantsBeyondUser bool     `json:"grantsBeyondUser,omitempty"`
		Infrastructure   bool     `json:"infrastructure,omitempty"`
	}
	createServicePrincipalAnswer struct {
		ServicePrincipal servicePrincipal `json:"ServicePrincipal"`
		AccessKeyID      string           `json:"AccessKeyId"`
		SecretAccessKey  string           `json:"SecretAccessKey"`
	}
	listServicePrincipalsRequest struct{}
	listServicePrincipalsAnswer  struct {
		ServicePrincipals []servicePrincipal `json:"ServicePrincipals"`
	}
	disableServicePrincipalRequest struct {
		Name string `json:"name"`
	}
	disableServicePrincipalAnswer struct {
		ServicePrincipal servicePrincipal `json:"ServicePrincipal"`
	}
	servicePrincipal struct {
		Name             string   `json:"Name"`
		SigningName      string   `json:"SigningName"`
		Actions          []string `json:"Actions"`
		GrantsBeyondUser bool     `json:"GrantsBeyondUser"`
		Infrastructure   bool     `json:"Infrastructure"`
		Status           string   `json:"Status"`
		CreateDate       int64    `json:"CreateDate"` // seconds since 1970
	}
	tailRequest struct {
		From   int64 `json:"from,omitempty"`
		Follow bool  `json:"follow,omitempty"`
	}
	tailLine struct {
		Sequence uint64          `json:"sequence"`
		Record   json.RawMessage `json:"record"`
	}
	verifyRequest struct {
		Head []byte `json:"head,omitempty"`
	}
	problem struct {
		Error string `json:"error"`
	}
)

var (
	createAccountShape           = awsjson.Plan(reflect.TypeFor[iam.CreateAccountOutput]())
	resetRootCredentialsShape    = awsjson.Plan(reflect.TypeFor[iam.ResetRootCredentialsOutput]())
	createServicePrincipalShape  = awsjson.Plan(reflect.TypeFor[iam.CreateServicePrincipalOutput]())
	listServicePrincipalsShape   = awsjson.Plan(reflect.TypeFor[iam.ListServicePrincipalsOutput]())
	disableServicePrincipalShape = awsjson.Plan(reflect.TypeFor[iam.DisableServicePrincipalOutput]())
)

// answer operates and writes the outcome as shape has it: the codec is what may
// reveal a secret.
func (s *server) answer(w http.ResponseWriter, r *http.Request, name string, shape *awsjson.Shape, fill func(in any)) {
	out, err := s.operate(r.Context(), name, fill)
	if err != nil {
		writeProblem(w, err)
		return
	}
	_, _ = w.Write(shape.Append(nil, out)) // a client that has gone needs no answer
}

func (s *server) adminCreateAccount(w http.ResponseWriter, r *http.Request) {
	var in createAccountRequest
	if !readJSON(w, r, &in) {
		return
	}
	s.answer(w, r, "CreateAccount", createAccountShape, func(to any) {
		if in.Account != "" {
			to.(*iam.CreateAccountInput).AccountID = optional.Some(in.Account)
		}
	})
}

func (s *server) adminResetRootCredentials(w http.ResponseWriter, r *http.Request) {
	var in resetRootCredentialsRequest
	if !readJSON(w, r, &in) {
		return
	}
	s.answer(w, r, "ResetRootCredentials", resetRootCredentialsShape, func(to any) {
		if in.Account != "" {
			to.(*iam.ResetRootCredentialsInput).AccountID = optional.Some(in.Account)
		}
	})
}

func (s *server) adminCreateServicePrincipal(w http.ResponseWriter, r *http.Request) {
	var in createServicePrincipalRequest
	if !readJSON(w, r, &in) {
		return
	}
	s.answer(w, r, "CreateServicePrincipal", createServicePrincipalShape, func(to any) {
		*to.(*iam.CreateServicePrincipalInput) = iam.CreateServicePrincipalInput{
			Name:             optional.Some(in.Name),
			SigningName:      optional.Some(in.SigningName),
			Actions:          in.Actions,
			GrantsBeyondUser: in.GrantsBeyondUser,
			Infrastructure:   in.Infrastructure,
		}
	})
}

func (s *server) adminListServicePrincipals(w http.ResponseWriter, r *http.Request) {
	var in listServicePrincipalsRequest
	if !readJSON(w, r, &in) {
		return
	}
	s.answer(w, r, "ListServicePrincipals", listServicePrincipalsShape, func(any) {})
}

func (s *server) adminDisableServicePrincipal(w http.ResponseWriter, r *http.Request) {
	var in disableServicePrincipalRequest
	if !readJSON(w, r, &in) {
		return
	}
	s.answer(w, r, "DisableServicePrincipal", disableServicePrincipalShape, func(to any) {
		to.(*iam.DisableServicePrincipalInput).Name = optional.Some(in.Name)
	})
}

// adminTail streams records, one JSON object a line, and with follow goes on
// until the client leaves.
func (s *server) adminTail(w http.ResponseWriter, r *http.Request) {
	var in tailRequest
	if !readJSON(w, r, &in) {
		return
	}
	if _, err := s.operate(r.Context(), "ReadTrail", func(to any) {
		*to.(*trail.ReadTrailInput) = trail.ReadTrailInput{From: in.From, Follow: in.Follow}
	}); err != nil {
		writeProblem(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	control := http.NewResponseController(w)
	encoder := json.NewEncoder(w)
	next := uint64(max(in.From, 1))
	for {
		err := s.trail.Read(r.Context(), next, func(sequence uint64, e audit.Entry) error {
			next = sequence + 1
			return encoder.Encode(tailLine{sequence, e.Record})
		})
		if err != nil && r.Context().Err() == nil {
			// The answer is under way: only its breaking off can tell the client
			// that this is not all.
			s.log.Error("reading the trail", "cause", err)
			if conn, _, err := control.Hijack(); err == nil {
				_ = conn.Close()
			}
			return
		}
		if err != nil || !in.Follow || control.Flush() != nil {
			return
		}
		if s.trail.Wait(r.Context(), next) != nil {
			return
		}
	}
}

func (s *server) adminVerify(w http.ResponseWriter, r *http.Request) {
	var in verifyRequest
	if !readJSON(w, r, &in) {
		return
	}
	if s.stop == nil { // nothing goes into the trail then
		report, err := s.verifyWholeTrail(r.Context(), in.Head)
		if err != nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
			writeJSON(w, problem{err.Error()}) // the operator may know
			return
		}
		writeJSON(w, report)
		return
	}
	out, err := s.operate(r.Context(), "VerifyTrail", func(to any) { to.(*trail.VerifyTrailInput).Head = in.Head })
	if err != nil {
		writeProblem(w, err)
		return
	}
	writeJSON(w, out.(*trail.VerifyTrailOutput).Report)
}

func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		writeJSON(w, problem{"the request could not be read"})
		return false
	}
	return true
}

func writeJSON(w http.ResponseWriter, v any) {
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
}

// writeProblem answers with the fault in err. Of a failure of the server's own it says
// where the cause stands, which nothing but the log may tell.
func writeProblem(w http.ResponseWriter, err error) {
	f := fault.From(err)
	text := f.Error()
	if f.Code == fault.InternalFailure {
		text += " The server's log has its cause."
	}
	w.WriteHeader(http.StatusUnprocessableEntity)
	writeJSON(w, problem{text})
}

// where says where the server is that an operator command speaks to.
type where struct {
	location
	Socket string `env:"CLAVIGER_SOCKET" type:"path" placeholder:"PATH" help:"Admin socket of a running server; DIR/admin.sock by default."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// call sends a request to the running server. Where none runs, it opens the
// store under its exclusive lock and answers the request itself.
func (o *where) call(env *environment, path string, in any, answer func(io.Reader) error) error {
	return o.callWith(env, path, in, answer, newServer, (*server).admin)
}

// callUnbegun is call for what only looks: where no server runs, none begins, so
// that also a store which none would serve can be looked at.
func (o *where) callUnbegun(env *environment, path string, in any, answer func(io.Reader) error) error {
	return o.callWith(env, path, in, answer, assemble, (*server).looks)
}

// callAnyway is call for what leaves a record of looking, where a server can begin,
// and is answered without one where none can, such as on a store that was put back.
func (o *where) callAnyway(env *environment, path string, in any, answer func(io.Reader) error) error {
	return o.callWith(env, path, in, answer, func(ctx context.Context, f foundations) (*server, error) {
		s, err := assemble(ctx, f)
		if err != nil {
			return nil, err
		}
		if err := s.begin(ctx); err != nil {
			noneBegins(s.log, err)
		}
		return s, nil
	}, (*server).looks)
}

func noneBegins(log *slog.Logger, cause error) {
	log.Warn("no server begins here, and so no record is left of this command", "cause", cause)
}

// looks answers what a server answers before it has begun, and after.
func (s *server) looks() http.Handler {
	mux := http.NewServeMux()
	s.addLooks(mux)
	return mux
}

func (o *where) callWith(env *environment, path string, in any, answer func(io.Reader) error,
	start func(context.Context, foundations) (*server, error), handler func(*server) http.Handler) error {
	if err := o.check(); err != nil {
		return err
	}
	socket := o.Socket
	if socket == "" {
		socket = o.socket()
	}
	probe, err := dialSocket(context.Background(), socket)
	if err == nil {
		probe.Close()
		return post(socket, path, in, answer)
	}
	if o.Socket != "" {
		return fmt.Errorf("no server answers at %s: %w", o.Socket, err)
	}
	return o.offline(env, path, in, answer, start, handler)
}

// offline serves one request on a socket of its own.
func (o *where) offline(env *environment, path string, in any, answer func(io.Reader) error,
	start func(context.Context, foundations) (*server, error), handler func(*server) http.Handler) error {
	if err := o.checkUser(); err != nil {
		return err
	}
	f, err := o.open(context.Background())
	if err != nil {
		return err
	}
	f.log = newLogger(env.stderr, "warn", "text")
	s, err := start(context.Background(), f)
	if err != nil {
		return err
	}
	listener, err := listenAdmin(o.socket())
	if err != nil {
		return errors.Join(err, s.close())
	}
	operators := &http.Server{Handler: handler(s), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- operators.Serve(listener) }()
	err = post(o.socket(), path, in, answer)
	err = errors.Join(err, operators.Close())
	if served := <-done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, s.close())
}

func post(socket, path string, in any, answer func(io.Reader) error) error {
	body, write := io.Pipe()
	go func() { write.CloseWithError(json.NewEncoder(write).Encode(in)) }()
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialSocket(ctx, socket)
		},
	}}
	response, err := client.Post("http://claviger"+path, "application/json", body)
	if err != nil {
		return fmt.Errorf("speaking to the server: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNotFound {
		return fmt.Errorf("what answers at %s does not know this command: it is another command that has the store open, which ends, or a server of another version", socket)
	}
	if response.StatusCode != http.StatusOK {
		var p problem
		if err := json.NewDecoder(response.Body).Decode(&p); err != nil {
			return fmt.Errorf("the server answered %s", response.Status)
		}
		return errors.New(p.Error)
	}
	return answer(response.Body)
}
