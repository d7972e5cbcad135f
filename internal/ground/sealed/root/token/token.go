//go:build pkcs11

package token

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/pkcs11"

	"claviger/internal/ground/sealed/root"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

// Parse reads a PKCS #11 URI. The token is looked for when it is needed.
func Parse(text string) (root.Wrapper, error) {
	k, err := parse(text)
	if err != nil {
		return nil, err
	}
	return k, nil
}

// The wrapped form is 01 | IV 12 | ciphertext 32 | tag 16: AES-256-GCM with
// labelled additional data, which binds it to the installation.
const (
	wrappedVersion = 1
	ivSize         = 12
	tagSize        = 16
	keySize        = 32
	wrappedSize    = 1 + ivSize + keySize + tagSize
	label          = "claviger/root-key/v1/"
	maxPIN         = 255 // bytes
)

// Wrap implements root.Wrapper. Where the token has no such key it makes one that
// can't be read, wrapped or copied out.
func (k key) Wrap(_ context.Context, installation string, b confidential.Bytes) ([]byte, error) {
	var out []byte
	err := k.session(pkcs11.CKF_RW_SESSION, func(module *pkcs11.Ctx, s pkcs11.SessionHandle) error {
		handle, err := k.find(module, s)
		if errors.Is(err, errNoKey) {
			handle, err = k.generate(module, s)
		}
		if err != nil {
			return err
		}
		iv := make([]byte, ivSize)
		_, _ = rand.Read(iv) // never fails; a token that draws its own says so below
		params := pkcs11.NewGCMParams(iv, []byte(label+installation), tagSize*8)
		defer params.Free()
		if err := module.EncryptInit(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_GCM, params)}, handle); err != nil {
			return err
		}
		ciphertext, err := module.Encrypt(s, b.Reveal(reveal.Token{}))
		if err != nil {
			return err
		}
		out = append(append([]byte{wrappedVersion}, params.IV()...), ciphertext...)
		if len(out) != wrappedSize {
			return fmt.Errorf("the token made %d bytes of a root key, where AES-GCM makes %d", len(out), wrappedSize)
		}
		return nil
	})
	return out, err
}

// Unwrap implements root.Wrapper.
func (k key) Unwrap(_ context.Context, installation string, wrapped []byte) (confidential.Bytes, error) {
	if len(wrapped) != wrappedSize || wrapped[0] != wrappedVersion {
		return confidential.Bytes{}, errors.New("what is stored was not made by a token")
	}
	iv, ciphertext := wrapped[1:1+ivSize], wrapped[1+ivSize:]
	var out confidential.Bytes
	err := k.session(0, func(module *pkcs11.Ctx, s pkcs11.SessionHandle) error {
		handle, err := k.find(module, s)
		if err != nil {
			return err
		}
		params := pkcs11.NewGCMParams(iv, []byte(label+installation), tagSize*8)
		defer params.Free()
		if err := module.DecryptInit(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_GCM, params)}, handle); err != nil {
			return err
		}
		raw, err := module.Decrypt(s, ciphertext)
		if err != nil {
			return fmt.Errorf("this key of the token does not open it: %w", err)
		}
		out = confidential.New(raw)
		return nil
	})
	return out, err
}

// session calls fn in a session that is logged in, and leaves the module as it
// was: a module that another part of the process uses stays started and logged in.
func (k key) session(flags uint, fn func(*pkcs11.Ctx, pkcs11.SessionHandle) error) (err error) {
	pin, err := k.readPIN()
	if err != nil {
		return err
	}
	defer clear(pin)
	module := pkcs11.New(k.module)
	if module == nil {
		return fmt.Errorf("the PKCS #11 module %s does not load", k.module)
	}
	defer module.Destroy()
	switch err := module.Initialize(); {
	case err == nil:
		defer func() { err = errors.Join(err, module.Finalize()) }()
	case !errors.Is(err, pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED)):
		return fmt.Errorf("starting the PKCS #11 module %s: %w", k.module, err)
	}
	slot, err := k.slot(module)
	if err != nil {
		return err
	}
	s, err := module.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|flags)
	if err != nil {
		return fmt.Errorf("opening a session with the token: %w", err)
	}
	defer func() { err = errors.Join(err, module.CloseSession(s)) }() // the last one of the process logs out
	err = module.Login(s, pkcs11.CKU_USER, string(pin))
	if err != nil && !errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)) {
		return fmt.Errorf("logging in to the token with the PIN in %s: %w", k.pin, err)
	}
	return fn(module, s)
}

func (k key) readPIN() ([]byte, error) {
	b, err := root.ReadPrivate(k.pin, maxPIN)
	if err != nil {
		return nil, fmt.Errorf("reading the PIN of the token: %w", err)
	}
	pin := bytes.TrimRight(b, "\r\n")
	if len(pin) == 0 || len(b) > maxPIN {
		clear(b)
		return nil, fmt.Errorf("%s holds no PIN: one has 1 to %d bytes", k.pin, maxPIN)
	}
	return pin, nil
}

// slot finds the one slot with the token.
func (k key) slot(module *pkcs11.Ctx) (uint, error) {
	slots, err := module.GetSlotList(true)
	if err != nil {
		return 0, fmt.Errorf("listing the tokens of %s: %w", k.module, err)
	}
	var found []uint
	for _, slot := range slots {
		info, err := module.GetTokenInfo(slot)
		if err == nil && fits(k.token, info.Label) && fits(k.serial, info.SerialNumber) {
			found = append(found, slot)
		}
	}
	if len(found) != 1 {
		return 0, fmt.Errorf("%s has %d tokens like the one that the PKCS #11 URI names, not one", k.module, len(found))
	}
	return found[0], nil
}

// fits compares with a padded field of a token.
func fits(want, field string) bool {
	return want == "" || want == strings.TrimRight(field, " \x00")
}

var errNoKey = errors.New("the token has no key that the PKCS #11 URI names")

// find finds the key, and refuses one that could be read out of the token.
func (k key) find(module *pkcs11.Ctx, s pkcs11.SessionHandle) (pkcs11.ObjectHandle, error) {
	if err := module.FindObjectsInit(s, append(k.names(), pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY))); err != nil {
		return 0, fmt.Errorf("looking for the key: %w", err)
	}
	found, _, err := module.FindObjects(s, 2)
	if err = errors.Join(err, module.FindObjectsFinal(s)); err != nil {
		return 0, fmt.Errorf("looking for the key: %w", err)
	}
	switch len(found) {
	case 0:
		return 0, errNoKey
	case 1:
	default:
		return 0, errors.New("the token has several keys like the one that the PKCS #11 URI names")
	}
	got, err := module.GetAttributeValue(s, found[0], []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, nil), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, nil),
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, nil), pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, nil),
	})
	if err != nil {
		return 0, fmt.Errorf("asking what the key may do: %w", err)
	}
	if !bytes.Equal(got[0].Value, []byte{0}) || !bytes.Equal(got[1].Value, []byte{1}) {
		return 0, errors.New("the key could be read out of the token: it must be sensitive and not extractable")
	}
	aes := pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES)
	size := pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, keySize)
	if !bytes.Equal(got[2].Value, aes.Value) || !bytes.Equal(got[3].Value, size.Value) {
		return 0, errors.New("the key of the token is not one of AES with 256 bits")
	}
	return found[0], nil
}

// names are the attributes by which the key is found.
func (k key) names() (list []*pkcs11.Attribute) {
	if k.object != "" {
		list = append(list, pkcs11.NewAttribute(pkcs11.CKA_LABEL, k.object))
	}
	if k.id != "" {
		list = append(list, pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(k.id)))
	}
	return list
}

func (k key) generate(module *pkcs11.Ctx, s pkcs11.SessionHandle) (pkcs11.ObjectHandle, error) {
	handle, err := module.GenerateKey(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, append(k.names(),
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, keySize),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, true),
		pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, true),
		pkcs11.NewAttribute(pkcs11.CKA_WRAP, false),
		pkcs11.NewAttribute(pkcs11.CKA_UNWRAP, false),
	))
	if err != nil {
		return 0, fmt.Errorf("making a key in the token: %w", err)
	}
	return handle, nil
}
