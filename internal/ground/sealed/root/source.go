// Package root is where the first key comes from: a file or a passphrase.
package root

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"claviger/internal/ground/sealed"
)

// Errors of sources. Each is wrapped with one clear sentence for the operator.
var (
	ErrMissing = errors.New("root key missing")
	ErrUnsafe  = errors.New("file of a secret is not safe")
	ErrSource  = errors.New("root key source not understood")
)

type kind uint8

const (
	file kind = iota + 1
	passphraseFile
	passphraseFD
	prompt
)

// A Source names where the root key is: file:PATH, passphrase-file:PATH,
// passphrase-fd:N or prompt. A secret itself never stands on the command line
// nor in the environment, where other processes may read it.
type Source struct {
	kind kind
	path string
	fd   int
}

// Parse reads a source as the command line writes it.
func Parse(s string) (Source, error) {
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
	}
	return Source{}, fmt.Errorf("%w: give file:PATH, passphrase-file:PATH, passphrase-fd:N or prompt", ErrSource)
}

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
	}
	return "none"
}

// Create makes a new root key: draws the file (mode 0400, synced with its
// directory, refused where it exists), or derives from the passphrase with a
// fresh salt (Argon2id, RFC 9106; PBKDF2 in FIPS 140-3 mode). params is to be
// stored beside the keyring header and holds nothing secret.
func (s Source) Create() (key *sealed.RootKey, params []byte, err error) {
	switch s.kind {
	case file:
		key, err = createFile(s.path)
		if err != nil {
			return nil, nil, err
		}
		return key, fileParams().encode(), nil
	case passphraseFile, passphraseFD, prompt:
		return s.createDerived()
	}
	return nil, nil, errNone
}

// Open reads the key back. It can't tell whether it is the right one: that is
// for sealed.Open. A file descriptor is read to its end, so it can be opened once.
func (s Source) Open(params []byte) (*sealed.RootKey, error) {
	p, err := parseParams(params)
	if err != nil {
		return nil, err
	}
	switch s.kind {
	case file:
		if p.Source != sourceFile {
			return nil, fmt.Errorf("%w: the root key of this store is derived from a passphrase, not read from a file", ErrSource)
		}
		return openFile(s.path)
	case passphraseFile, passphraseFD, prompt:
		if p.Source != sourcePassphrase {
			return nil, fmt.Errorf("%w: the root key of this store is read from a file, not derived from a passphrase", ErrSource)
		}
		return s.openDerived(p)
	}
	return nil, errNone
}

var errNone = fmt.Errorf("%w: none was given", ErrSource)

// Random draws a key that exists in memory only, for development.
func Random() (*sealed.RootKey, error) { return sealed.NewRootKey(sealed.Random(keySize)) }

const keySize = 32
