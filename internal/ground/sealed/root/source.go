// Package root is where the first key comes from: a file, a passphrase, or
// something that wraps it.
package root

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"claviger/internal/ground/sealed"
	"claviger/internal/words/confidential"
)

// Errors of sources. Each is wrapped with one clear sentence for the operator.
var (
	ErrMissing = errors.New("root key missing")
	ErrExists  = fs.ErrExist // the file of a new root key is there already
	ErrUnsafe  = errors.New("file of a secret is not safe")
	ErrSource  = errors.New("root key source not understood")
)

type kind uint8

const (
	file kind = iota + 1
	passphraseFile
	passphraseFD
	prompt
	given   // a passphrase that somebody else has asked for
	wrapped // by a token or a key management service
)

// A Source names where the root key is: file:PATH, passphrase-file:PATH,
// passphrase-fd:N, prompt, or what a Wrapper keeps. A secret itself never stands
// on the command line nor in the environment, where other processes may read it.
type Source struct {
	kind    kind
	path    string
	fd      int
	asked   []byte // given
	name    string // wrapped: what params call it
	text    string // wrapped: as the command line writes it
	wrapper Wrapper
}

// A Wrapper keeps no root key but a key of its own, which never leaves it and
// under which it seals root keys. What it returns holds nothing secret and is
// bound to the installation.
type Wrapper interface {
	Wrap(ctx context.Context, installation string, key confidential.Bytes) ([]byte, error)
	Unwrap(ctx context.Context, installation string, wrapped []byte) (confidential.Bytes, error)
}

// Wrappers make the Wrapper of a source, by the word before its colon. They get
// the whole text; an error is the operator's mistake.
type Wrappers map[string]func(text string) (Wrapper, error)

// Parse reads a source as the command line writes it.
func Parse(s string, wrappers Wrappers) (Source, error) {
	name, value, _ := strings.Cut(s, ":")
	switch {
	case s == "prompt":
		return Source{kind: prompt}, nil
	case name == "file" && value != "":
		return Source{kind: file, path: value}, nil
	case name == "passphrase-file" && value != "":
		return Source{kind: passphraseFile, path: value}, nil
	case name == "passphrase-fd":
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil || n == 1 || n == 2 {
			return Source{}, fmt.Errorf("%w: passphrase-fd needs the number of a file descriptor open for reading, such as passphrase-fd:3", ErrSource)
		}
		return Source{kind: passphraseFD, fd: int(n)}, nil
	case wrappers[name] != nil && value != "":
		w, err := wrappers[name](s)
		if err != nil {
			return Source{}, fmt.Errorf("%w: %w", ErrSource, err)
		}
		return Source{kind: wrapped, name: name, text: s, wrapper: w}, nil
	}
	return Source{}, fmt.Errorf("%w: give file:PATH, passphrase-file:PATH, passphrase-fd:N, prompt, pkcs11:URI or awskms:///KEY", ErrSource)
}

// Passphrase is the source of a passphrase that was asked for elsewhere, as
// Choose does. It takes the bytes over.
func Passphrase(b []byte) Source { return Source{kind: given, asked: b} }

// String is the form that Parse reads.
func (s Source) String() string {
	switch s.kind {
	case file:
		return "file:" + s.path
	case passphraseFile:
		return "passphrase-file:" + s.path
	case passphraseFD:
		return "passphrase-fd:" + strconv.Itoa(s.fd)
	case prompt:
		return "prompt"
	case given:
		return "passphrase"
	case wrapped:
		return s.text
	}
	return "none"
}

// Kind is what params call the source.
func (s Source) Kind() string {
	switch s.kind {
	case file:
		return sourceFile
	case passphraseFile, passphraseFD, prompt, given:
		return sourcePassphrase
	case wrapped:
		return s.name
	}
	return "none"
}

// Create makes a new root key for an installation: draws the file (mode 0400,
// synced with its directory, refused where it exists), derives from the
// passphrase with a fresh salt (Argon2id, RFC 9106; PBKDF2 in FIPS 140-3 mode),
// or draws a key and has it wrapped. params is to be stored beside the keyring
// header and holds nothing secret.
func (s Source) Create(ctx context.Context, installation string) (key *sealed.RootKey, params []byte, err error) {
	switch s.kind {
	case file:
		key, err = createFile(s.path)
		if err != nil {
			return nil, nil, err
		}
		return key, fileParams().encode(), nil
	case passphraseFile, passphraseFD, prompt, given:
		return s.createDerived()
	case wrapped:
		return s.createWrapped(ctx, installation)
	}
	return nil, nil, errNone
}

// Bring takes the key of a file that is there already, because a crash came
// after it was made or because the operator made it.
func (s Source) Bring() (key *sealed.RootKey, params []byte, err error) {
	if s.kind != file {
		return nil, nil, errNone
	}
	if key, err = openFile(s.path); err != nil {
		return nil, nil, err
	}
	return key, fileParams().encode(), nil
}

// Open reads the key back. It can't tell whether it is the right one: that is
// for sealed.Open. A file descriptor is read to its end, so it can be opened once.
//
// A file is read whatever params say: it holds a root key itself, and may be one
// that shares gave back.
func (s Source) Open(ctx context.Context, installation string, params []byte) (*sealed.RootKey, error) {
	p, err := parseParams(params)
	if err != nil {
		return nil, err
	}
	switch {
	case s.kind == 0:
		return nil, errNone
	case s.kind == file:
		return openFile(s.path)
	case p.Source != s.Kind():
		return nil, fmt.Errorf("%w: the root key of this store comes from %s, not from %s", ErrSource, origins(p.Source), origins(s.Kind()))
	case s.kind == wrapped:
		return s.openWrapped(ctx, installation, p)
	}
	return s.openDerived(p)
}

// origins are the sources in words.
func origins(name string) string {
	switch name {
	case sourceFile:
		return "a file"
	case sourcePassphrase:
		return "a passphrase"
	}
	return name
}

var errNone = fmt.Errorf("%w: none was given", ErrSource)

// Random draws a key that exists in memory only, for development.
func Random() (*sealed.RootKey, error) { return sealed.NewRootKey(sealed.Random(keySize)) }

const keySize = 32
