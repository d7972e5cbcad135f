package app

import (
	"net/http"
	"strings"
	"testing"
)

// TestCommandBesideAnother: a command that reaches another one, which has the store
// open only to look at it, says so.
func TestCommandBesideAnother(t *testing.T) {
	t.Parallel()
	l := initialised(t)
	f, err := l.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	quiet(&f)
	s, err := assemble(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer s.mustClose(t)
	listener, err := listenAdmin(l.socket())
	if err != nil {
		t.Fatal(err)
	}
	looking := &http.Server{Handler: s.looks()}
	go func() { _ = looking.Serve(listener) }() // ends with Close
	defer looking.Close()
	err = (&where{location: *l}).call(&environment{}, "/account/create", createAccountRequest{}, nil)
	if err == nil || !strings.Contains(err.Error(), "another command that has the store open") {
		t.Errorf("it says %v", err)
	}
}
