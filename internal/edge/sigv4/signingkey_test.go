package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"claviger/internal/kernel/authz"
	"claviger/internal/words/confidential"
)

// The two kept states make the HMAC of the standard library.
func TestSignIsHMAC(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")
		text := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "text")
		k := signingKey{inner: padded(key, 0x36), outer: padded(key, 0x5c)}
		want := hmac.New(sha256.New, key)
		want.Write(text)
		if got := k.sign(sha256.New(), text, nil); !hmac.Equal(got, want.Sum(nil)) {
			t.Fatalf("signed %x, want %x", got, want.Sum(nil))
		}
	})
}

func TestKeyring(t *testing.T) {
	t.Parallel()
	scope := func(i int) *Scope { return &Scope{AccessKeyID: strconv.Itoa(i), Service: "kms"} }
	owner := &authz.Credential{Secret: confidential.New([]byte("x"))}
	key := derive(owner, scope(0))
	var ring keyring
	if ring.get(scope(0), owner) != nil {
		t.Error("an empty ring has a key")
	}
	ring.put(scope(0), key)
	for i := 1; i < 10*generationMax; i++ {
		ring.put(scope(i), key)
		if kept := len(ring.young) + len(ring.old); kept > 2*generationMax {
			t.Fatalf("the ring has %d keys", kept)
		}
		// In use, a key is never dropped.
		if i%(generationMax/2) == 0 && ring.get(scope(0), owner) != key {
			t.Fatalf("after %d other keys the used one is gone", i)
		}
	}
	if ring.get(scope(1), owner) != nil {
		t.Error("a key that nobody used is still there")
	}
	if ring.get(scope(0), &authz.Credential{Secret: owner.Secret}) != nil {
		t.Error("another credential is given the key")
	}
}
