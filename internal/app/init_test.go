package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func quiet(f *foundations) { f.log = slog.New(slog.DiscardHandler) }

// interrupted is an init that is killed before its last step.
func interrupted(t *testing.T, l *location, account string) rootCredentials {
	t.Helper()
	ctx := context.Background()
	source, err := l.rootSource()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(l.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := l.database(ctx)
	if err != nil {
		t.Fatal(err)
	}
	keyring, err := l.makeKeyring(ctx, d, source)
	if err != nil {
		t.Fatal(err)
	}
	f := l.foundations(d, keyring, source)
	quiet(&f)
	s, err := newServer(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	c := drawRootCredentials()
	err = errors.Join(writeCredentials(filepath.Join(l.Data, rootCredentialsFile), c), s.addAccount(ctx, account, c), s.close())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestInitResumed: an init that follows an interrupted one reports the account
// and the credentials that are in force, and none of its own.
func TestInitResumed(t *testing.T) {
	t.Parallel()
	l := &location{Data: filepath.Join(t.TempDir(), "data"), Store: "sqlite:"}
	inForce := interrupted(t, l, owner)
	m, err := l.initialise(t.Context(), stranger, rootCredentials{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if m.account != owner || m.credentials != (rootCredentials{}) {
		t.Errorf("resumed with account %s and access key %q", m.account, m.credentials.accessKeyID)
	}
	text, err := os.ReadFile(m.file)
	if err != nil || !strings.Contains(string(text), inForce.secret) {
		t.Errorf("the file does not hold the credentials in force: %v", err)
	}
	if _, err := l.initialise(t.Context(), owner, rootCredentials{}, quiet); err == nil {
		t.Error("what was initialised was initialised again")
	}
}

// TestStoreGone: where a store was lost, or lies elsewhere, its trail keeps another one
// from being begun, and nothing is made that would be in the way of putting it back.
func TestStoreGone(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	l := &location{Data: filepath.Join(dir, "data"), Store: "sqlite:"}
	if _, err := l.initialise(ctx, owner, rootCredentials{}, quiet); err != nil {
		t.Fatal(err)
	}
	file, aside := filepath.Join(l.Data, "store.db"), filepath.Join(dir, "aside")
	if err := os.Rename(file, aside); err != nil {
		t.Fatal(err)
	}
	_, opened := l.open(ctx)
	_, made := l.initialise(ctx, owner, rootCredentials{}, quiet)
	for what, err := range map[string]error{"open": opened, "init": made} {
		if err == nil || errors.Is(err, errUninitialised) || !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), "whose store is not there") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if exists(file) {
		t.Error("another store was made")
	}
	if err := os.Rename(aside, file); err != nil {
		t.Fatal(err)
	}
	f, err := l.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.driver.Close(); err != nil {
		t.Error(err)
	}
}
