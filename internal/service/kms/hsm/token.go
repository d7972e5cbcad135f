//go:build pkcs11

package hsm

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/miekg/pkcs11"

	"claviger/internal/service/kms"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

// Open opens the tokens of clusters. A token that is not there now may come
// later; a module that does not load is an error.
func Open(clusters []Cluster) (kms.Clusters, error) {
	o := make(opened)
	modules := make(map[string]*pkcs11.Ctx)
	for _, c := range clusters {
		module := modules[c.Module]
		if module == nil {
			if module = pkcs11.New(c.Module); module == nil {
				return nil, fmt.Errorf("the PKCS #11 module %s does not load", c.Module)
			}
			if err := module.Initialize(); err != nil {
				return nil, fmt.Errorf("starting the PKCS #11 module %s: %w", c.Module, err)
			}
			modules[c.Module] = module
		}
		o[c.ID] = &cluster{Cluster: c, module: module, places: make(chan struct{}, sessionsMax), keys: make(map[string]pkcs11.ObjectHandle)}
	}
	return o, nil
}

// opened are clusters by their ids.
type opened map[string]*cluster

func (o opened) TrustAnchor(id string) (string, bool) {
	if c := o[id]; c != nil {
		return c.Cluster.TrustAnchor, true
	}
	return "", false
}

func (o opened) Token(id string, password confidential.Bytes) kms.Token {
	return &token{o[id], password}
}

// sessionsMax bounds the sessions with a token: each may hold a thread.
const sessionsMax = 16

// A cluster is a token with its sessions. All sessions of a process with a token
// are logged in, or none is.
type cluster struct {
	Cluster
	module *pkcs11.Ctx
	places chan struct{} // of calls in the token

	mu       sync.Mutex
	slot     uint
	anchor   pkcs11.SessionHandle // stays open, as the end of the last session logs out
	in       bool                 // somebody is logged in
	password confidential.Bytes   // that of who is
	idle     []pkcs11.SessionHandle
	keys     map[string]pkcs11.ObjectHandle // by label
}

// token is a cluster as a store with a password sees it.
type token struct {
	*cluster
	password confidential.Bytes
}

// session calls fn in a session that is logged in. A token that has been away
// meanwhile is tried once more.
func (t *token) session(ctx context.Context, fn func(pkcs11.SessionHandle) error) error {
	select {
	case t.places <- struct{}{}:
		defer func() { <-t.places }()
	case <-ctx.Done():
		return ctx.Err()
	}
	err := t.once(fn)
	if lost(err) {
		t.forget()
		err = t.once(fn)
	}
	return translated(err)
}

func (t *token) once(fn func(pkcs11.SessionHandle) error) error {
	s, err := t.take()
	if err != nil {
		return err
	}
	if err = fn(s); err != nil {
		_ = t.module.CloseSession(s) // whatever went wrong in it ends with it
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idle = append(t.idle, s)
	return nil
}

// take returns a session that is logged in with the store's password.
func (t *token) take() (pkcs11.SessionHandle, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.idle); n > 0 && t.in && t.same() {
		s := t.idle[n-1]
		t.idle = t.idle[:n-1]
		return s, nil
	}
	if err := t.logIn(); err != nil {
		return 0, err
	}
	return t.module.OpenSession(t.slot, sessionFlags)
}

const sessionFlags = pkcs11.CKF_SERIAL_SESSION | pkcs11.CKF_RW_SESSION

// same reports whether the password is the one that opened the token.
func (t *token) same() bool {
	return subtle.ConstantTimeCompare(t.password.Reveal(reveal.Token{}), t.cluster.password.Reveal(reveal.Token{})) == 1
}

// logIn logs in with the store's password, also where somebody is logged in
// already: a token whose door stands open has not accepted the password of
// everybody who comes.
func (t *token) logIn() error {
	switch {
	case t.in && t.same():
		return nil
	case t.in:
		if err := t.module.Logout(t.anchor); err != nil {
			return err
		}
		clear(t.keys) // handles end with the login
		err := t.enter(t.password)
		if err == nil {
			t.cluster.password = t.password
			return nil
		}
		if again := t.enter(t.cluster.password); again != nil {
			t.end()
		}
		return err
	}
	if err := t.find(); err != nil {
		return err
	}
	var err error
	if t.anchor, err = t.module.OpenSession(t.slot, sessionFlags); err != nil {
		return err
	}
	if err := t.enter(t.password); err != nil {
		_ = t.module.CloseSession(t.anchor)
		return err
	}
	t.cluster.password = t.password
	return nil
}

// enter logs in. The module takes the password as a string and copies it.
func (t *token) enter(password confidential.Bytes) error {
	err := t.module.Login(t.anchor, pkcs11.CKU_USER, string(password.Reveal(reveal.Token{})))
	if errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)) {
		err = nil // by this process, and only take does that
	}
	t.in = err == nil
	return err
}

// find finds the slot of the token.
func (t *token) find() error {
	slots, err := t.module.GetSlotList(true)
	if err != nil {
		return err
	}
	for _, slot := range slots {
		info, err := t.module.GetTokenInfo(slot)
		if err == nil && strings.TrimRight(info.Label, " \x00") == t.Token {
			t.slot = slot
			return nil
		}
	}
	return kms.ErrTokenMissing
}

// forget has everything begin anew: the next session logs in again.
func (t *token) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.in {
		t.end()
	}
}

// end closes all sessions, which logs out.
func (t *token) end() {
	_ = t.module.CloseAllSessions(t.slot) // whatever it says, a new login tells
	t.in, t.idle = false, nil
	clear(t.keys)
}

// lost reports whether a failure is of the session rather than of the call.
func lost(err error) bool {
	for _, code := range []uint{
		pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_KEY_HANDLE_INVALID,
		pkcs11.CKR_OBJECT_HANDLE_INVALID, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_SLOT_ID_INVALID,
	} {
		if errors.Is(err, pkcs11.Error(code)) {
			return true
		}
	}
	return false
}

// translations are what codes of the module mean to a store.
var translations = map[uint]error{
	pkcs11.CKR_PIN_INCORRECT:            kms.ErrTokenPassword,
	pkcs11.CKR_PIN_LEN_RANGE:            kms.ErrTokenPassword,
	pkcs11.CKR_PIN_INVALID:              kms.ErrTokenPassword,
	pkcs11.CKR_PIN_LOCKED:               kms.ErrTokenLocked,
	pkcs11.CKR_USER_PIN_NOT_INITIALIZED: kms.ErrTokenMissing,
	pkcs11.CKR_TOKEN_NOT_PRESENT:        kms.ErrTokenMissing,
	pkcs11.CKR_DEVICE_REMOVED:           kms.ErrTokenMissing,
	pkcs11.CKR_SLOT_ID_INVALID:          kms.ErrTokenMissing,
}

func translated(err error) error {
	for code, meaning := range translations {
		if errors.Is(err, pkcs11.Error(code)) {
			return fmt.Errorf("%w: %w", meaning, err)
		}
	}
	return err
}

// LogIn implements kms.Token.
func (t *token) LogIn(ctx context.Context) error {
	return t.session(ctx, func(pkcs11.SessionHandle) error { return nil })
}

// Generate implements kms.Token. The key can't be read, wrapped or copied out.
func (t *token) Generate(ctx context.Context, label string) error {
	return t.session(ctx, func(s pkcs11.SessionHandle) error {
		_, err := t.module.GenerateKey(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
			pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES),
			pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 32),
			pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
			pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(label)),
			pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
			pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
			pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
			pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
			pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, true),
			pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, true),
			pkcs11.NewAttribute(pkcs11.CKA_WRAP, false),
			pkcs11.NewAttribute(pkcs11.CKA_UNWRAP, false),
		})
		return err
	})
}

// key finds a key by its label. Handles of keys in a token are good in all
// sessions.
func (t *token) key(s pkcs11.SessionHandle, label string) (pkcs11.ObjectHandle, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h, known := t.keys[label]; known {
		return h, nil
	}
	err := t.module.FindObjectsInit(s, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
	})
	if err != nil {
		return 0, err
	}
	found, _, err := t.module.FindObjects(s, 2)
	if err = errors.Join(err, t.module.FindObjectsFinal(s)); err != nil {
		return 0, err
	}
	if len(found) != 1 {
		return 0, fmt.Errorf("%w: %d of them", kms.ErrTokenKey, len(found))
	}
	t.keys[label] = found[0]
	return found[0], nil
}

const (
	ivSize  = 12
	tagBits = 128
)

// gcm calls fn with AES-GCM under a key.
func (t *token) gcm(ctx context.Context, label string, iv, associated []byte, fn func(s pkcs11.SessionHandle, key pkcs11.ObjectHandle, m []*pkcs11.Mechanism, p *pkcs11.GCMParams) error) error {
	return t.session(ctx, func(s pkcs11.SessionHandle) error {
		key, err := t.key(s, label)
		if err != nil {
			return err
		}
		params := pkcs11.NewGCMParams(iv, associated, tagBits)
		defer params.Free()
		return fn(s, key, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_GCM, params)}, params)
	})
}

// Seal implements kms.Token. The IV is random, or the token's own where it draws
// one. That it might repeat after some 2^32 messages harms nothing: what is
// sealed here has been sealed under a key of its own before.
func (t *token) Seal(ctx context.Context, label string, plaintext, associated []byte) (iv, ciphertext []byte, err error) {
	iv = make([]byte, ivSize)
	_, _ = rand.Read(iv) // never fails
	err = t.gcm(ctx, label, iv, associated, func(s pkcs11.SessionHandle, key pkcs11.ObjectHandle, m []*pkcs11.Mechanism, p *pkcs11.GCMParams) error {
		if err := t.module.EncryptInit(s, m, key); err != nil {
			return err
		}
		var err error
		ciphertext, err = t.module.Encrypt(s, plaintext)
		iv = p.IV()
		return err
	})
	return iv, ciphertext, err
}

// Open implements kms.Token.
func (t *token) Open(ctx context.Context, label string, iv, ciphertext, associated []byte) (plaintext []byte, err error) {
	err = t.gcm(ctx, label, iv, associated, func(s pkcs11.SessionHandle, key pkcs11.ObjectHandle, m []*pkcs11.Mechanism, _ *pkcs11.GCMParams) error {
		if err := t.module.DecryptInit(s, m, key); err != nil {
			return err
		}
		var err error
		if plaintext, err = t.module.Decrypt(s, ciphertext); err != nil && !lost(err) {
			// Modules differ in how they say that a tag is wrong.
			return fmt.Errorf("%w: %w", kms.ErrTokenData, err)
		}
		return err
	})
	return plaintext, err
}

// Random implements kms.Token.
func (t *token) Random(ctx context.Context, n int) (b confidential.Bytes, err error) {
	err = t.session(ctx, func(s pkcs11.SessionHandle) error {
		drawn, err := t.module.GenerateRandom(s, n)
		b = confidential.New(drawn)
		return err
	})
	return b, err
}
