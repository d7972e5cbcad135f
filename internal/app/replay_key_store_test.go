package app

import (
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/service/kms/kmstest"
	"claviger/internal/service/kms/xksproxytest"
	"claviger/internal/words/optional"
)

// changeStore calls UpdateCustomKeyStore with what change sets.
func (w *world) changeStore(id optional.Of[string], change func(*kms.UpdateCustomKeyStoreInput)) {
	w.t.Helper()
	in := &kms.UpdateCustomKeyStoreInput{CustomKeyStoreID: id}
	change(in)
	w.must(w.caller(owner), "kms:UpdateCustomKeyStore", in)
}

func toPath(path string) func(*kms.UpdateCustomKeyStoreInput) {
	return func(in *kms.UpdateCustomKeyStoreInput) { in.XksProxyURIPath = optional.Some(path) }
}

func toCredential(in *kms.UpdateCustomKeyStoreInput) {
	in.XksProxyAuthenticationCredential = kmstest.KeyStore("").XksProxyAuthenticationCredential
}

func (w *world) disconnect(id optional.Of[string]) {
	w.t.Helper()
	w.must(w.caller(owner), "kms:DisconnectCustomKeyStore", &kms.DisconnectCustomKeyStoreInput{CustomKeyStoreID: id})
}

func (w *world) deleteStore(id optional.Of[string]) {
	w.t.Helper()
	w.must(w.caller(owner), "kms:DeleteCustomKeyStore", &kms.DeleteCustomKeyStoreInput{CustomKeyStoreID: id})
}

// connectedFresh makes a connected store at a path of its own.
func (w *world) connectedFresh() optional.Of[string] {
	in := kmstest.KeyStore(w.fresh("store "))
	in.XksProxyURIPath = optional.Some("/" + w.fresh("tenant") + "/kms/xks/v1")
	return w.connectedStore(in)
}

// TestKeyStoresAgain: what was disconnected, deleted or moved is so again, and the
// operator is told of secrets, which no record has. Of what was made since and
// taken away again nobody need hear.
func TestKeyStoresAgain(t *testing.T) {
	t.Parallel()
	const elsewhere, there = "https://moved.example.com", "/moved/kms/xks/v1"
	var moved, cut, kept, deleted, secret, renamed, taking, taken optional.Of[string]
	p := newPast(t, func(w *world) {
		moved, cut, kept, deleted, secret, renamed = w.connectedFresh(), w.connectedFresh(), w.connectedFresh(), w.connectedFresh(), w.connectedFresh(), w.connectedFresh()
		taking, taken = w.connectedFresh(), w.connectedFresh()
		w.changeStore(taken, toPath("/wanted/kms/xks/v1"))
		w.must(w.caller(owner), "kms:DisconnectCustomKeyStore", &kms.DisconnectCustomKeyStoreInput{CustomKeyStoreID: deleted})
		w.must(w.caller(owner), "kms:ConnectCustomKeyStore", &kms.ConnectCustomKeyStoreInput{CustomKeyStoreID: deleted}) // nobody does by now
	})
	root := p.caller(owner)
	p.disconnect(moved)
	p.changeStore(moved, func(in *kms.UpdateCustomKeyStoreInput) {
		in.XksProxyURIEndpoint, in.XksProxyURIPath = optional.Some(elsewhere), optional.Some("/first/kms/xks/v1")
	})
	p.must(root, "kms:ConnectCustomKeyStore", &kms.ConnectCustomKeyStoreInput{CustomKeyStoreID: moved})
	if err := p.server.keys.ConnectDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.changeStore(moved, toPath(there)) // of which the other record says nothing
	p.disconnect(cut)
	p.disconnect(kept)
	p.must(root, "kms:ConnectCustomKeyStore", &kms.ConnectCustomKeyStoreInput{CustomKeyStoreID: kept})
	p.disconnect(deleted)
	p.deleteStore(deleted)
	p.changeStore(secret, toCredential)
	p.changeStore(renamed, func(in *kms.UpdateCustomKeyStoreInput) { in.NewCustomKeyStoreName = optional.Some("renamed") })
	p.changeStore(taken, toPath("/left/kms/xks/v1"))
	p.changeStore(taking, toPath("/wanted/kms/xks/v1"))
	p.changeStore(taken, toPath("/left/again/kms/xks/v1")) // the one that counts comes after the other
	made := p.connectedFresh()
	p.changeStore(made, toPath("/made/kms/xks/v1"))
	p.disconnect(made)
	p.deleteStore(made)
	sound(t, p.server)

	dir := p.putBack()
	report, err := p.accept(dir, &storeAcceptRestoreCommand{Replay: true})
	if err != nil || !report.Accepted {
		t.Fatalf("%v: %+v", err, report)
	}
	wantOutcomes(t, report, []string{
		"DisconnectCustomKeyStore superseded", // moved
		"UpdateCustomKeyStore superseded",
		"ConnectCustomKeyStore lost",
		"UpdateCustomKeyStore made again",
		"DisconnectCustomKeyStore made again", // cut
		"DisconnectCustomKeyStore superseded", // kept
		"ConnectCustomKeyStore lost",
		"DisconnectCustomKeyStore made again", // deleted
		"DeleteCustomKeyStore made again",
		"UpdateCustomKeyStore to do by hand", // secret
		"UpdateCustomKeyStore to do by hand", // renamed
		"UpdateCustomKeyStore superseded",    // taken
		"UpdateCustomKeyStore made again",    // taking, when taken is out of its way
		"UpdateCustomKeyStore made again",
		"CreateCustomKeyStore superseded", // made
		"ConnectCustomKeyStore superseded",
		"UpdateCustomKeyStore nothing to do",
		"DisconnectCustomKeyStore nothing to do",
		"DeleteCustomKeyStore nothing to do",
	})

	w := p.serving(dir)
	sound(t, w.server)
	out := w.must(w.caller(owner), "kms:DescribeCustomKeyStores", &kms.DescribeCustomKeyStoresInput{}).(*kms.DescribeCustomKeyStoresOutput)
	stores := make(map[string]kms.CustomKeyStoresListEntry)
	for _, s := range out.CustomKeyStores {
		stores[s.CustomKeyStoreID] = s
	}
	if len(stores) != 7 {
		t.Errorf("%d key stores are left", len(stores))
	}
	for id, want := range map[optional.Of[string]]string{moved: "DISCONNECTED", cut: "DISCONNECTED", kept: "CONNECTED", secret: "CONNECTED", taking: "DISCONNECTED", taken: "DISCONNECTED"} {
		if got := stores[id.V].ConnectionState; got != want {
			t.Errorf("%s is %s, want %s", id.V, got, want)
		}
	}
	if c := stores[moved.V].XksProxyConfiguration; c == nil || c.URIEndpoint != elsewhere || c.URIPath != there || c.AccessKeyID != xksproxytest.AccessKeyID {
		t.Errorf("the store that was moved is at %+v", c)
	}
}
