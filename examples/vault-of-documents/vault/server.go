// Package vault is a service that stores documents under its customers' keys.
//
// A customer's key stays with Claviger. When a vault is made, the customer's
// signed request is what lets the service ask Claviger, as that customer, for a
// grant: to make and open data keys for this one vault. From then on the service
// works in its own name, for as long as the grant exists and the key is enabled.
package vault

import (
	"context"
	"encoding/json"
	"hash/maphash"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"claviger/client/forwardaccess"
)

// DocumentMax is how large a document may be, in bytes.
const DocumentMax = 1 << 20

// Options of New. All are required.
type Options struct {
	Principal   string // service principal, such as "vault.example.com"
	Credentials aws.CredentialsProvider
	Endpoint    string // of Claviger
	Region      string
	HTTP        *http.Client // for calls of Claviger
	Dir         string       // where vaults and sealed documents are kept
	Log         *slog.Logger
}

// A Server is the service. It is an http.Handler, safe for concurrent use; one
// at a time may have a directory.
type Server struct {
	o        Options
	claviger *forwardaccess.Client
	own      *kms.Client // in the service's own name
	shelf    *shelf
	mux      *http.ServeMux

	// A vault is changed by one request at a time, and not while its documents
	// are in use. Several vaults may share a lock.
	locks [64]sync.RWMutex
	seed  maphash.Seed
}

// New returns a server for the vaults in a directory.
func New(o Options) (*Server, error) {
	shelf, err := openShelf(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{
		o:        o,
		claviger: &forwardaccess.Client{Endpoint: o.Endpoint, Region: o.Region, Credentials: o.Credentials, HTTP: o.HTTP},
		own: kms.NewFromConfig(aws.Config{
			Region: o.Region, BaseEndpoint: &o.Endpoint, Credentials: o.Credentials, HTTPClient: o.HTTP,
		}),
		shelf: shelf,
		mux:   http.NewServeMux(),
		seed:  maphash.MakeSeed(),
	}
	s.mux.HandleFunc("PUT /vaults/{vault}", s.serve(s.create))
	s.mux.HandleFunc("GET /vaults/{vault}", s.serve(s.describeVault))
	s.mux.HandleFunc("DELETE /vaults/{vault}", s.serve(s.remove))
	s.mux.HandleFunc("POST /vaults/{vault}/authorize", s.serve(s.authorize))
	s.mux.HandleFunc("PUT /vaults/{vault}/documents/{document}", s.serve(s.putDocument))
	s.mux.HandleFunc("GET /vaults/{vault}/documents/{document}", s.serve(s.getDocument))
	return s, nil
}

// Close lets go of the directory. No request may be under way.
func (s *Server) Close() error { return s.shelf.root.Close() }

// ServeHTTP answers a request of a user.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// serve finds out who asks, has the request served, and answers what goes wrong.
func (s *Server) serve(handle func(http.ResponseWriter, *http.Request, *forwardaccess.Session) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, err := s.user(r)
		if err == nil {
			err = handle(w, r, user)
		}
		if err != nil {
			s.refuse(w, r, err)
		}
	}
}

// user asks Claviger whose request it is. The service holds no secret of any
// user's, and could not tell by itself.
func (s *Server) user(r *http.Request) (*forwardaccess.Session, error) {
	evidence, err := forwardaccess.Capture(r, DocumentMax)
	if err != nil {
		return nil, err
	}
	var o forwardaccess.Options
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		o.SourceIP = from.Addr()
	}
	return s.claviger.Trade(r.Context(), evidence, o)
}

func (s *Server) lock(account, name string) *sync.RWMutex {
	return &s.locks[maphash.String(s.seed, account+"/"+name)%uint64(len(s.locks))]
}

// create makes a vault, or goes on with one whose making was interrupted.
//
// The vault is written down before the grant is asked for, under the name that
// the grant will have: whenever the service dies, no grant is left of which it
// knows nothing.
func (s *Server) create(w http.ResponseWriter, r *http.Request, user *forwardaccess.Session) error {
	name := r.PathValue("vault")
	if !vaultName.MatchString(name) {
		return problemf(http.StatusBadRequest, "A vault's name has up to 63 small letters, digits and hyphens.")
	}
	var in struct {
		KeyARN string `json:"KeyArn"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.KeyARN == "" {
		return problemf(http.StatusBadRequest, `The body names a key: {"KeyArn": "arn:…"}.`)
	}
	keyARN, err := s.describe(r.Context(), user, in.KeyARN)
	if err != nil {
		return err
	}
	lock := s.lock(user.Account(), name)
	lock.Lock()
	defer lock.Unlock()
	v, err := s.shelf.vault(user.Account(), name)
	fresh := missing(err)
	switch {
	case fresh:
		v = newVault(s.o.Region, user.Account(), name, keyARN)
		if err := s.shelf.put(v); err != nil {
			return err
		}
	case err != nil:
		return err
	case v.State == deleting:
		return problemf(http.StatusConflict, "The vault is being deleted. DELETE it again to go on.")
	case v.KeyARN != keyARN:
		return problemf(http.StatusConflict, "The vault exists, under the key %s.", v.KeyARN)
	}
	err = s.admit(r.Context(), user, v)
	if fresh && refused(err) {
		// Claviger has answered, so there is no grant to remember.
		if err := s.shelf.remove(v); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, v)
}

// admit has the user grant what the vault needs, and writes it down. Dying in
// between loses nothing: asked again by its name, the grant is the same.
func (s *Server) admit(ctx context.Context, user *forwardaccess.Session, v *vault) error {
	if err := s.grant(ctx, user, v); err != nil {
		return err
	}
	v.State = ready
	return s.shelf.put(v)
}

// authorize asks for the grant anew, after the customer had revoked it. The
// documents have waited.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request, user *forwardaccess.Session) error {
	lock := s.lock(user.Account(), r.PathValue("vault"))
	lock.Lock()
	defer lock.Unlock()
	v, err := s.find(r, user)
	if err != nil {
		return err
	}
	if v.State == deleting {
		return problemf(http.StatusConflict, "The vault is being deleted. DELETE it again to go on.")
	}
	if err := s.admit(r.Context(), user, v); err != nil {
		return err
	}
	return answer(w, http.StatusOK, v)
}

func (s *Server) describeVault(w http.ResponseWriter, r *http.Request, user *forwardaccess.Session) error {
	lock := s.lock(user.Account(), r.PathValue("vault"))
	lock.RLock()
	defer lock.RUnlock()
	v, err := s.find(r, user)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, v)
}

// remove deletes a vault: first it is marked, so that no document is added any
// more, then the grant is retired, then the documents go, and last the vault's
// own name. After a crash anywhere between, a second DELETE goes on. The other
// way round, a grant could be left that nobody remembers.
func (s *Server) remove(w http.ResponseWriter, r *http.Request, user *forwardaccess.Session) error {
	lock := s.lock(user.Account(), r.PathValue("vault"))
	lock.Lock()
	defer lock.Unlock()
	v, err := s.find(r, user)
	if err != nil {
		return err
	}
	if v.State == creating { // there may be a grant: learn which
		if err := s.admit(r.Context(), user, v); err != nil {
			return err
		}
	}
	v.State = deleting
	if err := s.shelf.put(v); err != nil {
		return err
	}
	if err := s.retire(r.Context(), v); err != nil {
		return err
	}
	if err := s.shelf.remove(v); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) putDocument(w http.ResponseWriter, r *http.Request, user *forwardaccess.Session) error {
	id := r.PathValue("document")
	if !documentName.MatchString(id) {
		return problemf(http.StatusBadRequest, "A document's name has up to 128 letters, digits, points, hyphens and underscores, and does not begin with a point.")
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	v, done, err := s.use(r, user)
	if err != nil {
		return err
	}
	defer done()
	sealed, err := s.seal(r.Context(), v, id, text)
	if err != nil {
		return err
	}
	if err := s.shelf.putDocument(v, id, sealed); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) getDocument(w http.ResponseWriter, r *http.Request, user *forwardaccess.Session) error {
	id := r.PathValue("document")
	v, done, err := s.use(r, user)
	if err != nil {
		return err
	}
	defer done()
	if !documentName.MatchString(id) {
		return problemf(http.StatusNotFound, "There is no such document.")
	}
	sealed, err := s.shelf.document(v, id)
	if missing(err) {
		return problemf(http.StatusNotFound, "There is no such document.")
	}
	if err != nil {
		return err
	}
	text, err := s.open(r.Context(), v, id, sealed)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text) // a client that has gone needs no answer
	return nil
}

// use finds a vault whose documents can be used, and keeps it as it is until done.
func (s *Server) use(r *http.Request, user *forwardaccess.Session) (v *vault, done func(), err error) {
	lock := s.lock(user.Account(), r.PathValue("vault"))
	lock.RLock()
	v, err = s.find(r, user)
	if err == nil && v.State != ready {
		err = problemf(http.StatusConflict, "The vault is not ready: it is in state %s.", v.State)
	}
	if err != nil {
		lock.RUnlock()
		return nil, nil, err
	}
	return v, lock.RUnlock, nil
}

// find reads the vault that a request names. Vaults of other accounts don't exist.
func (s *Server) find(r *http.Request, user *forwardaccess.Session) (*vault, error) {
	name := r.PathValue("vault")
	if !vaultName.MatchString(name) {
		return nil, problemf(http.StatusNotFound, "There is no such vault.")
	}
	v, err := s.shelf.vault(user.Account(), name)
	if missing(err) {
		return nil, problemf(http.StatusNotFound, "There is no such vault.")
	}
	return v, err
}
