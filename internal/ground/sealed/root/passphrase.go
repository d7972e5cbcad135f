package root

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/term"

	"claviger/internal/ground/sealed"
)

// Limits of a passphrase. The lower one, in characters, is that of NIST SP
// 800-63B §5.1.1.1 and holds where a passphrase is chosen.
const (
	minPassphrase = 8
	maxPassphrase = 4096 // bytes
)

func (s Source) createDerived() (*sealed.RootKey, []byte, error) {
	passphrase, err := s.passphrase(true)
	if err != nil {
		return nil, nil, err
	}
	defer clear(passphrase)
	if utf8.RuneCount(passphrase) < minPassphrase {
		return nil, nil, fmt.Errorf("root: a passphrase needs at least %d characters", minPassphrase)
	}
	p := newParams()
	key, err := p.derive(passphrase)
	if err != nil {
		return nil, nil, err
	}
	return key, p.encode(), nil
}

func (s Source) openDerived(p *params) (*sealed.RootKey, error) {
	passphrase, err := s.passphrase(false)
	if err != nil {
		return nil, err
	}
	defer clear(passphrase)
	return p.derive(passphrase)
}

// Asks reports whether the passphrase comes from the process that asks for it: a
// terminal or a file descriptor.
func (s Source) Asks() bool { return s.kind == prompt || s.kind == passphraseFD }

// Choose reads a new passphrase, for Passphrase in another process. Whoever gets
// the bytes wipes them.
func (s Source) Choose() ([]byte, error) { return s.passphrase(true) }

// passphrase reads it, twice from a person who chooses it.
func (s Source) passphrase(choose bool) ([]byte, error) {
	var b []byte
	var err error
	switch s.kind {
	case passphraseFile:
		b, err = readSafe(s.path, maxPassphrase)
	case passphraseFD:
		b, err = readFD(s.fd)
	case given:
		b = bytes.Clone(s.asked)
	default:
		b, err = ask(os.Stdin, os.Stderr, choose)
	}
	if err != nil {
		return nil, err
	}
	return trim(b)
}

// readFD reads a descriptor to its end and closes it. It takes none that the process has
// opened for itself.
func readFD(fd int) ([]byte, error) {
	if !handedOver(fd) {
		return nil, fmt.Errorf("%w: file descriptor %d was not handed to this process; in a shell %d< FILE does that", ErrMissing, fd, fd)
	}
	f := os.NewFile(uintptr(fd), fmt.Sprintf("passphrase-fd:%d", fd))
	if f == nil {
		return nil, fmt.Errorf("%w: file descriptor %d is not open", ErrMissing, fd)
	}
	defer f.Close()
	b, err := readUpTo(f, maxPassphrase)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	return b, nil
}

// trim takes off the end of line that editors and echo leave.
func trim(b []byte) ([]byte, error) {
	if len(b) > maxPassphrase {
		clear(b)
		return nil, fmt.Errorf("root: a passphrase has at most %d bytes", maxPassphrase)
	}
	b = bytes.TrimSuffix(b, []byte("\n"))
	b = bytes.TrimSuffix(b, []byte("\r"))
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: the passphrase is empty", ErrMissing)
	}
	return b, nil
}

// ask reads a passphrase from a terminal without showing it.
func ask(in *os.File, out io.Writer, twice bool) ([]byte, error) {
	if !term.IsTerminal(int(in.Fd())) {
		return nil, fmt.Errorf("%w: prompt needs a terminal; use passphrase-file or passphrase-fd without one", ErrSource)
	}
	question := "Passphrase of the root key: "
	if twice {
		question = "New passphrase of the root key: "
	}
	first, err := askOnce(in, out, question)
	if err != nil || !twice {
		return first, err
	}
	second, err := askOnce(in, out, "The same once more: ")
	defer clear(second)
	if err != nil {
		clear(first)
		return nil, err
	}
	if !bytes.Equal(first, second) {
		clear(first)
		return nil, errors.New("root: the two passphrases differ")
	}
	return first, nil
}

func askOnce(in *os.File, out io.Writer, question string) ([]byte, error) {
	_, _ = io.WriteString(out, question)
	defer io.WriteString(out, "\n")
	b, err := term.ReadPassword(int(in.Fd()))
	if err != nil {
		return nil, fmt.Errorf("reading the passphrase: %w", err)
	}
	return b, nil
}
