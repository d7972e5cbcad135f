package sealed_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fixedKey returns a private key of testdata in PKCS#8, which OpenSSL made.
func fixedKey(t testing.TB, spec string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "keys", strings.ToLower(spec)+".der"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
