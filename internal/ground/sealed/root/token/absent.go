//go:build !pkcs11

package token

import (
	"errors"

	"claviger/internal/ground/sealed/root"
)

// Parse reads a PKCS #11 URI, and refuses it: this build has no PKCS #11.
func Parse(text string) (root.Wrapper, error) {
	if _, err := parse(text); err != nil {
		return nil, err
	}
	return nil, errors.New("this build has no PKCS #11: make one with cgo and the tag pkcs11")
}
