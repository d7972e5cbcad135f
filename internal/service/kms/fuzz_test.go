package kms_test

import (
	"errors"
	"slices"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// Whatever stands as a KeyId, it names a key that exists or is refused as one
// that does not; it never fails.
func FuzzKeyID(f *testing.F) {
	for _, seed := range []string{
		nowhere, keyARN(home, nowhere), keyARN(abroad, nowhere), "alias/a", aliasARN("alias/a"), aliasARN("alias/"), "alias/",
		"mrk-1234abcd12ab34cd56ef1234567890ab", "arn:", "arn:aws:kms:::key/", "", "key/" + nowhere, "\x00", "alias/\xff",
	} {
		f.Add(seed)
	}
	w := newWorld(f)
	owner := w.root(home)
	key := owner.createKey()
	owner.createAlias("alias/a", key.KeyID)
	f.Fuzz(func(t *testing.T, text string) {
		owner := owner.within(t)
		_, err := owner.do(&kms.DescribeKeyInput{KeyID: str(text)})
		names := slices.Contains([]string{key.KeyID, key.ARN, "alias/a", aliasARN("alias/a")}, text)
		var refusal *fault.Fault
		switch {
		case names && err != nil, !names && err == nil:
			t.Errorf("%q: %v", text, err)
		case names:
		case !errors.As(err, &refusal):
			t.Errorf("%q failed: %v", text, err)
		case !slices.Contains([]fault.Code{kms.NotFound, kms.InvalidARN, fault.AccessDenied, fault.Validation}, refusal.Code):
			t.Errorf("%q: %v", text, err)
		}
	})
}

// No text but a marker of ours opens, and no bytes but a ciphertext of ours.
func FuzzForeignBytes(f *testing.F) {
	w := newWorld(f)
	owner := w.root(home)
	key := owner.createKey()
	blob := owner.encrypt(key.KeyID, "x")
	f.Add("")
	f.Add("AAAA")
	f.Add(string(blob[:len(blob)-1]))
	f.Add(string(append(slices.Clone(blob), 0)))
	f.Fuzz(func(t *testing.T, text string) {
		owner := owner.within(t)
		if _, err := owner.do(&kms.ListKeysInput{Marker: str(text)}); !fault.Is(err, kms.InvalidMarker) {
			t.Errorf("marker %q: %v", text, err)
		}
		if text == string(blob) {
			return
		}
		for _, named := range []optional.Of[string]{{}, str(key.KeyID)} {
			_, err := owner.do(&kms.DecryptInput{CiphertextBlob: []byte(text), KeyID: named})
			refused := fault.Is(err, kms.InvalidCiphertext) || fault.Is(err, kms.IncorrectKey) ||
				fault.Is(err, fault.AccessDenied) || fault.Is(err, fault.Validation)
			if !refused {
				t.Errorf("ciphertext %q: %v", text, err)
			}
		}
	})
}

// No bytes but a token of ours are one, and none of another key.
func FuzzImportToken(f *testing.F) {
	w := newWorld(f)
	owner := w.root(home)
	in := w.importing(owner.external(), material(1))
	token := in.ImportToken
	f.Add([]byte{1, 2})
	f.Add(token[:10])
	f.Add(token[:len(token)-1])
	f.Add(append(slices.Clone(token), 0))
	f.Fuzz(func(t *testing.T, text []byte) {
		if slices.Equal(text, token) {
			return
		}
		owner, in := owner.within(t), *in
		in.ImportToken = text
		if _, err := owner.do(&in); !fault.Is(err, kms.InvalidImportToken) && !fault.Is(err, fault.Validation) {
			t.Errorf("token %x: %v", text, err)
		}
	})
}
