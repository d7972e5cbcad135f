package kms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/kms/xksproxy"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
)

// storedKeyRecord is a key's place in its store: no two keys of a store have the
// same external key, and a store with keys can't be deleted. That the key's
// maker rests on the connected store, and who deletes the store on the
// disconnected one, keeps either from overlooking the other.
type storedKeyRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Store   string `json:"store"`
	Backing string `json:"backing"` // id of the external key, or label of the key in the cluster
	KeyID   string `json:"keyId"`
}

var storedKeyTable = &store.Table[storedKeyRecord]{
	Schema: driver.Schema{
		Name:       "kms_custom_key_store_key",
		PrimaryKey: []driver.Column{{Name: "account"}, {Name: "region"}, {Name: "store_id"}, {Name: "backing"}},
	},
	Version: 1,
	Key: func(r *storedKeyRecord) store.Key {
		return store.Key{store.S(r.Account), store.S(r.Region), store.S(r.Store), store.S(r.Backing)}
	},
	Account: func(r *storedKeyRecord) string { return r.Account },
}

// place is the key's place in its store.
func (r *keyRecord) place() *storedKeyRecord {
	return &storedKeyRecord{
		Account: r.Account, Region: r.Region, Store: r.CustomKeyStore, Backing: r.XksKey + r.ClusterKey, KeyID: r.ID,
	}
}

// inStore reports whether the key is in a custom key store. Such a key has no
// rotation, no imported material, no data key pairs and no related keys.
func (r *keyRecord) inStore() bool { return r.CustomKeyStore != "" }

// enterStore gives a new key its place in its custom key store, and returns the
// store; nil where the key is to be in none.
func (s *Service) enterStore(c *operation.Call, tx store.Txn, k *keyRecord) (*keyStore, error) {
	if !k.inStore() {
		return nil, nil
	}
	in, err := s.ownKeyStore(c, k.CustomKeyStore)
	if err != nil {
		return nil, err
	}
	if in.Type != k.Origin {
		return nil, fault.New(fault.UnsupportedOperation, "The custom key store %s is of the type %s, which has no keys of the origin %s.", in.ID, in.Type, k.Origin)
	}
	if err := in.is(connected); err != nil {
		return nil, err
	}
	if in.Cluster != nil {
		err = s.generateInCluster(c, in, k)
	} else {
		err = s.checkExternalKey(c, tx, in, k)
	}
	if err != nil {
		return nil, err
	}
	in.unchanged(tx)
	if err := storedKeyTable.Insert(c.Context, tx, k.place()); err != nil {
		return nil, fmt.Errorf("giving key %s its place in custom key store %s: %w", k.ID, in.ID, err)
	}
	return in, nil
}

// checkExternalKey makes sure that an external key is nobody else's in the store,
// and that it can do what a key must.
func (s *Service) checkExternalKey(c *operation.Call, tx store.Txn, in *keyStore, k *keyRecord) error {
	switch _, _, err := storedKeyTable.Get(c.Context, tx, storedKeyTable.Key(k.place())); {
	case err == nil:
		return fault.New(XksKeyAlreadyInUse, "The external key %s is already in use in the custom key store %s.", k.XksKey, in.ID)
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	proxy, err := s.proxy(&in.keyStoreRecord)
	if err != nil {
		return err
	}
	about := aboutCall(c, "")
	f, err := outside(c, in.rev, func(ctx context.Context) *xksproxy.Failure {
		return proxy.Describe(ctx, about, k.XksKey)
	})
	if err != nil {
		return err
	}
	if f != nil {
		return f.OfKey()
	}
	return nil
}

// generateInCluster makes the key in the cluster of its store, under a label of its
// own. A call that fails afterwards leaves a key there that nobody knows of, which
// harms nothing: without its half here it opens no ciphertext.
func (s *Service) generateInCluster(c *operation.Call, in *keyStore, k *keyRecord) error {
	token, err := s.token(in)
	if err != nil {
		return err
	}
	type made struct {
		label string
		err   error
	}
	m, err := outside(c, in.rev, func(ctx context.Context) made {
		label := ident.UUID()
		return made{label, token.Generate(ctx, label)}
	})
	if err != nil {
		return err
	}
	if m.err != nil {
		return clusterFailed(CustomKeyStoreInvalidState, in, m.err)
	}
	k.ClusterKey = m.label
	return nil
}

// showStore has the record of a call name the custom key store of the key.
func (k *Key) showStore(c *operation.Call) {
	if k.keyStore == nil || shows(c, "customKeyStoreId") { // the second key of a ReEncrypt
		return
	}
	c.ShowAdditional("customKeyStoreId", k.CustomKeyStore)
	if k.XksKey != "" {
		c.ShowAdditional("xksKeyId", k.XksKey)
	}
}

func shows(c *operation.Call, name string) bool {
	return slices.ContainsFunc(c.Record.Additional, func(m operation.Member) bool { return m.Name == name })
}

// aboutCall tells a proxy for whom it works.
func aboutCall(c *operation.Call, keyARN string) xksproxy.About {
	about := xksproxy.About{RequestID: c.RequestID, Operation: c.Operation, Principal: c.Caller.Principal.ARN, KeyARN: keyARN}
	if c.Caller.Via != nil {
		about.ViaService, _, _ = strings.Cut(c.Caller.Via.Name, ".")
	}
	return about
}
