package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"claviger/internal/app/doctor"
	"claviger/internal/edge/awskms"
	"claviger/internal/ground/audit"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/ground/sealed/root/token"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/postgres"
	"claviger/internal/ground/store/sqlite"
	"claviger/internal/words/ident"
)

// Names in the data directory.
const (
	rootKeyFile         = "root.key"
	rootCredentialsFile = "root-credentials"
	trailDir            = "trail"
	socketFile          = "admin.sock"
)

// Values in the store's meta table.
const (
	metaKeyring     = "keyring"     // the keyring's header
	metaRootParams  = "root-params" // how the root key is derived; nothing secret
	metaRootKey     = "root-key"    // when the root key was made, and what a rotation has left to do
	metaInitialised = "initialised" // present once init has finished
)

// location is where a server keeps its data.
type location struct {
	Data    string `default:"./claviger-data" env:"CLAVIGER_DATA" type:"path" placeholder:"DIR" help:"Data directory."`
	Store   string `default:"sqlite:" env:"CLAVIGER_STORE" placeholder:"URL" help:"Where records are kept: sqlite: is a file in the data directory, postgres://USER@HOST/DATABASE?sslmode=verify-full a database of PostgreSQL 15 or newer. A password does not belong on a command line, which others can read."`
	RootKey string `env:"CLAVIGER_ROOT_KEY" placeholder:"SOURCE" help:"Where the root key comes from: file:PATH, passphrase-file:PATH, passphrase-fd:N, prompt, pkcs11:URI or awskms:///KEY; file:DIR/root.key by default."`

	opened *sealed.RootKey // once it was, so that a passphrase is asked for once
}

// check says nothing of the URL, which may hold a password.
func (l *location) check() error {
	if l.Data == "" { // as an empty variable says; it is not the directory at hand
		return usage("the data directory is empty: name one with --data or CLAVIGER_DATA")
	}
	if l.Store != "sqlite:" && !l.shared() {
		return usage("the store is not one that this version has: sqlite: and postgres:// are")
	}
	if l.shared() {
		if err := postgres.CheckAddress(l.Store); err != nil {
			return usage("the store: %w", err)
		}
	}
	return nil
}

// shared reports whether the store lies in a PostgreSQL server.
func (l *location) shared() bool {
	return strings.HasPrefix(l.Store, "postgres://") || strings.HasPrefix(l.Store, "postgresql://")
}

// place names the store in texts.
func (l *location) place() string {
	if l.shared() {
		return "the database"
	}
	return l.Data
}

// wrappers are the sources that wrap a root key.
var wrappers = root.Wrappers{
	"pkcs11": token.Parse,
	"awskms": func(text string) (root.Wrapper, error) {
		key, err := awskms.Parse(text, awskms.Options{Getenv: os.Getenv, ReadFile: os.ReadFile, Now: time.Now})
		if err != nil {
			return nil, err
		}
		return key, nil
	},
}

func (l *location) rootSource() (root.Source, error) {
	text := l.RootKey
	if text == "" {
		text = "file:" + filepath.Join(l.Data, rootKeyFile)
	}
	return parseSource(text)
}

// parseSource reads a source. Files are named as from everywhere.
func parseSource(text string) (root.Source, error) {
	source, err := root.Parse(text, wrappers)
	if err != nil {
		return source, usageError{err}
	}
	return source.Absolute()
}

// keyFile is the file that the root key or its passphrase comes from, "" for another source.
func (l *location) keyFile() string {
	if l.RootKey == "" {
		return filepath.Join(l.Data, rootKeyFile)
	}
	if kind, path, _ := strings.Cut(l.RootKey, ":"); kind == "file" || kind == "passphrase-file" {
		return path
	}
	return ""
}

// keyBeside reports whether that file lies in the data directory.
func (l *location) keyBeside() bool {
	file := l.keyFile()
	if file == "" {
		return false
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return false
	}
	way, err := filepath.Rel(l.Data, path)
	return err == nil && filepath.IsLocal(way)
}

func (l *location) socket() string { return filepath.Join(l.Data, socketFile) }

// errUninitialised marks what serve says where init has not been.
var errUninitialised = errors.New("run claviger init first, or serve with --init")

// user is who runs the server, as far as its files tell: root may look after those of
// somebody else.
func (l *location) user() int {
	self := os.Geteuid()
	if self != 0 {
		return self
	}
	if owner, known := doctor.OwnerOf(filepath.Join(l.Data, trailDir)); known {
		return owner
	}
	return self
}

// checkUser refuses root where the server is another user's, who could not open the
// files that a command makes in the trail.
func (l *location) checkUser() error {
	if user := l.user(); user != os.Geteuid() {
		return usage("the files in %s belong to user %d, and no server runs: run this as that user, whose server could not open what root writes there", l.Data, user)
	}
	return nil
}

func (l *location) errNotInitialised() error {
	return usage("nothing was initialised in %s: %w", l.place(), errUninitialised)
}

// checkOrphan refuses a trail where l has no store. A store that was lost, or lies
// elsewhere, has left it: to begin another one above that would only be in the way.
func (l *location) checkOrphan() error {
	has, err := l.hasTrail()
	if err == nil && has {
		err = usage("the trail in %s is of a server whose store is not there: name it with --store, put it back, or restore it with claviger restore --keep-trail", l.Data)
	}
	return err
}

// errNoStore says what there is where l has no store.
func (l *location) errNoStore() error {
	return cmp.Or(l.checkOrphan(), l.errNotInitialised())
}

// open opens the foundations of an initialised server.
func (l *location) open(ctx context.Context) (foundations, error) {
	return l.openWith(ctx, l.database, l.checkTrail)
}

// openWith is open with another way to the database, or another check of the trail.
func (l *location) openWith(ctx context.Context, database func(context.Context) (driver.Driver, error), checkTrail func() error) (foundations, error) {
	if exists, err := l.exists(ctx); err != nil {
		return foundations{}, err
	} else if !exists {
		return foundations{}, l.errNoStore()
	}
	d, err := database(ctx)
	if err != nil {
		return foundations{}, err
	}
	f, err := l.unseal(ctx, d, checkTrail)
	if err != nil {
		return foundations{}, errors.Join(err, d.Close())
	}
	return f, nil
}

// exists reports whether there is a store, and touches nothing.
func (l *location) exists(ctx context.Context) (bool, error) {
	if !l.shared() {
		return sqlite.Exists(l.Data), nil
	}
	exists, err := postgres.Exists(ctx, l.Store)
	if err != nil {
		return false, fmt.Errorf("opening the store: %w", err)
	}
	return exists, nil
}

// database opens the database, with the tables of this version.
func (l *location) database(ctx context.Context) (driver.Driver, error) {
	d, err := l.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.Migrate(ctx, store.SchemaVersion, store.Schemas(tables())); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the store in %s: %w", l.place(), err), d.Close())
	}
	return d, nil
}

// adopted opens the database as it is, for who changes nothing in it: it must have
// the tables of this version.
func (l *location) adopted(ctx context.Context) (driver.Driver, error) {
	d, err := l.connect(ctx)
	if err != nil {
		return nil, err
	}
	err = d.Adopt(ctx, store.SchemaVersion, store.Schemas(tables()))
	switch {
	case err == nil:
		return d, nil
	case errors.Is(err, store.ErrNotFound):
		err = l.errNotInitialised()
	case errors.Is(err, store.ErrOlder):
		err = fmt.Errorf("an older version made the store in %s, and this command leaves it as it is; "+
			"start this version's server on it once, or run the command with that version: %w", l.place(), err)
	default:
		err = fmt.Errorf("opening the store in %s: %w", l.place(), err)
	}
	return nil, errors.Join(err, d.Close())
}

func (l *location) connect(ctx context.Context) (driver.Driver, error) {
	if !l.shared() {
		d, err := sqlite.Open(ctx, l.Data)
		if errors.Is(err, store.ErrLocked) {
			return nil, fmt.Errorf("a server or another command has the store in %s open, and this one needs it alone; stop that first: %w", l.Data, err)
		}
		if err != nil {
			return nil, fmt.Errorf("opening the store in %s: %w", l.Data, err)
		}
		return d, nil
	}
	d, err := postgres.Open(ctx, l.Store)
	if errors.Is(err, store.ErrLocked) {
		return nil, fmt.Errorf("another server has the database open, and a database has one server at a time; "+
			"operator commands reach it with the --data or --socket of that server: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	return d, nil
}

// unseal opens the keyring of an initialised store.
func (l *location) unseal(ctx context.Context, d driver.Driver, checkTrail func() error) (foundations, error) {
	if err := store.Finished(ctx, d); err != nil {
		return foundations{}, err
	}
	if _, err := d.Meta(ctx, metaInitialised); errors.Is(err, store.ErrNotFound) {
		return foundations{}, l.errNotInitialised()
	} else if err != nil {
		return foundations{}, fmt.Errorf("reading the store: %w", err)
	}
	if err := checkTrail(); err != nil {
		return foundations{}, err
	}
	source, err := l.rootSource()
	if err != nil {
		return foundations{}, err
	}
	keyring, err := l.openKeyring(ctx, d, source)
	if err != nil {
		return foundations{}, err
	}
	return l.foundations(d, keyring, source), nil
}

// checkTrail refuses a data directory that is not the one of the server in a
// database: the trail that stands there would begin anew.
func (l *location) checkTrail() error {
	if !l.shared() {
		return nil
	}
	if has, err := l.hasTrail(); err != nil {
		return err
	} else if !has {
		return usage("the database has a server whose trail is not in %s: start it with the data directory of that server", l.Data)
	}
	return nil
}

// hasTrail reports whether the data directory has a trail.
func (l *location) hasTrail() (bool, error) {
	files, err := os.ReadDir(filepath.Join(l.Data, trailDir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, fmt.Errorf("looking for the trail: %w", err)
	}
	return slices.ContainsFunc(files, func(f os.DirEntry) bool { return strings.HasSuffix(f.Name(), ".trail") }), nil
}

func (l *location) foundations(d driver.Driver, keyring *sealed.Keyring, source root.Source) foundations {
	return foundations{
		driver:    d,
		keyring:   keyring,
		rootKey:   source,
		openTrail: func(o audit.Options) (audit.Trail, error) { return audit.Open(o) },
		verify:    audit.Verify,
		trailDir:  filepath.Join(l.Data, trailDir),
		dir:       l.Data,
	}
}

func (l *location) openKeyring(ctx context.Context, d driver.Driver, source root.Source) (*sealed.Keyring, error) {
	header, err := d.Meta(ctx, metaKeyring)
	if err != nil {
		return nil, fmt.Errorf("reading the keyring: %w", err)
	}
	params, err := d.Meta(ctx, metaRootParams)
	if err != nil {
		return nil, fmt.Errorf("reading the root key's parameters: %w", err)
	}
	about, err := sealed.Describe(header)
	if err != nil {
		return nil, err
	}
	key, err := openRootKey(ctx, source, about.Installation.String(), header, params)
	if err != nil {
		return nil, err
	}
	keyring, err := sealed.Open(header, key)
	if err != nil {
		return nil, fmt.Errorf("opening the keyring with the root key from %s: %w", source, err)
	}
	l.opened = key
	return keyring, nil
}

// openRootKey reads the root key, of a file also from where a rotation that was
// interrupted after its commit has left the new one.
func openRootKey(ctx context.Context, source root.Source, installation string, header, params []byte) (*sealed.RootKey, error) {
	key, err := source.Open(ctx, installation, params)
	if _, is := source.File(); !is || err == nil && key.Opens(header) {
		return key, err
	}
	if next, nextErr := source.Next().Open(ctx, installation, params); nextErr == nil && next.Opens(header) {
		return next, nil
	}
	return key, err
}

func newOpID() store.OpID { return ident.Bytes() }
