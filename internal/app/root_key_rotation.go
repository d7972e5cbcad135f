package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/ident"
)

// A rotation replaces the root key: a new header around the same master key. Its
// steps are, in this order,
//
//  1. the new key is made where it will be found: durable, but of no use yet;
//  2. the header, the parameters and a note of the rotation change in one
//     commit. Before it the old root key opens the store, after it the new one;
//  3. what is left of the old key goes: its file (a key that replaces a file waits
//     as FILE.next until then, and a start looks there too), the old header in
//     the store's files; the change is recorded, and the note taken back.
//
// Whatever was interrupted after the commit is settled by the next start, or by
// the server itself some seconds later.

// rootKeyNote is what the store notes of its root key (metaRootKey).
type rootKeyNote struct {
	Version  int        `json:"version"`
	Made     time.Time  `json:"made"`               // the root key
	Rotation *rotation  `json:"rotation,omitempty"` // one that is not settled
	Reseal   *resealing `json:"reseal,omitempty"`   // of rows, that is not done
}

// resealing is what is left to do for a new master key: every account gets a key
// under it, and every row that an earlier one sealed is sealed anew.
type resealing struct {
	ID     string `json:"id"`     // of the rotation that began it
	Master int    `json:"master"` // version of the master key
}

// rotation is what is left to do of one.
type rotation struct {
	ID      string `json:"id"`
	From    string `json:"from"` // fingerprints
	To      string `json:"to"`
	Source  string `json:"source"`            // of the new key: its kind
	OldFile string `json:"oldFile,omitempty"` // of the old key
	InPlace bool   `json:"inPlace,omitempty"` // the new key takes the place of the old file
	KeepOld bool   `json:"keepOld,omitempty"`
	Cleared bool   `json:"cleared,omitempty"` // the store's files, and recorded
}

const rootKeyNoteVersion = 1

func (n *rootKeyNote) encode() []byte {
	b, err := json.Marshal(n)
	if err != nil {
		panic("app: " + err.Error())
	}
	return b
}

// rootKeys is what a server knows of its root key, which it does not keep.
type rootKeys struct {
	store   *store.Store
	keyring *sealed.Keyring
	now     func() time.Time
	record  func(context.Context, *operation.Event) error

	mu      sync.Mutex // one rotation at a time
	source  root.Source
	problem error // why a rotation is not settled, or rows are not sealed anew
	doubt   *doubt

	progress progress
	wake     chan struct{} // has the background work look at once; holds one
}

// note reads the note. A store that is older than notes has an empty one.
func (k *rootKeys) note(ctx context.Context) (*rootKeyNote, error) {
	b, err := k.store.Meta(ctx, metaRootKey)
	if errors.Is(err, store.ErrNotFound) {
		return &rootKeyNote{Version: rootKeyNoteVersion}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the note of the root key: %w", err)
	}
	var n rootKeyNote
	if err := json.Unmarshal(b, &n); err != nil {
		return nil, fmt.Errorf("the note of the root key is damaged: %w", err)
	}
	if n.Version != rootKeyNoteVersion {
		return nil, fmt.Errorf("the note of the root key has version %d, which this program does not know", n.Version)
	}
	return &n, nil
}

// A doubt is a rotation of which nobody knows whether it was committed.
type doubt struct {
	id    string
	adopt func()
}

// errNoRootKey is what a server in memory says.
var errNoRootKey = errors.New("this server keeps everything in memory, and its root key nowhere")

// rotate replaces the root key by one from another source, or by a new one from
// the present source. It does not stop halfway because nobody waits any more.
// When it returns without error the key is replaced; why it is not settled yet,
// if so, is k.problem. The caller holds k.mu.
func (k *rootKeys) rotate(ctx context.Context, to root.Source, keepOld, reseal bool) error {
	ctx = context.WithoutCancel(ctx)
	if err := k.settle(ctx); err != nil {
		return fmt.Errorf("the rotation before this one is not settled: %w", err)
	}
	before, err := k.note(ctx)
	if err != nil {
		return err
	}
	if reseal && before.Reseal != nil {
		return errors.New("rows are still being sealed anew for the master key before; see root-key status")
	}
	header, err := k.store.Meta(ctx, metaKeyring)
	if err != nil {
		return fmt.Errorf("reading the keyring: %w", err)
	}
	about, err := sealed.Describe(header)
	if err != nil {
		return err
	}
	change := &rotation{ID: ident.UUID(), From: about.Fingerprint, Source: to.Kind(), KeepOld: keepOld}
	oldFile, wasFile := k.source.File()
	newFile, isFile := to.File()
	change.OldFile = oldFile
	change.InPlace = wasFile && isFile && oldFile == newFile
	if err := k.refuse(ctx, to, header, change.InPlace); err != nil {
		return err
	}
	place := to
	if change.InPlace {
		place = to.Next()
	}
	key, params, err := k.make(ctx, place, change.InPlace)
	if err != nil {
		return err
	}
	next, renewed := k.keyring.Rewrap(key), func() {}
	note := &rootKeyNote{Version: rootKeyNoteVersion, Made: k.now().UTC(), Rotation: change, Reseal: before.Reseal}
	if reseal {
		if next, renewed, err = k.keyring.Renew(key); err != nil {
			return err
		}
		note.Reseal = &resealing{ID: change.ID, Master: about.MasterVersion + 1}
	}
	if err := k.prove(ctx, place, params, header, next); err != nil {
		return err
	}
	change.To = key.Fingerprint(about.Installation)
	adopt := func() { renewed(); k.source = to }
	if err := k.commit(ctx, next, params, note, adopt); err != nil {
		return err
	}
	adopt()
	k.problem = k.settleSoon(ctx)
	select {
	case k.wake <- struct{}{}:
	default:
	}
	return nil
}

// refuse refuses targets that could not be changed over to.
func (k *rootKeys) refuse(ctx context.Context, to root.Source, header []byte, inPlace bool) error {
	switch {
	case inPlace && to.IsLink():
		return fmt.Errorf("%s is a symbolic link, which can't be replaced; name the file itself, or another with --to", to)
	case to.Kind() != "passphrase":
		return nil
	}
	params, err := k.store.Meta(ctx, metaRootParams)
	if err != nil {
		return fmt.Errorf("reading the root key's parameters: %w", err)
	}
	if now, _, err := root.Derivation(params); err != nil || now != "passphrase" {
		return err
	}
	// The same passphrase would make another key, and protect no better.
	key, err := to.Open(ctx, k.keyring.Installation(), params)
	if err != nil {
		return err
	}
	if key.Opens(header) {
		return errors.New("that is the passphrase of now; rotate to another one")
	}
	return nil
}

// make makes the new key. A file that is there already may be what an interrupted
// rotation left, or a key that the operator brought; whether it may be taken is
// for prove.
func (k *rootKeys) make(ctx context.Context, place root.Source, inPlace bool) (*sealed.RootKey, []byte, error) {
	if inPlace {
		return place.Draw()
	}
	key, params, err := place.Create(ctx, k.keyring.Installation())
	if errors.Is(err, root.ErrExists) {
		return place.Bring()
	}
	return key, params, err
}

// prove reads the new key back as a start would, before the store depends on it.
func (k *rootKeys) prove(ctx context.Context, place root.Source, params, header, next []byte) error {
	key, err := place.Open(ctx, k.keyring.Installation(), params)
	if err != nil {
		return fmt.Errorf("reading the new root key back: %w", err)
	}
	if !key.Opens(next) {
		return errors.New("what was read back is not the new root key")
	}
	if key.Opens(header) {
		return fmt.Errorf("%s holds the root key of now", place)
	}
	if _, err := sealed.Open(next, key); err != nil {
		return fmt.Errorf("opening the new header: %w", err)
	}
	return nil
}

// commit changes over. Where it is not known whether that happened, the store is
// asked, and as long as it does not answer there is a doubt; both keys are there
// either way.
func (k *rootKeys) commit(ctx context.Context, header, params []byte, note *rootKeyNote, adopt func()) error {
	err := k.store.PutMeta(ctx, map[string][]byte{metaKeyring: header, metaRootParams: params, metaRootKey: note.encode()})
	if !errors.Is(err, store.ErrIndeterminate) {
		if err != nil {
			return fmt.Errorf("storing the new keyring header: %w", err)
		}
		return nil
	}
	now, readErr := k.note(ctx)
	switch {
	case readErr != nil:
		k.doubt = &doubt{note.Rotation.ID, adopt}
		return fmt.Errorf("it is not known whether the root key was replaced, and both keys are kept; see root-key status: %w", errors.Join(err, readErr))
	case now.Rotation == nil || now.Rotation.ID != note.Rotation.ID:
		return fmt.Errorf("storing the new keyring header: %w", err)
	}
	return nil
}

// settleTries is how often a rotation waits for whoever reads what it clears.
const settleTries = 20

// settleSoon is settle, with some patience.
func (k *rootKeys) settleSoon(ctx context.Context) (err error) {
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for range settleTries {
		if err = k.settle(ctx); !errors.Is(err, store.ErrUnavailable) {
			return err
		}
		<-pause.C
	}
	return err
}

// settleRootKey settles a rotation that was interrupted, and seals rows anew where
// one wants it, until ctx ends.
func (s *server) settleRootKey(ctx context.Context) {
	k := s.rootKeys
	for {
		s.settleOnce(ctx)
		pause := time.NewTimer(settlePause)
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-k.wake:
			pause.Stop()
		case <-pause.C:
		}
	}
}

func (s *server) settleOnce(ctx context.Context) {
	k := s.rootKeys
	k.mu.Lock()
	note, err := k.note(ctx)
	if err == nil && note.Rotation != nil {
		if err = k.settle(ctx); err == nil {
			s.log.Info("the rotation of the root key is settled", "id", note.Rotation.ID, "from", note.Rotation.From, "to", note.Rotation.To)
		}
	}
	k.mu.Unlock()
	if err == nil && note.Reseal != nil {
		s.log.Info("sealing rows anew", "id", note.Reseal.ID, "master_key", note.Reseal.Master)
		if err = k.reseal(ctx, note.Reseal); err == nil {
			s.log.Info("all rows are sealed anew", "id", note.Reseal.ID, "master_key", note.Reseal.Master, "rows", k.progress.sealed.Load())
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil && ctx.Err() == nil && (k.problem == nil || k.problem.Error() != err.Error()) {
		s.log.Error("settling the rotation of the root key", "cause", err) // once, not each time
	}
	k.problem = err
}

// tidy removes the key of a rotation in place that was interrupted before its
// commit: nothing is sealed under it.
func (k *rootKeys) tidy(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	note, err := k.note(ctx)
	if _, is := k.source.File(); err != nil || note.Rotation != nil || !is {
		return err
	}
	header, err := k.store.Meta(ctx, metaKeyring)
	if err != nil {
		return fmt.Errorf("reading the keyring: %w", err)
	}
	// One that was cut short can't be read, and is no key of a store either.
	next := k.source.Next()
	if key, _, err := next.Bring(); err == nil && key.Opens(header) || errors.Is(err, root.ErrMissing) && !next.Drafted() {
		return nil
	}
	return next.Remove()
}

// settlePause is how long the server lets pass before it tries again.
const settlePause = 10 * time.Second

// settle finishes a rotation whose commit is done, if there is one. Each step may
// find itself done already. The old file comes last: that the server may not
// remove it keeps nothing else from being done.
func (k *rootKeys) settle(ctx context.Context) error {
	note, err := k.note(ctx)
	if err != nil {
		return err
	}
	r := note.Rotation
	if k.doubt != nil && r != nil && r.ID == k.doubt.id {
		k.doubt.adopt()
	}
	k.doubt = nil
	if r == nil {
		return nil
	}
	if r.InPlace {
		if err := k.succeed(ctx, r); err != nil {
			return err
		}
	}
	if !r.Cleared {
		if err := k.clear(ctx, note); err != nil {
			return err
		}
	}
	if r.OldFile != "" && !r.InPlace && !r.KeepOld {
		if err := k.removeOld(ctx, r); err != nil {
			return err
		}
	}
	note.Rotation = nil
	if err := k.store.PutMeta(ctx, map[string][]byte{metaRootKey: note.encode()}); err != nil {
		return fmt.Errorf("ending the rotation of the root key: %w", err)
	}
	return nil
}

// clear takes the old header out of the store's files, and records the rotation: a
// crash before the note says so records it a second time, with the same rotationId.
func (k *rootKeys) clear(ctx context.Context, note *rootKeyNote) error {
	if err := k.store.TruncateMeta(ctx); err != nil {
		return fmt.Errorf("clearing the store's files of the old keyring header: %w", err)
	}
	r := note.Rotation
	err := k.record(ctx, &operation.Event{Name: "RootKeyRotated", Time: k.now(), Details: []operation.Member{
		{Name: "rotationId", Value: r.ID}, {Name: "from", Value: r.From}, {Name: "to", Value: r.To}, {Name: "source", Value: r.Source},
	}})
	if err != nil {
		return fmt.Errorf("recording the rotation of the root key: %w", err)
	}
	r.Cleared = true
	if err := k.store.PutMeta(ctx, map[string][]byte{metaRootKey: note.encode()}); err != nil {
		return fmt.Errorf("noting that the rotation of the root key is recorded: %w", err)
	}
	return nil
}

// succeed gives the new key its place. A store that was put back may have the
// note of a rotation that ended long ago: what waits there now is another key.
func (k *rootKeys) succeed(ctx context.Context, r *rotation) error {
	old, err := root.Parse("file:"+r.OldFile, nil)
	if err != nil {
		return err
	}
	switch is, err := k.holds(ctx, old.Next(), r.To); {
	case errors.Is(err, root.ErrMissing), err == nil && !is:
		return nil
	case err != nil:
		return fmt.Errorf("putting the new root key in its place: %w", err)
	}
	keep := ""
	if r.KeepOld {
		keep = r.OldFile + "." + r.From
	}
	return old.Succeed(keep)
}

// holds reports whether a file has the key of a fingerprint.
func (k *rootKeys) holds(ctx context.Context, file root.Source, fingerprint string) (bool, error) {
	header, err := k.store.Meta(ctx, metaKeyring)
	if err != nil {
		return false, fmt.Errorf("reading the keyring: %w", err)
	}
	about, err := sealed.Describe(header)
	if err != nil {
		return false, err
	}
	key, _, err := file.Bring()
	return err == nil && key.Fingerprint(about.Installation) == fingerprint, err
}

// removeOld removes the file of the old key, once more convinced that it is that
// one. Another key may have come to its place, the new one above all: where a
// service manager lends the root key, each has the same name.
func (k *rootKeys) removeOld(ctx context.Context, r *rotation) error {
	old, err := root.Parse("file:"+r.OldFile, nil)
	if err != nil {
		return err
	}
	switch is, err := k.holds(ctx, old, r.From); {
	case errors.Is(err, root.ErrMissing), err == nil && !is:
		return nil
	case err != nil:
		return fmt.Errorf("removing the old root key: %w", err)
	}
	return old.Remove()
}
