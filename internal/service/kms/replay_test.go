package kms_test

import (
	"errors"
	"testing"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/kms"
	"claviger/internal/words/ident"
)

// again makes a change to a custom key store again, as its record says it.
func (w *world) again(name string, members map[string]string) (*operation.Event, error) {
	w.t.Helper()
	l := &operation.Lost{
		Source: kms.EventSource, Name: name, Account: home, Region: region, Time: w.now.Add(time.Hour), Sequence: 7, Members: members,
	}
	if trace := w.service.Trace(l); trace.Subject == "" {
		w.t.Fatalf("%s is about nothing", name)
	}
	var e *operation.Event
	_, err := w.store.Update(w.t.Context(), ident.Bytes(), func(tx store.Txn) (err error) {
		e, err = w.service.Replay(w.t.Context(), tx, l, w.now)
		tx.Touch("nothing") // a commit that may have nothing to write
		return err
	})
	return e, err
}

// TestClusterAgain: a CloudHSM key store is on the cluster that it was given last,
// and not connected. Whether its password was changed nobody knows.
func TestClusterAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	id := must[kms.CreateCustomKeyStoreOutput](owner, hardwareStore("hardware", clusterOne, "one")).CustomKeyStoreID
	owner.connect(id)
	key := must[kms.CreateKeyOutput](owner, inCluster(id)).KeyMetadata
	to := func(cluster string) map[string]string {
		return map[string]string{"customKeyStoreId": id, "clusterId": cluster}
	}

	if e, err := w.again("UpdateCustomKeyStore", to(clusterOne)); !errors.Is(err, operation.ErrNotAgain) {
		t.Errorf("a password may have been changed: %v, %v", e, err)
	}
	owner.connection(id, "CONNECTED", "")
	if e, err := w.again("UpdateCustomKeyStore", to(clusterTwo)); err != nil || e == nil || len(e.Details) != 2 {
		t.Errorf("another cluster: %+v, %v", e, err)
	}
	owner.connection(id, "DISCONNECTED", "")
	if got := owner.describeStore(id).CloudHSMClusterID.V; got != clusterTwo {
		t.Errorf("the cluster is %s", got)
	}
	if e, err := w.again("DeleteCustomKeyStore", to(clusterTwo)); !errors.Is(err, operation.ErrNotAgain) {
		t.Errorf("a store with the key %s: %v, %v", key.KeyID, e, err)
	}
	for _, name := range []string{"DisconnectCustomKeyStore", "UpdateCustomKeyStore", "DeleteCustomKeyStore"} {
		if e, err := w.again(name, map[string]string{"customKeyStoreId": "cks-1234567890abcdef0", "clusterId": clusterTwo}); e != nil || err != nil {
			t.Errorf("%s of a store that is not here: %+v, %v", name, e, err)
		}
	}
}
