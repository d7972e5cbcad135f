package app

import (
	"context"
	"slices"
	"testing"
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/pipeline"
	"claviger/internal/service/xks"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
	"claviger/internal/words/optional"
)

// ofKeyStore lends the credentials of the world's key store.
type ofKeyStore struct{ *world }

func (o ofKeyStore) Credential(ctx context.Context, id, token string) (*authz.Credential, error) {
	return o.server.proxy.KeyStoreCredential(ctx, sampleStore, id, token)
}

// encryptFirst is the first use of an external key, which is judged anew when the key
// is bound to the KMS key.
func (w *world) encryptFirst(id string) {
	w.t.Helper()
	in := &xks.EncryptInput{
		KeyStore: sampleStore, ExternalKeyID: id, RequestMetadata: requestMetadata("Encrypt"), Plaintext: canary(), EncryptionAlgorithm: optional.Some("AES_GCM"),
	}
	_, err := w.server.pipeline.Do(w.t.Context(), &pipeline.Request{
		Entrance: w.entrances["kms-xks-proxy:Encrypt"], Credential: w.keyStore(), Credentials: ofKeyStore{w}, Facts: authz.Facts{Region: "us-east-1"},
		ID: ident.UUID(), Partition: "aws",
		Decode: func(to any) error {
			assign(to, in)
			return nil
		},
		Spell: func(c fault.Code) string { return string(c) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestExternalKeysAgain: limits of key stores, the KMS keys that may use an external
// key, and the credentials that are left are as they were last; key stores that
// were deleted are.
func TestExternalKeysAgain(t *testing.T) {
	t.Parallel()
	prefix, empty, full := optional.Some(sampleStore), optional.Some("empty"), optional.Some("full")
	limits := xks.Limits{Accounts: []string{owner}, Operations: []string{"Encrypt", "Decrypt"}}
	limit := func(w *world, l xks.Limits) {
		w.operate("LimitExternalKeyStore", &xks.LimitExternalKeyStoreInput{Prefix: prefix, Limits: l})
	}
	key := func(w *world, prefix optional.Of[string], id string, keys ...string) {
		w.operate("CreateExternalKey", &xks.CreateExternalKeyInput{KeyStore: prefix, ExternalKeyID: optional.Some(id), KMSKeys: keys})
	}
	allow := func(w *world, id string, keys ...string) {
		w.operate("AllowExternalKey", &xks.AllowExternalKeyInput{KeyStore: prefix, ExternalKeyID: optional.Some(id), KMSKeys: keys})
	}
	rotate := func(w *world) string {
		out := w.operate("RotateExternalKeyStoreCredential", &xks.RotateExternalKeyStoreCredentialInput{Prefix: prefix})
		return out.(*xks.RotateExternalKeyStoreCredentialOutput).Configuration.Credential.AccessKeyID
	}
	var second string
	p := newPast(t, func(w *world) {
		w.keyStore()
		second = rotate(w)
		for _, prefix := range []optional.Of[string]{empty, full} {
			w.operate("CreateExternalKeyStore", &xks.CreateExternalKeyStoreInput{Prefix: prefix})
		}
		key(w, full, "kept", "*")
		key(w, prefix, "narrowed", "*")
		key(w, prefix, "bound")
		key(w, prefix, "disabled")
		key(w, prefix, "deleted")
	})
	p.ahead.Store(int64(2 * time.Second)) // times are kept in seconds
	limit(p.world, xks.Limits{Regions: []string{"us-east-1"}})
	limit(p.world, limits)
	allow(p.world, "narrowed", kmsKeyOne, kmsKeyTwo)
	p.encryptFirst("bound")
	rotate(p.world) // the first one is gone
	p.operate("DeleteExternalKeyStore", &xks.DeleteExternalKeyStoreInput{Prefix: empty})
	for _, id := range []string{"disabled", "deleted"} {
		p.operate("DisableExternalKey", &xks.DisableExternalKeyInput{KeyStore: prefix, ExternalKeyID: optional.Some(id)})
	}
	p.operate("DeleteExternalKey", &xks.DeleteExternalKeyInput{KeyStore: prefix, ExternalKeyID: optional.Some("deleted")})
	key(p.world, prefix, "made")
	allow(p.world, "made", kmsKeyOne)
	list := func(w *world) (xks.ExternalKeyStore, []xks.ExternalKey) {
		stores := w.operate("ListExternalKeyStores", &xks.ListExternalKeyStoresInput{}).(*xks.ListExternalKeyStoresOutput).ExternalKeyStores
		at := slices.IndexFunc(stores, func(s xks.ExternalKeyStore) bool { return s.Prefix == sampleStore })
		if len(stores) != 2 || at < 0 {
			t.Fatalf("the key stores are %+v", stores)
		}
		return stores[at], w.operate("ListExternalKeys", &xks.ListExternalKeysInput{KeyStore: prefix}).(*xks.ListExternalKeysOutput).ExternalKeys
	}
	_, keys := list(p.world)
	sound(t, p.server)

	// Once more on top of what was made again, whose records say it in other words.
	dir := p.putBack()
	for round := range 2 {
		report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true})
		if err != nil || count(report.Changes, failed)+count(report.Changes, byHand) > 0 {
			t.Fatalf("round %d: %v: %+v", round, err, report)
		}
		if round == 0 {
			wantOutcomes(t, report, []string{
				"LimitExternalKeyStore superseded", "LimitExternalKeyStore made again", "AllowExternalKey made again", "BindExternalKey made again",
				"RotateExternalKeyStoreCredential made again", "DeleteExternalKeyStore made again",
				"DisableExternalKey made again", "DisableExternalKey made again", "DeleteExternalKey made again", "CreateExternalKey lost", "AllowExternalKey nothing to do",
			})
		}
		w := p.serving(dir)
		sound(t, w.server)
		s, got := list(w)
		if len(s.Credentials) != 1 || s.Credentials[0].AccessKeyID != second {
			t.Errorf("the credentials are %+v", s.Credentials)
		}
		if !slices.Equal(s.Limits.Accounts, limits.Accounts) || !slices.Equal(s.Limits.Operations, limits.Operations) || s.Limits.Regions != nil {
			t.Errorf("the limits are %+v", s.Limits)
		}
		if len(got) != 3 {
			t.Errorf("the external keys are %+v", got)
		}
		for _, k := range keys {
			at := slices.IndexFunc(got, func(o xks.ExternalKey) bool { return o.ID == k.ID })
			if k.ID == "made" && at >= 0 || k.ID != "made" && (at < 0 || !slices.Equal(got[at].KMSKeys, k.KMSKeys) || got[at].Status != k.Status) {
				t.Errorf("%s may be used by %v: %+v", k.ID, k.KMSKeys, got)
			}
		}
		if err := w.server.close(); err != nil {
			t.Fatal(err)
		}
		p.world, p.dir = w, dir
		dir = p.putBack()
	}
}
