package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/ground/store"
	"claviger/internal/service/rootkey"
)

type rootKeyCommand struct {
	Status  rootKeyStatusCommand  `cmd:"" help:"Say where the root key comes from, which one it is, and whether anything is left of an older one."`
	Rotate  rootKeyRotateCommand  `cmd:"" help:"Replace the root key. Everything stays as it is but the wrapping of the master key; the server goes on."`
	Split   rootKeySplitCommand   `cmd:"" help:"Write shares of the root key, of which some give it back, for the day on which its source is lost."`
	Combine rootKeyCombineCommand `cmd:"" help:"Make a root key file of shares."`
}

// Requests and answers about the root key.
type (
	rootKeyStatusRequest struct{}
	rootKeyRotateRequest struct {
		To         string `json:"to,omitempty"`
		Passphrase []byte `json:"passphrase,omitempty"` // where the operator was asked for it
		KeepOld    bool   `json:"keepOld,omitempty"`
		Reseal     bool   `json:"reseal,omitempty"`
	}
	rootKeySplitRequest struct {
		Shares    int `json:"shares"`
		Threshold int `json:"threshold"`
	}
	rootKeySplitAnswer struct {
		Header []byte `json:"header"` // of the keyring
		Params []byte `json:"params"` // of the root key; nothing secret
	}
	rootKeyStatus struct {
		Installation     string           `json:"Installation"`
		Fingerprint      string           `json:"Fingerprint"` // 16 hex digits that say nothing of the key
		Source           string           `json:"Source"`      // as the server was started with
		Kind             string           `json:"Kind"`        // file, passphrase, pkcs11, awskms
		Derivation       string           `json:"Derivation,omitempty"`
		Made             *time.Time       `json:"Made,omitempty"` // nil where nobody noted it
		MasterKeyVersion int              `json:"MasterKeyVersion"`
		Rotation         *pendingRotation `json:"Rotation,omitempty"` // one that is not settled
		Reseal           *pendingReseal   `json:"Reseal,omitempty"`   // of rows, that is not done
	}
	pendingReseal struct {
		ID         string `json:"Id"` // of the rotation that began it
		Pass       int64  `json:"Pass"`
		RowsLooked int64  `json:"RowsLookedAt"` // in this pass
		RowsSealed int64  `json:"RowsSealed"`   // by this process
		Problem    string `json:"Problem,omitempty"`
	}
	pendingRotation struct {
		ID      string `json:"Id"`
		From    string `json:"From"`
		To      string `json:"To"`
		Problem string `json:"Problem,omitempty"` // why it was not settled when that was tried last
	}
)

func (s *server) addRootKey(mux *http.ServeMux) {
	mux.HandleFunc("POST /root-key/status", s.adminRootKeyStatus)
	mux.HandleFunc("POST /root-key/rotate", s.adminRotateRootKey)
	mux.HandleFunc("POST /root-key/split", s.adminSplitRootKey)
}

// status describes the root key.
func (k *rootKeys) status(ctx context.Context, problem error) (*rootKeyStatus, error) {
	if k.source.Kind() == "none" {
		return nil, errNoRootKey
	}
	header, params, err := k.stored(ctx)
	if err != nil {
		return nil, err
	}
	about, err := sealed.Describe(header)
	if err != nil {
		return nil, err
	}
	kind, derivation, err := root.Derivation(params)
	if err != nil {
		return nil, err
	}
	note, err := k.note(ctx)
	if err != nil {
		return nil, err
	}
	out := &rootKeyStatus{
		Installation: about.Installation.String(), Fingerprint: about.Fingerprint, Source: k.source.String(), Kind: kind,
		Derivation: derivation, MasterKeyVersion: about.MasterVersion,
	}
	if !note.Made.IsZero() {
		out.Made = &note.Made
	}
	if r := note.Rotation; r != nil {
		out.Rotation = &pendingRotation{ID: r.ID, From: r.From, To: r.To}
		if problem != nil {
			out.Rotation.Problem = problem.Error()
		}
	}
	if r := note.Reseal; r != nil {
		p := &k.progress
		out.Reseal = &pendingReseal{ID: r.ID, Pass: p.pass.Load(), RowsLooked: p.looked.Load(), RowsSealed: p.sealed.Load()}
		if problem != nil && note.Rotation == nil {
			out.Reseal.Problem = problem.Error()
		}
	}
	return out, nil
}

// stored reads what the store has of the root key: nothing secret.
func (k *rootKeys) stored(ctx context.Context) (header, params []byte, err error) {
	if header, err = k.store.Meta(ctx, metaKeyring); err != nil {
		return nil, nil, fmt.Errorf("reading the keyring: %w", err)
	}
	if params, err = k.store.Meta(ctx, metaRootParams); err != nil {
		return nil, nil, fmt.Errorf("reading the root key's parameters: %w", err)
	}
	return header, params, nil
}

func (s *server) adminRootKeyStatus(w http.ResponseWriter, r *http.Request) {
	var in rootKeyStatusRequest
	if !readJSON(w, r, &in) {
		return
	}
	if _, err := s.operate(r.Context(), "DescribeRootKey", func(any) {}); err != nil {
		writeProblem(w, err)
		return
	}
	s.rootKeys.mu.Lock()
	defer s.rootKeys.mu.Unlock()
	status, err := s.rootKeys.status(r.Context(), s.rootKeys.problem)
	writeOutcome(w, status, err)
}

// writeOutcome answers what the operator's own machine did, in its own words:
// nobody else is told.
func writeOutcome(w http.ResponseWriter, out any, err error) {
	if err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		writeJSON(w, problem{err.Error()})
		return
	}
	writeJSON(w, out)
}

func (s *server) adminRotateRootKey(w http.ResponseWriter, r *http.Request) {
	var in rootKeyRotateRequest
	if !readJSON(w, r, &in) {
		return
	}
	defer clear(in.Passphrase)
	if _, err := s.operate(r.Context(), "RotateRootKey", func(to any) {
		*to.(*rootkey.RotateRootKeyInput) = rootkey.RotateRootKeyInput{To: in.To, KeepOld: in.KeepOld, Reseal: in.Reseal}
	}); err != nil {
		writeProblem(w, err)
		return
	}
	status, err := s.rootKeys.change(r.Context(), &in)
	if err == nil {
		s.log.Info("the root key was replaced", "fingerprint", status.Fingerprint, "source", status.Source, "settled", status.Rotation == nil)
	}
	writeOutcome(w, status, err)
}

// change rotates as a request wants it.
func (k *rootKeys) change(ctx context.Context, in *rootKeyRotateRequest) (*rootKeyStatus, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.source.Kind() == "none" {
		return nil, errNoRootKey
	}
	to := k.source
	switch {
	case len(in.Passphrase) > 0:
		to = root.Passphrase(in.Passphrase)
	case in.To != "":
		var err error
		if to, err = parseSource(in.To); err != nil {
			return nil, err
		}
	case k.source.Kind() == "passphrase":
		return nil, errors.New("say where the new passphrase comes from: --to passphrase-file:PATH, passphrase-fd:N or prompt")
	}
	if to.Asks() {
		return nil, errors.New("the server can't ask for a passphrase")
	}
	if err := k.rotate(ctx, to, in.KeepOld, in.Reseal); err != nil {
		return nil, err
	}
	return k.status(ctx, k.problem)
}

func (s *server) adminSplitRootKey(w http.ResponseWriter, r *http.Request) {
	var in rootKeySplitRequest
	if !readJSON(w, r, &in) {
		return
	}
	if _, err := s.operate(r.Context(), "SplitRootKey", func(to any) {
		*to.(*rootkey.SplitRootKeyInput) = rootkey.SplitRootKeyInput{Shares: int64(in.Shares), Threshold: int64(in.Threshold)}
	}); err != nil {
		writeProblem(w, err)
		return
	}
	if s.rootKeys.source.Kind() == "none" {
		writeOutcome(w, nil, errNoRootKey)
		return
	}
	header, params, err := s.rootKeys.stored(r.Context())
	writeOutcome(w, rootKeySplitAnswer{header, params}, err)
}

type rootKeyStatusCommand struct{ where }

// Run describes the root key.
func (c *rootKeyStatusCommand) Run(env *environment) error {
	return c.call(env, "/root-key/status", rootKeyStatusRequest{}, func(r io.Reader) error {
		_, err := printRootKey(env, r, c.JSON)
		return err
	})
}

// printRootKey prints a status.
func printRootKey(env *environment, r io.Reader, asJSON bool) (*rootKeyStatus, error) {
	var s rootKeyStatus
	if err := json.NewDecoder(r).Decode(&s); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if asJSON {
		return &s, printJSON(env.stdout, s)
	}
	made := "at a time that nobody noted"
	if s.Made != nil {
		made = s.Made.Format(time.RFC3339)
	}
	if s.Derivation != "" {
		s.Kind += ", " + s.Derivation
	}
	fmt.Fprintf(env.stdout, "installation  %s\nroot key      %s\nmade          %s\nsource        %s (%s)\nmaster key    version %d, which this root key alone opens\n",
		s.Installation, s.Fingerprint, made, s.Source, s.Kind, s.MasterKeyVersion)
	if p := s.Rotation; p == nil {
		fmt.Fprintln(env.stdout, "rotation      none; nothing rests on an older root key")
	} else {
		fmt.Fprintf(env.stdout, "rotation      %s from %s is done but not settled: something of the old root key may be left\n", p.ID, p.From)
		if p.Problem != "" {
			fmt.Fprintf(env.stdout, "              %s\n", p.Problem)
		}
	}
	if p := s.Reseal; p != nil {
		fmt.Fprintf(env.stdout, "rows          are being sealed anew while a server runs: pass %d has looked at %d, %d were sealed\n", p.Pass, p.RowsLooked, p.RowsSealed)
		if p.Problem != "" {
			fmt.Fprintf(env.stdout, "              %s\n", p.Problem)
		}
	}
	return &s, nil
}

type rootKeyRotateCommand struct {
	where
	To      string `placeholder:"SOURCE" help:"Where the new root key is to come from, as for --root-key; by default from where the present one comes."`
	Reseal  bool   `help:"Draw a new master key and new keys of accounts too, and seal every row anew, in the background."`
	KeepOld bool   `help:"Keep the file of the old root key: as FILE.FINGERPRINT where the new one takes its place."`
}

// Run replaces the root key.
func (c *rootKeyRotateCommand) Run(env *environment) error {
	in := rootKeyRotateRequest{To: c.To, KeepOld: c.KeepOld, Reseal: c.Reseal}
	if c.To != "" {
		to, err := parseSource(c.To)
		if err != nil {
			return err
		}
		in.To = to.String()
		if to.Asks() { // here, and not where the server runs
			if in.Passphrase, err = to.Choose(); err != nil {
				return err
			}
			defer clear(in.Passphrase)
		}
	}
	return c.call(env, "/root-key/rotate", in, func(r io.Reader) error {
		s, err := printRootKey(env, r, c.JSON)
		if err != nil || c.JSON || c.To == "" {
			return err
		}
		use := s.Source
		if in.Passphrase != nil {
			use = c.To
		}
		_, err = fmt.Fprintf(env.stdout, "\nFrom the next start on the server needs --root-key %s\n", use)
		return err
	})
}

type rootKeySplitCommand struct {
	where
	Shares    int    `required:"" placeholder:"N" help:"How many shares: 2 to 255."`
	Threshold int    `required:"" placeholder:"K" help:"How many of them give the root key back: 2 to the number of shares."`
	Out       string `required:"" type:"path" placeholder:"DIR" help:"Directory for the shares, a file each. It is made if it does not exist."`
}

// Run takes the root key apart. The server does not have it: it is read here.
func (c *rootKeySplitCommand) Run(env *environment) error {
	return c.call(env, "/root-key/split", rootKeySplitRequest{c.Shares, c.Threshold}, func(r io.Reader) error {
		var answer rootKeySplitAnswer
		if err := json.NewDecoder(r).Decode(&answer); err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		return c.split(env, &answer)
	})
}

func (c *rootKeySplitCommand) split(env *environment, answer *rootKeySplitAnswer) error {
	about, err := sealed.Describe(answer.Header)
	if err != nil {
		return err
	}
	key := c.opened
	if key == nil {
		source, err := c.rootSource()
		if err != nil {
			return err
		}
		if key, err = openRootKey(context.Background(), source, about.Installation.String(), answer.Header, answer.Params); err != nil {
			return err
		}
	}
	if !key.Opens(answer.Header) {
		return fmt.Errorf("that is not the root key of the store: %w", sealed.ErrRootKey)
	}
	shares, err := key.Split(about.Installation, c.Shares, c.Threshold)
	if err != nil {
		return err
	}
	files, err := writeShares(c.Out, shares)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env.stdout, map[string]any{"Set": shares[0].Set, "Fingerprint": about.Fingerprint, "Files": files})
	}
	fmt.Fprintf(env.stdout, "%d shares of root key %s, set %s, any %d of which give it back:\n", len(files), about.Fingerprint, shares[0].Set, c.Threshold)
	for _, file := range files {
		fmt.Fprintln(env.stdout, file)
	}
	return nil
}

// writeShares writes a file for each share. Where one can't be written, those that
// were are taken back: half a set looks like a whole one.
func writeShares(dir string, shares []*sealed.Share) (files []string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of the shares: %w", err)
	}
	defer func() {
		if err != nil {
			for _, file := range files {
				_ = os.Remove(file)
			}
		}
	}()
	for _, share := range shares {
		file := filepath.Join(dir, fmt.Sprintf("root-key-%s-%d-of-%d.share", share.Set, share.Number, share.Shares))
		if err := root.WritePrivate(file, share.Text()); err != nil {
			return files, err
		}
		files = append(files, file)
	}
	return files, nil
}

type rootKeyCombineCommand struct {
	Shares []string `arg:"" type:"path" help:"Files of shares, as many as are needed or more."`
	Out    string   `required:"" type:"path" placeholder:"FILE" help:"File for the root key. It must not exist."`
	Data   string   `type:"path" placeholder:"DIR" help:"Data directory of the stopped server whose root key it must be; by default the shares alone are compared."`
	Store  string   `env:"CLAVIGER_STORE" default:"sqlite:" placeholder:"URL" help:"With --data: where that server keeps its records."`
	JSON   bool     `name:"json" help:"Print JSON."`
}

// Run gives a root key back. It leaves no record: until it has run, nobody can
// open the trail.
func (c *rootKeyCombineCommand) Run(env *environment) error {
	var shares []*sealed.Share
	for _, file := range c.Shares {
		share, err := readShare(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		shares = append(shares, share)
	}
	raw, key, err := sealed.Combine(shares)
	if err != nil {
		return err
	}
	if err := c.compare(key); err != nil {
		return err
	}
	if err := root.WritePrivate(c.Out, raw); err != nil {
		return err
	}
	fingerprint := key.Fingerprint(shares[0].Installation)
	if c.JSON {
		return printJSON(env.stdout, map[string]any{"Fingerprint": fingerprint, "Installation": shares[0].Installation.String(), "File": c.Out})
	}
	_, err = fmt.Fprintf(env.stdout, "Root key %s of installation %s is in %s; start the server with --root-key file:%s\n",
		fingerprint, shares[0].Installation, c.Out, c.Out)
	return err
}

func readShare(file string) (*sealed.Share, error) {
	text, err := root.ReadPrivateText(file, sealed.MaxShareText)
	if err != nil {
		return nil, err
	}
	return sealed.ParseShare(text)
}

// compare refuses a key that does not open the store.
func (c *rootKeyCombineCommand) compare(key *sealed.RootKey) error {
	if c.Data == "" {
		return nil
	}
	l := &location{Data: c.Data, Store: c.Store}
	if err := l.check(); err != nil {
		return err
	}
	ctx := context.Background()
	if exists, err := l.exists(ctx); err != nil {
		return err
	} else if !exists {
		return l.errNoStore()
	}
	d, err := l.adopted(ctx)
	if err != nil {
		return err
	}
	header, err := d.Meta(ctx, metaKeyring)
	if err = errors.Join(err, d.Close()); errors.Is(err, store.ErrNotFound) {
		return l.errNotInitialised()
	} else if err != nil {
		return fmt.Errorf("reading the keyring: %w", err)
	}
	if !key.Opens(header) {
		return fmt.Errorf("what the shares yield is not the root key of %s, but an older one or that of another store: %w", l.place(), sealed.ErrRootKey)
	}
	return nil
}
