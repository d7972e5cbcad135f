package session_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/sealed"
	"claviger/internal/kernel/session"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/ident"
	"claviger/internal/words/pairs"
)

// keyring makes the keyring of an installation.
func keyring(t testing.TB, seed byte) *sealed.Keyring {
	t.Helper()
	root, err := sealed.NewRootKey(confidential.New(bytes.Repeat([]byte{seed}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	k, _, err := sealed.Create(root)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const id = "ASIAEXAMPLEEXAMPLE23"

// full is a session in which everything says something.
func full() *session.Session {
	begin := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	return &session.Session{
		Kind: session.Role, Account: "111122223333", Issued: begin, Expires: begin.Add(time.Hour), Position: 1 << 40,
		ID: "AROAEXAMPLEEXAMPLEEXA", Name: "s", Role: "aws:ec2-infrastructure", IssuedTo: "ec2.amazonaws.com", IssuedWith: "AKIAEXAMPLE",
		ARN: "arn:aws:iam::111122223333:role/p/R", Policies: []string{`{"Version":"2012-10-17"}`}, Managed: []string{"ANPAEXAMPLE"}, Organization: "o-exampleorgid",
		Tags: pairs.Of(map[string]string{"team": "rot & blau", "a": ""}), Transitive: []string{"team"}, SourceIdentity: "ann", MFA: true,
		AccessKeyID: "ASIAOTHER", Token: "another token", Region: "eu-west-1", Address: "192.0.2.7", UserAgent: "cli/é",
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	tokens := session.NewTokens(keyring(t, 1))
	for _, s := range []*session.Session{full(), {Kind: session.User}, {}} {
		token, err := tokens.Seal(id, s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tokens.Open(id, token)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, s) {
			t.Errorf("sealed %+v\nopened %+v", s, got)
		}
	}
	filled := reflect.ValueOf(*full())
	for i := range filled.NumField() {
		if filled.Field(i).IsZero() {
			t.Errorf("%s goes untested", filled.Type().Field(i).Name)
		}
	}
}

// TestForged: whatever is not exactly the token of an access key id, made by this
// installation, opens nothing, and always in the same words.
func TestForged(t *testing.T) {
	t.Parallel()
	k := keyring(t, 1)
	tokens := session.NewTokens(k)
	token, err := tokens.Seal(id, full())
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	refused := func(what, id, token string) {
		t.Helper()
		cases++
		if s, err := tokens.Open(id, token); !errors.Is(err, session.ErrToken) || s != nil {
			t.Errorf("%s: opened as %+v, %v", what, s, err)
		}
	}
	for i := range len(token) {
		other := byte('A')
		if token[i] == other {
			other = 'B'
		}
		refused("altered", id, token[:i]+string(other)+token[i+1:])
	}
	for i := range len(token) {
		refused("cut", id, token[:i])
	}
	refused("of another access key", "ASIAEXAMPLEEXAMPLE24", token)
	refused("of no access key", "", token)
	refused("longer", id, token+"A")
	refused("padded", id, token+"=")
	refused("on two lines", id, token[:10]+"\n"+token[10:])
	refused("huge", id, strings.Repeat("A", session.TokenMax+1))
	refused("of another purpose", id, k.Secret("session/secret").Seal([]byte(id), []byte("{}")))
	refused("not packed", id, k.Secret("session/token").Seal([]byte(id), []byte(`{"k":1}`)))
	theirs, err := session.NewTokens(keyring(t, 2)).Seal(id, full())
	if err != nil {
		t.Fatal(err)
	}
	refused("of another installation", id, theirs)
	if cases < 2*len(token) {
		t.Errorf("only %d cases", cases)
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	tokens := session.NewTokens(keyring(t, 1))
	for what, s := range map[string]*session.Session{
		"noise": {Token: ident.Secret(session.TokenMax)}, // does not compress
		"plain": {Token: strings.Repeat("a", 64<<10)},    // would
	} {
		if token, err := tokens.Seal(id, s); !errors.Is(err, session.ErrTooLarge) || token != "" {
			t.Errorf("%s: %d characters, %v", what, len(token), err)
		}
	}
	// The token of a session that is full fits into one of forward access.
	inner, err := tokens.Seal(id, &session.Session{Policies: []string{ident.Secret(4096)}})
	if err != nil {
		t.Fatal(err)
	}
	outer, err := tokens.Seal(id, &session.Session{Token: inner, UserAgent: ident.Secret(1 << 10)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := tokens.Open(id, outer)
	if err != nil || s.Token != inner {
		t.Errorf("a token within a token: %v", err)
	}
}

// TestPadded: a token is as long as was asked for, and says the same.
func TestPadded(t *testing.T) {
	t.Parallel()
	tokens := session.NewTokens(keyring(t, 1))
	plain, err := tokens.Seal(id, full())
	if err != nil {
		t.Fatal(err)
	}
	for _, min := range []int{0, 1, len(plain) - 1, len(plain), len(plain) + 1, len(plain) + 2, len(plain) + 3, len(plain) + 4, 4095, 4096, session.TokenMax} {
		token, err := tokens.SealPadded(id, full(), min)
		if err != nil {
			t.Fatal(err)
		}
		want := max(min, len(plain))
		if want%4 == 1 {
			want++
		}
		if s, err := tokens.Open(id, token); len(token) != want || err != nil || !reflect.DeepEqual(s, full()) {
			t.Errorf("of %d characters it has %d, and says %+v, %v", min, len(token), s, err)
		}
	}
	if _, err := tokens.SealPadded(id, full(), session.TokenMax+1); err != nil {
		t.Errorf("too long a minimum: %v", err) // is not heeded: no service asks for it
	}
}

// TestSecretAccessKey: each access key id has one secret, in one installation.
func TestSecretAccessKey(t *testing.T) {
	t.Parallel()
	secret := func(tokens *session.Tokens, id string) string {
		return string(tokens.SecretAccessKey(id).Reveal(reveal.Token{}))
	}
	ours, again, theirs := session.NewTokens(keyring(t, 1)), session.NewTokens(keyring(t, 1)), session.NewTokens(keyring(t, 2))
	drawn := session.Draw()
	if len(drawn) != 20 || !strings.HasPrefix(drawn, "ASIA") || drawn == session.Draw() {
		t.Errorf("drew %s", drawn)
	}
	first := secret(ours, id)
	if raw, err := base64.StdEncoding.DecodeString(first); len(first) != 40 || err != nil || len(raw) != 30 {
		t.Errorf("the secret has %d characters: %v", len(first), err)
	}
	if first != secret(ours, id) {
		t.Error("one access key id has two secrets")
	}
	seen := map[string]bool{first: true, secret(again, id): true, secret(theirs, id): true, secret(ours, drawn): true, secret(ours, ""): true}
	if len(seen) != 5 {
		t.Errorf("of five secrets %d differ", len(seen))
	}
}

func FuzzOpen(f *testing.F) {
	k := keyring(f, 1)
	tokens := session.NewTokens(k)
	token, err := tokens.Seal(id, full())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token, []byte(`{"k":1}`))
	f.Add("", []byte{})
	f.Add(token[1:], []byte{0xff, 0x00})
	f.Fuzz(func(t *testing.T, text string, packed []byte) {
		// Nobody but us makes a token that opens.
		if s, err := tokens.Open(id, text); text != token && (err == nil || s != nil) {
			t.Errorf("%q opens as %+v", text, s)
		}
		// What is sealed but no session does no harm.
		_, err := tokens.Open(id, k.Secret("session/token").Seal([]byte(id), packed))
		if err != nil && !errors.Is(err, session.ErrToken) {
			t.Errorf("%q: %v", packed, err)
		}
	})
}
