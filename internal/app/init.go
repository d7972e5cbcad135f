package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/term"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/sealed/root"
	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
)

type initCommand struct {
	location
	Account   string `env:"CLAVIGER_ACCOUNT" placeholder:"ID" help:"The first account; twelve random digits by default."`
	LogLevel  string `default:"info" enum:"debug,info,warn,error" env:"CLAVIGER_LOG_LEVEL" help:"Lowest level that is logged: debug, info, warn or error."`
	LogFormat string `default:"json" enum:"text,json" env:"CLAVIGER_LOG_FORMAT" help:"text or json."`
	JSON      bool   `name:"json" help:"Print one JSON object."`
}

// Run makes an empty data directory a server, together with a database where
// the store is one. It refuses what is a server already. Interrupted at any
// point, it can be run again.
func (c *initCommand) Run(env *environment) error {
	credentials, err := readRootCredentials(env.getenv)
	if err != nil {
		return err
	}
	if c.Account == "" {
		c.Account = drawAccount()
	}
	if err := errors.Join(c.check(), checkAccount(c.Account)); err != nil {
		return err
	}
	logger := newLogger(env.stderr, c.LogLevel, c.LogFormat)
	made, err := c.initialise(context.Background(), c.Account, credentials, func(f *foundations) { f.log = logger })
	if err != nil {
		return err
	}
	return c.report(env, made)
}

// made is what init made.
type made struct {
	account     string
	credentials rootCredentials // empty where an interrupted run has made them
	file        string          // where the credentials were written
	keyring     *sealed.Keyring // so that the root key is asked for once
	rootKey     root.Source
}

func (c *initCommand) report(env *environment, m made) error {
	if c.JSON {
		return printJSON(env.stdout, map[string]string{"account": m.account, "data": c.Data, "rootCredentials": m.file})
	}
	fmt.Fprintf(env.stdout, "Initialised %s for account %s.\nThe root user's credentials are in %s.\n", c.Data, m.account, m.file)
	if c.RootKey == "" {
		fmt.Fprintf(env.stdout, "The root key is in %s. It protects a stolen copy of the store; it does not\n"+
			"protect from whoever can read this directory. Keep a copy of it elsewhere: without it nothing opens.\n",
			filepath.Join(c.Data, rootKeyFile))
	}
	if out, ok := env.stdout.(*os.File); ok && m.credentials.secret != "" && term.IsTerminal(int(out.Fd())) {
		fmt.Fprintf(env.stdout, "\n    aws_access_key_id     = %s\n    aws_secret_access_key = %s\n", m.credentials.accessKeyID, m.credentials.secret)
	}
	return nil
}

// initialise makes l a server: root key, keyring, first account, mark, in this
// order. Each step is durable before the next begins, and each finds what an
// interrupted run has left.
func (l *location) initialise(ctx context.Context, account string, credentials rootCredentials, prepare func(*foundations)) (made, error) {
	source, err := l.rootSource()
	if err != nil {
		return made{}, err
	}
	if exists, err := l.exists(ctx); err != nil {
		return made{}, err
	} else if !exists {
		if err := l.checkOrphan(); err != nil {
			return made{}, err
		}
	}
	if err := os.MkdirAll(l.Data, 0o700); err != nil {
		return made{}, fmt.Errorf("making the data directory: %w", err)
	}
	d, err := l.database(ctx)
	if err != nil {
		return made{}, err
	}
	if err := store.Finished(ctx, d); err != nil {
		return made{}, errors.Join(err, d.Close())
	}
	if _, err := d.Meta(ctx, metaInitialised); err == nil {
		return made{}, errors.Join(usage("%s is initialised already", l.place()), d.Close())
	} else if !errors.Is(err, store.ErrNotFound) {
		return made{}, errors.Join(fmt.Errorf("reading the store: %w", err), d.Close())
	}
	keyring, err := l.makeKeyring(ctx, d, source)
	if err != nil {
		return made{}, errors.Join(err, d.Close())
	}
	f := l.foundations(d, keyring, source)
	prepare(&f)
	s, err := newServer(ctx, f)
	if err != nil {
		return made{}, err
	}
	m, err := l.firstAccount(ctx, s, account, credentials)
	m.keyring, m.rootKey = keyring, source
	return m, errors.Join(err, s.close())
}

// makeKeyring makes the root key and the keyring, or opens those that an
// interrupted run has made: nothing is sealed under them but what that run left.
func (l *location) makeKeyring(ctx context.Context, d driver.Driver, source root.Source) (*sealed.Keyring, error) {
	if _, err := d.Meta(ctx, metaKeyring); err == nil {
		return l.openKeyring(ctx, d, source)
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("reading the store: %w", err)
	}
	installation := sealed.NewInstallation()
	key, params, err := source.Create(ctx, installation.String())
	if errors.Is(err, root.ErrExists) {
		// A crash came between the key file and the keyring, or the operator brought a key.
		key, params, err = source.Bring()
	}
	if err != nil {
		return nil, err
	}
	keyring, header, err := sealed.CreateAs(installation, key)
	if err != nil {
		return nil, fmt.Errorf("making the keyring: %w", err)
	}
	note := &rootKeyNote{Version: rootKeyNoteVersion, Made: time.Now().UTC()}
	if err := d.PutMeta(ctx, map[string][]byte{metaKeyring: header, metaRootParams: params, metaRootKey: note.encode()}, driver.Roll{}); err != nil {
		return nil, fmt.Errorf("storing the keyring: %w", err)
	}
	return keyring, nil
}

// firstAccount makes the first account and marks the directory as initialised.
func (l *location) firstAccount(ctx context.Context, s *server, account string, credentials rootCredentials) (made, error) {
	if !credentials.given {
		credentials = drawRootCredentials()
	}
	m := made{account: account, credentials: credentials, file: filepath.Join(l.Data, rootCredentialsFile)}
	existing, err := s.iam.Accounts(ctx)
	if err != nil {
		return made{}, fmt.Errorf("listing accounts: %w", err)
	}
	if len(existing) > 0 {
		// A crash came after the account was made; its credentials were written
		// before, and those of this run are nobody's.
		m.account, m.credentials = existing[0], rootCredentials{}
	} else {
		// The file comes first: an account whose credentials nobody has is lost,
		// credentials of an account that was not made are replaced by the next run.
		if err := writeCredentials(m.file, credentials); err != nil {
			return made{}, err
		}
		if err := s.addAccount(ctx, account, credentials); err != nil {
			return made{}, err
		}
	}
	if err := s.store.PutMeta(ctx, map[string][]byte{metaInitialised: []byte(m.account)}); err != nil {
		return made{}, fmt.Errorf("marking the store as initialised: %w", err)
	}
	return m, nil
}

// writeCredentials writes the file in the format of the AWS command line, for
// its owner only, and returns when it is durable.
func writeCredentials(path string, c rootCredentials) error {
	text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", c.accessKeyID, c.secret)
	if err := writeDurably(path, []byte(text)); err != nil {
		return fmt.Errorf("writing the root credentials: %w", err)
	}
	return nil
}

// writeDurably replaces the file at path: whole and synced before it has its
// name, and the name synced with its directory.
func writeDurably(path string, content []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(dir)
}

func drawAccount() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000_000_000))
	if err != nil {
		panic("app: no randomness: " + err.Error())
	}
	return fmt.Sprintf("%012d", n)
}
