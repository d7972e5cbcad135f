// Package token has root keys wrapped by a key that is in a PKCS #11 token, such
// as a hardware security module or SoftHSM, and never leaves it.
//
// It needs cgo: only a build with the tag pkcs11 has it. In all others Parse
// refuses every source, after reading it.
// https://docs.oasis-open.org/pkcs11/pkcs11-spec/v3.1/pkcs11-spec-v3.1.html
package token

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// A key says which key of which token wraps root keys.
type key struct {
	token, serial string // of the token: label and serial number
	object, id    string // of the key: CKA_LABEL and CKA_ID
	module        string // path of the module's shared library
	pin           string // path of the file with the PIN
}

// parse reads a PKCS #11 URI (RFC 7512) of a key, such as
//
//	pkcs11:token=vault;object=claviger?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/etc/claviger/pin
//
// Attributes that it does not know are refused: passed over, they would make the
// URI name more than was meant.
func parse(text string) (key, error) {
	rest, is := strings.CutPrefix(text, "pkcs11:")
	if !is {
		return key{}, errors.New("not a PKCS #11 URI, which begins with the scheme pkcs11")
	}
	var k key
	path, query, _ := strings.Cut(rest, "?")
	err := attributes(path, ";", map[string]*string{"token": &k.token, "serial": &k.serial, "object": &k.object, "id": &k.id})
	if err != nil {
		return key{}, err
	}
	if err := attributes(query, "&", map[string]*string{"module-path": &k.module, "pin-source": &k.pin}); err != nil {
		return key{}, err
	}
	switch {
	case k.token == "" && k.serial == "":
		return key{}, errors.New("the PKCS #11 URI names no token: token=LABEL or serial=NUMBER")
	case k.object == "" && k.id == "":
		return key{}, errors.New("the PKCS #11 URI names no key: object=LABEL or id=ID")
	case k.module == "":
		return key{}, errors.New("the PKCS #11 URI names no module: ?module-path=PATH")
	case k.pin == "":
		return key{}, errors.New("the PKCS #11 URI names no file with the PIN: &pin-source=PATH")
	}
	k.pin = strings.TrimPrefix(strings.TrimPrefix(k.pin, "file://"), "file:")
	if !filepath.IsAbs(k.pin) || !filepath.IsAbs(k.module) {
		return key{}, errors.New("module-path and pin-source of a PKCS #11 URI are absolute paths")
	}
	return k, nil
}

// attributes reads name=value pairs, each at most once.
func attributes(text, between string, known map[string]*string) error {
	if text == "" {
		return nil
	}
	for _, part := range strings.Split(text, between) {
		name, value, _ := strings.Cut(part, "=")
		into := known[name]
		switch {
		case name == "pin-value":
			return errors.New("a PIN does not belong on a command line, which others can read: use pin-source")
		case into == nil:
			return errors.New("the PKCS #11 URI has an attribute that is not known here: token, serial, object and id are, then module-path and pin-source")
		case *into != "":
			return fmt.Errorf("the PKCS #11 URI has %s twice", name)
		}
		decoded, err := url.PathUnescape(value)
		if err != nil || decoded == "" || strings.ContainsRune(decoded, 0) {
			return fmt.Errorf("the PKCS #11 URI has a value of %s that can't be", name)
		}
		*into = decoded
	}
	return nil
}
