package app

import (
	"net"
	"testing"
)

// TestEndpoint: what is printed to be pasted names an address that can be called, and that
// a certificate for this machine has.
func TestEndpoint(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"127.0.0.1:4566": "https://127.0.0.1:4566",
		"[::1]:4566":     "https://[::1]:4566",
		"10.0.0.7:443":   "https://10.0.0.7:443",
		"0.0.0.0:4566":   "https://localhost:4566",
		"[::]:4566":      "https://localhost:4566",
	} {
		listening, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := endpoint("https", listening); got != want {
			t.Errorf("%s is reached at %s, want %s", address, got, want)
		}
	}
}
