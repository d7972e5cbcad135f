package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"claviger/internal/ground/audit"
	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
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
	metaInitialised = "initialised" // present once init has finished
)

// location is where a server keeps its data.
type location struct {
	Data    string `default:"./claviger-data" env:"CLAVIGER_DATA" type:"path" placeholder:"DIR" help:"Data directory."`
	Store   string `default:"sqlite:" env:"CLAVIGER_STORE" placeholder:"URL" help:"Where records are kept; sqlite: is a file in the data directory."`
	RootKey string `env:"CLAVIGER_ROOT_KEY" placeholder:"SOURCE" help:"Where the root key comes from: file:PATH, passphrase-file:PATH, passphrase-fd:N or prompt; file:DIR/root.key by default."`
}

func (l *location) check() error {
	if l.Store != "sqlite:" {
		return usage("the store %q is not one that this version has: sqlite: is", l.Store)
	}
	return nil
}

func (l *location) rootSource() (root.Source, error) {
	text := l.RootKey
	if text == "" {
		text = "file:" + filepath.Join(l.Data, rootKeyFile)
	}
	source, err := root.Parse(text)
	if err != nil {
		return source, usageError{err}
	}
	return source, nil
}

func (l *location) socket() string { return filepath.Join(l.Data, socketFile) }

// errUninitialised marks what serve says where init has not been.
var errUninitialised = errors.New("run claviger init first, or serve with --init")

func errNotInitialised(dir string) error {
	return usage("nothing was initialised in %s: %w", dir, errUninitialised)
}

// open opens the foundations of an initialised server.
func (l *location) open(ctx context.Context) (foundations, error) {
	if _, err := os.Stat(l.Data); errors.Is(err, os.ErrNotExist) {
		return foundations{}, errNotInitialised(l.Data)
	}
	if !sqlite.Exists(l.Data) {
		return foundations{}, errNotInitialised(l.Data)
	}
	d, err := l.database(ctx)
	if err != nil {
		return foundations{}, err
	}
	f, err := l.unseal(ctx, d)
	if err != nil {
		return foundations{}, errors.Join(err, d.Close())
	}
	return f, nil
}

// database opens the database in the data directory, with the tables of this version.
func (l *location) database(ctx context.Context) (driver.Driver, error) {
	d, err := sqlite.Open(ctx, l.Data)
	if err != nil {
		return nil, fmt.Errorf("opening the store in %s: %w", l.Data, err)
	}
	if err := d.Migrate(ctx, store.SchemaVersion, store.Schemas(tables())); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the store in %s: %w", l.Data, err), d.Close())
	}
	return d, nil
}

// unseal opens the keyring of an initialised store.
func (l *location) unseal(ctx context.Context, d driver.Driver) (foundations, error) {
	if _, err := d.Meta(ctx, metaInitialised); errors.Is(err, store.ErrNotFound) {
		return foundations{}, errNotInitialised(l.Data)
	} else if err != nil {
		return foundations{}, fmt.Errorf("reading the store: %w", err)
	}
	source, err := l.rootSource()
	if err != nil {
		return foundations{}, err
	}
	keyring, err := openKeyring(ctx, d, source)
	if err != nil {
		return foundations{}, err
	}
	return l.foundations(d, keyring), nil
}

func (l *location) foundations(d driver.Driver, keyring *sealed.Keyring) foundations {
	return foundations{
		driver:    d,
		keyring:   keyring,
		openTrail: func(o audit.Options) (audit.Trail, error) { return audit.Open(o) },
		verify:    audit.Verify,
		trailDir:  filepath.Join(l.Data, trailDir),
	}
}

func openKeyring(ctx context.Context, d driver.Driver, source root.Source) (*sealed.Keyring, error) {
	header, err := d.Meta(ctx, metaKeyring)
	if err != nil {
		return nil, fmt.Errorf("reading the keyring: %w", err)
	}
	params, err := d.Meta(ctx, metaRootParams)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("reading the root key's parameters: %w", err)
	}
	key, err := source.Open(params)
	if err != nil {
		return nil, err
	}
	return sealed.Open(header, key)
}

func newOpID() store.OpID { return ident.Bytes() }
