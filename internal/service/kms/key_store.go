package kms

import (
	"context"
	"errors"
	"fmt"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/kms/xksproxy"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
)

// Values of CustomKeyStoreType.
const (
	storeCloudHSM = originCloudHSM
	storeXKS      = originXKS
)

// A connection is the ConnectionState of a custom key store. DISCONNECTING,
// which the public model knows too, takes no time here.
type connection string

const (
	connected    connection = "CONNECTED"
	connecting   connection = "CONNECTING"
	failed       connection = "FAILED"
	disconnected connection = "DISCONNECTED"
)

// Codes of the operations on custom key stores. Those of their proxies are package
// xksproxy's.
const (
	CloudHSMClusterInUse       fault.Code = "CloudHsmClusterInUseException"
	CloudHSMClusterNotFound    fault.Code = "CloudHsmClusterNotFoundException"
	CloudHSMClusterNotRelated  fault.Code = "CloudHsmClusterNotRelatedException"
	CustomKeyStoreHasKeys      fault.Code = "CustomKeyStoreHasCMKsException"
	CustomKeyStoreInvalidState fault.Code = "CustomKeyStoreInvalidStateException"
	CustomKeyStoreNameInUse    fault.Code = "CustomKeyStoreNameInUseException"
	IncorrectTrustAnchor       fault.Code = "IncorrectTrustAnchorException"
	XksKeyAlreadyInUse         fault.Code = "XksKeyAlreadyInUseException"
	XksProxyEndpointInUse      fault.Code = "XksProxyUriEndpointInUseException"
	XksProxyURIInUse           fault.Code = "XksProxyUriInUseException"
	XksProxyVPCServiceInUse    fault.Code = "XksProxyVpcEndpointServiceInUseException"
	XksProxyVPCServiceNotFound fault.Code = "XksProxyVpcEndpointServiceNotFoundException"
)

// keyStoreRecord is a custom key store as stored.
type keyStoreRecord struct {
	Account    string     `json:"account"`
	Region     string     `json:"region"`
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Type       string     `json:"type"`
	Created    time.Time  `json:"created"`
	Connection connection `json:"connection"`
	ErrorCode  string     `json:"errorCode,omitempty"` // of a store that has FAILED
	Began      time.Time  `json:"began,omitzero"`      // when a store that is CONNECTING began to, which a timer says too

	Proxy   *proxyRecord   `json:"proxy,omitempty"`   // of an external key store
	Cluster *clusterRecord `json:"cluster,omitempty"` // of a CloudHSM key store
}

// A proxyRecord says how a proxy is reached. The secret is sealed by itself: the
// record as it is in memory does not hold it.
type proxyRecord struct {
	Connectivity string `json:"connectivity"`
	Endpoint     string `json:"endpoint"`
	Path         string `json:"path"`
	Service      string `json:"service,omitempty"` // VPC endpoint service
	ServiceOwner string `json:"serviceOwner,omitempty"`
	AccessKeyID  string `json:"accessKeyId"`
	Secret       string `json:"secret"`
}

// A clusterRecord says which cluster a store is made on. The password is sealed
// by itself.
type clusterRecord struct {
	ID          string `json:"id"`
	TrustAnchor string `json:"trustAnchor"`
	Password    string `json:"password"`
}

var keyStoreTable = &store.Table[keyStoreRecord]{
	Schema: driver.Schema{
		Name:       "kms_custom_key_store",
		PrimaryKey: []driver.Column{{Name: "account"}, {Name: "region"}, {Name: "store_id"}},
	},
	Version: 1,
	Key:     func(r *keyStoreRecord) store.Key { return keyStoreKey(r.Account, r.Region, r.ID) },
	Account: func(r *keyStoreRecord) string { return r.Account },
}

func keyStoreKey(account, region, id string) store.Key {
	return store.Key{store.S(account), store.S(region), store.S(id)}
}

// A keyStore is a custom key store as read at one moment. It is immutable and
// safe for concurrent use.
type keyStore struct {
	keyStoreRecord
	rev     store.Rev
	stamp   store.Stamp
	service *Service
}

// keyStoreEntity is what commits touch when they change a store.
func keyStoreEntity(account, region, id string) string {
	return "key-store:" + account + "/" + region + "/" + id
}

// readKeyStore reads a store. Without such a store the error is store.ErrNotFound.
func (s *Service) readKeyStore(ctx context.Context, r store.Reader, account, region, id string) (*keyStore, error) {
	rec, rev, err := keyStoreTable.Get(ctx, r, keyStoreKey(account, region, id))
	if err != nil {
		return nil, fmt.Errorf("reading custom key store %s: %w", id, err)
	}
	return &keyStore{keyStoreRecord: *rec, rev: rev, stamp: s.stamp(r, keyStoreEntity(account, region, id)), service: s}, nil
}

// ownKeyStore reads a store of the caller's account.
func (s *Service) ownKeyStore(c *operation.Call, id string) (*keyStore, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	k, err := s.readKeyStore(c.Context, r, c.Account(), c.Region, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, noStore(id)
	}
	if err != nil {
		return nil, err
	}
	c.RestOn(k.stamp)
	return k, nil
}

// storesRead is more than any account has.
const storesRead = 1 << 20

// keyStores reads all stores of the caller's account, which are few.
func (s *Service) keyStores(c *operation.Call) ([]*keyStore, error) {
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	return s.storesOf(c.Context, r, c.Account(), c.Region)
}

func (s *Service) storesOf(ctx context.Context, r store.Reader, account, region string) ([]*keyStore, error) {
	var list []*keyStore
	prefix := store.Key{store.S(account), store.S(region)}
	err := keyStoreTable.Scan(ctx, r, "", prefix, nil, storesRead, func(rec *keyStoreRecord, rev store.Rev) error {
		list = append(list, &keyStore{keyStoreRecord: *rec, rev: rev, stamp: s.stamp(r, keyStoreEntity(rec.Account, rec.Region, rec.ID)), service: s})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the custom key stores of account %s: %w", account, err)
	}
	return list, nil
}

// put replaces the store's record by rec, which began as a copy of it, and ends
// all snapshots of the store, and of the keys in it.
func (k *keyStore) put(ctx context.Context, tx store.Txn, rec *keyStoreRecord) error {
	if err := keyStoreTable.Put(ctx, tx, rec, k.rev); err != nil {
		return fmt.Errorf("writing custom key store %s: %w", k.ID, err)
	}
	tx.Touch(keyStoreEntity(k.Account, k.Region, k.ID))
	return nil
}

// unchanged rests the transaction on the store as it was read.
func (k *keyStore) unchanged(tx store.Txn) {
	keyStoreTable.Require(tx, keyStoreKey(k.Account, k.Region, k.ID), k.rev)
}

// show has the record of a call that manages the store say which one it is.
func (k *keyStore) show(c *operation.Call) {
	c.ShowAdditional("customKeyStoreName", k.Name)
	if k.Cluster != nil {
		c.ShowAdditional("clusterId", k.Cluster.ID)
	}
}

// is refuses an operation that the store's connection does not permit.
func (k *keyStore) is(permitted ...connection) error {
	for _, state := range permitted {
		if k.Connection == state {
			return nil
		}
	}
	return fault.New(CustomKeyStoreInvalidState, "The custom key store %s is in the connection state %s, which does not permit this operation.", k.ID, k.Connection)
}

// noStore refuses a custom key store that does not exist in the caller's account.
func noStore(id string) error {
	return fault.New(CustomKeyStoreNotFound, "Custom key store %s is not found.", id)
}

// bound is what a secret of the store is bound to.
func (r *keyStoreRecord) bound(what string) []byte {
	return []byte(r.Account + "\n" + r.Region + "\n" + r.ID + "\n" + what)
}

// What the secrets of stores are kept as.
const (
	proxySecret     = "proxy secret"
	clusterPassword = "cluster password"
)

// keep seals a secret of a store.
func (s *Service) keep(r *keyStoreRecord, what string, b confidential.Bytes) string {
	return s.storeSecrets.Keep(r.bound(what), b)
}

// proxy returns the store's proxy.
func (s *Service) proxy(r *keyStoreRecord) (*xksproxy.Proxy, error) {
	secret, err := s.storeSecrets.Kept(r.bound(proxySecret), r.Proxy.Secret)
	if err != nil {
		return nil, fmt.Errorf("opening the secret of custom key store %s: %w", r.ID, err)
	}
	return &xksproxy.Proxy{
		Store:       r.ID,
		Endpoint:    r.Proxy.Endpoint,
		Service:     r.Proxy.Service,
		Path:        r.Proxy.Path,
		Region:      r.Region,
		AccessKeyID: r.Proxy.AccessKeyID,
		Secret:      secret,
		Send:        s.proxies,
	}, nil
}

// An answer is what somebody outside has said to a call. It counts for the store
// as it was when it was asked.
type answer[T any] struct {
	rev  store.Rev
	said T
}

// outside asks somebody outside of the server something about a store, as a part
// of a Change. No transaction waits for it. A new store has the revision 0.
func outside[T any](c *operation.Call, rev store.Rev, ask func(context.Context) T) (T, error) {
	a, err := operation.Apart(c, func(ctx context.Context) (answer[T], error) {
		return answer[T]{rev, ask(ctx)}, nil
	})
	if err == nil && a.rev != rev {
		// Rare, as it takes two changes of one store at the same time. The caller
		// is answered with a failure that clients try again after.
		err = errors.New("the custom key store changed while it was being tried")
	}
	return a.said, err
}

// probe asks the proxy of a store whether it is there, as a part of a call that
// would make rec the store's record, of which rev is the revision so far. A proxy
// behind a VPC endpoint service is asked when the store is connected; here only
// the service must exist.
func (s *Service) probe(c *operation.Call, rec *keyStoreRecord, rev store.Rev) error {
	if rec.Proxy.Connectivity == connectivityVPC {
		if !s.reaches(rec.Proxy.Service) {
			return fault.New(XksProxyVPCServiceNotFound, "The VPC endpoint service %s is not found.", rec.Proxy.Service)
		}
		return nil
	}
	proxy, err := s.proxy(rec)
	if err != nil {
		return err
	}
	if rev == 0 {
		// Whatever becomes of the new store: who tries many of them shares the
		// connections of all, and the luck.
		proxy.Store = "new in " + rec.Account + "/" + rec.Region
	}
	about := xksproxy.About{RequestID: c.RequestID, Operation: c.Operation}
	f, err := outside(c, rev, func(ctx context.Context) *xksproxy.Failure { return proxy.Health(ctx, about) })
	if err != nil {
		return err
	}
	if f != nil {
		return f.OfStore()
	}
	return nil
}

// asksOnStores makes the Asks of an operation on custom key stores, which no
// policy but those of identities can allow.
// https://docs.aws.amazon.com/kms/latest/developerguide/authorize-key-store.html
func asksOnStores[In any](action string) func(*operation.Call, *In, *conditions, []authz.Ask) []authz.Ask {
	return func(c *operation.Call, _ *In, _ *conditions, asks []authz.Ask) []authz.Ask {
		return append(asks, askOnAccount(c, action, "*", onAccount(c)))
	}
}
