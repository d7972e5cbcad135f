package app

import (
	"bytes"
	"strings"
	"testing"

	"claviger/internal/edge/httpfront"
	"claviger/internal/service/kms"
	"claviger/internal/service/kms/kmstest"
	"claviger/internal/service/xks"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// A loop is a server whose keys are in a key store of another server, over TLS.
type loop struct {
	*world             // whose KMS keys are used
	outer    *provider // whose external keys they use
	store    optional.Of[string]
	external string // the external key that was made last
}

func newLoop(t *testing.T) *loop {
	t.Helper()
	far := newWorld(t)
	door := far.door(t)
	outside := serveProxy(t, httpfront.New(httpfront.Options{
		Handler: door, BodyMax: door.BodyMax, Ready: func() bool { return true },
		Panicked: func(cause any) { t.Errorf("panic: %v", cause) },
	}).Handler)
	l := &loop{world: reaching(t, outside), outer: far.provide("team/a", "")}
	in := kmstest.KeyStore("loop")
	in.XksProxyURIPath = optional.Some("/team/a/kms/xks/v1")
	in.XksProxyAuthenticationCredential = l.credential()
	l.store = l.connectedStore(in)
	l.keyInput = func() *kms.CreateKeyInput {
		l.external = l.fresh("external-")
		l.outer.key(l.external)
		return &kms.CreateKeyInput{Origin: optional.Some("EXTERNAL_KEY_STORE"), CustomKeyStoreID: l.store, XksKeyID: optional.Some(l.external)}
	}
	return l
}

// credential is the one that the outer server has told last.
func (l *loop) credential() *kms.XksProxyCredential {
	return &kms.XksProxyCredential{
		AccessKeyID:        optional.Some(l.outer.credential.AccessKeyID),
		RawSecretAccessKey: secretOf(l.outer.credential.SecretAccessKey),
	}
}

func secretOf(s string) confidential.Bytes { return confidential.New([]byte(s)) }

// TestLoopOfSamples: whatever can be done with a symmetric key can be done with one
// whose other half is on another server, but for rotation and key pairs.
func TestLoopOfSamples(t *testing.T) {
	t.Parallel()
	l := newLoop(t)
	works := 0
	for name, sample := range samples {
		if !strings.HasPrefix(name, "kms:") || strings.Contains(name, "Rotat") || strings.Contains(name, "KeyPair") || strings.Contains(name, "CustomKeyStore") {
			continue
		}
		before := l.external
		in := sample(l.world)
		if l.external == before {
			continue // not about a symmetric key of this server's making
		}
		works++
		if _, err := l.call(l.author(name), name, in); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if works < 20 {
		t.Errorf("only %d operations were called on keys of the other server", works)
	}
}

// TestLoop is the life of a key whose other half is on another server, seen from
// both.
func TestLoop(t *testing.T) {
	t.Parallel()
	l := newLoop(t)
	key := optional.Some(l.key())
	context := pairs.Of(map[string]string{"name": strings.Repeat("v", 8192-2-4-4)})
	plaintext := func() confidential.Bytes { return secretOf(strings.Repeat("p", 4096)) }
	blob := l.must(l.caller(owner), "kms:Encrypt", &kms.EncryptInput{KeyID: key, Plaintext: plaintext(), EncryptionContext: context}).(*kms.EncryptOutput).CiphertextBlob
	decrypts := func(when string) {
		t.Helper()
		out, err := l.call(l.caller(owner), "kms:Decrypt", &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: context})
		if err != nil || !bytes.Equal(secretBytes(out.(*kms.DecryptOutput).Plaintext), secretBytes(plaintext())) {
			t.Errorf("%s: %v", when, err)
		}
	}
	refused := func(when, begins string, context pairs.Map) {
		t.Helper()
		_, err := l.call(l.caller(owner), "kms:Decrypt", &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: context})
		if f := fault.From(err); err == nil || f.Code != kms.InvalidState || !strings.HasPrefix(f.Message, begins) {
			t.Errorf("%s: %v", when, err)
		}
	}
	decrypts("at first")
	refused("with another context", "The external key store proxy rejected the request because the specified ciphertext", nil)

	of, external := optional.Some("team/a"), optional.Some(l.external)
	l.outer.w.operate("DisableExternalKey", &xks.DisableExternalKeyInput{KeyStore: of, ExternalKeyID: external})
	refused("while the external key is disabled", "The external key store proxy rejected the request because the external key is not enabled", context)
	l.outer.w.operate("EnableExternalKey", &xks.EnableExternalKeyInput{KeyStore: of, ExternalKeyID: external})
	l.outer.w.operate("RotateExternalKey", &xks.RotateExternalKeyInput{KeyStore: of, ExternalKeyID: external})
	decrypts("after a rotation of the external key")

	// A new credential comes before the old one goes, so that no call fails.
	rotated := l.outer.w.operate("RotateExternalKeyStoreCredential", &xks.RotateExternalKeyStoreCredentialInput{Prefix: of})
	decrypts("with the old credential")
	l.outer.use(&rotated.(*xks.RotateExternalKeyStoreCredentialOutput).Configuration)
	l.must(l.caller(owner), "kms:UpdateCustomKeyStore", &kms.UpdateCustomKeyStoreInput{CustomKeyStoreID: l.store, XksProxyAuthenticationCredential: l.credential()})
	decrypts("with the new credential")
	wrong := l.credential()
	wrong.RawSecretAccessKey = secretOf(strings.Repeat("x", 43))
	_, err := l.call(l.caller(owner), "kms:UpdateCustomKeyStore", &kms.UpdateCustomKeyStoreInput{CustomKeyStoreID: l.store, XksProxyAuthenticationCredential: wrong})
	if !fault.Is(err, "XksProxyIncorrectAuthenticationCredentialException") {
		t.Errorf("with a wrong credential: %v", err)
	}
	decrypts("after a wrong credential was refused")

	// Both trails name the request alike.
	_, next := l.records(1)
	_, far := l.outer.w.records(1)
	decrypts("once more")
	here, _ := l.records(next)
	there, _ := l.outer.w.records(far)
	_, rest, _ := strings.Cut(string(here[0].Record), `"requestID":"`)
	id, _, _ := strings.Cut(rest, `"`)
	if len(here) != 1 || len(there) != 1 || len(id) != 36 || !strings.Contains(string(there[0].Record), id) {
		t.Errorf("the records are %s and %s", here[0].Record, there[0].Record)
	}

	l.outer.w.operate("DisableExternalKey", &xks.DisableExternalKeyInput{KeyStore: of, ExternalKeyID: external})
	l.outer.w.operate("DeleteExternalKey", &xks.DeleteExternalKeyInput{KeyStore: of, ExternalKeyID: external})
	refused("without the external key", "The external key store proxy rejected the request because it could not find the external key.", context)
}
