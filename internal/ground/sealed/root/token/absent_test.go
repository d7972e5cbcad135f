//go:build !pkcs11

package token

import (
	"strings"
	"testing"
)

func TestAbsent(t *testing.T) {
	t.Parallel()
	if w, err := Parse("pkcs11:token=a" + rest); w != nil || err == nil || !strings.Contains(err.Error(), "with cgo and the tag pkcs11") {
		t.Errorf("%v, %v", w, err)
	}
}
